/** A referral comes in: it is a new one, adds to one that is here, or takes one back. */
import { randomUUID } from 'node:crypto'
import type { Bundle } from 'fhir/r4.js'
import type { Direction, Provider, ProviderFacts, ReferralFacts, Way } from './contracts.js'
import type { By, Key, NewEvent, ReferralState } from './desk-contracts.js'
import { addedWords } from './canonical/added-words.js'
import { addTo } from './canonical/addition.js'
import { canonical } from './canonical/canonical.js'
import { answerIn, FROM_THE_PAYER, isOvertaken } from './canonical/payers-answer.js'
import { factsOf } from './canonical/facts.js'
import { withIdentity } from './canonical/changes.js'
import { keysOf } from './canonical/keys.js'
import { asReferral, isToBeRead, unreadKey } from './canonical/unread.js'
import { senderOf } from './canonical/sender.js'
import { searchText } from './canonical/search-text.js'
import { answered } from './answered.js'
import { told, tooMany } from './echoes.js'
import { assess, type Assessment, eventsOf } from './assess.js'
import { change, type Changed, type DeskParts, type Intent } from './change.js'
import { withoutRuledOut } from './decisions/ruled-out.js'
import { stateThrough } from './decisions/same-as.js'
import { DESK } from './fold.js'
import { differences, isSomebodyElse } from './difference.js'
import { expectedKeys } from './expected.js'
import { ENDS, LIFE_CYCLE } from './life-cycle.js'
import type { Recognised } from './providers/directory.js'
import { calledOf, isAddress } from './providers/names.js'
import { orderFacts } from './measures/cms50-order.js'
import { newReference } from './reference.js'
import { DeskRefusal } from './refusal.js'
import { ehrScope, providerScope, scoped } from './scope.js'
import type { Rules } from './rules.js'
import { fromSomebodyElse, strangerWords, toBeLookedAt, toBeRead, unknownNumber } from './to-be-read.js'

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
export interface Opened extends Changed { readonly what: 'opened' | 'added' | 'cancelled' | 'kept' | 'repeated' } // kept: it can no longer be cancelled

/** Kinds of keys that name one referral. */
const NAMING: readonly Key['kind'][] = ['reference', 'placer', 'request']

export async function open(parts: DeskParts, opening: Opening): Promise<Opened> {
  const { bundle, problems } = canonical(asReferral(opening.bundle))
  if (!bundle) throw new DeskRefusal(problems.join(' '))
  const rules = parts.rules()
  const facts = factsOf(bundle)
  const other = opening.direction === 'inbound' ? facts.referrer : facts.wanted
  const counterpart = other ? await known(parts, other, opening, bundle) : null
  const assessment = await assess(bundle, rules, parts.patients, opening.ehr ?? null, opening.direction === 'inbound' ? (counterpart?.provider ?? null) : null)
  const { reference, words: doubt } = facts.reference === null && opening.direction === 'inbound' ? await answered(parts, bundle, counterpart?.provider ?? null) : { reference: facts.reference, words: null }
  const same = opening.direction === 'inbound' && counterpart ? unreadKey(bundle, facts, counterpart.provider.id) : null
  const keys = [...ownKeys(keysOf(bundle, facts), opening.direction === 'outbound' ? opening.ehr && ehrScope(opening.ehr) : counterpart && providerScope(counterpart.provider.id)), ...(same === null ? [] : [{ kind: 'pair', value: same } as const])]
  const echo = opening.direction === 'inbound' && counterpart ? await tooMany(parts.store, counterpart.provider.id, facts, opening.at, rules) : null
  let what: Opened['what'] = 'opened'
  const changed = await change(parts, opening.command, async () => {
    const { existing, others, words } = await soughtFor(parts, reference === null ? keys : [{ kind: 'reference', value: reference }, ...keys], { ...opening, facts, specialty: assessment.triage.specialty?.value ?? null }, rules)
    what = existing === null ? 'opened' : facts.revoked ? 'cancelled' : 'added'
    if (existing !== null && facts.revoked) return await cancelling(parts, existing, opening, facts)
    if (existing !== null) return adding(parts, existing, bundle, opening, counterpart)
    if (facts.revoked) throw new DeskRefusal(words ?? 'It takes back a referral that is not here: none has its number.')
    const unknown = words ?? doubt ?? await unknownNumber(parts.store, bundle, facts.reference)
    return beginning(bundle, assessment, keys.filter((key) => !others.includes(key)), counterpart, opening, rules, unknown, echo)
  })
  if (!changed) throw new Error('An opening always decides something.')
  return { ...changed, what: changed.repeated ? 'repeated' : changed.events.some(({ name }) => name === 'cancel-refused') ? 'kept' : what }
}

async function known({ providers, clock }: DeskParts, facts: ProviderFacts, { direction, via, answer, ehr }: Opening, bundle: Bundle): Promise<Recognised> {
  const from = direction === 'outbound' && ehr !== undefined ? ehrScope(ehr) : senderOf(bundle)
  const recognised = await providers.recognise(facts.practice !== null && isAddress(facts.practice) ? { ...facts, practice: null } : facts, { at: clock.now(), via, ...(from !== null && { from }) })
  const { provider } = recognised
  if (answer && !provider.ways.some(({ way, address }) => way === answer.way && address === answer.address)) await providers.learn(provider.id, answer.way, answer.address, via)
  return recognised
}

interface Arriving extends Pick<Opening, 'direction' | 'at'> { readonly facts: ReferralFacts; readonly specialty: string | null }
interface Sought {
  readonly existing: ReferralState | null
  readonly others: readonly Key[] // keys that it has, and another referral too: a mistyped or reused number
  readonly words: string | null
}

/**
 * The one referral that a message is about: by a number that names it, or by patient, referrer and reason within the window while it is open. Never
 * one of another patient; and orders of one group that go to several specialties are several referrals.
 */
async function soughtFor({ store }: DeskParts, keys: readonly Key[], { direction, at, facts, specialty }: Arriving, rules: Rules): Promise<Sought> {
  const found = await store.find(keys)
  const otherSpecialty = (state: ReferralState): boolean => specialty !== null && state.specialty !== null && state.specialty !== specialty // one diagnosis may go to two specialists
  const others: Key[] = []
  let words: string | null = null
  for (const { key, referral } of [...found.filter(({ key }) => NAMING.includes(key.kind)), ...found.filter(({ key }) => key.kind === 'pair')]) {
    const state = await stateThrough(store, referral)
    if (state === null) continue
    const naming = key.kind !== 'pair'
    const somebodyElse = isSomebodyElse(differences(factsOf(JSON.parse((await store.bundle(state.id)) ?? '{}')).patient, facts.patient))
    if (naming && !somebodyElse && !(isGroup(key.value) && otherSpecialty(state))) return { existing: state, others, words }
    if (naming) others.push(key)
    if (naming && somebodyElse) words = `It has a number of ${state.reference}, which is about another patient: a number was mistyped, or given twice.`
    const near = Math.abs(at.getTime() - Date.parse(state.receivedAt)) <= rules.pairWindow
    if (!naming && !somebodyElse && near && !otherSpecialty(state) && state.direction === direction && !ENDS.includes(state.stage)) return { existing: state, others, words }
  }
  return { existing: null, others, words }
}

function beginning(bundle: Bundle, assessment: Assessment, keys: readonly Key[], counterpart: Recognised | null, { direction, by, via, at, ehr }: Opening, rules: Rules, words: string | null, echo: string | null): Intent {
  const { facts, triage } = assessment
  const reference = newReference()
  const received = at.toISOString()
  const before: ReferralState = {
    id: timeOrdered(at), reference, direction, stage: 'received', since: received, receivedAt: received, sequence: 0, patient: { status: 'unmatched', chart: null }, provider: counterpart?.provider.id ?? null,
    urgency: triage.urgency.value, specialty: triage.specialty?.value ?? null, route: null, missing: [], holds: {}, appointment: null, attempts: 0, times: {}, lastTold: null, overdue: {}, toTell: {},
    payer: facts.coverage[0]?.payer ?? null, via, order: direction === 'outbound' ? orderFacts(bundle, rules.measures.cms50, bundle.timestamp ?? received) : null, reportedAt: null,
  }
  const event = (name: NewEvent['name'], of: By, more: NewEvent['facts'] = {}): NewEvent => ({ name, at: received, by: of, facts: more })
  const found = direction === 'outbound' ? ofOurs(assessment, ehr ?? null) : assessment
  const said = [words, echo, direction === 'inbound' && counterpart?.isNew && facts.referrer ? strangerWords(facts.referrer) : null].filter(Boolean)
  const answer = answerIn(bundle)
  const lookAt = [...(found.toBeRead ? [toBeRead(facts, via), ...said] : []), ...(answer?.waits ? [answer.waits] : [])]
  const unread = lookAt.length > 0 ? { waits: lookAt.join(' ') } : {}
  const waits = direction === 'outbound' && counterpart ? doubtOf(counterpart) : null
  return {
    before, opening: true, bundle: withIdentity(bundle, { reference }),
    news: [event('received', by, { via, ...(echo !== null && { quiet: true }) }), event('read', DESK, { words: [readWords(facts), ...(answer ? [answer.words] : []), ...said].join(' '), ...unread }), ...eventsOf(found, null, received, rules).map((one) => (one.name === 'routed' && waits !== null ? { ...one, facts: { ...one.facts, waits } } : one))],
    keys: [...keys, ...expectedKeys(facts.patient), { kind: 'reference', value: reference }],
    found: { text: searchText(facts, reference), payer: facts.coverage[0]?.payer ?? null },
  }
}

/** A number of ours is given by us alone; one without a system is its sender's own; and every order is known by its number alone too, for those who say no more. */
export const ownKeys = (keys: readonly Key[], sender: string | null | undefined): readonly Key[] => [
  ...keys.filter(({ kind }) => kind !== 'reference').flatMap((key) => scoped(key, sender ?? null)),
  ...keys.filter(({ kind, value }) => kind === 'placer' && !isGroup(value)).map(({ value }): Key => ({ kind: 'number', value: value.slice(value.lastIndexOf('|') + 1) })),
]
const isGroup = (value: string): boolean => value.startsWith('group ')

const readWords = ({ documents, diagnoses, services }: ReferralFacts): string => {
  const unread = documents.filter((document) => document.unread).length
  return `${counted(services.length, 'service', 'services')}, ${counted(diagnoses.length, 'diagnosis', 'diagnoses')}, ${counted(documents.length, 'document', 'documents')}${unread > 0 ? `, ${unread} of them unread` : ''}.`
}
const counted = (count: number, one: string, several: string): string => `${count === 0 ? 'no' : count} ${count === 1 ? one : several}`

/** A cancellation mostly says the referral's own reason again, which is not why it is cancelled. Once the patient was seen nothing is cancelled any more: what was found is owed to the referrer. */
async function cancelling({ store }: DeskParts, existing: ReferralState, { by, at, via }: Opening, { reasons }: ReferralFacts): Promise<Intent> {
  const text = await store.bundle(existing.id)
  const known = text === null ? [] : factsOf(JSON.parse(text) as Bundle).reasons
  const reason = reasons.find((one) => !known.includes(one)) ?? 'The referrer takes it back.'
  const seen = LIFE_CYCLE['cancel-refused'].also.includes(existing.stage) && (existing.times.seen !== undefined || existing.reportedAt !== null)
  const facts = seen ? { waits: `It was taken back through ${via} after the patient had been seen, and goes on as it is: ${reason}` } : { reason }
  return { before: existing, news: [{ name: seen ? 'cancel-refused' : 'cancelled', at: at.toISOString(), by, facts: { ...facts, via } }] }
}

/** What came is added to what is here, and the whole is looked at again. `answer`: what a payer says in it, once; a person is asked to look, and no more once the payer has decided otherwise. */
export async function adding(parts: DeskParts, existing: ReferralState, more: Bundle, { by, at, via }: Pick<Opening, 'by' | 'at' | 'via'>, counterpart: Recognised | null, answer = answerIn(more)): Promise<Intent> {
  const text = await parts.store.bundle(existing.id)
  const held = JSON.parse(text ?? '{}') as Bundle
  const { bundle, added, contradictions } = addTo(held, more)
  const rules = parts.rules()
  const referrer = existing.provider === null ? null : await parts.providers.get(existing.provider)
  const assessed = await assess(bundle, rules, parts.patients, existing.route?.ehr ?? null, existing.direction === 'inbound' ? referrer : null)
  const assessment = existing.direction === 'outbound' ? ofOurs(assessed, existing.route?.ehr ?? null) : assessed
  const received = at.toISOString()
  const event = (name: NewEvent['name'], facts: NewEvent['facts'] & object): NewEvent => ({ name, at: received, by: DESK, facts })
  const known = !isToBeRead(factsOf(held))
  const news = added.length === 0 || answer === null ? null : isOvertaken(more, held) ? { words: `${answer.words} It was given before the last one, which holds.`, waits: null } : answer
  const unread = assessment.toBeRead ? toBeRead(assessment.facts, via) : isToBeRead(factsOf(more)) ? toBeLookedAt(factsOf(more), via) : null
  const waits = [unread, news?.waits].filter(Boolean).join(' ')
  const settled = news === answer && answer !== null && existing.holds.reading?.reason.startsWith(FROM_THE_PAYER) ? 'The payer has answered again.' : known ? null : 'What it says is known now.'
  const reading = waits !== '' ? [event('read', { waits })] : settled === null ? [] : [event('read', { words: settled })]
  const sender = fromSomebodyElse(existing, referrer, counterpart?.provider ?? null)
  const ended = ENDS.includes(existing.stage)
  const addressed = !ended && existing.direction === 'outbound' && existing.provider === null && counterpart !== null && doubtOf(counterpart) === null ? [{ name: 'addressed' as const, at: received, by, facts: { provider: namedAs(counterpart.provider), via } }] : []
  const elsewhere = existing.direction === 'outbound' && counterpart && existing.provider !== null && counterpart.provider.id !== existing.provider ? [`It names ${calledOf(counterpart.provider)} (provider ${counterpart.provider.id}) now; it stays with provider ${existing.provider} until a person says otherwise.`] : null
  const answered = existing.missing.filter(({ item }) => !assessment.triage.missing.some((still) => still.item === item)).map(({ item }) => item)
  const words = [...(news ? [news.words] : []), addedWords(added) ?? 'Nothing new.', ...contradictions, ...(elsewhere ?? []), ...(sender === null ? [] : [sender])].join(' ')
  return {
    before: existing, bundle, keys: [...ownKeys(keysOf(bundle, assessment.facts), existing.direction === 'outbound' ? existing.route && ehrScope(existing.route.ehr) : existing.provider && providerScope(existing.provider)), ...expectedKeys(assessment.facts.patient)],
    news: [{ name: 'information-added', at: received, by, facts: { answered, ...(known && { missing: assessment.triage.missing }), words, via, ...told(existing, held, bundle, factsOf(more), at, rules), ...(ended && { waits: `Something came through ${via} after the referral was ${existing.stage}: open it again, or leave it` }) } }, ...(ended ? [] : [...reading, ...eventsOf({ ...assessment, match: withoutRuledOut(assessment.match, existing.patient.not) }, { ...existing, missing: known ? assessment.triage.missing : [] }, received, rules)]), ...addressed],
    found: { text: searchText(assessment.facts, existing.reference), payer: assessment.facts.coverage[0]?.payer ?? null },
  }
}

/** An order of our own goes where its specialist is, whatever the tables say, and the EHR that it came from gets the answer. What it lacks is for the specialist to say. */
const ofOurs = (assessment: Assessment, ehr: string | null): Assessment => ({
  ...assessment, triage: { ...assessment.triage, missing: [] },
  ...(ehr !== null && { routing: { ...assessment.routing, route: { ehr, location: null, practitioner: null, queue: null, tasks: [] }, reasons: [`It was created in ${ehr}.`], disagreement: null, row: null } }),
})

/** Why a person must say whom the order means; null where the directory knows. */
const doubtOf = ({ provider, uncertain }: Recognised): string | null =>
  uncertain === null ? null : `The order names ${calledOf(provider)} (provider ${provider.id}), and who that is is not certain: ${uncertain} Say to whom it goes.`

const namedAs = (provider: Provider): { readonly id: string; readonly name: string } => ({ id: provider.id, name: calledOf(provider) })

/** A UUID of version 7 (RFC 9562): in the order of time, so that what is new lies together. */
const timeOrdered = (at: Date): string => {
  const time = Math.max(0, at.getTime()).toString(16).padStart(12, '0')
  const random = randomUUID()
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`
}
