/** By what a referral can be found again: the numbers it is known by, and the pair key for a second message that has none of them. */
import type { Bundle, Identifier } from 'fhir/r4.js'
import type { ReferralFacts } from '../contracts.js'
import type { Key, KeyKind } from '../desk-contracts.js'
import { REFERENCE_SYSTEM } from './own-reference.js'
import { identifiersOf } from './references.js'
import { digestOf } from './stable-id.js'
import { type Placed, viewOf } from './view.js'

/** Words of a reason that count for its key; a reason is compared by its first ones. */
const REASON_WORDS = 6

/**
 * The keys of a canonical Bundle:
 * - `reference`: our own number, where the message carries it;
 * - `placer`: the referrer's numbers (PLAC) of every order in it, as `system|value`, or `|value` where the number has no system; and the number of
 *   the group they were ordered in, `group system|value`. A message's control id that stands in for a group number is none;
 * - `filler`: numbers that whoever fulfils it gave (FILL), ours aside;
 * - `request`, `task`: the absolute URLs of the ServiceRequests and the Task on the server they came from;
 * - `visit`: numbers of visits other than the one where the referral was made (two referrals may come of that one);
 * - `pair`: the same patient (family name and birth date), referrer (NPI, else practice) and reason, as a hash. Not unique: whoever uses it also
 *   looks at the time between the two, and at what is asked for. None where one of the three is not known.
 */
export const keysOf = (bundle: Bundle, facts: ReferralFacts): readonly Key[] => {
  const view = viewOf(bundle)
  const orders = view.request ? [view.request, ...view.further] : []
  const key = (kind: KeyKind, value: string): Key => ({ kind, value })
  const ofType = (placed: Placed, type: 'PLAC' | 'FILL'): readonly string[] => identifiersOf(placed.resource).filter((one) => one.system !== REFERENCE_SYSTEM && typeOf(one) === type).flatMap(written)
  const group = view.request?.resource.requisition
  const isGroup = group && (group.system || group.type)
  const made = new Set(orders.map((order) => view.follow(order.resource.encounter, order)))
  const pair = pairOf(facts)
  return unique([
    ...(facts.reference ? [key('reference', facts.reference)] : []),
    ...(facts.placer && facts.placer.value !== group?.value ? [key('placer', `${facts.placer.system ?? ''}|${facts.placer.value}`)] : []),
    ...orders.flatMap((order) => ofType(order, 'PLAC')).map((value) => key('placer', value)),
    ...(isGroup ? written(group).map((value) => key('placer', `group ${value}`)) : []),
    ...orders.flatMap((order) => ofType(order, 'FILL')).map((value) => key('filler', value)),
    ...orders.filter(({ url }) => /^https?:/.test(url)).map(({ url }) => key('request', unversioned(url))),
    ...(view.task && /^https?:/.test(view.task.url) ? [key('task', unversioned(view.task.url))] : []),
    ...view.about('Encounter').filter((visit) => !made.has(visit as Placed)).flatMap((visit) => identifiersOf(visit.resource).filter((one) => ['VN', null].includes(typeOf(one))).flatMap(written)).map((value) => key('visit', value)),
    ...(pair ? [key('pair', pair)] : []),
  ])
}

const pairOf = ({ patient, referrer, diagnoses, reasons, services }: ReferralFacts): string | null => {
  const family = letters(patient.names[0]?.family ?? '')
  const sender = referrer?.npi ?? letters(referrer?.practice ?? '')
  const [diagnosis] = diagnoses
  const category = diagnosis?.code && /^[A-TV-Z]\d[0-9A-Z]/i.test(diagnosis.code) ? diagnosis.code.slice(0, 3).toUpperCase() : (diagnosis?.code ?? null)
  const reason = category ?? firstWords(reasons[0] ?? diagnosis?.text ?? services[0]?.text ?? '')
  return family && patient.birthDate && sender && reason ? digestOf('pair', family, patient.birthDate, sender, reason).slice(0, 32) : null
}

const firstWords = (text: string): string => plain(text).split(/[^A-Z0-9]+/).filter((word) => word.length > 2).slice(0, REASON_WORDS).sort().join(' ')
const letters = (text: string): string => plain(text).replace(/[^A-Z0-9\p{L}]/gu, '')
const plain = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toUpperCase()

const typeOf = ({ type }: Identifier): string | null => type?.coding?.find(({ code }) => code)?.code ?? null
const written = ({ system, value }: Identifier): readonly string[] => (value?.trim() ? [`${system ?? ''}|${value.trim()}`] : [])
const unversioned = (url: string): string => url.replace(/\/_history\/.*$/, '')
const unique = (keys: readonly Key[]): readonly Key[] => [...new Map(keys.map((one) => [`${one.kind} ${one.value}`, one])).values()]
