/** What the passing of time does: duties become overdue, digests are made, and a notice whose way nobody carries takes the next. */
import type { Duty, Notice, ReferralState } from './desk-contracts.js'
import { change, type DeskParts } from './change.js'
import { DESK } from './fold.js'
import { NOTICE_KINDS } from './names.js'
import { type Offers, UNCARRIED } from './offers.js'
import type { Rules } from './rules.js'
import { expire } from './receipts/take.js'
import { settle } from './settling.js'

const AT_ONCE = 200 // referrals looked at before others get their turn
/** How long a notice waits for a channel that carries it, in milliseconds. */
const PATIENCE = 5_000
/** How long channels may take to start: until then what has waited since before the start is nobody's yet, however old. */
const STARTING = 2 * 60_000

/** Says of every duty that is due that it is overdue, at the highest of its levels that is due, each once, restarts or not. Returns how many referrals were looked at. */
export async function tick(parts: DeskParts, offers: Offers, opened: Date): Promise<number> {
  const at = parts.clock.now()
  const now = at.toISOString()
  await parts.store.gather(now)
  if (at.getTime() - opened.getTime() >= STARTING) await abandonUncarried(parts, offers, now)
  const due = await parts.store.due(now, AT_ONCE)
  for (const id of due) await remind(parts, id, now)
  return due.length + await expire(parts, now)
}

async function remind(parts: DeskParts, id: string, now: string): Promise<void> {
  const state = await parts.store.state(id)
  if (!state) return
  const { duties } = parts.rules()
  const levels = duties(state).filter((duty) => isDue(duty, now)).map((duty) => ({ duty, ...levelOf(duty, state, duties, now) }))
  await change(parts, `overdue ${id} ${state.sequence} ${levels.map(({ duty, level }) => `${duty.id}/${level}`).join(' ')}`, async () => {
    const before = await parts.store.state(id)
    if (!before || before.sequence !== state.sequence) return null // looked at again at the next tick
    return {
      before,
      news: levels.map(({ duty: { id: duty, kind, due, says }, level, skipped }) => ({ name: 'overdue', at: now, by: DESK, facts: { duty: { id: duty, kind, due, level, ...(skipped.length > 0 && { skipped }) }, words: says } })),
    }
  })
}

const isDue = ({ next }: Pick<Duty, 'next'>, now: string): boolean => next !== null && next <= now

/** After days in which nothing ran, several levels are due at once: the highest is said, and which were passed over. */
function levelOf({ id }: Duty, state: ReferralState, duties: Rules['duties'], now: string): { readonly level: number; readonly skipped: readonly number[] } {
  const first = (state.overdue[id] ?? 0) + 1
  const saidAt = (level: number): Duty | undefined => duties({ ...state, overdue: { ...state.overdue, [id]: level } }).find((duty) => duty.id === id)
  let level = first
  for (let after = saidAt(level); after && isDue(after, now); after = saidAt(level)) level++
  return { level, skipped: Array.from({ length: level - first }, (_, index) => first + index) }
}

/** No channel that runs carries it or has it already, and it has waited long enough for one to start. */
async function abandonUncarried(parts: DeskParts, offers: Offers, now: string): Promise<void> {
  for (let after = 0; ; ) {
    const open = await parts.store.openNotices(NOTICE_KINDS, {}, after, now, AT_ONCE)
    for (const notice of open) {
      after = notice.id
      if (notice.fate === null && Date.parse(now) - Date.parse(notice.notBefore) >= PATIENCE && !(await offers.carries(parts.providers, notice))) await settle(parts, notice.id, uncarried(notice, now))
    }
    if (open.length < AT_ONCE) return
  }
}

const uncarried = (notice: Notice, now: string): Parameters<typeof settle>[2] => ({
  mark: UNCARRIED, outcome: 'failed', at: new Date(now), channel: 'desk', doubtful: false, confirmed: false, receipt: null, identifiers: [],
  reason: notice.to.startsWith('ehr ') ? `no channel hands on to ${notice.to.slice(4)}` : `no channel goes by ${notice.way} to their address`,
})

/** When the next tick is due by itself; at the latest after `longest` milliseconds. */
export const untilNext = async ({ store, clock }: DeskParts, longest: number): Promise<number> => {
  const next = await store.nextDue()
  return next === null ? longest : Math.min(longest, Math.max(1_000, Date.parse(next) - clock.now().getTime()))
}

