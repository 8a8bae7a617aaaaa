/** The property behind every crash test: wherever the engine dies, what was acknowledged arrives, in order, kept once. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DestinationConnector, MessageArchive, MessageStore } from '../../engine/contracts.js'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { contacted, hastyClock, SENT, smallChannel, type SmallWorld } from '../small-world.js'

export type Store = MessageStore & MessageArchive

/** What was done wrong on purpose, to see that the property notices. */
export interface Mutant {
  readonly store?: (store: Store) => Store
}

interface Memory {
  readonly file: string
  readonly arrived: string[]
  readonly acknowledged: Set<string>
}

class Died extends Error {}

/**
 * Kills the engine at its first, second, … contact with the outside, each time in a new world, and lets it live again.
 * Resolves with how many such points there were, and with a sentence for each thing that went wrong; a mutant is
 * found out at the first.
 */
export async function everyCrashPoint(options: Pick<SmallWorld, 'acknowledge' | 'whenUnknown'> = {}, mutant: Mutant = {}): Promise<{ points: number; wrong: readonly string[] }> {
  const wrong: string[] = []
  let points = 0
  for (let died = true; died && (wrong.length === 0 || !mutant.store); points++) {
    const folder = mkdtempSync(join(tmpdir(), 'refero-crash-'))
    const memory: Memory = { file: join(folder, 'messages.db'), arrived: [], acknowledged: new Set() }
    died = await live(memory, points, options, mutant)
    const acknowledgedBefore = [...memory.acknowledged]
    await live(memory, Number.POSITIVE_INFINITY, options, mutant)
    wrong.push(...(await judge(memory, acknowledgedBefore)).map((sentence) => `contact ${points}: ${sentence}`))
    rmSync(folder, { recursive: true })
  }
  return { points, wrong }
}

async function judge({ file, arrived, acknowledged }: Memory, before: readonly string[]): Promise<readonly string[]> {
  const store = openSqliteStore(file)
  const kept = await store.search({ limit: 100 })
  await store.close()
  const once = [...new Set(arrived)]
  return [
    ...before.filter((message) => !arrived.includes(message)).map((message) => `“${message}” was acknowledged and never arrived`),
    ...(once.join() === SENT.join() ? [] : [`arrived: ${arrived.join(' ') || 'nothing'}`]),
    ...(acknowledged.size === SENT.length ? [] : ['a sender was left without an answer']),
    ...(kept.length === SENT.length ? [] : [`${kept.length} messages are kept instead of ${SENT.length}`]),
    ...kept.filter(({ deliveries }) => deliveries.length !== 1 || deliveries[0]?.status !== 'sent').map(({ id }) => `message ${id} did not end as sent, once`),
  ]
}

/** One life of the engine, ended at the `last`-th contact; true if it ended there. */
async function live(memory: Memory, last: number, options: Pick<SmallWorld, 'acknowledge' | 'whenUnknown'>, mutant: Mutant): Promise<boolean> {
  let contacts = 0
  let dead = false
  let woken = (): void => {}
  const died = new Promise<void>((resolve) => {
    woken = resolve
  })
  const contact = (): void => {
    dead ||= contacts++ >= last
    if (!dead) return
    woken()
    throw new Died()
  }
  const real = openSqliteStore(memory.file)
  const receiver: DestinationConnector = {
    open: async () => {},
    close: async () => {},
    deliver: async ({ payload }) => {
      memory.arrived.push(payload.toString())
      return { kind: 'sent' }
    },
  }
  const hands = contacted((mutant.store ?? ((store) => store))(real), contact)
  const { channel, send } = smallChannel({ store: hands, receiver: contacted(receiver, contact), clock: hastyClock, ...options })
  const alive = async (): Promise<void> => {
    await channel.start()
    for (const message of SENT) {
      if (memory.acknowledged.has(message)) continue
      for (let asked = 0; asked < 50 && !memory.acknowledged.has(message); asked++) {
        const reply = await send({ bytes: Buffer.from(message), origin: 'sender' })
        contact()
        if (reply.verdict === 'accepted') memory.acknowledged.add(message)
      }
    }
    for (let looks = 0; looks < 200 && new Set(memory.arrived).size < SENT.length; looks++) await new Promise((next) => setTimeout(next, 2))
    await settled(real)
  }
  await Promise.race([alive().catch((error: unknown) => { if (!(error instanceof Died)) throw error }), died])
  await channel.stop(Promise.resolve())
  await real.close()
  return dead
}

/** Until nothing is on its way, or it is plain that something stays there. */
async function settled(store: Store): Promise<void> {
  for (let looks = 0; looks < 200; looks++) {
    const waiting = await store.depth('test')
    if (waiting.every(({ waiting: count }) => count === 0)) return
    await new Promise((next) => setTimeout(next, 2))
  }
}
