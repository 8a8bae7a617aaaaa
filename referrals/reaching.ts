/** Referrers whom nobody could reach: once a way back to them is known, they are told by it what they have not been told. */
import type { NewNotice, Notice, ReferralState } from './desk-contracts.js'
import { change, type DeskParts } from './change.js'
import { DESK, nextWay } from './fold.js'
import { calledOf } from './providers/names.js'
import { providerTo } from './scope.js'
import { canBeReached } from './way-back.js'

/** How many are looked at within one rest of the clock: with more the looks are rarer. */
const AT_ONCE = 200
const REST = 5_000

/** Looks through what waits for a way back, at its own pace, and tells how many got one; a way may be learned from a person, a message or an import. */
export function reaching(parts: DeskParts): () => Promise<number> {
  let next = 0
  return async () => {
    const now = parts.clock.now().getTime()
    if (now < next) return 0
    let [looked, reached] = [0, 0]
    for (let before: string | undefined; ;) {
      const page = await parts.store.search({ hold: 'way-back', direction: 'inbound', limit: AT_ONCE, ...(before !== undefined && { before }) })
      for (const state of page) if (await reach(parts, state)) reached++
      looked += page.length
      before = page.at(-1)?.id
      if (page.length < AT_ONCE) break
    }
    next = now + REST * Math.floor(looked / AT_ONCE)
    return reached
  }
}

async function reach(parts: DeskParts, { id, sequence, provider: named }: ReferralState): Promise<boolean> {
  const provider = named === null ? null : await parts.providers.get(named)
  const way = nextWay(provider, [])
  if (provider === null || way === null || !canBeReached(provider)) return false
  return null !== await change(parts, `reached ${id} ${sequence}`, async () => {
    const before = await parts.store.state(id)
    const since = before?.holds['way-back']?.since
    if (!before || since === undefined || before.provider !== named) return null
    const at = parts.clock.now().toISOString()
    const owed = untold(await parts.store.notices(id), before)
    const again = way === 'file' ? owed.filter(({ status }) => status === 'failed') : owed
    const words = `They can be reached by ${way === 'file' ? 'post' : way} now.`
    return {
      before, news: [{ name: 'noted', at, by: DESK, facts: { provider: { id: provider.id, name: calledOf(provider) }, words } }],
      settled: again.filter(({ status }) => status !== 'sent').map((notice) => ({ notice, status: 'superseded' as const, fate: notice.fate })),
      notices: again.map(({ id: _id, fate: _fate, ...notice }): NewNotice => ({ ...notice, to: `provider ${provider.id}`, way, status: 'open', notBefore: at, due: parts.rules().dueOf(notice.kind, at, before.urgency), tried: [] })),
    }
  })
}

/** What nobody has been told: all that had no way to go, and, of each kind, the last that went into a file. */
function untold(notices: readonly Notice[], { missing, reportedAt }: ReferralState): readonly Notice[] {
  const theirs = notices.filter(({ to, kind }) => providerTo(to) !== null && kind !== 'digest')
  const noWay = theirs.filter(({ status, way }) => status === 'failed' && way === null)
  const holds = ({ kind }: Notice): boolean => (kind === 'information' ? missing.length > 0 : kind !== 'outcome' || reportedAt !== null)
  const written = theirs.filter((one) => one.way === 'file' && (one.status === 'sent' || one.status === 'open') && holds(one))
  return [...noWay, ...written.filter((one) => !written.some((later) => later.kind === one.kind && later.id > one.id))]
}
