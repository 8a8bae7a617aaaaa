/** A hospital's traffic as it might be: the same message for the same number, every time. */

export const CHANNELS = [
  { name: 'lab-results', share: 6000 }, { name: 'adt', share: 3999 }, { name: 'referrals', share: 1 },
] as const

export interface Traffic {
  readonly channel: number // from 1, as the store numbers them
  readonly type: string
  readonly controlId: string
  readonly content: Buffer
  readonly mrn: string
  readonly name: string
  readonly fate: 'sent' | 'filtered' | 'failed' | 'refused'
}

const SYLLABLES = ['MA', 'RO', 'KE', 'LI', 'TON', 'BER', 'SCH', 'VAN', 'DE', 'WIN', 'HAR', 'GUL', 'PET', 'OS', 'EN', 'SKY', 'MER', 'FOR', 'DAL', 'ING']
const PROCEDURES = ['biopsy', 'colonoscopy', 'echocardiogram', 'laparoscopy', 'angiography', 'arthroscopy', 'endoscopy', 'mammogram']

/** The nth of `messages` messages; about one patient for five. */
export const hospital = (messages: number) => (n: number): Traffic => {
  let state = Math.imul(n + 1, 2_654_435_761) >>> 0
  const random = (below: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) % below
  }
  const share = random(10_000)
  const channel = share < 6000 ? 1 : share < 9999 ? 2 : 3
  const type = channel === 1 ? 'ORU^R01' : channel === 3 ? 'REF^I12' : random(40_000) === 0 ? 'ADT^A40' : 'ADT^A08'
  const patient = random(Math.max(1, messages / 5))
  const mrn = String(10_000_000 + patient)
  const pick = (seed: number): string => (SYLLABLES[seed % 20] ?? '') + (SYLLABLES[Math.floor(seed / 20) % 20] ?? '') + (SYLLABLES[Math.floor(seed / 400) % 20] ?? '')
  const family = pick(patient)
  const given = pick(patient * 7 + 3)
  const two = (value: number): string => String(value).padStart(2, '0')
  const date = (): string => `20${two(10 + random(16))}${two(1 + random(12))}${two(1 + random(28))}`
  const controlId = `MSG${String(n).padStart(9, '0')}`
  const procedure = random(200) === 0 ? 'cholecystectomy' : PROCEDURES[random(8)]
  const fate = random(200)
  const content = Buffer.from([
    `MSH|^~\\&|LAB|WEST|EHR|CLINIC|${date()}1200||${type}|${controlId}|P|2.5.1`,
    `PID|1||${mrn}^^^HOSP^MR||${family}^${given}^Q||${date()}|${'MF'[random(2)]}|||${1 + random(9999)} ${pick(random(8000))} ST^^${pick(random(400))}VILLE^OH^${10_000 + random(89_999)}||(555)555-${1000 + random(8999)}`,
    `PV1|1|O|CLIN^${random(300)}^1||||${1_000_000_000 + random(5000)}^${pick(random(5000))}^${pick(random(400))}|||CAR`,
    `OBR|1|ORD${String(n).padStart(9, '0')}|F${n}|24323-8^Comprehensive metabolic panel^LN|||${date()}1200||||||history of ${procedure}`,
    `OBX|1|NM|2345-7^Glucose^LN||${60 + random(140)}|mg/dL|70-99|${'NHL'[random(3)]}|||F`,
    `OBX|2|NM|2160-0^Creatinine^LN||${(random(300) / 100).toFixed(2)}|mg/dL|0.6-1.2|N|||F`,
    `OBX|3|NM|3094-0^Urea nitrogen^LN||${random(60)}|mg/dL|7-20|N|||F`,
    '',
  ].join('\r'))
  return { channel, type, controlId, content, mrn, name: `${family}^${given}`, fate: fate === 0 ? 'filtered' : fate === 1 && random(20) === 0 ? 'failed' : fate === 2 && random(10) === 0 ? 'refused' : 'sent' }
}
