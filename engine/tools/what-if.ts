/** What a changed channel would do with messages that were received before, beside what was done with them: nothing is stored and nothing leaves. */
import type { LoadedChannel } from '../channel-loader.js'
import type { TestWorld } from '../channel-tests.js'
import type { Header } from '../contracts.js'
import { prepare } from '../message-flow.js'
import { difference } from '../rehearse.js'
import { stillChannel } from '../still-channel.js'

/** A message as it was received, and what became of it. */
export interface Earlier {
  readonly id: number
  readonly receivedAt: Date
  readonly origin: string
  readonly header: Header
  readonly bytes: Buffer
  readonly status: string
  readonly reason: string | null
  readonly deliveries: readonly { readonly destination: string; readonly payload: Buffer | null }[] // null: kept no longer
}

/** One message, then and now. */
export interface Comparison {
  readonly id: number
  readonly type: string | null
  readonly same: boolean
  readonly then: string // "transformed", "error: MSH-9: …"
  readonly now: string
  readonly deliveries: readonly { readonly destination: string; readonly diff: string }[] // those that differ, as a unified diff
}

/** Takes messages through the steps of a channel as it is loaded, each at the time it was received; `told` hears of each as it is done. */
export async function whatIf(loaded: LoadedChannel, earlier: readonly Earlier[], world: TestWorld, told: (done: number) => void = () => {}): Promise<readonly Comparison[]> {
  const store = world.openStore()
  const compared: Comparison[] = []
  try {
    for (const message of earlier) {
      const clock = { now: () => message.receivedAt, sleep: () => Promise.resolve() }
      const { status, reason, deliveries } = await prepare(stillChannel(loaded, world, store, clock), { ...message, channel: loaded.definition.name })
      const [then, now] = [words(message.status, message.reason), words(status, reason)]
      const differences = compare(message.deliveries, deliveries)
      compared.push({ id: message.id, type: message.header.type, same: then === now && differences.length === 0, then, now, deliveries: differences })
      told(compared.length)
    }
    return compared
  } finally {
    await store.close()
  }
}

const words = (status: string, reason: string | null): string => (status === 'transformed' || !reason ? status : `${status}: ${reason}`)

interface Sent { readonly destination: string; readonly payload: Buffer | null }

/** By destination, in order; of what was sent more than once (after a replay) the last. What is kept no longer cannot be compared. */
const compare = (then: readonly Sent[], now: readonly Sent[]): Comparison['deliveries'] => {
  const names = [...new Set([...then, ...now].map(({ destination }) => destination))]
  return names.flatMap((destination) => {
    const [before, after] = [then, now].map((sent) => sent.filter((one) => one.destination === destination)) as [Sent[], Sent[]]
    const latest = after.length > 0 ? before.slice(-after.length) : before
    return Array.from({ length: Math.max(latest.length, after.length) }, (_, n) => ({ was: latest[n], is: after[n] })).flatMap(({ was, is }) => {
      if (was?.payload === null || (was?.payload && is?.payload?.equals(was.payload))) return []
      return [{ destination, diff: difference(was?.payload ?? Buffer.alloc(0), is?.payload ?? Buffer.alloc(0), was ? 'then' : 'then: nothing', is ? 'now' : 'now: nothing') }]
    })
  })
}
