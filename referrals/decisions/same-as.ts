/** A referral that was closed because it repeats another leads to that other. */
import type { DeskStore, ReferralState } from '../desk-contracts.js'

const MOST_STEPS = 20

export async function stateThrough(store: Pick<DeskStore, 'state'>, id: string): Promise<ReferralState | null> {
  let state = await store.state(id)
  for (let step = 0; state?.sameAs && step < MOST_STEPS; step++) state = (await store.state(state.sameAs)) ?? state
  return state
}
