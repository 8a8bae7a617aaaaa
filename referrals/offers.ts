/** Which notices the channels that run now carry. */
import type { Way } from './contracts.js'
import type { Notice, NoticeKind } from './desk-contracts.js'

/** What one channel takes: kinds of notices, to EHRs, or by ways; without either, all. */
export interface Offer {
  readonly channel: string
  readonly kinds: readonly NoticeKind[]
  readonly ways?: readonly Way[]
  readonly ehrs?: readonly string[]
}

/** The mark of a notice that failed because no channel carried it. */
export const UNCARRIED = 'no channel carries it'

export class Offers {
  readonly #offers = new Map<string, Offer>()

  /** Until the returned function is called. */
  add(offer: Offer): () => void {
    this.#offers.set(offer.channel, offer)
    return () => {
      if (this.#offers.get(offer.channel) === offer) this.#offers.delete(offer.channel)
    }
  }

  carries(notice: Pick<Notice, 'kind' | 'to' | 'way'>): boolean {
    return [...this.#offers.values()].some((offer) => offered(offer, notice))
  }
}

export const offered = ({ kinds, ways, ehrs }: Offer, { kind, to, way }: Pick<Notice, 'kind' | 'to' | 'way'>): boolean =>
  kinds.includes(kind) && (ehrs === undefined || ehrs.some((name) => to === `ehr ${name}`)) && (ways === undefined || (way !== null && ways.includes(way)))
