/** The words by which people look for a referral. */
import type { PersonName, ProviderFacts, ReferralFacts } from '../contracts.js'

const LONGEST = 8000 // characters
const SECRET = new Set(['SS', 'SB']) // social security numbers are not looked for

/** Names, dates, numbers, codes and words of a referral in one text, each once; accents also without them, numbers also without what divides them. */
export const searchText = (facts: ReferralFacts, reference: string): string => {
  const { patient, referrer, wanted } = facts
  const codes = [...facts.diagnoses, ...facts.services].flatMap(({ code, text }) => [code, text])
  const words = [
    reference, ...patient.names.flatMap(nameWords), patient.birthDate,
    ...patient.identifiers.filter(({ type, system }) => !SECRET.has(type ?? '') && system !== 'http://hl7.org/fhir/sid/us-ssn').map(({ value }) => value),
    ...patient.phones, ...patient.emails, ...patient.memberIds, facts.placer?.value,
    ...provider(referrer), ...provider(wanted), ...codes, ...facts.reasons,
    ...facts.coverage.flatMap(({ payer, plan, memberId, authorization }) => [payer, plan, memberId, authorization]),
    ...facts.documents.map(({ title }) => title),
  ].flatMap((word) => (word?.trim() ? spellings(word.trim()) : []))
  return [...new Set(words)].join(' ').slice(0, LONGEST)
}

const provider = (facts: ProviderFacts | null): readonly (string | null)[] => (facts ? [...(facts.name ? nameWords(facts.name) : []), facts.practice, facts.npi, ...facts.phones, ...facts.faxes, ...facts.directAddresses] : [])
const nameWords = ({ family, given }: PersonName): readonly string[] => [family, ...given]

/** As it is written; without accents; and a number such as (608) 555-0117 or R-7K3M-9QX4 without what divides it. */
const spellings = (word: string): readonly string[] => {
  const plain = word.normalize('NFKD').replace(/\p{M}/gu, '')
  const closed = /\d/.test(word) && word.length <= 40 ? plain.replace(/[^\p{L}\p{N}]/gu, '') : ''
  return [word, ...(plain === word ? [] : [plain]), ...(closed && closed !== plain ? [closed] : [])]
}
