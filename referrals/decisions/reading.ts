/** What a person has read in documents that no machine reads: its values, that it is no referral, or that there is nothing new in it. */
import type { Bundle, ServiceRequest, Task } from 'fhir/r4.js'
import { assess, eventsOf } from '../assess.js'
import { addedWords } from '../canonical/added-words.js'
import { addTo } from '../canonical/addition.js'
import { replaced } from '../canonical/changes.js'
import { type Entered, enteredBundle, type Reader } from '../canonical/entered.js'
import { factsOf } from '../canonical/facts.js'
import { keysOf } from '../canonical/keys.js'
import { searchText } from '../canonical/search-text.js'
import { asRead, unreadCount } from '../canonical/unread.js'
import { viewOf } from '../canonical/view.js'
import type { Changed, DeskParts } from '../change.js'
import type { Provider, ProviderFacts, ReferralFacts } from '../contracts.js'
import type { NewEvent, ReferralState } from '../desk-contracts.js'
import { expectedKeys } from '../expected.js'
import { ownKeys } from '../opening.js'
import { calledOf } from '../providers/names.js'
import { providerScope } from '../scope.js'
import { type Decision, decide, type Hand, notNow, unfit } from './decide.js'
import { withoutRuledOut } from './ruled-out.js'

export type Pages = Pick<Reader, 'page' | 'pages'>

/** The values become part of the referral, its documents are read, and it goes on by itself. What is known already is not overwritten. */
export const enter = (parts: DeskParts, decision: Decision, values: Entered, pages: Pages): Promise<Changed> => decide(parts, decision, async (before, hand) => {
  const held = await unreadOf(parts, before)
  const { bundle, added, contradictions } = addTo(asRead(values.referrer ? withoutRequester(held) : held), enteredBundle(reachable(values, factsOf(held).referrer), before.id, { by: decision.by, at: hand.at, ...pages }))
  const rules = parts.rules()
  const facts = factsOf(bundle)
  const addressed = values.referrer && before.direction === 'inbound' ? await addressedTo(parts, before, hand, decision, facts) : []
  const provider = addressed[0]?.facts?.provider?.id ?? before.provider
  const assessment = await assess(bundle, rules, parts.patients, before.route?.ehr ?? null, await referrerOf(parts, { ...before, provider }))
  const keys = [...ownKeys(keysOf(bundle, facts), provider && providerScope(provider)), ...expectedKeys(facts.patient)]
  const words = ['Read by a person.', addedWords(added) ?? 'Nothing of it is new.', ...contradictions, ...(await sameAs(parts, before, keys))].join(' ')
  const missing = before.direction === 'inbound' ? { missing: assessment.triage.missing } : {}
  return {
    bundle, keys, found: { text: searchText(facts, before.reference), payer: facts.coverage[0]?.payer ?? null },
    news: [hand.event('read', { words, ...missing }), ...addressed, ...(before.direction === 'inbound' ? eventsOf({ ...assessment, match: withoutRuledOut(assessment.match, before.patient.not) }, before, hand.at, rules) : [])],
  }
})

/** It ends; where there are words its sender is told them. */
export const notReferral = (parts: DeskParts, decision: Decision, why: string, words: string | null): Promise<Changed> => decide(parts, decision, async (before, { event }) => {
  const held = await unreadOf(parts, before)
  if (before.stage !== 'received') throw notNow(`It is ${before.stage.replaceAll('-', ' ')} already: decline, cancel or close it, or say \`nothingNew\`.`)
  const read = event('read', { words: `It is no referral: ${why}` })
  return { bundle: asRead(held), news: [read, words === null ? event('closed', { reason: why, quiet: true }) : event('declined', { reason: words })] }
})

/** They have been looked at, and the referral stays as it is. */
export const nothingNew = (parts: DeskParts, decision: Decision): Promise<Changed> => decide(parts, decision, async (before, hand) => {
  const bundle = asRead(await unreadOf(parts, before))
  const read = hand.event('read', { words: 'Its documents have been read, and bring nothing new.' })
  if (before.stage !== 'received' || before.direction === 'outbound') return { bundle, news: [read] }
  const rules = parts.rules()
  const assessment = await assess(bundle, rules, parts.patients, null, await referrerOf(parts, before))
  return { bundle, news: [{ ...read, facts: { ...read.facts, missing: assessment.triage.missing } }, ...eventsOf({ ...assessment, match: withoutRuledOut(assessment.match, before.patient.not) }, before, hand.at, rules)] }
})

const referrerOf = async ({ providers }: DeskParts, { direction, provider }: Pick<ReferralState, 'direction' | 'provider'>): Promise<Provider | null> => (direction === 'inbound' && provider !== null ? providers.get(provider) : null)

async function unreadOf({ store }: DeskParts, before: ReferralState): Promise<Bundle> {
  const text = await store.bundle(before.id)
  const held = JSON.parse(text ?? '{}') as Bundle
  if (!before.holds.reading && unreadCount(factsOf(held)) === 0) throw notNow('None of its documents is unread.')
  return held
}

/** Who only carried it is not who refers. */
const withoutRequester = (bundle: Bundle): Bundle => {
  const { request, task } = viewOf(bundle)
  return replaced(bundle, [request, task], (resource) => {
    const { requester: _requester, ...rest } = resource as ServiceRequest | Task
    return rest as ServiceRequest | Task
  })
}

/** Whoever the documents name is answered as they say, or else as whoever sent them. */
const reachable = (values: Entered, sender: ProviderFacts | null): Entered => {
  const { referrer } = values
  if (!referrer || !sender || referrer.fax || referrer.email || referrer.direct) return values
  const [fax, email, direct] = [sender.faxes[0], sender.emails[0], sender.directAddresses[0]]
  return { ...values, referrer: { ...referrer, ...(fax && { fax }), ...(email && { email }), ...(direct && { direct }) } }
}

async function addressedTo(parts: DeskParts, before: ReferralState, { at, event }: Hand, { by, reason }: Decision, { referrer }: ReferralFacts): Promise<readonly NewEvent[]> {
  if (!referrer) return []
  const known = before.provider === null ? null : await parts.providers.get(before.provider)
  if (referrer.npi === null && referrer.name === null && referrer.practice === null) throw unfit('Name the referrer: `family`, `npi` or `practice`.')
  const { provider } = await parts.providers.recognise(referrer, { at: new Date(at), via: `${by}: ${reason}`, by: { name: by, why: reason } })
  return provider.id === known?.id ? [] : [event('addressed', { provider: { id: provider.id, name: calledOf(provider) } })]
}

/** Another that is open may be the same, sent by another door: for a person, who closes one of them. */
async function sameAs({ store }: DeskParts, { id }: ReferralState, keys: Parameters<DeskParts['store']['find']>[0]): Promise<readonly string[]> {
  const found = (await store.find(keys.filter(({ kind }) => kind === 'pair' || kind === 'placer'))).filter(({ referral }) => referral !== id)
  const others = await Promise.all([...new Set(found.map(({ referral }) => referral))].map((one) => store.state(one)))
  return others.flatMap((one) => (one ? [`Referral ${one.reference} is about the same patient, referrer and reason: where it is the same, close this one as its duplicate.`] : []))
}
