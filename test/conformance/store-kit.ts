/** Short words for the store's conformance suite: arrivals, deliveries and settlements with everything that a test does not care about. */
import type { Acceptance, Arrival, Claim, Delivery, Finished, MessageArchive, MessageStore, NewDelivery, Reply, Settlement } from '../../engine/contracts.js'

export type Store = MessageStore & MessageArchive
/** Opens the store kept in a folder; what an earlier one kept there is still there. */
export type OpenStore = (folder: string) => Store | Promise<Store>

/** A day in the life of the tests, and moments after it in seconds. */
export const NOON = new Date('2026-03-02T12:00:00Z')
export const after = (seconds: number): Date => new Date(NOON.getTime() + seconds * 1000)

export const CHANNEL = 'referrals'
export const reply = (text: string): Reply => ({ verdict: 'accepted', reason: null, acknowledgements: [Buffer.from(text), Buffer.from(`${text} again`)] })

export const arrival = (text: string, over: Partial<Arrival> & { controlId?: string | null; key?: string } = {}): Arrival => {
  const { controlId = text, key, ...rest } = over
  return {
    channel: CHANNEL, inbound: { bytes: Buffer.from(text), origin: '127.0.0.1:50000', ...(key === undefined ? {} : { key }) },
    header: { controlId, type: 'REF^I12' }, at: NOON, status: 'received', reason: null, reply: null, duplicatesSince: null, ...rest,
  }
}

export const bound = (payload: string | Buffer, over: Partial<NewDelivery> = {}): NewDelivery =>
  ({ destination: 'ehr', payload: Buffer.from(payload), hash: 0, lanes: 1, ...over })

export const finished = (id: number, deliveries: readonly NewDelivery[], over: Partial<Finished> = {}): Finished =>
  ({ id, status: deliveries.length > 0 ? 'transformed' : 'filtered', reason: null, revision: 'r1', deliveries, index: [], notes: [], ...over })

export const settled = (delivery: Pick<Delivery, 'id'>, status: Settlement['status'], over: Partial<Settlement> = {}): Settlement =>
  ({ id: delivery.id, status, reason: null, retryAt: null, attempted: true, doubtful: false, response: null, at: after(2), ...over })

/** Accepts a message and takes it through its steps. */
export const pass = async (store: Store, text: string, deliveries: readonly NewDelivery[] = [bound(text)], over: Partial<Finished> = {}): Promise<number> => {
  const { id } = await store.accept(arrival(text))
  await store.finish([finished(id, deliveries, over)], after(1))
  return id
}

export const claim = (store: Store, { destination = 'ehr', lane = 0, limit = 10, at = after(1) } = {}): Promise<Claim> =>
  store.claim({ channel: CHANNEL, destination, lane }, limit, at)

/** The payloads of a claim, as text. */
export const claimed = async (store: Store, given?: Parameters<typeof claim>[1]): Promise<readonly string[]> => texts((await claim(store, given)).deliveries)
export const texts = (deliveries: readonly Delivery[]): readonly string[] => deliveries.map(({ payload }) => payload.toString())
export const ids = (list: readonly { readonly id: number }[]): readonly number[] => list.map(({ id }) => id)

/** What the history says happened, in order. */
export const story = async (store: Store, id: number): Promise<readonly string[]> => (await store.history(id) ?? []).map(({ what }) => what)
export const statuses = async (store: Store, id: number): Promise<readonly string[]> => (await store.progress(id))?.deliveries.map(({ status }) => status) ?? []

/** The first delivery of a message taken to a status, the way the engine takes it there. */
export const deliveryAt = async (store: Store, status: 'queued' | Settlement['status'] | 'sending', text = 'one'): Promise<{ message: number; delivery: Delivery }> => {
  const message = await pass(store, text)
  const { deliveries } = await claim(store, { limit: 1 })
  const delivery = deliveries[0] as Delivery
  if (status !== 'sending') await store.settle([settled(delivery, status)])
  return { message, delivery }
}

export const acceptAll = (store: Store, given: readonly string[]): Promise<readonly Acceptance[]> => Promise.all(given.map((text) => store.accept(arrival(text))))
