/** Which notices the channels that run now carry. */
import type { Way } from './contracts.js'
import type { Notice, NoticeKind } from './desk-contracts.js'
import type { ProviderDirectory } from './providers/directory.js'
import { addressKey } from './providers/names.js'
import { providerTo } from './scope.js'

/** What one channel takes: kinds of notices, to EHRs, or by ways, and of these perhaps to some addresses only; without any of them, all. */
export interface Offer {
  readonly channel: string
  readonly kinds: readonly NoticeKind[]
  readonly ways?: readonly Way[]
  readonly ehrs?: readonly string[]
  readonly addresses?: readonly string[]
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

  async carries(providers: Providers, notice: Addressed): Promise<boolean> {
    for (const offer of this.#offers.values()) if (await offered(providers, offer, notice)) return true
    return false
  }
}

type Providers = Pick<ProviderDirectory, 'get'>
type Addressed = Pick<Notice, 'kind' | 'to' | 'way'>

/** Where an offer names addresses, what goes to another is not for its channel. */
export async function offered(providers: Providers, offer: Offer, notice: Addressed): Promise<boolean> {
  if (!taken(offer, notice) || offer.addresses === undefined) return taken(offer, notice)
  const [to, { way }] = [providerTo(notice.to), notice]
  if (to === null || way === null) return false
  const address = (await providers.get(to))?.ways.find((one) => one.way === way)?.address
  return address !== undefined && offer.addresses.some((one) => addressKey(way, one) === addressKey(way, address))
}

const taken = ({ kinds, ways, ehrs }: Offer, { kind, to, way }: Addressed): boolean =>
  kinds.includes(kind) && (ehrs === undefined || ehrs.some((name) => to === `ehr ${name}`)) && (ways === undefined || (way !== null && ways.includes(way)))
