/** What could not be told is told once more: the same way, or by another. */
import type { Changed, DeskParts } from '../change.js'
import type { Way } from '../contracts.js'
import type { NewNotice, Notice } from '../desk-contracts.js'
import { nextWay } from '../fold.js'
import { providerTo } from '../scope.js'
import { type Decision, decide, notNow, unfit } from './decide.js'

/** The notice that failed gives way to a new one; of a digest, its news of this referral goes alone. */
export const retry = (parts: DeskParts, decision: Decision, notice: number, wanted: Way | null): Promise<Changed> => decide(parts, decision, async (before, { at, event }) => {
  const found = await parts.store.notice(notice)
  const item = found?.items.find(({ referral }) => referral === before.id)
  if (!found || (found.referral !== before.id && !item)) throw unfit(`Notice ${notice} is none of this referral’s.`)
  if (found.status !== 'failed') throw notNow(STANDS[found.status])
  const way = await wayOf(parts, found, wanted)
  const kind = item ? 'status' : found.kind
  const again: NewNotice = {
    referral: before.id, kind, event: item?.event ?? found.event, to: found.to, way, notBefore: at, due: parts.rules().dueOf(kind, at, before.urgency), status: 'open', items: [], tried: [],
  }
  const words = `The ${kind} to ${found.to} goes once more${way === null ? '' : `, by ${way}`}.`
  return {
    news: [event('noted', { notice: { id: found.id, kind: found.kind, way: found.way }, words })], notices: [again],
    settled: item ? [] : [{ notice: found, status: 'superseded', fate: found.fate }],
  }
})

const STANDS: Readonly<Record<Exclude<Notice['status'], 'failed'>, string>> = {
  waiting: 'It waits for its time.', open: 'It is on its way.', sent: 'It has been delivered.', superseded: 'Another has taken its place.',
}

async function wayOf({ providers }: DeskParts, { to, way }: Notice, wanted: Way | null): Promise<Way | null> {
  if (to.startsWith('ehr ')) {
    if (wanted !== null) throw unfit('What goes to an EHR goes by its channel: leave `way` out.')
    return null
  }
  const provider = providerTo(to)
  if (provider === null) throw unfit('Nobody knows whom it is for: say it first (POST /api/referrals/…/provider), and it goes by itself.')
  const known = await providers.get(provider)
  const chosen = wanted ?? (known?.ways.some((one) => one.way === way) ? way : nextWay(known, []))
  if (chosen === null) throw unfit(`No way to reach provider ${provider} is known: add one first (PATCH /api/providers/${provider}, \`learn\`).`)
  if (!known?.ways.some((one) => one.way === chosen)) throw unfit(`No address of provider ${provider} by ${chosen} is known; known are ${known?.ways.map((one) => one.way).join(', ') || 'none'}.`)
  return chosen
}
