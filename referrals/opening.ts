/** A referral comes in: it is a new one, adds to one that is here, or takes one back. */
import { randomUUID } from 'node:crypto'
import type { Bundle } from 'fhir/r4.js'
import type { Direction, Provider, ProviderFacts, ReferralFacts, Way } from './contracts.js'
import type { By, Key, NewEvent, ReferralState } from './desk-contracts.js'
import { addTo } from './canonical/addition.js'
import { canonical } from './canonical/canonical.js'
import { withIdentity } from './canonical/changes.js'
import { keysOf } from './canonical/keys.js'
import { searchText } from './canonical/search-text.js'
import { assess, type Assessment, eventsOf } from './assess.js'
import { change, type Changed, type DeskParts, type Intent } from './change.js'
import { DESK } from './fold.js'
import { expectedKey } from './expected.js'
import { newReference } from './reference.js'
import { DeskRefusal } from './refusal.js'
import type { Rules } from './rules.js'

export interface Opening {
  readonly command: string // what makes the arrival itself unique
  readonly bundle: unknown // a canonical bundle, or what a FHIR sender calls a referral
  readonly direction: Direction
  readonly by: By
  readonly via: string // for people: the channel or door
  readonly at: Date // when it was received
  readonly ehr?: string // outbound: the EHR that it comes from
  readonly answer?: { readonly way: Way; readonly address: string } // a way back that the door itself is
}
export interface Opened extends Changed { readonly what: 'opened' | 'added' | 'cancelled' | 'repeated' }

/** Kinds of keys that name one referral. */
const NAMING: readonly Key['kind'][] = ['reference', 'placer', 'request']

export async function open(parts: DeskParts, opening: Opening): Promise<Opened> {
  const { bundle, problems } = canonical(opening.bundle)
  if (!bundle) throw new DeskRefusal(problems.join(' '))
  const rules = parts.rules()
  const assessment = await assess(bundle, rules, parts.patients, opening.ehr ?? null)
  const { facts } = assessment
  const other = opening.direction === 'inbound' ? facts.referrer : facts.wanted
  const counterpart = other ? (await known(parts, other, opening)).id : null
  const keys = ownKeys(keysOf(bundle, facts), facts.referrer && opening.direction === 'outbound' ? opening.ehr ?? null : counterpart)
  let what: Opened['what'] = 'opened'
  const changed = await change(parts, opening.command, async () => {
    const existing = await referralOf(parts, facts.reference === null ? keys : [{ kind: 'reference', value: facts.reference }, ...keys], opening, rules, assessment.triage.specialty?.value ?? null)
    what = existing === null ? 'opened' : facts.revoked ? 'cancelled' : 'added'
    if (existing !== null && facts.revoked) return cancelling(existing, opening, facts)
    if (existing !== null) return adding(parts, existing, bundle, opening)
    if (facts.revoked) throw new DeskRefusal('It takes back a referral that is not here: none has its number.')
    return beginning(bundle, assessment, keys, counterpart, opening, rules)
  })
  if (!changed) throw new Error('An opening always decides something.')
  return { ...changed, what: changed.repeated ? 'repeated' : what }
}

async function known({ providers, clock }: DeskParts, facts: ProviderFacts, { via, answer }: Opening): Promise<Provider> {
  const { provider } = await providers.recognise(facts, { at: clock.now(), via })
  if (answer && !provider.ways.some(({ way, address }) => way === answer.way && address === answer.address)) await providers.learn(provider.id, answer.way, answer.address, via)
  return provider
}

/** The one referral that a message is about: by a number that names it, or by patient, referrer and reason within the window while it is open. */
export async function referralOf({ store }: DeskParts, keys: readonly Key[], { direction, at }: Pick<Opening, 'direction' | 'at'>, rules: Rules, specialty: string | null): Promise<ReferralState | null> {
  const found = await store.find(keys)
  const named = found.find(({ key }) => NAMING.includes(key.kind))
  if (named) return store.state(named.referral)
  for (const { key, referral } of found) {
    if (key.kind !== 'pair') continue
    const state = await store.state(referral)
    const near = state !== null && Math.abs(at.getTime() - Date.parse(state.receivedAt)) <= rules.pairWindow
    const other = specialty !== null && state?.specialty !== null && state?.specialty !== specialty // one diagnosis may go to two specialists
    if (state && near && !other && state.direction === direction && !['closed', 'declined', 'cancelled'].includes(state.stage)) return state
  }
  return null
}

function beginning(bundle: Bundle, assessment: Assessment, keys: readonly Key[], counterpart: string | null, { direction, by, via, at, ehr }: Opening, rules: Rules): Intent {
  const { facts, triage } = assessment
  const reference = newReference()
  const received = at.toISOString()
  const before: ReferralState = {
    id: timeOrdered(at), reference, direction, stage: 'received', since: received, receivedAt: received, sequence: 0, patient: { status: 'unmatched', chart: null }, provider: counterpart,
    urgency: triage.urgency.value, specialty: triage.specialty?.value ?? null, route: null, missing: [], holds: {}, appointment: null, attempts: 0, times: {}, lastTold: null, overdue: {}, toTell: {},
  }
  const event = (name: NewEvent['name'], of: By, more: NewEvent['facts'] = {}): NewEvent => ({ name, at: received, by: of, facts: more })
  const route = ehr === undefined ? assessment.routing : { ...assessment.routing, route: { ehr, location: null, practitioner: null, queue: null, tasks: [] }, reasons: [`It was created in ${ehr}.`], disagreement: null, row: null }
  const found = direction === 'inbound' ? { ...assessment, routing: route } : { ...assessment, routing: route, triage: { ...triage, missing: [] } }
  return {
    before, opening: true, bundle: withIdentity(bundle, { reference }),
    news: [event('received', by, { via }), event('read', DESK, { words: readWords(facts) }), ...eventsOf(found, null, received, rules)],
    keys: [...keys, ...expected(facts), { kind: 'reference', value: reference }],
    found: { text: searchText(facts, reference), payer: facts.coverage[0]?.payer ?? null },
  }
}

const expected = ({ patient }: ReferralFacts): readonly Key[] => [expectedKey(patient)].filter((key) => key !== null)

/** A number of ours is given by us alone; one without a system is its sender's own; and every order is known by its number alone too, for those who say no more. */
const ownKeys = (keys: readonly Key[], sender: string | null): readonly Key[] => [
  ...keys.filter(({ kind }) => kind !== 'reference').flatMap((key): Key[] => (key.kind !== 'placer' || !key.value.startsWith('|') ? [key] : sender === null ? [] : [{ kind: 'placer', value: `provider ${sender}${key.value}` }])),
  ...keys.filter(({ kind }) => kind === 'placer').map(({ value }): Key => ({ kind: 'number', value: value.slice(value.lastIndexOf('|') + 1) })),
]

const readWords = ({ documents, diagnoses, services }: ReferralFacts): string => {
  const unread = documents.filter((document) => document.unread).length
  return `${services.length} services, ${diagnoses.length} diagnoses, ${documents.length} documents${unread > 0 ? `, ${unread} of them unread` : ''}.`
}

function cancelling(existing: ReferralState, { by, at, via }: Opening, { reasons }: ReferralFacts): Intent {
  return { before: existing, news: [{ name: 'cancelled', at: at.toISOString(), by, facts: { reason: reasons[0] ?? 'The referrer takes it back.', via } }] }
}

/** What came is added to what is here, and the whole is looked at again. */
async function adding(parts: DeskParts, existing: ReferralState, more: Bundle, { by, at, via }: Opening): Promise<Intent> {
  const text = await parts.store.bundle(existing.id)
  const { bundle, added, contradictions } = addTo(JSON.parse(text ?? '{}') as Bundle, more)
  const rules = parts.rules()
  const assessment = await assess(bundle, rules, parts.patients, existing.route?.ehr ?? null)
  const received = at.toISOString()
  const answered = existing.missing.filter(({ item }) => !assessment.triage.missing.some((still) => still.item === item)).map(({ item }) => item)
  const words = [...(added.length > 0 ? [`Added: ${added.join(', ')}.`] : ['Nothing new.']), ...contradictions].join(' ')
  return {
    before: existing, bundle, keys: ownKeys(keysOf(bundle, assessment.facts), existing.provider),
    news: [{ name: 'information-added', at: received, by, facts: { answered, missing: assessment.triage.missing, words, via } }, ...eventsOf(assessment, { ...existing, missing: assessment.triage.missing }, received, rules)],
    found: { text: searchText(assessment.facts, existing.reference), payer: assessment.facts.coverage[0]?.payer ?? null },
  }
}

/** A UUID of version 7 (RFC 9562): in the order of time, so that what is new lies together. */
const timeOrdered = (at: Date): string => {
  const time = Math.max(0, at.getTime()).toString(16).padStart(12, '0')
  const random = randomUUID()
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`
}
