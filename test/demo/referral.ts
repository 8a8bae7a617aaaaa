/** Referrals as the demo's practice sends them: REF^I12 of a family practice that is answered by e-mail. */
import { message, segment, timestamp } from './hl7.js'
import type { Person } from './people.js'

export interface Referral {
  readonly number: string // the practice's own
  readonly patient: Pick<Person, 'family' | 'given' | 'sex' | 'birthDate' | 'street' | 'city' | 'zip' | 'phone'>
  readonly diagnosis?: readonly [code: string, words: string]
  readonly service?: string
  readonly words?: string
  readonly urgency?: 'R' | 'U'
  readonly without?: readonly ('phone' | 'insurance' | 'reason' | 'findings')[]
  readonly more?: readonly string[] // further segments
  readonly type?: 'I12' | 'I13' | 'I14'
  readonly controlId?: string
  readonly email?: string
  readonly wanted?: string // PRD of whom it is for
  readonly from?: string // PRD of who refers
}

export const EMAIL = 'ines.bell@meadow.example'
const NUMBERED = '^MEADOW^1.3.6.1.4.1.99999.3.7^ISO'

export function referral({ number, patient, diagnosis = ['I48.91', 'Unspecified atrial fibrillation'], service = '99244^Cardiology consultation^C4', words = 'Palpitations for six weeks, worse on exertion', urgency = 'U', without = [], more = [], type = 'I12', controlId = `MF-${number}-${type}`, email = EMAIL, wanted, from }: Referral): string {
  const has = (part: NonNullable<Referral['without']>[number]): boolean => !without.includes(part)
  const { family, given, sex, birthDate, street, city, zip, phone } = patient
  return message(`REF^${type}^REF_I12`, ['MEADOWCHART', 'MEADOW FAMILY MEDICINE'], controlId, new Date(), [
    segment('RF1', { 1: 'P^Pending^HL70283', 2: urgency === 'U' ? 'U^Urgent^HL70280' : 'R^Routine^HL70280', 3: 'Med^Medical^HL70281', 6: `${number}${NUMBERED}`, 7: timestamp(new Date()).slice(0, 8), 9: timestamp(new Date()), 10: has('reason') ? `^${words}` : '' }),
    from ?? segment('PRD', { 1: 'RP^Referring Provider^HL70286', 2: 'BELL^INES^^^DR^MD', 3: '5 MEADOW LN^^SUN PRAIRIE^WI^53590^USA^B', 4: '^^^MEADOW FAMILY MEDICINE^^^^^MEADOW FAMILY MEDICINE', 5: `^WPN^PH^^^608^5550142~^NET^Internet^${email}`, 7: '1245319599^NPI' }),
    ...(wanted ? [wanted] : [segment('PRD', { 1: 'RT^Referred to Provider^HL70286', 2: 'RAO^ANITA^^^DR^MD', 4: '^^^HEART CENTER^^^^^HEART CENTER', 7: '1234567893^NPI' })]),
    segment('PID', { 1: '1', 3: `MF${number.slice(-4)}^^^MEADOW&1.3.6.1.4.1.99999.3.5&ISO^MR`, 5: `${family}^${given}^^^^^L`, 7: birthDate, 8: sex, 11: `${street}^^${city}^WI^${zip}^USA^H`, 13: has('phone') ? `^PRN^PH^^^608^${phone}` : '' }),
    ...(has('insurance') ? [segment('IN1', { 1: '1', 2: 'PPO^Prairie PPO^L', 3: '70123^^^NAIC^NIIP', 4: 'Prairie Mutual', 36: 'PM4471902' })] : []),
    ...(has('reason') ? [segment('DG1', { 1: '1', 3: `${diagnosis[0]}^${diagnosis[1]}^I10`, 6: 'W' })] : []),
    segment('PR1', { 1: '1', 3: service, 5: timestamp(new Date()).slice(0, 8) }),
    ...(has('findings') ? [
      segment('OBR', { 1: '1', 2: `E-${number}^MEADOW`, 4: '11524-6^EKG study^LN', 7: timestamp(new Date()), 25: 'F' }), segment('OBX', { 1: '1', 2: 'ST', 3: '8601-7^EKG impression^LN', 5: 'Atrial fibrillation, ventricular rate 118', 11: 'F' }),
    ] : []),
    segment('NTE', { 1: '1', 2: 'P', 3: 'History: hypertension, on metoprolol 25 mg twice daily. Not on anticoagulation. No syncope.' }),
    ...more,
  ])
}
