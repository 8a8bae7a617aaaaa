/** What a piece learns of the world around its channel: what became of the messages that it handed in, and what runs beside the engine. */
import { getEventListeners, once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import type { ChannelTest } from '../../engine/channel-definition.js'
import { loadChannel } from '../../engine/channel-loader.js'
import { runChannelTest } from '../../engine/channel-tests.js'
import type { Clock, Fate, MessageArchive, MessageStore, Outcome, TransformStep } from '../../engine/contracts.js'
import { defineDestination, defineSource } from '../../engine/define.js'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { openThreadedStore } from '../../engine/store/sqlite/threaded-store.js'
import { plainTools } from '../../engine/world.js'
import { hastyClock, smallChannel, type SmallWorld } from '../small-world.js'
import { context } from './stand-ins.js'

const LOOK_AGAIN = 30_000
const never = new AbortController().signal

/** Nobody waits long, but for what is late: a look without a hint comes when the test says so, and nothing else is ever late. */
function patientClock(): Clock & { lookAgain: () => void } {
  const looking = new Set<() => void>()
  return {
    now: () => new Date(),
    sleep: (milliseconds, signal) => (milliseconds < 5_000 ? hastyClock.sleep(milliseconds, signal) : new Promise((resolve) => {
      const end = (): void => {
        looking.delete(end)
        resolve()
      }
      if (milliseconds === LOOK_AGAIN) looking.add(end)
      if (signal?.aborted) end()
      else signal?.addEventListener('abort', end)
    })),
    lookAgain: () => { for (const end of looking) end() },
  }
}

type Answer = (content: string, attempt: number) => Outcome | Promise<Outcome>

/** A running channel on the store in a folder, whose receiver answers as told, and whose sender asks for fates. */
async function running(t: Test, answer: Answer, options: Partial<SmallWorld> & { folder?: string; open?: (file: string) => Promise<MessageStore & MessageArchive> | (MessageStore & MessageArchive) } = {}) {
  const clock = patientClock()
  const folder = options.folder ?? t.testdir()
  const store = await (options.open ?? openSqliteStore)(join(folder, 'messages.db'))
  const { channel, send, tools } = smallChannel({
    store, clock, ...options,
    receiver: { open: async () => {}, close: async () => {}, deliver: ({ payload, attempts }) => Promise.resolve(answer(payload.toString(), attempts)) },
  })
  await channel.start()
  let open = true
  const stop = async (): Promise<void> => {
    if (!open) return
    open = false
    await channel.stop(Promise.resolve())
    await store.close()
  }
  t.teardown(stop)
  return {
    store, channel, folder, stop, lookAgain: clock.lookAgain,
    hand: (content: string) => send({ bytes: Buffer.from(content), origin: 'the desk', key: `key ${content}` }),
    fate: (content: string, known: string | null = null, signal = never) => tools().fate(`key ${content}`, known, signal),
    tools,
  }
}

const sent: Answer = () => ({ kind: 'sent', response: Buffer.from('thank you') })
const refused: Outcome = { kind: 'refused', reason: 'not here' }

t.test('the fate of a message is told when it comes to rest: sent, refused, held, filtered, failed or unreadable', async (t) => {
  const step: TransformStep = (message) => {
    if (message.body === 'filtered') return { filtered: 'nobody wants it' }
    if (message.body === 'failed') throw new Error('it cannot be turned')
    return [message]
  }
  for (const open of [openSqliteStore, openThreadedStore]) {
    const answer: Answer = (content, attempt) => {
      if (content === 'slow') return attempt > 3 ? { kind: 'sent' } : { kind: 'unavailable', reason: 'down' }
      return content === 'sent' ? sent(content, attempt) : refused
    }
    const world = await running(t, answer, { steps: [step], open, folder: t.testdir() })
    const delivered = (delivery: object): object => ({ status: 'transformed', reason: null, deliveries: [{ destination: 'receiver', doubtful: false, settled: false, ...delivery }] })
    const expected: Readonly<Record<string, object>> = {
      sent: delivered({ status: 'sent', attempts: 1, payload: Buffer.from('sent'), response: Buffer.from('thank you') }),
      slow: delivered({ status: 'sent', attempts: 4, response: null }),
      refused: delivered({ status: 'error', reason: 'refused: not here', payload: Buffer.from('refused') }),
      filtered: { status: 'filtered', reason: 'step 1, nobody wants it', deliveries: [] },
      failed: { status: 'error', reason: 'step 1 (step-0): it cannot be turned', deliveries: [] },
    }
    for (const [content, fate] of Object.entries(expected)) {
      await world.hand(content)
      t.match(await world.fate(content), fate, content)
    }
    t.equal(await world.fate('never handed in'), null)
    const known = await world.fate('sent')
    const ended = new AbortController()
    const waiting = world.fate('sent', known?.mark ?? '', ended.signal)
    ended.abort()
    t.equal(await waiting, null, 'nothing new before the signal aborts')
    t.equal(await world.fate('sent', null, ended.signal), null, 'nor after it')
    await world.stop()
  }
})

t.test('what a person decides is told to whoever waits: released, skipped, replayed', async (t) => {
  let answer: Outcome = refused
  const world = await running(t, () => answer, { destination: { whenRefused: 'hold' } })
  await world.hand('one')
  const held = await world.fate('one')
  t.match(held, { deliveries: [{ status: 'held', reason: 'refused: not here' }] })
  const id = held?.message ?? 0
  const decided = async (act: () => Promise<unknown>, known: Fate | null): Promise<Fate | null> => {
    const next = world.fate('one', known?.mark ?? '')
    await act()
    world.channel.wake(id) // as whoever decides does
    return next
  }
  const again = await decided(() => world.store.replay(id, 'deliveries', null, 'ada', new Date()), held)
  t.match(again, { deliveries: [{ status: 'held', reason: 'refused: not here' }] }, 'held again')
  const skipped = await decided(() => world.store.skip(id, null, 'ada', new Date(), 'by telephone'), again)
  t.match(skipped, { deliveries: [{ status: 'error', settled: true, reason: 'Skipped by ada: by telephone' }] })
  answer = { kind: 'sent' }
  const replayed = await decided(() => world.store.replay(id, 'deliveries', null, 'ada', new Date()), skipped)
  t.match(replayed, { deliveries: [{ status: 'sent', settled: false }] })
  const rerun = await decided(() => world.store.replay(id, 'steps', null, 'ada', new Date()), replayed)
  t.match(rerun, { deliveries: [{ status: 'sent' }, { status: 'sent' }] })
})

t.test('a message that failed in its steps and was put back has another fate', async (t) => {
  let broken = true
  const world = await running(t, sent, { steps: [(message) => { if (broken) throw new Error('no such code'); return [message] }] })
  await world.hand('one')
  const failed = await world.fate('one')
  t.match(failed, { status: 'error', reason: /no such code$/ })
  const next = world.fate('one', failed?.mark ?? '')
  broken = false
  await world.store.replay(failed?.message ?? 0, 'steps', null, 'ada', new Date())
  world.channel.wake(failed?.message)
  t.match(await next, { status: 'transformed', deliveries: [{ status: 'sent', payload: Buffer.from('one') }] })
})

t.test('what may have arrived more than once says so, and what certainly arrived once does not', async (t) => {
  const world = await running(t, (content, attempt) => (attempt > 2 ? { kind: 'sent' } : { kind: content === 'one' && attempt === 1 ? 'unknown' : 'unavailable', reason: 'no answer' }))
  for (const content of ['one', 'two']) await world.hand(content)
  t.match(await world.fate('one'), { deliveries: [{ status: 'sent', attempts: 3, doubtful: true }] })
  t.match(await world.fate('two'), { deliveries: [{ status: 'sent', attempts: 3, doubtful: false }] })
})

t.test('after a restart the same key finds the same message, and a fate that is known is not told again', async (t) => {
  const stopped = new AbortController()
  let asked = (): void => {}
  const sending = new Promise<void>((resolve) => { asked = resolve })
  const before = await running(t, async (content) => {
    if (content === 'done') return { kind: 'sent' }
    asked()
    await once(stopped.signal, 'abort')
    return { kind: 'unavailable', reason: 'stopped' }
  })
  await before.hand('done')
  const done = await before.fate('done')
  await before.hand('under way')
  const waiting = before.fate('under way', null, stopped.signal)
  await sending
  stopped.abort()
  t.equal(await waiting, null)
  await before.stop()

  const after = await running(t, sent, { folder: before.folder })
  t.match(await after.fate('under way'), { deliveries: [{ status: 'sent' }] })
  t.match(await after.fate('done'), { mark: done?.mark, message: done?.message })
  const later = after.fate('done', done?.mark ?? '')
  await after.hand('done') // a source that does not know what it handed in hands it in again
  await after.store.replay(done?.message ?? 0, 'steps', null, 'ada', new Date())
  after.channel.wake(done?.message)
  t.match(await later, { deliveries: [{ status: 'sent' }, { status: 'sent' }] }, 'not woken by the repetition')
})

t.test('an attempt cut off by the end of the engine is in doubt', async (t) => {
  const before = await running(t, sent)
  await before.channel.stop(Promise.resolve())
  const { id } = await before.store.accept({ channel: 'test', inbound: { bytes: Buffer.from('cut'), origin: 'x', key: 'key cut' }, header: { controlId: 'cut', type: null }, at: new Date(), status: 'received', reason: null, reply: null, duplicatesSince: null })
  await before.store.finish([{ id, status: 'transformed', reason: null, revision: '1', deliveries: [{ destination: 'receiver', payload: Buffer.from('cut'), hash: 0, lanes: 1 }], index: [], notes: [] }], new Date())
  t.equal((await before.store.claim({ channel: 'test', destination: 'receiver', lane: 0 }, 1, new Date())).deliveries.length, 1)
  await before.store.close()
  t.match(await (await running(t, sent, { folder: before.folder })).fate('cut'), { deliveries: [{ status: 'sent', attempts: 2, doubtful: true }] })
})

t.test('of five thousand that wait only those are woken that something happens to', async (t) => {
  const COUNT = 5_000
  let go: (outcome: Outcome) => void = () => {}
  const warnings: string[] = []
  const warn = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  let looks = 0
  let reached: () => void = () => {}
  const looked = (total: number): Promise<void> => new Promise((resolve) => {
    reached = () => { if (looks >= total) resolve() }
    reached()
  })
  const counted = (file: string): MessageStore & MessageArchive => {
    const store = openSqliteStore(file)
    return { ...store, fate: async (...given) => {
      const look = await store.fate(...given)
      looks += 1
      reached()
      return look
    } }
  }
  const world = await running(t, (content) => (content === '0' || content === '1' ? new Promise((resolve) => { go = resolve }) : { kind: 'unavailable', reason: 'not in this test' }), { open: counted, acknowledge: 'transformed', destination: { whenUnknown: 'hold' } })
  await Promise.all(Array.from({ length: COUNT }, (_, n) => world.hand(String(n))))
  const ended = new AbortController()
  const told: Fate[] = []
  const waiting = Array.from({ length: COUNT }, (_, n) => world.fate(String(n), null, ended.signal).then((fate) => { if (fate) told.push(fate); return fate }))
  await looked(2 * COUNT)
  go({ kind: 'sent' })
  t.match(await waiting[0], { deliveries: [{ status: 'sent', payload: Buffer.from('0') }] })
  t.equal(looks, 2 * COUNT + 1, 'one look more')
  t.equal(told.length, 1)
  world.lookAgain()
  await looked(2 * COUNT + 1 + COUNT - 1)
  t.equal(told.length, 1, 'a look without a hint finds them all where they were')
  ended.abort()
  t.same(await Promise.all(waiting.slice(1)), Array(COUNT - 1).fill(null))
  t.same(getEventListeners(ended.signal, 'abort'), [], 'nobody is left behind')
  t.same(warnings, [])
  go({ kind: 'sent' })
})

t.test('a message that is forgotten while its fate is awaited has none any more', async (t) => {
  const world = await running(t, sent)
  await world.hand('one')
  const known = await world.fate('one')
  const next = world.fate('one', known?.mark ?? '')
  t.equal(await world.store.expire('test', 'facts', new Date(Date.now() + 1e9), 10), 1)
  const looking = setInterval(world.lookAgain, 1)
  t.equal(await next, null)
  clearInterval(looking)
})

t.test('what runs beside the engine is found by its name, and what does not run is named', async (t) => {
  const desk = { open: () => 'a referral' }
  const { tools } = await running(t, sent, { services: { desk, measures: 1 } })
  t.equal(tools().service('desk'), desk)
  t.throws(() => tools().service('dsek'), /^this installation has no `dsek`; did you mean `desk`\?$/)
  t.throws(() => tools().service('toString'), /^this installation has no `toString`; there are `desk`, `measures`\.$/)
  const plain = plainTools(context().pieces)
  t.throws(() => plain.service('desk'), /^this installation has no `desk`\.$/)
  await t.rejects(plain.fate('key', null, never), /no message comes to rest where no channel runs/)
})

t.test('a channel whose pieces need a service is checked and tested without it', async (t) => {
  const base = context()
  let opened = 0
  const Early = Type.Object({ early: Type.Optional(Type.Boolean()) }, { additionalProperties: false })
  const source = defineSource({ name: 'desk', summary: '', settings: Early, examples: [], create: ({ early }, tools) => {
    if (early) tools.service('desk')
    return { start: async () => { opened += 1; return String(tools.service('desk')) }, stop: async () => {} }
  } })
  const destination = defineDestination({ name: 'desk', summary: '', settings: Early, examples: [], create: ({ early }, tools) => {
    if (early) tools.service('desk')
    return { open: async () => { opened += 1; tools.service('desk') }, deliver: async () => ({ kind: 'sent' }), close: async () => {} }
  } })
  const pieces = { ...base.pieces, sources: new Map([...base.pieces.sources, ['desk', source as never]]), destinations: new Map([...base.pieces.destinations, ['desk', destination as never]]) }
  const file = (end: string): string => `name: desk\nsource: { desk: {} }\nformat: fhir\ndestinations:\n  - name: desk\n    to: { desk: {${end}} }\ntests:\n  - name: it is kept\n    given: one.json\n    expect: { desk: sent }\n`
  const folder = t.testdir({ 'desk.yaml': file(''), 'one.json': '{}' })
  const path = join(folder, 'desk.yaml')
  const { channel, problems } = await loadChannel(path, { ...base, pieces })
  t.same(problems, [])
  const world = { pieces, mappings: base.mappings, clock: hastyClock, log: () => {}, dataFolder: folder, serve: () => () => {}, fixtures: folder, openStore: () => openSqliteStore(':memory:') }
  if (!channel) throw new Error('it was read without a problem')
  for (const test of channel.definition.tests) t.match(await runChannelTest(channel, test as ChannelTest, world), { name: 'it is kept', failures: [] })
  t.equal(opened, 0, 'nothing was started or opened')
  writeFileSync(path, file(' early: true '))
  t.match((await loadChannel(path, { ...base, pieces })).problems, [{ rule: 'cannot-work', message: '`desk` cannot work with these settings: this installation has no `desk`.' }], 'in `create` is too early')
})
