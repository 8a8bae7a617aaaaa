/** The referral that an address names: by its id, or by its reference number however that is spelt. */
import { ReferoError } from '../../engine/errors.js'
import type { DeskStore, ReferralState } from '../desk-contracts.js'
import { readReference } from '../reference.js'

export async function referralNamed(store: Pick<DeskStore, 'find' | 'state'>, name: string): Promise<ReferralState | null> {
  const reference = readReference(name)
  const [found] = reference === null ? [] : await store.find([{ kind: 'reference', value: reference }])
  return store.state(found?.referral ?? name)
}

/** Rejects with NOT_FOUND. */
export async function theReferral(store: Pick<DeskStore, 'find' | 'state'>, name: string): Promise<ReferralState> {
  const state = await referralNamed(store, name)
  if (!state) throw new ReferoError('NOT_FOUND', `No referral has the number ${name.slice(0, 40)}.`)
  return state
}
