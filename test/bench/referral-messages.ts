/** Made people, their charts (ADT^A28) and referrals of them (REF^I12): as many as one wants, the same every time. */
const FAMILIES = ['Abara', 'Bergstrom', 'Calloway', 'Delacroix', 'Eriksen', 'Fontaine', 'Garrity', 'Holloway', 'Ibarra', 'Jansen', 'Kowalczyk', 'Lindqvist', 'Marchetti', 'Novak', 'Okonkwo', 'Pemberton', 'Quigley', 'Rasmussen', 'Sandoval', 'Thornbury']
const GIVEN = ['Ada', 'Bram', 'Cora', 'Dario', 'Edith', 'Felix', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Kira', 'Lorenz', 'Mara', 'Nils', 'Olga', 'Pavel', 'Rosa', 'Sven', 'Tess', 'Viktor']
const REASONS = [['I48.91', 'Unspecified atrial fibrillation'], ['I10', 'Essential hypertension'], ['R00.2', 'Palpitations'], ['M17.11', 'Osteoarthritis of right knee'], ['I25.10', 'Atherosclerotic heart disease']] as const

/** A family name that few share, so that a chart is certain. */
const person = (number: number): { readonly family: string; readonly given: string; readonly born: string; readonly sex: string; readonly mrn: string; readonly street: string } => {
  const at = <Item>(list: readonly Item[], by: number): Item => list[by % list.length] as Item
  const letters = [0, 1, 2].map((place) => String.fromCharCode(97 + (Math.floor((number * 7919) / 26 ** place) % 26))).join('')
  return {
    family: `${at(FAMILIES, number)}${letters}`, given: at(GIVEN, Math.floor(number / FAMILIES.length)), born: `${1930 + (number % 80)}${String(1 + (number % 12)).padStart(2, '0')}${String(1 + (number % 28)).padStart(2, '0')}`,
    sex: number % 2 ? 'F' : 'M', mrn: `E${100_000 + number}`, street: `${1 + (number % 900)} ${at(['OAK', 'LAKE', 'HILL', 'MILL'], number)} ST`,
  }
}

const pid = (number: number, identifier: string): string => {
  const { family, given, born, sex, street } = person(number)
  return `PID|1||${identifier}||${family}^${given}||${born}|${sex}|||${street}^^MADISON^WI^${53700 + (number % 90)}^USA^H||^PRN^PH^^^608^555${String(number % 10_000).padStart(4, '0')}`
}

export const chartMessage = (number: number): string =>
  [`MSH|^~\\&|EHR|HC|REFERO|HC|20260301080000-0600||ADT^A28^ADT_A05|A${number}|P|2.5.1`, 'EVN|A28|20260301080000-0600', pid(number, `${person(number).mrn}^^^HC^MR`), 'PV1|1|N', ''].join('\r')

/** `serial` makes the referral; `number` says of whom it is. */
export const referralMessage = (serial: string, number: number): string => {
  const [code, text] = REASONS[number % REASONS.length] ?? REASONS[0]
  return [
    `MSH|^~\\&|CLINICOS|LAKESIDE^1.3.6.1.4.1.99999.1.1^ISO|REFERO|HEART|20260302091500-0600||REF^I12^REF_I12|${serial}|P|2.5.1`,
    `RF1|P|R|Med||O|${serial}^CLINICOS^1.3.6.1.4.1.99999.1.7^ISO|20260302|20260601|20260302091200-0600|^${text}, please evaluate`,
    `PRD|RP^Referring Provider^HL70286|OKAFOR^NKECHI^^^DR^MD|120 LAKE ST^^MADISON^WI^53703|^^^LAKESIDE FAMILY MEDICINE|^WPN^PH^^^608^5550142~^WPN^FX^^^608^5550143~^NET^Internet^nokafor@lakesidefm.example||1548291735^NPI`,
    pid(number, `L${number}^^^LFM&1.3.6.1.4.1.99999.1.5&ISO^MR`), `IN1|1|GOLD|60054|Great Lakes Health Plan||||GRP8812||||||||||||||||||||||||||||M${number}`,
    `DG1|1||${code}^${text}^I10||20260227|W`, `PR1|1||99244^Office consultation^C4`, `NTE|1||Seen for ${text.toLowerCase()}; labs and ECG were sent along.`, '',
  ].join('\r')
}
