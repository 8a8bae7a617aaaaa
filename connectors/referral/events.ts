/** Gives each event of the desk to a channel once and in order, wherever it stopped reading. */
import type { Receive, Tools } from '../../engine/contracts.js'
import { duration } from '../../engine/units.js'
import type { EventName } from '../../referrals/desk-contracts.js'
import type { Desk } from '../../referrals/desk.js'
import { untilChanged } from './waiting.js'

interface Settings { readonly events?: readonly EventName[]; readonly since?: string }

const AT_ONCE = 100
const PAUSE = 1_000

export async function giveEvents(desk: Desk, receive: Receive, tools: Tools, { events = [], since = '1d' }: Settings, signal: AbortSignal): Promise<void> {
  const reader = tools.channel
  const begin = new Date(tools.clock.now().getTime() - duration(since)).toISOString()
  let position = (await desk.store.position(reader)) ?? (await desk.store.lastPosition(begin))
  while (!signal.aborted) {
    const turn = desk.turn()
    const found = await desk.store.stream(position, events, AT_ONCE)
    for (const { position: at, referral, event } of found) {
      const bundle = await desk.eventBundle(referral, event)
      while (bundle !== null && !signal.aborted) {
        const reply = await receive({ bytes: Buffer.from(bundle), origin: 'referral desk', key: `event ${at}` }).catch(() => null)
        if (reply !== null && reply.verdict !== 'error') break
        await tools.clock.sleep(PAUSE, signal)
      }
      if (signal.aborted) return
      position = at
    }
    if (found.length > 0) await desk.store.moveTo(reader, position)
    else await untilChanged(desk, tools.clock, turn, signal)
  }
}
