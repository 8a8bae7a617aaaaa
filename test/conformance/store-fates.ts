/** Conformance of a store: what became of the message that a channel took with a key. */
import type { Fate } from '../../engine/contracts.js'
import { after, arrival, bound, CHANNEL, claim, finished, pass, reply, settled, type Store } from './store-kit.js'
import type { OnStore } from './store.js'

const KEY = 'referral-7/event-3'
const take = async (store: Store, text = 'one', key = KEY): Promise<number> => (await store.accept(arrival(text, { key }))).id
const fate = async (store: Store, known: string | null = null): Promise<Fate | null | undefined> => (await store.fate(CHANNEL, KEY, known))?.fate
/** Claims the head of a queue and settles it. */
const end = async (store: Store, status: Parameters<typeof settled>[1], over: Parameters<typeof settled>[2] = {}, destination = 'ehr'): Promise<void> => {
  const { deliveries } = await claim(store, { destination, limit: 1, at: after(1000) })
  await store.settle([settled(deliveries[0] ?? { id: 0 }, status, over)])
}

export const fateConformance = (on: OnStore): void => {
  on('a message is found by its channel and its key, and its fate is told once it is at rest', async (t, store, reopen) => {
    t.equal(await store.fate(CHANNEL, KEY, null), null, 'no such channel')
    await pass(store, 'another')
    t.equal(await store.fate(CHANNEL, KEY, null), null, 'no such key')
    const message = await take(store)
    t.same(await store.fate(CHANNEL, KEY, null), { message, fate: null }, 'received')
    t.equal(await store.fate('elsewhere', KEY, null), null, 'another channel')
    await store.finish([finished(message, [bound('a', { destination: 'fax' }), bound('b', { destination: 'archive' })])], after(1))
    t.same(await store.fate(CHANNEL, KEY, null), { message, fate: null }, 'queued')
    await end(store, 'sent', { response: Buffer.from('AA'), at: after(3) }, 'fax')
    t.same(await store.fate(CHANNEL, KEY, null), { message, fate: null }, 'one of two')
    const { deliveries } = await claim(store, { destination: 'archive', at: after(4) })
    t.same(await store.fate(CHANNEL, KEY, null), { message, fate: null }, 'sending')
    await store.settle([settled(deliveries[0] ?? { id: 0 }, 'error', { reason: 'refused: no such patient', at: after(5), response: Buffer.from('AE') })])
    const told = await fate(await reopen())
    t.same(told, {
      mark: told?.mark, message, status: 'transformed', reason: null, deliveries: [
        { destination: 'fax', status: 'sent', reason: null, settled: false, attempts: 1, doubtful: false, at: after(3), payload: Buffer.from('a'), response: Buffer.from('AA') },
        { destination: 'archive', status: 'error', reason: 'refused: no such patient', settled: false, attempts: 1, doubtful: false, at: after(5), payload: Buffer.from('b'), response: Buffer.from('AE') },
      ],
    })
  })

  on('what is filtered, fails in its steps or cannot be read is at rest', async (t, store) => {
    const message = await take(store)
    await store.finish([finished(message, [], { reason: 'step 1 keeps other types' })], after(1))
    t.match(await fate(store), { message, status: 'filtered', reason: 'step 1 keeps other types', deliveries: [] })
    const failed = await take(store, 'two', 'two')
    await store.finish([finished(failed, [], { status: 'error', reason: 'PID-3 is missing.' })], after(1))
    t.match((await store.fate(CHANNEL, 'two', null))?.fate, { message: failed, status: 'error', reason: 'PID-3 is missing.' })
    const { id: unreadable } = await store.accept(arrival('three', { key: 'three', status: 'error', reason: 'There is no MSH segment.' }))
    t.match((await store.fate(CHANNEL, 'three', null))?.fate, { message: unreadable, status: 'error', reason: 'There is no MSH segment.' })
  })

  on('a fate that is known is not told again, whatever its sender repeats, until somebody does something with the message', async (t, store) => {
    const message = await take(store)
    await store.finish([finished(message, [bound('a')])], after(1))
    await end(store, 'held', { reason: 'refused: not now' })
    const seen: string[] = []
    const another = async (expected: object, sentence: string): Promise<void> => {
      const told = await fate(store, seen.at(-1) ?? null)
      t.match(told, expected, sentence)
      t.notOk(seen.includes(told?.mark ?? ''), `${sentence}: another mark`)
      seen.push(told?.mark ?? '')
      t.same(await store.fate(CHANNEL, KEY, told?.mark ?? ''), { message, fate: null }, `${sentence}: told once`)
    }
    await another({ deliveries: [{ status: 'held', attempts: 1, at: after(2) }] }, 'held')
    t.ok((await store.accept(arrival('one', { key: KEY }))).duplicate)
    await store.answer(message, reply('AA'), after(3))
    t.equal(await fate(store, seen[0] ?? ''), null, 'a repetition and its answer')
    await store.replay(message, 'deliveries', null, 'alice', after(4))
    t.equal(await fate(store), null, 'released, and on its way')
    await end(store, 'held', { reason: 'refused: not now', at: after(5) })
    await another({ deliveries: [{ status: 'held', reason: 'refused: not now', attempts: 1, at: after(5) }] }, 'held again, for the same reason')
    await store.skip(message, null, 'alice', after(6), 'by telephone')
    await another({ deliveries: [{ status: 'error', settled: true, reason: 'Skipped by alice: by telephone', at: after(6) }] }, 'skipped')
    await store.replay(message, 'steps', null, 'alice', after(7))
    t.equal(await fate(store), null, 'before its steps')
    await store.finish([finished(message, [], { status: 'error', reason: 'a wrong step' })], after(8))
    await another({ status: 'error', reason: 'a wrong step', deliveries: [{ settled: true }] }, 'failed in its steps')
    await store.skip(message, null, 'alice', after(9))
    await another({ status: 'filtered', reason: 'Resolved by alice.' }, 'given up')
    await store.replay(message, 'steps', null, 'alice', after(10))
    await store.finish([finished(message, [bound('b')])], after(11))
    await end(store, 'sent', { at: after(12) })
    await another({ status: 'transformed', deliveries: [{ status: 'error', settled: true }, { status: 'sent', settled: false, at: after(12), payload: Buffer.from('b') }] }, 'sent by another run')
  })

  on('a delivery is doubtful from the first attempt that ended unknown on, and only that one', async (t, store, reopen) => {
    const message = await take(store)
    await store.finish([finished(message, [bound('a'), bound('b'), bound('c')])], after(1))
    const doubt = async (from: Store): Promise<unknown> => (await fate(from))?.deliveries.map(({ payload, status, attempts, doubtful }) => [payload?.toString(), status, attempts, doubtful])
    await end(store, 'queued', { doubtful: true, reason: 'unknown: no answer', retryAt: after(3) })
    await end(store, 'queued', { reason: 'unavailable: refused', retryAt: after(4) })
    await end(store, 'sent')
    await end(store, 'queued', { reason: 'unavailable: refused', retryAt: after(4) })
    await end(store, 'sent')
    await end(store, 'held', { doubtful: true, reason: 'unknown: no answer' })
    t.same(await doubt(await reopen()), [['a', 'sent', 3, true], ['b', 'sent', 2, false], ['c', 'held', 1, true]])
  })

  on('what was released after a doubt stays doubtful, and what was given back untouched never was', async (t, store) => {
    const message = await take(store)
    await store.finish([finished(message, [bound('a')])], after(1))
    await end(store, 'queued', { attempted: false })
    await end(store, 'held', { doubtful: true })
    await store.replay(message, 'deliveries', null, 'alice', after(5))
    await end(store, 'sent')
    t.match((await fate(store))?.deliveries, [{ status: 'sent', attempts: 1, doubtful: true }])
    const clear = await take(store, 'two', 'two')
    await store.finish([finished(clear, [bound('b')])], after(1))
    await end(store, 'queued', { attempted: false })
    await end(store, 'sent')
    t.match((await store.fate(CHANNEL, 'two', null))?.fate?.deliveries, [{ doubtful: false }])
  })

  on('a fate outlives its content, and goes with its message', async (t, store) => {
    const message = await take(store)
    await store.finish([finished(message, [bound(Buffer.alloc(1_100_000, 'x'))])], after(1))
    await end(store, 'sent', { response: Buffer.from('AA') })
    const before = await fate(store)
    t.equal(before?.deliveries[0]?.payload?.length, 1_100_000, 'an attachment')
    t.equal(await store.expire(CHANNEL, 'content', after(1e9), 10), 1)
    t.equal(await fate(store, before?.mark), null, 'to forget the content changes nothing')
    t.match(await fate(store), { mark: before?.mark, deliveries: [{ status: 'sent', payload: null, response: null }] })
    t.equal(await store.expire(CHANNEL, 'facts', after(1e9), 10), 1)
    t.equal(await store.fate(CHANNEL, KEY, null), null)
  })
}
