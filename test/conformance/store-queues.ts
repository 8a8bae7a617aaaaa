/** Conformance of a store, second part: deliveries leave in order, lane by lane, and are settled once. */
import type { Delivery } from '../../engine/contracts.js'
import { after, bound, CHANNEL, claim, claimed, deliveryAt, NOON, pass, settled, statuses, story, texts } from './store-kit.js'
import type { OnStore } from './store.js'

const LANES = 4

export const queueConformance = (on: OnStore): void => {
  on('a claim takes the head of a lane in order, and nothing more until that is settled', async (t, store) => {
    for (const text of ['one', 'two', 'three']) await pass(store, text)
    const first = await claim(store, { limit: 2 })
    t.same(texts(first.deliveries), ['one', 'two'])
    t.match(first.deliveries[0], { channel: CHANNEL, destination: 'ehr', lane: 0, attempts: 1, header: { controlId: 'one', type: 'REF^I12' } })
    t.same(await claim(store), { deliveries: [], due: null, blocked: false })
    await store.settle([settled(first.deliveries[0] as Delivery, 'sent')])
    t.same(await claimed(store), [], 'the second is still being sent')
    await store.settle([settled(first.deliveries[1] as Delivery, 'sent')])
    t.same(await claimed(store), ['three'])
  })

  on('settling the last and claiming the next may be asked for in one turn', async (t, store) => {
    for (const text of ['one', 'two']) await pass(store, text)
    const { deliveries } = await claim(store, { limit: 1 })
    const [, next] = await Promise.all([store.settle(deliveries.map((delivery) => settled(delivery, 'sent'))), claimed(store)])
    t.same(next, ['two'])
  })

  on('a queue of its own serves each destination and each channel', async (t, store) => {
    await pass(store, 'one', [bound('a'), bound('b', { destination: 'archive' })])
    t.same(await claimed(store, { destination: 'archive' }), ['b'])
    t.same(await store.claim({ channel: 'other', destination: 'ehr', lane: 0 }, 10, after(1)), { deliveries: [], due: null, blocked: false })
    t.same(await claimed(store), ['a'])
  })

  on('a head that waits for its next attempt holds up its lane, and says until when', async (t, store) => {
    for (const text of ['one', 'two']) await pass(store, text)
    const { deliveries } = await claim(store, { limit: 1 })
    await store.settle([settled(deliveries[0] as Delivery, 'queued', { reason: 'No connection.', retryAt: after(60) })])
    t.same(await claim(store, { at: after(59) }), { deliveries: [], due: after(60), blocked: false })
    const next = await claim(store, { at: after(60) })
    t.same(texts(next.deliveries), ['one', 'two'])
    t.same(next.deliveries.map(({ attempts }) => attempts), [2, 1])
  })

  on('a later row that is not due ends the claim before it', async (t, store) => {
    for (const text of ['one', 'two', 'three']) await pass(store, text)
    const { deliveries } = await claim(store)
    await store.settle(deliveries.map((delivery, position) => settled(delivery, 'queued', { retryAt: position === 1 ? after(60) : null })))
    t.same(await claimed(store), ['one'])
  })

  on('a held head holds up its own lane only, until a person decides', async (t, store) => {
    const { message, delivery } = await deliveryAt(store, 'held')
    await pass(store, 'two', [bound('two'), bound('two elsewhere', { destination: 'archive' })])
    t.same(await claim(store), { deliveries: [], due: null, blocked: false })
    t.same(await claimed(store, { destination: 'archive' }), ['two elsewhere'])
    t.equal(await store.skip(message, null, 'alice', after(9)), 1)
    t.same(await claimed(store), ['two'])
    t.match(await store.history(message), [{}, {}, { what: 'held', destination: 'ehr' }, { what: 'skipped', by: 'alice', at: after(9) }])
    t.same(await statuses(store, message), ['error'])
    t.ok(delivery)
  })

  on('an attempt that was not made is given back and leaves no mark', async (t, store) => {
    const { message, delivery } = await deliveryAt(store, 'sending')
    await store.settle([settled(delivery, 'queued', { attempted: false })])
    const { deliveries } = await claim(store)
    t.equal(deliveries[0]?.attempts, 1)
    t.same(await story(store, message), ['received', 'transformed'])
  })

  on('what became of a delivery stands in its history and with its message', async (t, store) => {
    const message = await pass(store, 'one', ['ehr', 'archive', 'fax', 'portal'].map((destination) => bound('x', { destination })))
    const outcomes = [['ehr', 'sent'], ['archive', 'error'], ['fax', 'held'], ['portal', 'queued']] as const
    for (const [destination, status] of outcomes) {
      const { deliveries } = await claim(store, { destination })
      await store.settle([settled(deliveries[0] as Delivery, status, { reason: status === 'sent' ? null : `${status} it is`, response: Buffer.from('MSA') })])
    }
    t.same(await story(store, message), ['received', 'transformed', 'sent', 'refused', 'held', 'retry'])
    t.match((await store.progress(message))?.deliveries, outcomes.map(([destination, status]) => ({ destination, status, reason: status === 'sent' ? null : `${status} it is` })))
    t.match((await store.content(message))?.deliveries[0], { destination: 'ehr', payload: Buffer.from('x'), response: Buffer.from('MSA') })
  })

  on('only what is being sent can be settled', async (t, store) => {
    for (const status of ['queued', 'sent', 'held', 'error'] as const) {
      const { message, delivery } = await deliveryAt(store, status, `a ${status} one`)
      for (const next of ['queued', 'sent', 'held', 'error'] as const) {
        await t.rejects(store.settle([settled(delivery, next)]), new RegExp(`is ${status}, not sending`), `${status} to ${next}`)
      }
      t.same(await statuses(store, message), [status])
      await store.skip(message, null, 'alice', after(3))
      if (status === 'queued') await store.settle((await claim(store)).deliveries.map((each) => settled(each, 'sent')))
    }
    await t.rejects(store.settle([settled({ id: 999 }, 'sent')]), { code: 'NOT_FOUND' })
  })

  on('several deliveries are settled together or not at all', async (t, store) => {
    const message = await pass(store, 'one')
    const { deliveries } = await claim(store)
    await t.rejects(store.settle([settled(deliveries[0] as Delivery, 'sent'), settled({ id: 999 }, 'sent')]))
    t.same(await statuses(store, message), ['sending'])
    t.same(await story(store, message), ['received', 'transformed'])
  })

  on('what was being sent when the engine stopped is found again, and only that', async (t, store, reopen) => {
    for (const text of ['one', 'two', 'three']) await pass(store, text)
    const { deliveries } = await claim(store, { limit: 2 })
    await store.settle([settled(deliveries[0] as Delivery, 'sent')])
    const again = await reopen()
    t.same(await again.interrupted(CHANNEL), deliveries.slice(1))
    t.same(await again.interrupted('other'), [])
    t.same(await claimed(again), [], 'and it holds up its lane until it is settled')
    await again.settle([settled(deliveries[1] as Delivery, 'queued', { reason: 'The engine stopped.' })])
    t.same(await claimed(again), ['two', 'three'])
  })

  const inLanes = (hash: number | null) => ({ hash, lanes: LANES })

  on('lanes go on side by side, each in its order', async (t, store) => {
    for (const [text, hash] of [['a1', 1], ['b1', 2], ['a2', 5], ['b2', 6]] as const) await pass(store, text, [bound(text, inLanes(hash))])
    t.same(await claimed(store, { lane: 1, limit: 1 }), ['a1'])
    t.same(await claimed(store, { lane: 2 }), ['b1', 'b2'])
    t.same(await claimed(store, { lane: 1 }), [])
    t.same(await claimed(store, { lane: 3 }), [])
  })

  on('a merge waits for everything before it in every lane, and everything after it waits for the merge', async (t, store) => {
    for (const [text, hash] of [['a1', 1], ['b1', 2], ['merge', null], ['a2', 1], ['c1', 4]] as const) await pass(store, text, [bound(text, inLanes(hash))])
    t.same(await claim(store), { deliveries: [], due: null, blocked: true }, 'a1 and b1 come first')
    const a = await claim(store, { lane: 1 })
    t.same(texts(a.deliveries), ['a1'], 'and a2 is behind the merge')
    const b = await claim(store, { lane: 2 })
    await store.settle([settled(b.deliveries[0] as Delivery, 'sent')])
    t.same(await claim(store), { deliveries: [], due: null, blocked: true }, 'a1 is still being sent')
    await store.settle([settled(a.deliveries[0] as Delivery, 'held')])
    t.same(await claimed(store), [], 'a held one is not past')
    await store.skip(a.deliveries[0]?.messageId ?? 0, null, 'alice', after(3))
    t.same(await claim(store, { lane: 1 }), { deliveries: [], due: null, blocked: true })
    const merge = await claim(store, { limit: 1 })
    t.same(texts(merge.deliveries), ['merge'])
    t.same(await claim(store, { lane: 1 }), { deliveries: [], due: null, blocked: true }, 'nothing passes a merge that is being sent')
    await store.settle([settled(merge.deliveries[0] as Delivery, 'sent')])
    t.same(await claimed(store, { lane: 1 }), ['a2'])
    t.same(await claimed(store), ['c1'])
  })

  on('a merge with nothing in the other lanes is one of its lane like any other', async (t, store) => {
    for (const [text, hash] of [['a', 0], ['merge', null], ['b', 0]] as const) await pass(store, text, [bound(text, inLanes(hash))])
    t.same(await claimed(store), ['a', 'merge', 'b'])
  })

  on('what waits is spread over another number of lanes and keeps its order', async (t, store) => {
    for (const [text, hash] of [['a1', 1], ['b1', 2], ['a2', 1], ['f1', 5]] as const) await pass(store, text, [bound(text, inLanes(hash))])
    await store.spread(CHANNEL, 'ehr', 2)
    t.same(await claimed(store, { lane: 1 }), ['a1', 'a2', 'f1'])
    t.same(await claimed(store, { lane: 0 }), ['b1'])
    await store.spread(CHANNEL, 'ehr', 1)
    t.same(await claimed(store), [], 'what is being sent still holds up the lane it is in now')
  })

  on('a replayed delivery goes into the lane that its destination has now', async (t, store) => {
    const id = await pass(store, 'one', [bound('one', inLanes(3))])
    const { deliveries } = await claim(store, { lane: 3 })
    await store.settle([settled(deliveries[0] as Delivery, 'error')])
    await store.spread(CHANNEL, 'ehr', 2)
    t.equal(await store.replay(id, 'deliveries', null, 'alice', after(5)), 1)
    t.same(await claimed(store, { lane: 1 }), ['one'])
  })

  on('a delivery put back before one that is being sent is taken alone, and that one is not taken again', async (t, store) => {
    const { message } = await deliveryAt(store, 'error')
    await pass(store, 'two')
    const { deliveries } = await claim(store)
    t.same(texts(deliveries), ['two'])
    await store.replay(message, 'deliveries', null, 'alice', after(5))
    t.same(await claimed(store), ['one'])
    t.same(await claimed(store), [])
  })

  on('depth says what waits, what is held and since when, for each destination', async (t, store) => {
    for (const text of ['one', 'two', 'three']) await pass(store, text, [bound(text), bound(text, { destination: 'archive' })])
    const { deliveries } = await claim(store, { limit: 2 })
    await store.settle([settled(deliveries[0] as Delivery, 'sent'), settled(deliveries[1] as Delivery, 'held')])
    for (const each of (await claim(store, { destination: 'archive' })).deliveries) await store.settle([settled(each, 'sent')])
    t.same(await store.depth(CHANNEL), [
      { destination: 'ehr', waiting: 1, held: 1, oldest: NOON },
      { destination: 'archive', waiting: 0, held: 0, oldest: null },
    ])
    t.same(await store.depth('other'), [])
  })
}
