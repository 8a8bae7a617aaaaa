/** The referral that an address names: by its id, or by its reference number however that is spelt. */
import { ReferoError } from '../../engine/errors.js'
import type { DeskStore, ReferralState } from '../desk-contracts.js'
import { meantBy, readReference } from '../reference.js'

export async function referralNamed(store: Pick<DeskStore, 'find' | 'state'>, name: string): Promise<ReferralState | null> {
  const reference = readReference(name)
  const [found] = reference === null ? [] : await store.find([{ kind: 'reference', value: reference }])
  return store.state(found?.referral ?? name)
}

/** Rejects with NOT_FOUND. */
export async function theReferral(store: Pick<DeskStore, 'find' | 'state'>, name: string): Promise<ReferralState> {
  const state = await referralNamed(store, name)
  if (!state) throw new ReferoError('NOT_FOUND', await notFound(store, name))
  return state
}

/** Where the check character says that a number was mistyped, those that are here and may have been meant. */
export async function notFound(store: Pick<DeskStore, 'find'>, name: string): Promise<string> {
  const none = `No referral has the number ${name.slice(0, 40)}`
  const meant = meantBy(name)
  if (meant === null) return `${none}.`
  const here = [...new Set((await store.find(meant.map((value) => ({ kind: 'reference' as const, value })))).map(({ key }) => key.value))]
  return here.length > 0 ? `${none}; did you mean ${here.slice(0, MOST_MEANT).join(' or ')}?` : `${none}: its last character does not fit the others, so it was mistyped.`
}
const MOST_MEANT = 3
