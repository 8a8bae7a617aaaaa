/** Short words for tests of the desk's store: changes, events and notices with everything that a test does not care about. */
import type { Change, DeskStore, EventName, NewNotice, ReferralEvent, ReferralQuery, ReferralState } from '../../referrals/desk-contracts.js'

/** Opens the store kept in a folder; what an earlier one kept there is still there. */
export type OpenDesk = (folder: string) => DeskStore | Promise<DeskStore>

export const NOON = '2026-03-02T12:00:00.000Z'
/** Seconds after noon. */
export const after = (seconds: number): string => new Date(Date.parse(NOON) + seconds * 1000).toISOString()

/** In the order of time, as the ids of UUIDv7 are. */
export const idOf = (serial: number): string => `01957a00-${String(serial).padStart(8, '0').slice(0, 4)}-7000-8000-${String(serial).padStart(12, '0')}`

export const stateOf = (id: string, sequence: number, over: Partial<ReferralState> = {}): ReferralState => ({
  id, reference: `R-${id.slice(-9)}`, direction: 'inbound', stage: 'received', since: NOON, receivedAt: NOON, sequence, patient: { status: 'unmatched', chart: null },
  provider: null, urgency: 'routine', specialty: null, route: null, missing: [], holds: {}, appointment: null, attempts: 0, times: {}, lastTold: null, overdue: {}, toTell: {}, payer: null, via: null, order: null, reportedAt: null, ...over,
})
export const eventOf = (sequence: number, name: EventName, over: Partial<ReferralEvent> = {}): ReferralEvent => ({
  sequence, name, at: NOON, recordedAt: NOON, by: { kind: 'channel', name: 'referrals-hl7' }, reason: null, applied: true, because: null, facts: {}, ...over,
})
export const noticeOf = (referral: string | null, over: Partial<NewNotice> = {}): NewNotice => ({
  referral, kind: 'acknowledgement', event: 1, to: 'provider 17', way: 'email', notBefore: NOON, due: after(900), status: 'open', items: [], tried: [], ...over,
})

export interface Given extends Partial<Omit<Change, 'state' | 'events'>> {
  readonly state?: Partial<ReferralState>
  readonly events?: readonly (EventName | ReferralEvent)[]
}
/** A change of referral `id` that begins at `expected`; 0 opens it. */
export const changeOf = (id: string, expected = 0, { state = {}, events = [expected === 0 ? 'received' : 'noted'], ...over }: Given = {}): Change => ({
  command: `${id} from ${expected}`, state: stateOf(id, expected + events.length, state), expected,
  events: events.map((event, position) => (typeof event === 'string' ? eventOf(expected + 1 + position, event) : event)),
  notices: [], settled: [], keys: [], documents: [], withdrawn: [], bundle: null, nextDue: null, found: null, ...over,
})
export const documentOf = (id: string, over: Partial<Change['documents'][number]> = {}): Change['documents'][number] =>
  ({ id, addedAt: NOON, event: 1, role: 'intake', status: 'current', title: 'Referral letter', contentType: 'application/pdf', resources: `[{"id":"${id}"}]`, ...over })

/** Opens a referral and fails loudly where that is not done. */
export const open = async (desk: DeskStore, id: string, given: Given = {}): Promise<void> => {
  const committed = await desk.commit(changeOf(id, 0, given))
  if (!committed.done) throw new Error(`${id}: ${committed.because}`)
}
export const found = async (desk: DeskStore, query: Partial<ReferralQuery> = {}): Promise<readonly string[]> => (await desk.search({ limit: 50, ...query })).map(({ id }) => id)

export const DONE = { done: true, repeated: false } as const
export const failure = (promise: Promise<unknown>): Promise<Error | null> => promise.then(() => null, (error: Error) => error)
