/** The load: four kinds of synthetic message of 1.2 to 1.9 kB, each with its own control id and one of a few patients. */

/** Fixed lengths, so that a template is filled in place: `B` connection(3) `S` sequence(8), and `P` connection(3) `N` patient(1). */
const ID = 'B000S00000000'
const PATIENT = 'P000N0'
export const PATIENTS = 8 // per connection: order is kept, and checked, per patient

const HEAD = (type: string): string => `MSH|^~\\&|CLINIC|WESTSIDE^2.16.840.1.113883.19.5^ISO|REFERO|BENCH|20260302091500||${type}|${ID}|P|2.5.1|||AL|NE|USA|UNICODE UTF-8`
const PID = `PID|1||${PATIENT}^^^WESTSIDE^MR||Longbottom^Harriet^Jane^^Ms^^L||19710822|F||2106-3^White^CDCREC|118 Cedar Hollow Road^Unit 4^Marlow^VT^05701^USA^H||^PRN^PH^^1^802^5550119~^NET^Internet^harriet@example.org|^WPN^PH^^1^802^5550120|eng^English^ISO639|M|CAT|ACCT770031^^^WESTSIDE^AN`
const DOCTOR = '1234567893^Whitaker^Joan^L^^Dr^MD^^NPI^L^^^NPI'
const PV1 = `PV1|1|O|CLINIC^R7^^WESTSIDE||||${DOCTOR}|1987654321^Osei^Daniel^K^^Dr^MD^^NPI^L^^^NPI||CAR|||||||${DOCTOR}|OUT|VN3310045^^^WESTSIDE^VN|COM`
const DG1 = ['DG1|1|ICD10|I48.91^Unspecified atrial fibrillation^I10||20260215|W', 'DG1|2|ICD10|I10^Essential (primary) hypertension^I10||20190610|W']
const IN1 = 'IN1|1|PPO100^Granite Mutual PPO^WESTSIDE|90210^^^NAIC|Granite Mutual|PO Box 812^^Concord^NH^03301^USA||^WPN^PH^^1^800^5550111|GRP40021||||20250101|20261231||PPO|Longbottom^Harriet^J|SEL^Self^HL70063|19710822|118 Cedar Hollow Road^Unit 4^Marlow^VT^05701^USA'
const NTE = 'NTE|1|L|Palpitations twice a week for two months, lasting up to an hour; no syncope. Started on apixaban and metoprolol by the family doctor. Please see for rhythm control.'

const KINDS: readonly (readonly string[])[] = [
  [HEAD('ADT^A01^ADT_A01'), 'EVN|A01|20260302091500|||CLERK7^Moreno^Luis', PID, 'NK1|1|Longbottom^Peter^A|SPO^Spouse^HL70063|118 Cedar Hollow Road^Unit 4^Marlow^VT^05701^USA|^PRN^PH^^1^802^5550121', PV1, 'AL1|1|DA^Drug allergy^HL70127|7980^Penicillin G^RXNORM|MO|Rash', ...DG1, IN1],
  [HEAD('ORM^O01^ORM_O01'), PID, PV1, IN1, `ORC|NW|${ID}^CLINIC|||SC||1^^^20260302091500^^R||20260302091500|CLERK7||${DOCTOR}`, `OBR|1|${ID}^CLINIC||93306^Echocardiography^C4||20260302091500|||||||Palpitations; assess left atrium and function|||${DOCTOR}`, NTE, ...DG1],
  [HEAD('SIU^S12^SIU_S12'), `SCH|${ID}^CLINIC|F5501^CLINIC|||REF^Referral visit|ROUTINE^Routine|NEWPT^New patient|40|MIN|^^40^20260316140000^20260316144000|||||${DOCTOR}|||||||||BOOKED`, PID, PV1, ...DG1, 'RGS|1|A|CARDIOLOGY', `AIS|1|A|99204^Office visit, new patient^C4|20260316140000|0|MIN|40|MIN|NO|BOOKED`, `AIP|1|A|${DOCTOR}|ATND||20260316140000|0|MIN|40|MIN|NO|BOOKED`, NTE],
  [HEAD('REF^I12^REF_I12'), `RF1|P^Pending|R^Routine|CON^Consult|WR^Send written report|O^Outpatient|${ID}^CLINIC|20260302|20260602|20260302|I48.91^Unspecified atrial fibrillation^I10`, `PRD|RP^Referring provider|Whitaker^Joan^L^^Dr^MD|40 Mill Lane^^Marlow^VT^05701^USA|WESTSIDE FAMILY MEDICINE|^WPN^PH^^1^802^5550130~^WPN^FX^^1^802^5550131|PH|1234567893^NPI`, 'PRD|RT^Referred to provider|Osei^Daniel^K^^Dr^MD|900 Harbor Street^^Burlington^VT^05401^USA|LAKEVIEW CARDIOLOGY|^WPN^PH^^1^802^5550140|PH|1987654321^NPI', PID, ...DG1, IN1, `OBR|1|${ID}^CLINIC||99244^Office consultation^C4|||20260302091500`, 'OBX|1|NM|8867-4^Heart rate^LN||96|/min|60-100||||F', NTE, PV1],
]

interface Template { readonly bytes: Buffer; readonly ids: readonly number[]; readonly patients: readonly number[] }

const TEMPLATES = KINDS.map((segments): Template => {
  const bytes = Buffer.from(`\x0b${segments.join('\r')}\r\x1c\r`)
  return { bytes, ids: places(bytes, ID), patients: places(bytes, PATIENT) }
})

/** The framed message number `sequence` of a connection; its patient goes round. */
export function makeMessage(connection: number, sequence: number): Buffer {
  const { bytes, ids, patients } = TEMPLATES[sequence % TEMPLATES.length] as Template
  const message = Buffer.from(bytes)
  for (const place of ids) message.write(controlId(connection, sequence), place, 'latin1')
  for (const place of patients) message.write(`P${String(connection).padStart(3, '0')}N${sequence % PATIENTS}`, place, 'latin1')
  return message
}

export const controlId = (connection: number, sequence: number): string => `B${String(connection).padStart(3, '0')}S${String(sequence).padStart(8, '0')}`

/** The text of a field of the first segment, without parsing the message: field 10 is MSH-10. */
export function headerField(message: Buffer, field: number): string {
  let start = 0
  for (let n = 1; n < field; n++) start = message.indexOf(0x7c, start) + 1
  const end = message.indexOf(0x7c, start)
  return message.toString('latin1', start, end < 0 ? message.length : end)
}

function places(bytes: Buffer, text: string): readonly number[] {
  const found: number[] = []
  for (let place = bytes.indexOf(text); place >= 0; place = bytes.indexOf(text, place + 1)) found.push(place)
  return found
}
