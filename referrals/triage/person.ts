/** What triage knows of the patient as a person, age and sex, and whether a row's conditions fit. */
import { type Static, Type } from 'typebox'
import type { ReferralFacts } from '../contracts.js'

const Years = Type.Number({ minimum: 0, maximum: 130 })
/** Conditions on the patient that rows of several tables share. Ages are in years; 0.25 is three months. */
export const CONDITIONS = {
  age: Type.Optional(Type.Object({ from: Type.Optional(Years), below: Type.Optional(Years) }, { additionalProperties: false })),
  sex: Type.Optional(Type.Union([Type.Literal('female'), Type.Literal('male')])),
}
const ConditionsSchema = Type.Object(CONDITIONS)
export type Conditions = Static<typeof ConditionsSchema>

export interface Person {
  readonly age: number | null // in years
  readonly sex: ReferralFacts['patient']['sex']
}

const DAY = 86_400_000
const OLDEST = 120
const UNITS: Readonly<Record<string, number>> = { y: 1, m: 1 / 12, w: 7 / 365.25, d: 1 / 365.25 }
const STATED_AGE = /\b(\d{1,3})[ -]?(?:(y)(?:\/o|o|rs?|ears?)?|(m)(?:o|os|onths?)|(w)(?:k|ks|eeks?)|(d)(?:ays?))\.?(?:[ -]?(?:old|o\b))|\b(\d{1,3})[ -]?(?:yo|y\/o|y\.o\.|[MF])\b/i

/** Age from the birth date at `today` (YYYY-MM-DD), else as the words of the referral state it; null where nothing says it. */
export const personOf = ({ patient, reasons, notes }: ReferralFacts, today: string | null): Person => ({ age: ageAt(patient.birthDate, today) ?? statedAge([...reasons, ...notes]), sex: patient.sex })

/** 'unknown' where the row asks for what is not known of the patient. */
export const fitsPatient = ({ age, sex }: Conditions, person: Person): 'yes' | 'no' | 'unknown' => {
  if (sex && (person.sex === 'female' || person.sex === 'male') && sex !== person.sex) return 'no'
  if (age && person.age === null) return 'unknown'
  if (age && person.age !== null && (person.age < (age.from ?? 0) || person.age >= (age.below ?? Number.POSITIVE_INFINITY))) return 'no'
  return sex && person.sex !== sex ? 'unknown' : 'yes'
}

/** In years; null where a date is missing, is no date, or makes no age. */
export const ageAt = (birthDate: string | null, today: string | null): number | null => {
  if (!birthDate || !today || !/^\d{4}/.test(birthDate)) return null
  const years = (Date.parse(today.slice(0, 10)) - Date.parse(birthDate.slice(0, 10))) / DAY / 365.25
  return years >= 0 && years <= OLDEST ? years : null
}

const LOOKED_AT = 2000

const statedAge = (texts: readonly string[]): number | null => {
  for (const text of texts) {
    const found = STATED_AGE.exec(text.slice(0, LOOKED_AT))
    const years = found ? Number(found[1] ?? found[6]) * (UNITS[(found[2] ?? found[3] ?? found[4] ?? found[5] ?? 'y').toLowerCase()] ?? 1) : Number.NaN
    if (years <= OLDEST) return years
  }
  return null
}
