/** What came back and fitted no referral: a person gives it to one, or to several, or says that it is about none. */
import type { Bundle } from 'fhir/r4.js'
import { ReferoError } from '../../engine/errors.js'
import { apply } from '../apply.js'
import type { Changed, DeskParts } from '../change.js'
import type { EventName, ReferralState, Stray } from '../desk-contracts.js'
import { tellNews } from '../feedback/feedback.js'
import { type News, newsOf } from '../feedback/news.js'
import { notNow, unfit } from './decide.js'

interface Settling { readonly by: string; readonly reason: string }

/** Tells its news to each of the referrals. Nothing is told where one of them cannot take it. */
export async function give(parts: DeskParts, id: number, referrals: readonly ReferralState[], { by, reason }: Settling): Promise<readonly Changed[]> {
  const how = `given to ${referrals.map(({ reference }) => reference).join(', ')}: ${reason}`
  const stray = await openStray(parts, id, { by, how })
  if (stray === null) return Promise.all(referrals.map(async (state) => ({ state, repeated: true, events: [] })))
  const told = newsOf(JSON.parse(stray.bundle) as Bundle).news
  const news = told.filter(({ says }) => says === stray.what)
  for (const state of referrals) for (const one of news.length > 0 ? news : told) refuse(state, one)
  const given: Changed[] = []
  for (const { id: referral } of referrals) {
    for (const [number, one] of (news.length > 0 ? news : told).entries()) {
      const changed = await tellNews(parts, `stray ${id} ${number} ${referral}`, referral, one, { by: { kind: 'person', name: by }, via: stray.via, at: new Date(stray.at), how: 'A person gave it to this referral.', reason })
      if (changed) given.push(changed)
    }
  }
  await settle(parts, id, { by, how })
  return given
}

/** It is about no referral. False: it was said before. */
export async function dismiss(parts: DeskParts, id: number, { by, reason }: Settling): Promise<boolean> {
  const how = `dismissed: ${reason}`
  if ((await openStray(parts, id, { by, how })) === null) return false
  await settle(parts, id, { by, how })
  return true
}

/** Rejects with NOT_FOUND. */
export async function theStray(store: Pick<DeskParts['store'], 'stray'>, id: number): Promise<Stray> {
  const stray = await store.stray(id)
  if (!stray) throw new ReferoError('NOT_FOUND', `No stray has the number ${id}.`)
  return stray
}

/** Null where the same person has settled it just so. */
async function openStray({ store }: DeskParts, id: number, wanted: { readonly by: string; readonly how: string }): Promise<Stray | null> {
  const stray = await theStray(store, id)
  const { settled } = stray
  if (settled === null) return stray
  if (settled.by === wanted.by && settled.how === wanted.how) return null
  throw notNow(`${settled.by} has settled it: ${settled.how}.`)
}

async function settle({ store, clock }: DeskParts, id: number, { by, how }: { readonly by: string; readonly how: string }): Promise<void> {
  if (!(await store.settleStray(id, { at: clock.now().toISOString(), by, how }))) throw notNow('Somebody else has settled it meanwhile; see the strays that are settled.')
}

function refuse(state: ReferralState, { event, at, facts }: News): void {
  const name: EventName = event === null ? 'noted' : event === 'reported' && state.direction === 'outbound' ? 'report-received' : event
  const applied = apply(state, { name, at, by: { kind: 'channel', name: 'stray' }, facts })
  if ('refused' in applied) throw unfit(`Referral ${state.reference} cannot take it: ${applied.refused}`)
}
