/** The columns of a routing table: what each asks of a referral, and how its cells are read. */
import type { ProviderFacts, ReferralFacts, Triage, Urgency } from '../contracts.js'
import { ages, type Kind, languages, names, oneOf, words } from './alternatives.js'
import { diagnoses, services, zips } from './codes.js'
import { type Places, within } from './distance.js'

/** What a row can be asked about: the referral, what triage says of it, and the day on which ages are counted (YYYY-MM-DD). */
export interface Question { readonly facts: ReferralFacts; readonly triage: Triage; readonly day: string | null }

export interface Column {
  readonly name: string
  readonly kind: Kind
  /** What the referral says, as written; none where it says nothing. */
  values(question: Question): readonly string[]
}

const URGENCIES: readonly Urgency[] = ['routine', 'urgent', 'asap', 'stat']
const KINDS: readonly Triage['kind']['value'][] = ['referral', 'order', 'records', 'result', 'other']
const SEXES = ['male', 'female', 'other', 'unknown']

const NONE: readonly string[] = []
const said = (...values: readonly (string | null | undefined)[]): readonly string[] => {
  const found: string[] = []
  for (const value of values) if (value) found.push(value)
  return found
}
const one = (value: string | null): readonly string[] => (value ? [value] : NONE)
const codes = (list: ReferralFacts['services']): readonly string[] => {
  if (list.length === 0) return NONE
  const found: string[] = []
  for (const { code, text } of list) {
    if (code) found.push(code)
    if (text) found.push(text)
  }
  return found
}

const payers = ({ coverage }: ReferralFacts): readonly string[] => {
  const found: string[] = []
  for (const { payer, payerId, plan } of coverage) {
    if (payer) found.push(payer)
    if (payerId) found.push(payerId)
    if (plan) found.push(plan)
  }
  return found
}

/** A person as they would be written: "Nkechi Okafor". */
export const personName = (provider: ProviderFacts): string | null => (provider.name ? [...provider.name.given, provider.name.family].join(' ') : null)

const whoever = (provider: ProviderFacts | null): readonly string[] => (provider === null ? NONE : said(provider.npi, provider.practice, personName(provider)))

const homeZip = ({ facts }: Question): readonly string[] => {
  for (const { postalCode } of facts.patient.addresses) if (postalCode) return [postalCode]
  return NONE
}

/** All columns of conditions, in the order in which reasons name them. */
export const columns = (places: Places | null): readonly Column[] => [
  { name: 'specialty', kind: words, values: ({ triage }) => (triage.specialty ? [triage.specialty.value] : NONE) },
  { name: 'sub-specialty', kind: words, values: ({ triage }) => (triage.others.length === 0 ? NONE : triage.others.map(({ value }) => value)) },
  { name: 'diagnosis', kind: diagnoses, values: ({ facts }) => codes(facts.diagnoses) },
  { name: 'primary-diagnosis', kind: diagnoses, values: ({ facts }) => codes(facts.diagnoses.slice(0, 1)) },
  { name: 'service', kind: services, values: ({ facts }) => codes(facts.services) },
  { name: 'payer', kind: names, values: ({ facts }) => (facts.coverage.length === 0 ? NONE : payers(facts)) },
  { name: 'zip', kind: zips, values: homeZip },
  { name: 'within', kind: within(places), values: homeZip },
  { name: 'language', kind: languages, values: ({ facts }) => one(facts.patient.language) },
  { name: 'provider', kind: names, values: ({ facts }) => whoever(facts.referrer) },
  { name: 'wanted', kind: names, values: ({ facts: { wanted } }) => (wanted ? [...whoever(wanted), ...said(wanted.specialty?.text, wanted.specialty?.code)] : NONE) },
  { name: 'urgency', kind: oneOf(URGENCIES, true), values: ({ triage }) => [triage.urgency.value] },
  { name: 'age', kind: ages, values: ({ facts, day }) => one(age(facts.patient.birthDate, day)) },
  { name: 'sex', kind: oneOf(SEXES), values: ({ facts }) => one(facts.patient.sex) },
  { name: 'kind', kind: oneOf(KINDS), values: ({ triage }) => [triage.kind.value] },
]

/** What a row answers with, and what it says about itself. */
export const ANSWERS = ['ehr', 'location', 'practitioner', 'queue', 'tasks'] as const
export const OWN = ['row', 'priority'] as const

/** Whole years on a day, "41"; "41-42" where only the year, or the year and month, of birth is known; null where nothing can be said. */
export const age = (birthDate: string | null, day: string | null): string | null => {
  if (!birthDate || !day || day.length < 10) return null
  const years = Number(day.slice(0, 4)) - Number(birthDate.slice(0, 4))
  const today = day.slice(5, 10)
  const oldest = today < (birthDate.length >= 10 ? birthDate.slice(5, 10) : birthDate.length === 7 ? `${birthDate.slice(5)}-01` : '01-01') ? years - 1 : years
  const youngest = birthDate.length >= 10 ? oldest : today < `${birthDate.slice(5) || '12'}-31` ? years - 1 : years
  if (!(youngest >= 0)) return null
  return youngest === oldest ? String(oldest) : `${youngest}-${oldest}`
}
