/** Which notices the channels that run now carry, and which of them they have. */
import type { Way } from './contracts.js'
import type { Notice, NoticeKind } from './desk-contracts.js'

/** What one channel takes: kinds of notices, to EHRs, or by ways; without either, all. */
export interface Offer {
  readonly channel: string
  readonly kinds: readonly NoticeKind[]
  readonly ways?: readonly Way[]
  readonly ehrs?: readonly string[]
}

export class Offers {
  readonly #offers = new Map<string, Offer>()
  readonly #taken = new Set<number>() // by number: in the hands of a channel, whether that runs or rests

  /** Until the returned function is called. */
  add(offer: Offer): () => void {
    this.#offers.set(offer.channel, offer)
    return () => {
      if (this.#offers.get(offer.channel) === offer) this.#offers.delete(offer.channel)
    }
  }

  take(notice: number): void {
    this.#taken.add(notice)
  }

  /** What became of it is known. */
  drop(notice: number): void {
    this.#taken.delete(notice)
  }

  hasTaken(notice: number): boolean {
    return this.#taken.has(notice)
  }

  carries(notice: Pick<Notice, 'kind' | 'to' | 'way'>): boolean {
    return [...this.#offers.values()].some((offer) => offered(offer, notice))
  }
}

export const offered = ({ kinds, ways, ehrs }: Offer, { kind, to, way }: Pick<Notice, 'kind' | 'to' | 'way'>): boolean =>
  kinds.includes(kind) && (ehrs === undefined || ehrs.some((name) => to === `ehr ${name}`)) && (ways === undefined || (way !== null && ways.includes(way)))
