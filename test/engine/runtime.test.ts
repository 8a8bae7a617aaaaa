/** The runtime on a real store: what a channel promises of order, retries, doubt, refusals, lanes and answers. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { clock as realClock } from '../../engine/clock.js'
import type { DestinationConnector, MessageFormat, Outcome } from '../../engine/contracts.js'
import { StoreError } from '../../engine/errors.js'
import { laneHash } from '../../engine/lanes.js'
import { retryWait } from '../../engine/retry.js'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { Worker } from '../../engine/worker.js'
import { echo, hastyClock, smallChannel, type SmallWorld } from '../small-world.js'

type Answer = (content: string, signal: AbortSignal, attempt: number) => Outcome | Promise<Outcome>

/** A running channel whose receiver answers as told; gives what arrived, and how to wait for it. */
async function running(t: Test, answer: Answer, options: Partial<SmallWorld> = {}) {
  const store = openSqliteStore(join(mkdtempSync(join(tmpdir(), 'refero-runtime-')), 'messages.db'))
  const arrived: string[] = []
  const receiver: DestinationConnector = {
    open: async () => {},
    close: async () => {},
    deliver: async ({ payload, attempts }, signal) => {
      arrived.push(payload.toString())
      return answer(payload.toString(), signal, attempts)
    },
  }
  const { channel, send } = smallChannel({ store, receiver, clock: hastyClock, ...options })
  await channel.start()
  t.teardown(async () => {
    await channel.stop(Promise.resolve())
    await store.close()
  })
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    for (let looks = 0; looks < 2_000; looks++) {
      if (await holds()) return
      await new Promise((next) => setTimeout(next, 2))
    }
    throw new Error(`waited in vain; arrived: ${arrived.join(' ')}`)
  }
  const status = async (id: number): Promise<string | undefined> => (await store.search({ before: id + 1, limit: 1 }))[0]?.deliveries[0]?.status
  return { store, channel, arrived, until, status, send: (content: string) => send({ bytes: Buffer.from(content), origin: 'test' }) }
}

const sent: Answer = () => ({ kind: 'sent' })

t.test('what is unavailable is tried again, and nothing overtakes it', async (t) => {
  const world = await running(t, (content, _signal, attempt) => (content === 'a' && attempt < 4 ? { kind: 'unavailable', reason: 'down' } : { kind: 'sent' }))
  for (const content of ['a', 'b', 'c']) await world.send(content)
  await world.until(() => world.arrived.includes('c'))
  t.same(world.arrived, ['a', 'a', 'a', 'a', 'b', 'c'])
})

t.test('what gives up after its attempts is an error, and the queue goes on', async (t) => {
  const world = await running(t, (content) => (content === 'a' ? { kind: 'unavailable', reason: 'down' } : { kind: 'sent' }), {
    destination: { retry: { every: '1ms', growth: 1, longest: '1ms', jitter: 0, attempts: 3 } },
  })
  for (const content of ['a', 'b']) await world.send(content)
  await world.until(() => world.arrived.includes('b'))
  t.same(world.arrived, ['a', 'a', 'a', 'b'])
  await world.until(async () => (await world.status(2)) === 'sent')
  t.equal(await world.status(1), 'error')
})

t.test('a refusal is an error that lets the queue go on, unless the channel says otherwise', async (t) => {
  const refused: Answer = (content) => (content === 'a' ? { kind: 'refused', reason: 'no', code: 'AR' } : { kind: 'sent' })
  const error = await running(t, refused)
  for (const content of ['a', 'b']) await error.send(content)
  await error.until(async () => (await error.status(2)) === 'sent')
  t.equal(await error.status(1), 'error')

  const skip = await running(t, refused, { destination: { whenRefused: 'skip' } })
  for (const content of ['a', 'b']) await skip.send(content)
  await skip.until(async () => (await skip.status(2)) === 'sent')
  t.equal(await skip.status(1), 'sent')
  t.match((await skip.store.search({ limit: 10 })).at(-1)?.deliveries[0]?.reason, /skipped/)

  const hold = await running(t, refused, { destination: { whenRefused: 'hold' } })
  for (const content of ['a', 'b']) await hold.send(content)
  await hold.until(async () => (await hold.status(1)) === 'held')
  t.equal(await hold.status(2), 'queued', 'nothing overtakes what is held')
  t.equal(await hold.store.skip(1, null, 'somebody', new Date()), 1)
  hold.channel.wake()
  await hold.until(async () => (await hold.status(2)) === 'sent')
})

t.test('an answer on the retryOn list means try again', async (t) => {
  const world = await running(t, (_content, _signal, attempt) => (attempt < 3 ? { kind: 'refused', reason: 'busy', code: 'AE' } : { kind: 'sent' }), { destination: { retryOn: ['AE'] } })
  await world.send('a')
  await world.until(async () => (await world.status(1)) === 'sent')
  t.same(world.arrived, ['a', 'a', 'a'])
})

t.test('what nobody knows is sent again, or held where the channel says so', async (t) => {
  const doubtful: Answer = (_content, _signal, attempt) => (attempt < 2 ? { kind: 'unknown', reason: 'no answer' } : { kind: 'sent' })
  const resend = await running(t, doubtful)
  await resend.send('a')
  await resend.until(async () => (await resend.status(1)) === 'sent')
  t.same(resend.arrived, ['a', 'a'])
  t.same((await resend.store.history(1))?.map(({ what }) => what), ['received', 'transformed', 'retry', 'sent'], 'the history says that it was sent twice')

  let doubts = 0
  const hold = await running(t, () => (doubts++ === 0 ? { kind: 'unknown', reason: 'no answer' } : { kind: 'sent' }), { whenUnknown: 'hold' })
  for (const content of ['a', 'b']) await hold.send(content)
  await hold.until(async () => (await hold.status(1)) === 'held')
  t.same(hold.arrived, ['a'])
  await hold.store.replay(1, 'deliveries', null, 'somebody', new Date())
  hold.channel.wake()
  await hold.until(() => hold.arrived.includes('b'))
  t.same(hold.arrived, ['a', 'a', 'b'])
})

t.test('a receiver that throws is in doubt, and one that heeds no signal does not block its queue', async (t) => {
  const world = await running(t, (content, _signal, attempt) => {
    if (attempt > 1) return { kind: 'sent' }
    if (content === 'a') throw new Error('broken')
    return new Promise(() => {})
  }, { destination: { timeout: '10ms' } })
  for (const content of ['a', 'b', 'c']) await world.send(content)
  await world.until(() => world.arrived.filter((content) => content === 'c').length === 2)
  t.same(world.arrived, ['a', 'a', 'b', 'b', 'c', 'c'])
})

t.test('lanes keep the order of each key while another key waits, and a merge waits for both', async (t) => {
  const [x, y] = twoLanes(4)
  let open = false
  const keys: MessageFormat<string> = { ...echo, orderKeys: (body) => body.split('-')[0]?.split('+') ?? [] }
  const world = await running(t, (content) => (content === `${x}-1` && !open ? { kind: 'unavailable', reason: 'down' } : { kind: 'sent' }), {
    format: keys as MessageFormat, destination: { partition: { by: 'key', lanes: 4 } },
  })
  for (const content of [`${x}-1`, `${y}-1`, `${x}-2`, `${y}-2`, `${x}+${y}-merge`, `${y}-3`, `${x}-3`]) await world.send(content)
  await world.until(() => world.arrived.includes(`${y}-2`))
  t.notOk(world.arrived.some((content) => content.includes('merge') || content.endsWith('3')), 'the merge waits for the lane that is stuck, and what follows waits for the merge')
  open = true
  await world.until(() => world.arrived.includes(`${x}-3`) && world.arrived.includes(`${y}-3`))
  const done = [...new Set(world.arrived.toReversed())].toReversed()
  const place = (content: string): number => done.indexOf(content)
  t.ok(place(`${x}-1`) < place(`${x}-2`) && place(`${x}-2`) < place(`${x}+${y}-merge`) && place(`${y}-2`) < place(`${x}+${y}-merge`))
  t.ok(place(`${x}+${y}-merge`) < place(`${x}-3`) && place(`${x}+${y}-merge`) < place(`${y}-3`))
})

t.test('the sender is answered when the channel says: received, transformed or delivered', async (t) => {
  let release = (): void => {}
  const gate = new Promise<Outcome>((resolve) => {
    release = () => resolve({ kind: 'sent' })
  })
  const delivered = await running(t, () => gate, { acknowledge: 'delivered', clock: { ...hastyClock, sleep: (_ms, signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve())) } })
  let answered = false
  const reply = delivered.send('a').then((given) => {
    answered = true
    return given
  })
  await delivered.until(() => delivered.arrived.length === 1)
  t.notOk(answered, 'not before it is delivered')
  const again = delivered.send('a')
  release()
  t.equal((await reply).verdict, 'accepted')
  t.same((await again).acknowledgements, (await reply).acknowledgements, 'a repetition waits for the same answer')
  t.equal(delivered.arrived.length, 1)

  const failing = await running(t, sent, { acknowledge: 'transformed', clock: realClock, steps: [() => { throw new Error('cannot be done') }] })
  const refusal = await failing.send('a')
  t.equal(refusal.verdict, 'rejected')
  t.match(refusal.reason, /step 1 \(step-0\): cannot be done/)
  t.same(await failing.send('a'), refusal, 'and again byte for byte')

  const refused = await running(t, () => ({ kind: 'refused', reason: 'never', code: 'AR' }), { acknowledge: 'delivered', clock: realClock })
  t.match(await refused.send('a'), { verdict: 'rejected', reason: /receiver: refused: never/ })
})

t.test('a sender is told honestly that its message is kept and not done with', async (t) => {
  const world = await running(t, () => ({ kind: 'unavailable', reason: 'down' }), { acknowledge: 'delivered' })
  t.match(await world.send('a'), { verdict: 'error', reason: /kept and not done with within 5 s/ })
})

t.test('several at once where order has no meaning: a slow one does not hold up the others', async (t) => {
  let release = (): void => {}
  const slow = new Promise<void>((resolve) => {
    release = resolve
  })
  const world = await running(t, sent, { channel: { concurrency: 3 }, steps: [async (message) => (message.body === 'slow' ? slow.then(() => [message]) : [message])] })
  for (const content of ['slow', 'b', 'c', 'd', 'e']) await world.send(content)
  await world.until(() => world.arrived.length === 4)
  t.notOk(world.arrived.includes('slow'))
  release()
  await world.until(() => world.arrived.includes('slow'))
})

t.test('where steps are slow, each message is read once', async (t) => {
  const store = openSqliteStore(join(mkdtempSync(join(tmpdir(), 'refero-runtime-')), 'messages.db'))
  t.teardown(() => store.close())
  let read = 0
  const counting = { ...store, received: async (channel: string, limit: number) => {
    const messages = await store.received(channel, limit)
    read += messages.length
    return messages
  } }
  let open: () => void = () => {}
  const gate = new Promise<void>((resolve) => { open = resolve })
  const world = await running(t, sent, { store: counting, steps: [async (message) => { await gate; return [message] }] })
  const all = Array.from({ length: 10 }, (_, n) => `m${n}`)
  for (const content of all) await world.send(content)
  open()
  await world.until(() => world.arrived.length === all.length)
  t.same(world.arrived, all)
  t.equal(read, all.length)
})

t.test('steps filter, split and fail one message without touching its neighbours, and the history says why', async (t) => {
  const world = await running(t, sent, {
    steps: [(message) => (message.body === 'no' ? { filtered: 'it says no' } : message.body === 'bad' ? (() => { throw new Error('too bad') })() : [message, { ...message, body: `${message.body}!` }])],
  })
  for (const content of ['a', 'no', 'bad', 'b']) await world.send(content)
  await world.until(() => world.arrived.includes('b!'))
  t.same(world.arrived, ['a', 'a!', 'b', 'b!'])
  t.match(await world.store.history(2), [{ what: 'received' }, { what: 'filtered', reason: 'it says no' }])
  t.match(await world.store.history(3), [{ what: 'received' }, { what: 'error', reason: /too bad/ }])
})

t.test('an unreadable message is kept for a person, and rejected', async (t) => {
  const format: MessageFormat<string> = { ...echo, readHeader: (bytes) => { if (bytes.toString() === '?') throw new Error('no header'); return echo.readHeader(bytes) } }
  const world = await running(t, sent, { format: format as MessageFormat })
  t.match(await world.send('?'), { verdict: 'rejected', reason: 'no header' })
  t.match(await world.store.search({ status: 'error', limit: 10 }), [{ id: 1, status: 'error', reason: 'no header' }])
  t.equal((await world.store.content(1))?.bytes?.toString(), '?')
})

t.test('an envelope is taken apart, each message is kept, and one envelope answers', async (t) => {
  const format: MessageFormat<string> = {
    ...echo,
    separate: (bytes) => (bytes.includes('&') ? bytes.toString().split('&').map((part) => Buffer.from(part)) : null),
    assemble: (_bytes, acknowledgements) => Buffer.from(acknowledgements.join('&')),
  }
  const world = await running(t, sent, { format: format as MessageFormat })
  const reply = await world.send('a&b&c')
  t.equal(String(reply.acknowledgements[0]), 'accepted:a&accepted:b&accepted:c')
  await world.until(() => world.arrived.length === 3)
  t.same(world.arrived, ['a', 'b', 'c'])
})

t.test('a store that fails is an error to the sender and never an acceptance', async (t) => {
  const world = await running(t, sent)
  t.teardown(() => {})
  await world.store.close()
  t.match(await world.send('a'), { verdict: 'error', reason: /could not be stored/ })
})

t.test('what the store can never take becomes an error, and the messages behind it go on', async (t) => {
  const real = openSqliteStore(join(mkdtempSync(join(tmpdir(), 'refero-runtime-')), 'messages.db'))
  const arrived: string[] = []
  const { channel, send } = smallChannel({
    clock: hastyClock,
    store: { ...real, finish: (results, at) => (results.some(({ deliveries }) => deliveries[0]?.payload.toString() === 'bad') ? Promise.reject(new StoreError('failed', 'too much')) : real.finish(results, at)) },
    receiver: { open: async () => {}, close: async () => {}, deliver: async ({ payload }) => { arrived.push(payload.toString()); return { kind: 'sent' } } },
  })
  await channel.start()
  for (const content of ['a', 'bad', 'b']) await send({ bytes: Buffer.from(content), origin: 'test' })
  while (!arrived.includes('b')) await new Promise((next) => setTimeout(next, 2))
  t.match((await real.search({ status: 'error', limit: 10 }))[0], { id: 2, reason: /cannot be stored/ })
  t.same(arrived, ['a', 'b'])
  await channel.stop(Promise.resolve())
  await real.close()
})

t.test('waits grow, are bounded, are spread, and end', async (t) => {
  const settings = { every: 1_000, growth: 2, longest: 10_000, jitter: 0, attempts: 6 }
  t.same([1, 2, 3, 4, 5, 6].map((made) => retryWait(settings, made)), [1_000, 2_000, 4_000, 8_000, 10_000, null])
  t.equal(retryWait({ ...settings, jitter: 0.5 }, 1, () => 1), 500)
  t.equal(retryWait({ ...settings, attempts: Number.POSITIVE_INFINITY }, 1_000_000), 10_000)
})

t.test('a worker goes on after a round that failed, and loses no hint that comes while it works', async (t) => {
  let rounds = 0
  const failures: unknown[] = []
  const worker: Worker = new Worker(async () => {
    rounds++
    if (rounds === 1) throw new Error('once')
    if (rounds === 2) worker.wake()
    return Number.POSITIVE_INFINITY
  }, hastyClock, (error) => failures.push(error))
  worker.start()
  while (rounds < 3) await new Promise((next) => setTimeout(next, 1))
  await worker.stop()
  t.equal(failures.length, 1)
})

/** Two keys that lie in different lanes. */
function twoLanes(lanes: number): [string, string] {
  const words = ['anna', 'ben', 'carl', 'dora', 'emil']
  const other = words.find((word) => (laneHash([word]) as number) % lanes !== (laneHash(['anna']) as number) % lanes)
  return ['anna', other as string]
}
