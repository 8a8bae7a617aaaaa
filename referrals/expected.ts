/** By whom a referral waits for a chart: the key under which a chart that comes later finds it. */
import type { PatientFacts } from './contracts.js'
import type { Key } from './desk-contracts.js'

/** Family name and birth date, folded; null where either is unknown. Whether it is the same person is for the matching to say. */
export const expectedKey = ({ names, birthDate }: Pick<PatientFacts, 'names' | 'birthDate'>): Key | null => {
  const family = (names[0]?.family ?? '').normalize('NFKD').replace(/[^\p{L}]/gu, '').toLowerCase()
  return family && birthDate ? { kind: 'patient', value: `expected|${family}|${birthDate}` } : null
}
