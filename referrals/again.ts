/** What did not arrive goes once more: the same way later, where that may help, or by the next way that the other side can receive. */
import type { DeskParts } from './change.js'
import type { Way } from './contracts.js'
import type { NewNotice, Notice, ReferralState } from './desk-contracts.js'
import { dutyOf, nextWay } from './fold.js'
import { whyAll } from './tried.js'
import { UNCARRIED } from './offers.js'
import { providerTo } from './scope.js'
import { getsPost } from './way-back.js'

/** A refusal by one of these is of the one message; that of an address is of the address. */
const SYSTEMS: readonly Way[] = ['hl7', 'fhir', 'portal', 'file']

export interface Again { readonly notice: NewNotice; readonly words: string }

/** Null where no way is left: a letter for staff is one only where it can be posted. An address that failed for good is not tried first any more with this provider. */
export async function again(parts: DeskParts, before: ReferralState, failed: Notice, { reason, retryable }: { readonly reason: string; readonly retryable: boolean }): Promise<Again | null> {
  const { providers, clock, store } = parts
  const { id: _id, fate, ...same } = failed
  const to = providerTo(failed.to)
  if (to === null || failed.way === null) return null
  const now = clock.now()
  const retry = retryable ? (parts.rules().way(failed.way)?.retry ?? null) : null
  const attempts = (await store.notices(before.id)).filter((one) => dutyOf(one) === dutyOf(failed) && one.way === failed.way && one.to === failed.to).length
  if (retry && attempts < retry.attempts) {
    const at = retry.next(now.getTime())
    return { notice: { ...same, status: 'open', notBefore: new Date(at).toISOString() }, words: `it is tried again at ${clockTime(at, retry.zone)}` }
  }
  const provider = await providers.get(to)
  const address = provider?.ways.find(({ way }) => way === failed.way)?.address
  if (provider && address !== undefined && fate !== UNCARRIED && !SYSTEMS.includes(failed.way)) await providers.failing(provider.id, failed.way, address, reason)
  const tried = [...failed.tried, failed.way]
  const way = nextWay(provider, tried)
  return way === null || (way === 'file' && provider && !getsPost(provider)) ? null : { notice: { ...same, way, tried, status: 'open', notBefore: now.toISOString() }, words: `it goes by ${way} now` }
}

/** Of what goes no further: why, by each way that was tried. */
export const whyNowhere = async ({ store }: DeskParts, before: ReferralState, failed: Notice, reason: string): Promise<string> =>
  whyAll(reason, await store.events(before.id), await store.notices(before.id), failed)

/** What the other side has confirmed has got through: that way is tried first again. */
export async function works({ providers }: DeskParts, { to, way }: Pick<Notice, 'to' | 'way'>): Promise<void> {
  const id = providerTo(to)
  const failing = id === null ? undefined : (await providers.get(id))?.ways.find((one) => one.way === way && one.failed)
  if (id !== null && failing) await providers.failing(id, failing.way, failing.address, null)
}

/** 9:40 AM, or with its day where that is another. */
const clockTime = (at: number, timeZone: string): string => new Intl.DateTimeFormat('en-US', { weekday: 'short', hour: 'numeric', minute: '2-digit', timeZone }).format(at).replaceAll('\u202f', ' ')
