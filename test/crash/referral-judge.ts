/** What is left in the files of a practice after its lives, beside what a life without a death leaves. */
import type { ReferralEvent, ReferralState } from '../../referrals/desk-contracts.js'
import { keyOnWire } from './referral-messages.js'
import type { Practice } from './referral-world.js'

/** What a receiver got, and the key by which it would know it again. */
export interface Arrived { readonly channel: string; readonly key: string; readonly payload: string }
export interface Kept {
  readonly state: ReferralState
  readonly events: readonly ReferralEvent[]
  readonly waiting: number // notices that are still owed
  readonly told: readonly { readonly event: string; readonly key: string; readonly doubtful: boolean; readonly words: string | undefined }[]
}
interface End { readonly arrived: readonly Arrived[]; readonly referrals: readonly Kept[] }

/** The referrals of a practice, and for each event that something was told, what the receiver got. */
export async function kept({ referrals: desk, store: messages }: Pick<Practice, 'referrals' | 'store'>): Promise<readonly Kept[]> {
  const states = await desk.search({ limit: 1000 })
  return Promise.all(states.map(async (state): Promise<Kept> => {
    const events = await desk.events(state.id)
    const told = await Promise.all(events.map(async ({ name, facts: { notice, via = '', words } }) => {
      const look = notice ? await messages.fate(via, `notice ${notice.id}`, null) : null
      return (look?.fate?.deliveries ?? []).flatMap(({ payload }) => (payload ? [{ event: name, key: keyOnWire(payload), doubtful: notice?.doubtful === true, words }] : []))
    }))
    const waiting = (await desk.notices(state.id)).filter(({ status }) => status === 'open' || status === 'waiting').length
    return { state, events, told: told.flat(), waiting }
  }))
}

/** A sentence for each thing that differs from the undisturbed end, but for what may have been sent twice and says so. */
export function judge(expected: End, found: End, inDoubt: ReadonlySet<string>): readonly string[] {
  const [arrived, told] = [new Set(found.arrived.map(({ key }) => key)), new Set(found.referrals.flatMap((one) => one.told.map(({ key }) => key)))]
  return [
    ...differs('referrals', String(expected.referrals.length), String(found.referrals.length)),
    ...[...arrived].filter((key) => !told.has(key)).map((key) => `${key} was received, and no timeline knows of it`),
    ...[...told].filter((key) => !arrived.has(key)).map((key) => `${key} was told, and not received`),
    ...found.referrals.flatMap((one, n) => ofReferral(expected.referrals[n] ?? one, one, inDoubt)),
    ...repetitions(found.arrived).filter((copies) => new Set(copies.map(({ payload }) => payload)).size > 1).map(([one]) => `${one?.channel} ${one?.key} was not the same the second time`),
    ...unmarked(found).map((key) => `${key} was received twice, and no timeline says so`),
  ]
}

function ofReferral(expected: Kept, { state, events, waiting, told }: Kept, inDoubt: ReadonlySet<string>): readonly string[] {
  const names = (of: readonly ReferralEvent[]): string => of.map(({ name, applied }) => (applied ? name : `${name} (not applied)`)).sort().join()
  return [
    ...differs('events', names(expected.events), names(events)),
    ...differs('sequence', events.map((_, n) => n + 1).join(), events.map(({ sequence }) => sequence).join()),
    ...differs('stage', expected.state.stage, state.stage), ...differs('holds', JSON.stringify(expected.state.holds), JSON.stringify(state.holds)),
    ...differs('to tell', JSON.stringify(expected.state.toTell), JSON.stringify(state.toTell)), ...differs('notices that wait', String(expected.waiting), String(waiting)),
    ...told.filter(({ doubtful, words }) => doubtful !== (words?.includes('may have been sent twice') ?? false)).map(({ event }) => `${event} is doubtful, and its words do not say so, or the reverse`),
    ...told.filter(({ doubtful, key }) => doubtful && !inDoubt.has(key)).map(({ event, key }) => `${event} (${key}) says that it may have been sent twice, and it was on no wire when the practice died`),
    ...told.filter(({ doubtful, key }) => !doubtful && inDoubt.has(key)).map(({ event, key }) => `${event} (${key}) was on the wire when the practice died, and does not say so`),
  ]
}

const differs = (what: string, expected: string, found: string): readonly string[] => (expected === found ? [] : [`${what}: ${found || 'nothing'} instead of ${expected || 'nothing'}`])

const repetitions = (arrived: readonly Arrived[]): readonly (readonly Arrived[])[] => [...new Set(arrived.map(({ key }) => key))].map((key) => arrived.filter((one) => one.key === key)).filter(({ length }) => length > 1)

const unmarked = ({ arrived, referrals }: End): readonly string[] => {
  const marked = new Set(referrals.flatMap(({ told }) => told.filter(({ doubtful }) => doubtful).map(({ key }) => key)))
  return repetitions(arrived).flatMap(([one]) => (one && !marked.has(one.key) ? [`${one.channel} ${one.key}`] : []))
}
