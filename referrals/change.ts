/** One change of one referral: decided on what is there, kept whole in one transaction, decided anew where somebody else was quicker. */
import type { Bundle } from 'fhir/r4.js'
import type { Clock, Log } from '../engine/contracts.js'
import type { PatientIndex, Provider } from './contracts.js'
import type { Change, DeskStore, Duty, Key, NewEvent, NewNotice, Notice, NoticeStatus, Proof, ReferralDocument, ReferralState } from './desk-contracts.js'
import { dutyOf, fold } from './fold.js'
import type { ProviderDirectory } from './providers/directory.js'
import type { Rules } from './rules.js'
import { isShared } from './store/commit.js'

/** What the desk works with. */
export interface DeskParts {
  readonly store: DeskStore
  readonly patients: PatientIndex
  readonly providers: ProviderDirectory
  readonly rules: () => Rules
  readonly clock: Clock
  readonly log: Log
}

/** What shall become of a referral, decided from `before`. */
export interface Intent {
  readonly before: ReferralState
  readonly news: readonly NewEvent[]
  readonly opening?: boolean
  readonly bundle?: Bundle
  readonly found?: Change['found']
  readonly keys?: readonly Key[]
  readonly documents?: readonly Omit<ReferralDocument, 'referral' | 'event'>[]
  readonly withdrawn?: readonly string[]
  readonly notices?: readonly NewNotice[]
  readonly told?: readonly string[] // keys of `toTell` that a digest has told
  readonly settled?: readonly { readonly notice: Notice; readonly status: NoticeStatus; readonly fate: string | null; readonly awaits?: true }[] // awaits: it is told once it is confirmed
  readonly proofs?: readonly Proof[]
}
export interface Changed { readonly state: ReferralState; readonly repeated: boolean; readonly events: readonly { readonly name: string; readonly applied: boolean; readonly because: string | null }[] }

/** So many others may be quicker before the sender is asked to try again. */
const MOST_TRIES = 20

/** Done once for each `command`, however often it is asked for. `decide` is asked again where the referral has changed meanwhile; null: there is nothing to do. */
export async function change(parts: DeskParts, command: string, decide: () => Promise<Intent | null>): Promise<Changed | null> {
  let taken = false
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const done = await parts.store.done(command)
    if (done !== null) return repeated(parts, done)
    const intent = await decide()
    if (intent === null) return null
    const made = await changeOf(parts, command, intent)
    const committed = await parts.store.commit(taken ? await withoutTaken(parts, made) : made)
    if (committed.done) return committed.repeated ? repeated(parts, committed.referral) : { state: made.state, repeated: false, events: made.events }
    taken = committed.because === 'taken' && intent.before.sequence > 0
  }
  throw new Error('The referral is being changed by too many at once; try again.')
}

/** A referral that is here goes on without a number that is another's: whoever was first keeps it. */
async function withoutTaken({ store }: DeskParts, made: Change): Promise<Change> {
  const others = (await store.find(made.keys)).filter(({ referral }) => referral !== made.state.id).map(({ key }) => `${key.kind} ${key.value}`)
  return { ...made, keys: made.keys.filter((key) => isShared(key) || !others.includes(`${key.kind} ${key.value}`)) }
}

async function repeated({ store }: DeskParts, id: string): Promise<Changed> {
  const state = await store.state(id)
  if (!state) throw new Error(`Referral ${id} is not there any more.`)
  return { state, repeated: true, events: [] }
}

async function changeOf({ providers, rules: current, clock }: DeskParts, command: string, intent: Intent): Promise<Change> {
  const { before, news, opening = false, documents = [], settled = [] } = intent
  const rules = current()
  const named = [...new Set([before.provider, ...news.map(({ facts }) => facts?.provider?.id)].filter((id) => typeof id === 'string'))]
  const known = new Map(await Promise.all(named.map(async (id) => [id, await providers.get(id)] as const)))
  const provider = (id: string | null): Provider | null => (id === null ? null : (known.get(id) ?? null))
  const told = [...(intent.told ?? []), ...settled.filter(({ status, notice, awaits }) => status === 'sent' && notice.status !== 'superseded' && !awaits).map(({ notice }) => dutyOf(notice))]
  const folded = fold(before, news, { now: clock.now().toISOString(), rules, provider, opening, told })
  const duties = rules.duties(folded.state)
  const state = { ...folded.state, overdue: stillOwed(folded.state.overdue, duties), ...(intent.found && { payer: intent.found.payer }) }
  const brought = folded.events.find(({ facts }) => facts.documents !== undefined)?.sequence ?? folded.events[0]?.sequence ?? before.sequence
  const next = duties.flatMap((duty) => duty.next ?? []).sort()[0] ?? null
  return {
    command, state, expected: before.sequence, events: folded.events, notices: [...folded.notices, ...(intent.notices ?? [])],
    settled: settled.map(({ notice, status, fate }) => ({ id: notice.id, status, fate })),
    keys: [...(intent.keys ?? []), ...keysAmong(folded.events, state)],
    documents: documents.map((document) => ({ ...document, event: brought })), withdrawn: intent.withdrawn ?? [],
    bundle: intent.bundle ? JSON.stringify(intent.bundle) : null, nextDue: next, found: intent.found ?? null, ...(intent.proofs && { proofs: intent.proofs }),
  }
}

/** Numbers that events bring, and the chart that the referral is about now. */
const keysAmong = (events: Change['events'], { patient }: ReferralState): readonly Key[] => [
  ...events.filter(({ applied }) => applied).flatMap(({ facts }) => facts.identifiers ?? []),
  ...(patient.chart ? [{ kind: 'patient' as const, value: `${patient.chart.source}|${patient.chart.id}` }] : []),
]

/** What was overdue and is done is overdue no more. */
const stillOwed = (overdue: ReferralState['overdue'], duties: readonly Duty[]): ReferralState['overdue'] => {
  const owed = new Set(duties.map(({ id }) => id))
  return Object.fromEntries(Object.entries(overdue).filter(([id]) => owed.has(id)))
}
