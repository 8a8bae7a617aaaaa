/** Hands what the desk owes to the engine, follows each message to its end, and tells the desk what became of it. */
import type { Fate, Receive, Tools } from '../../engine/contracts.js'
import type { Notice, NoticeKind } from '../../referrals/desk-contracts.js'
import type { Way } from '../../referrals/contracts.js'
import type { Desk } from '../../referrals/desk.js'
import type { Offer } from '../../referrals/offers.js'
import type { NoticeFate } from '../../referrals/settling.js'
import { fateOf } from './fate.js'
import { LONGEST_WAIT, untilChanged } from './waiting.js'

interface Settings { readonly owed?: readonly NoticeKind[]; readonly ehr?: readonly string[]; readonly by?: readonly Way[]; readonly address?: readonly string[]; readonly staff?: boolean }

const AT_ONCE = 50
const PAUSE = 1_000 // before a message that the engine could not keep is given again

/** Until the signal aborts. The table of notices is the queue: what is not settled is given again after a restart, and its key makes it the same message. */
export async function giveNotices(desk: Desk, receive: Receive, tools: Tools, { owed = [], ehr, by, address, staff = false }: Settings, signal: AbortSignal): Promise<void> {
  const offer: Offer = { channel: tools.channel, kinds: owed, ...(by && { ways: by }), ...(ehr && { ehrs: ehr }), ...(address && { addresses: address }) }
  const withdraw = desk.offer(offer)
  const following = new Map<number, Promise<void>>()
  const ending = new AbortController() // also where this fails: it begins anew, and follows anew
  const end = (): void => ending.abort()
  signal.addEventListener('abort', end)
  const begin = ({ id, fate }: Pick<Notice, 'id' | 'fate'>): void => void following.set(id, follow(desk, tools, id, fate, staff, ending.signal).finally(() => following.delete(id)))
  try {
    await desk.resume(offer)
    for (const notice of await desk.failed(offer)) begin(notice)
    let whole = tools.clock.now().getTime() // when the table was last looked at from its beginning
    for (let after = 0; !signal.aborted; ) {
      const turn = desk.turn()
      const found = await desk.toTell(offer, after, AT_ONCE, (notice) => following.has(notice))
      for (const { notice, bundle } of found) {
        after = notice.id
        if (bundle === null) continue
        await desk.taken(notice.id) // before: once the channel has it, it must not go another way as well
        if (!(await give(receive, tools, notice.id, notice.to, bundle, signal))) return
        begin(notice)
      }
      if (found.length > 0) continue
      await untilChanged(desk, tools.clock, turn, signal)
      if (tools.clock.now().getTime() - whole < LONGEST_WAIT) continue // what is new has a higher number
      after = 0 // what was not due before may be now
      whole = tools.clock.now().getTime()
    }
  } finally {
    end()
    signal.removeEventListener('abort', end)
    withdraw()
    await Promise.all(following.values())
  }
}

export const keyOf = (notice: number): string => `notice ${notice}`

/** False once the signal has aborted before the engine kept it. */
async function give(receive: Receive, tools: Tools, notice: number, to: string, bundle: string, signal: AbortSignal): Promise<boolean> {
  const inbound = { bytes: Buffer.from(bundle), origin: `referral desk, to ${to}`, key: keyOf(notice) }
  while (!signal.aborted) {
    const reply = await receive(inbound).catch(() => null)
    if (reply !== null && reply.verdict !== 'error') {
      if (reply.verdict === 'rejected') tools.log('warn', 'a channel could not read what the referral desk owes')
      return true // what was rejected is kept by its channel, and its fate says so
    }
    await tools.clock.sleep(PAUSE, signal)
  }
  return false
}

/** Stores may fail meanwhile: done again until it succeeds; null once the signal has aborted. */
async function persistently<Value>(tools: Tools, failure: string, work: () => Promise<Value>, signal: AbortSignal): Promise<Value | null> {
  for (let pause = PAUSE; !signal.aborted; pause = Math.min(pause * 2, LONGEST_WAIT)) {
    try {
      return await work()
    } catch (error) {
      tools.log('warn', failure, { error })
      await tools.clock.sleep(pause, signal)
    }
  }
  return null
}

/** To the end of the message; after a failure on, for a person may send it again. Never rejects. */
async function follow(desk: Desk, tools: Tools, notice: number, known: string | null, staff: boolean, signal: AbortSignal): Promise<void> {
  for (let mark = known; !signal.aborted; ) {
    const fate = await persistently(tools, 'what became of a message could not be read', () => tools.fate(keyOf(notice), mark, signal), signal)
    if (fate === null) return
    mark = fate.mark
    const outcome = await persistently(tools, 'the referral desk could not keep what became of a message', () => settled(desk, tools, notice, fate, staff), signal)
    if (outcome === 'sent') return
  }
}

async function settled(desk: Desk, tools: Tools, notice: number, fate: Fate, staff: boolean): Promise<NoticeFate['outcome']> {
  const told = await fateOf(desk, tools, notice, fate, staff)
  await desk.settle(notice, told)
  return told.outcome
}
