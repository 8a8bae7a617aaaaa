/** Who the other side is, as a person says: to which specialist an order goes, or who sent a referral that does not say. */
import type { Bundle } from 'fhir/r4.js'
import { withPerformer } from '../canonical/performer.js'
import type { Changed, DeskParts } from '../change.js'
import type { NewEvent, NewNotice, Notice, ReferralState } from '../desk-contracts.js'
import { nextWay } from '../fold.js'
import { LIFE_CYCLE } from '../life-cycle.js'
import type { KnownProvider } from '../providers/directory.js'
import { calledOf } from '../providers/names.js'
import { providerTo } from '../scope.js'
import { type Decision, decide, type Hand, type Made, notNow, unfit } from './decide.js'

export interface Addressing {
  readonly provider: string // its id
  readonly words: string | null // told to the specialist from whom it is taken back
}

/**
 * An order goes to the specialist: at once where nobody has it, and where another has it that one is told that it is taken back. What was on its way
 * to the other is not sent any more; where a channel had it in its hands already, they are told as soon as it has arrived. Of a referral to us, what
 * could not be told before is told to whom the person names.
 */
export const address = (parts: DeskParts, decision: Decision, { provider, words }: Addressing): Promise<Changed> => decide(parts, decision, async (before, hand) => {
  const chosen = await parts.providers.get(provider)
  if (!chosen) throw unfit(`No provider has the number ${provider.slice(0, 20)}: look for them (GET /api/providers?text=…), or add them (POST /api/providers).`)
  return before.direction === 'outbound' ? toSpecialist(parts, decision, before, hand, { chosen, words }) : toReferrer(parts, before, hand, chosen, words)
})

interface Chosen { readonly chosen: KnownProvider; readonly words: string | null }

async function toSpecialist(parts: DeskParts, { by }: Decision, before: ReferralState, { at, event }: Hand, { chosen, words }: Chosen): Promise<Made> {
  const lies = LIFE_CYCLE.recalled.moves.includes(before.stage)
  if (lies && before.provider === chosen.id) throw notNow(`${calledOf(chosen)} has it already; what could not be told them goes once more with /notices/…/retry.`)
  if (words !== null && !lies) throw unfit('Nobody has it yet who could be told: leave `words` out.')
  if (nextWay(chosen, []) === null) throw unfit(`No address of ${calledOf(chosen)} is known to which it could be sent: add one first (PATCH /api/providers/${chosen.id}, \`learn\`).`)
  const text = await parts.store.bundle(before.id)
  const former = lies && before.provider !== null ? await parts.providers.get(before.provider) : null
  const recalled: readonly NewEvent[] = former ? [event('recalled', { provider: { id: before.provider as string, name: calledOf(former) }, ...(words !== null && { reason: words }) })] : []
  const onTheWay = (await parts.store.notices(before.id)).filter(({ kind, status }) => kind === 'referral' && (status === 'open' || status === 'failed'))
  return {
    news: [...recalled, event('addressed', { provider: { id: chosen.id, name: calledOf(chosen) } })], settled: onTheWay.map(superseded),
    ...(text !== null && { bundle: withPerformer(JSON.parse(text) as Bundle, chosen, { by, at }) }),
  }
}

async function toReferrer(parts: DeskParts, before: ReferralState, { at, event }: Hand, chosen: KnownProvider, words: string | null): Promise<Made> {
  if (words !== null) throw unfit('A referrer is told what happens by itself: leave `words` out.')
  const untold = (await parts.store.notices(before.id)).filter(({ status, to, kind }) => status === 'failed' && kind !== 'digest' && (to === 'provider' || providerTo(to) !== null))
  if (before.provider === chosen.id) throw notNow(`${calledOf(chosen)} is its referrer already; what could not be told them goes once more with /notices/…/retry.`)
  const way = nextWay(chosen, [])
  const again = untold.map(({ id: _id, fate: _fate, ...notice }): NewNotice => ({
    ...notice, to: `provider ${chosen.id}`, way, status: way === null ? 'failed' : 'open', notBefore: at, due: parts.rules().dueOf(notice.kind, at, before.urgency), tried: [],
  }))
  const nobody = way === null && untold.length > 0 ? [event('notice-failed', { notice: { id: 0, kind: (untold[0] as Notice).kind, way: null }, reason: `No address of ${calledOf(chosen)} is known.` })] : []
  return { news: [event('addressed', { provider: { id: chosen.id, name: calledOf(chosen) } }), ...nobody], settled: untold.map(superseded), notices: again }
}

const superseded = (notice: Notice): NonNullable<Made['settled']>[number] => ({ notice, status: 'superseded', fate: notice.fate })
