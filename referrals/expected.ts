/** By whom a referral waits for a chart: the keys under which a chart that comes later finds it. */
import type { PatientFacts } from './contracts.js'
import type { Key } from './desk-contracts.js'

/** Each family name with the birth date, folded; none where either is unknown. Whether it is the same person is for the matching to say. */
export const expectedKeys = ({ names, birthDate }: Pick<PatientFacts, 'names' | 'birthDate'>): readonly Key[] => {
  const families = names.map(({ family }) => family.normalize('NFKD').replace(/[^\p{L}]/gu, '').toLowerCase()).filter(Boolean)
  return birthDate ? [...new Set(families)].map((family) => ({ kind: 'patient', value: `expected|${family}|${birthDate}` })) : []
}
