/**
 * What is still in the engine's memory need not come back from the store: the payloads of messages that were kept together with their deliveries are
 * lent until they are first claimed. The store's thread knows which, and names them by number; what is not lent comes whole.
 */
import type { Acceptance, Arrival, Claim, Delivery, Queue } from '../../contracts.js'
import type { WritingStore } from './sqlite-store.js'

/** A claim, or the numbers of all that was claimed where all of it is lent. */
export interface LentClaim extends Claim {
  readonly lent?: readonly { readonly id: number; readonly attempts: number }[]
}

/** The store's side. `lend`: its asker remembers the deliveries, if the message is kept with them. */
export interface Lender extends Omit<WritingStore, 'accept' | 'claim'> {
  /** The reply to what is no duplicate is known where it came from, and is null here. */
  accept(arrival: Arrival, lend: boolean): Promise<Acceptance>
  claim(queue: Queue, limit: number, at: Date): Promise<LentClaim>
}

export const openLender = (store: WritingStore): Lender => {
  const lent = new Set<number>()
  return {
    ...store,
    accept: async (arrival, lend) => {
      const acceptance = await store.accept(arrival)
      if (lend) for (const id of acceptance.deliveries ?? []) lent.add(id)
      return acceptance.duplicate ? acceptance : { ...acceptance, reply: null }
    },
    claim: async (queue, limit, at) => {
      const claim = await store.claim(queue, limit, at, lent)
      for (const { id } of claim.lent ?? claim.deliveries) lent.delete(id)
      return claim
    },
  }
}

const MOST = 16 * 1024 * 1024 // bytes lent at once

/** The engine's side: accepts and claims as a store does. */
export const borrowing = ({ accept, claim }: Pick<Lender, 'accept' | 'claim'>): Pick<WritingStore, 'accept' | 'claim'> => {
  const lent = new Map<number, Delivery>()
  let bytes = 0

  const remember = ({ channel, header, at, finished }: Arrival, { id: messageId, deliveries = [] }: Acceptance): void => {
    for (const [n, id] of deliveries.entries()) {
      const made = finished?.deliveries[n]
      if (!made) continue
      const { destination, payload, hash, lanes } = made
      lent.set(id, { id, messageId, channel, destination, lane: hash === null ? 0 : hash % lanes, header, receivedAt: at, payload, attempts: 0 })
      bytes += payload.length
    }
  }
  const recall = (id: number): Delivery | undefined => {
    const delivery = lent.get(id)
    if (delivery && lent.delete(id)) bytes -= delivery.payload.length
    return delivery
  }

  return {
    accept: async (arrival) => {
      const lend = arrival.finished !== undefined && bytes < MOST
      const acceptance = await accept(arrival, lend)
      if (acceptance.duplicate) return acceptance
      if (lend) remember(arrival, acceptance)
      return { ...acceptance, reply: arrival.reply }
    },
    claim: async (queue, limit, at) => {
      const { lent: numbers, ...claimed } = await claim(queue, limit, at)
      for (const { id } of claimed.deliveries) recall(id)
      if (!numbers) return claimed
      return { ...claimed, deliveries: numbers.map(({ id, attempts }) => ({ ...(recall(id) as Delivery), lane: queue.lane, attempts })) }
    },
  }
}
