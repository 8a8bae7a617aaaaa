/** How many messages a second the embedded store takes through accept, finish, claim and settle. Run: node dist/test/bench/store.js [seconds] */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Acceptance, Delivery, MessageStore } from '../../engine/contracts.js'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'

const SECONDS = Number(process.argv[2] ?? 3)
const BYTES = 1500
const CHANNEL = 'bench'
const PAYLOAD = Buffer.alloc(BYTES, 'PID|1||')
const ANSWER = Buffer.alloc(120)
const QUEUE = { channel: CHANNEL, destination: 'receiver', lane: 0 }

type Round = (serial: number) => Promise<void>

const arrivals = (store: MessageStore, size: number, serial: number, at: Date): Promise<readonly Acceptance[]> =>
  Promise.all(Array.from({ length: size }, (_, position) => {
    const controlId = `MSG${serial + position}`
    const bytes = Buffer.alloc(BYTES, `MSH|^~\\&|A|B|C|D|20260101||ADT^A01|${controlId}|P|2.5\r`)
    const reply = { verdict: 'accepted' as const, reason: null, acknowledgements: [Buffer.alloc(120, controlId)] }
    const duplicatesSince = new Date(at.getTime() - 7 * 86_400_000)
    return store.accept({ channel: CHANNEL, inbound: { bytes, origin: '10.0.0.1:5000' }, header: { controlId, type: 'ADT^A01' }, at, status: 'received', reason: null, reply, duplicatesSince })
  }))

const finish = (store: MessageStore, accepted: readonly Acceptance[], at: Date): Promise<void> => store.finish(accepted.map(({ id }) => ({
  id, status: 'transformed', reason: null, revision: '1', index: [], notes: [], deliveries: [{ destination: 'receiver', payload: PAYLOAD, hash: 0, lanes: 1 }],
})), at)

const settle = (store: MessageStore, deliveries: readonly Delivery[], at: Date): Promise<void> => store.settle(deliveries.map(({ id }) => ({
  id, status: 'sent', reason: null, retryAt: null, attempted: true, doubtful: false, response: ANSWER, at,
})))

/** Each batch alone: four transactions, one after the other. */
const alone = (store: MessageStore, size: number): Round => async (serial) => {
  const at = new Date()
  await finish(store, await arrivals(store, size, serial, at), at)
  const { deliveries } = await store.claim(QUEUE, size, at)
  await settle(store, deliveries, at)
}

/** As the engine works under load: every stage has its batch, and one transaction serves them all. */
const together = (store: MessageStore, size: number): Round => {
  let accepted: readonly Acceptance[] = []
  let claimed: readonly Delivery[] = []
  return async (serial) => {
    const at = new Date()
    const stages = [arrivals(store, size, serial, at), finish(store, accepted, at), settle(store, claimed, at), store.claim(QUEUE, size, at)] as const
    const [next, , , claim] = await Promise.all(stages)
    accepted = next
    claimed = claim.deliveries
  }
}

const measure = async (name: string, size: number, prepare: (store: MessageStore, size: number) => Round): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'refero-bench-'))
  const file = join(folder, 'refero.db')
  const store = openSqliteStore(file)
  const round = prepare(store, size)
  let serial = 1
  for (; serial < 2000; serial += size) await round(serial)
  const first = serial
  const before = process.cpuUsage()
  const started = performance.now()
  for (; performance.now() - started < SECONDS * 1000; serial += size) await round(serial)
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(before)
  const messages = serial - first
  const facts = [`${Math.round(messages / seconds)} messages/s`, `${((user + system) / messages).toFixed(1)} µs of processor each`, `${Math.round(statSync(file).size / serial)} bytes of file each`]
  console.log(`${name}, batches of ${String(size).padStart(4)}: ${facts.join(', ')}`)
  await store.close()
  rmSync(folder, { recursive: true })
}

console.log(`accept + finish (1 delivery) + claim + settle, ${BYTES} bytes in and out, duplicates looked for`)
for (const size of [1, 8, 32, 128]) await measure('stages one after the other', size, alone)
for (const size of [1, 8, 32, 128]) await measure('stages side by side      ', size, together)
