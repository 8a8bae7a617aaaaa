/** Conformance of a store: what people see of queues and relatives, and decide of what failed, which is kept until they have. */
import { after, arrival, bound, CHANNEL, claim, claimed, deliveryAt, finished, ids, NOON, pass, settled, statuses, story } from './store-kit.js'
import type { OnStore } from './store.js'

export const decisionConformance = (on: OnStore): void => {
  on('a message remembers the revision of the channel that took it through its steps', async (t, store, reopen) => {
    const one = await pass(store, 'one', [], { revision: 'aaa' })
    const two = await pass(store, 'two', [], { revision: 'bbb' })
    const { id: three } = await store.accept(arrival('three'))
    const revisions = async (from = store): Promise<unknown> => (await from.search({ limit: 10 })).map(({ id, revision }) => [id, revision])
    t.same(await revisions(), [[three, null], [two, 'bbb'], [one, 'aaa']])
    await store.replay(one, 'steps', null, 'alice', after(5))
    await store.finish([finished(one, [], { revision: 'bbb' })], after(6))
    t.same(await revisions(await reopen()), [[three, null], [two, 'bbb'], [one, 'bbb']])
  })

  on('failures stay until somebody has settled them', async (t, store) => {
    const failed = await deliveryAt(store, 'error', 'refused')
    const { id: broken } = await store.accept(arrival('broken'))
    await store.finish([finished(broken, [], { status: 'error', reason: 'PID-3 is missing.' })], after(1))
    const { id: unreadable } = await store.accept(arrival('unreadable', { status: 'error', reason: 'There is no MSH segment.' }))
    for (const what of ['content', 'facts'] as const) t.equal(await store.expire(CHANNEL, what, after(1e9), 100), 0)
    t.same(ids(await store.search({ status: 'error', limit: 10 })), [unreadable, broken, failed.message])
    t.equal(await store.skip(failed.message, null, 'alice', after(5), 'sent by fax'), 1)
    t.equal(await store.skip(broken, null, 'alice', after(5), 'a test message'), 1)
    t.equal(await store.skip(unreadable, null, 'alice', after(5)), 1)
    t.same(ids(await store.search({ status: 'error', limit: 10 })), [], 'nothing needs anybody any more')
    t.match((await store.progress(failed.message))?.deliveries, [{ status: 'error', reason: 'Skipped by alice: sent by fax' }])
    t.match(await store.progress(broken), { status: 'filtered', reason: 'Resolved by alice: a test message' })
    t.match(await store.progress(unreadable), { status: 'filtered', reason: 'Resolved by alice.' })
    t.match((await store.history(broken))?.slice(-2), [{ what: 'error', reason: 'PID-3 is missing.' }, { what: 'skipped', reason: 'a test message', by: 'alice' }])
    t.equal(await store.skip(failed.message, null, 'bob', after(6)), 0, 'what is settled is settled')
    t.equal(await store.skip(broken, null, 'bob', after(6)), 0)
    t.equal(await store.expire(CHANNEL, 'facts', after(1e9), 100), 3)
  })

  on('what was settled can still be put back, and then counts as any other', async (t, store) => {
    const { message } = await deliveryAt(store, 'error')
    await store.skip(message, null, 'alice', after(5))
    t.equal(await store.replay(message, 'deliveries', null, 'alice', after(6)), 1)
    const { deliveries } = await claim(store, { at: after(7) })
    await store.settle([settled(deliveries[0] ?? { id: 0 }, 'error', { reason: 'again' })])
    t.same(ids(await store.search({ status: 'error', limit: 10 })), [message])
    t.equal(await store.replay(message, 'steps', null, 'alice', after(8)), 1)
    await store.finish([finished(message, [])], after(9))
    t.same(ids(await store.search({ status: 'error', limit: 10 })), [], 'whoever puts it back before its steps has seen what failed')
  })

  on('a destination that the message never had is named, with those that it has', async (t, store) => {
    const message = await pass(store, 'one', [bound('a'), bound('b', { destination: 'archive' })])
    await t.rejects(store.skip(message, 'ehrr', 'alice', after(5)), { code: 'NOT_FOUND', message: /no delivery to `ehrr`; it has `ehr`, `archive`/ })
    const { id } = await store.accept(arrival('broken'))
    await store.finish([finished(id, [], { status: 'error', reason: 'x' })], after(1))
    await t.rejects(store.skip(id, 'ehr', 'alice', after(5)), { code: 'NOT_FOUND', message: /it has none at all/ })
    t.equal((await store.progress(id))?.status, 'error')
  })

  on('a message put back before its steps for one destination goes to that one alone, once', async (t, store, reopen) => {
    const both = [bound('a'), bound('b', { destination: 'archive' })]
    const message = await pass(store, 'one', both)
    for (const destination of ['ehr', 'archive']) {
      const { deliveries } = await claim(store, { destination })
      await store.settle([settled(deliveries[0] ?? { id: 0 }, 'sent')])
    }
    await t.rejects(store.replay(message, 'steps', 'fax', 'alice', after(5)), { code: 'NOT_FOUND', message: /no destination `fax`; it has `ehr`, `archive`/ })
    t.equal(await store.replay(message, 'steps', 'archive', 'alice', after(5)), 1)
    const again = await reopen()
    await again.finish([finished(message, both)], after(6))
    t.same(await claimed(again), [])
    t.same(await claimed(again, { destination: 'archive' }), ['b'])
    t.same(await statuses(again, message), ['sent', 'sent', 'sending'])
    t.match((await again.history(message))?.find(({ what }) => what === 'replayed'), { destination: 'archive', by: 'alice' })
    const { deliveries } = await again.search({ limit: 1 }).then(([found]) => found ?? { deliveries: [] })
    await again.settle([settled(deliveries.at(-1) ?? { id: 0 }, 'sent')])
    await again.replay(message, 'steps', null, 'alice', after(7))
    await again.finish([finished(message, both)], after(8))
    t.equal((await statuses(again, message)).length, 5, 'the next time to all again')
  })

  on('queues say what waits, what is at the head and why', async (t, store) => {
    t.same(await store.queues(null), [])
    const first = await pass(store, 'one', [bound('a'), bound('b', { destination: 'archive' })])
    await pass(store, 'two')
    const failed = await pass(store, 'three', [bound('x', { destination: 'fax' })])
    const idle = { waiting: 0, held: 0, failed: 0, oldest: null, head: null }
    const queue = async (destination: string): Promise<unknown> => (await store.queues(CHANNEL)).find((each) => each.destination === destination)
    t.match(await queue('ehr'), { channel: CHANNEL, waiting: 2, held: 0, failed: 0, oldest: NOON, head: { message: first, status: 'queued', attempts: 0, reason: null, due: null } })
    const { deliveries: [delivery] } = await claim(store, { limit: 1 })
    await store.settle([settled(delivery ?? { id: 0 }, 'queued', { reason: 'unavailable: connect ECONNREFUSED', retryAt: after(60) })])
    t.match(await queue('ehr'), { waiting: 2, head: { message: first, delivery: delivery?.id, status: 'queued', attempts: 1, reason: 'unavailable: connect ECONNREFUSED', due: after(60) } })
    const again = await claim(store, { limit: 1, at: after(61) })
    await store.settle([settled(again.deliveries[0] ?? { id: 0 }, 'held', { reason: 'unknown: no answer' })])
    t.match(await queue('ehr'), { waiting: 1, held: 1, head: { message: first, status: 'held', attempts: 2, reason: 'unknown: no answer', due: null } })
    for (const [destination, status] of [['archive', 'sent'], ['fax', 'error']] as const) {
      const { deliveries } = await claim(store, { destination })
      await store.settle([settled(deliveries[0] ?? { id: 0 }, status)])
    }
    t.match(await queue('archive'), idle)
    t.match(await queue('fax'), { ...idle, failed: 1 })
    await store.skip(failed, null, 'alice', after(70))
    t.match(await queue('fax'), idle)
    await store.accept(arrival('elsewhere', { channel: 'another' }))
    t.same((await store.queues(null)).map(({ destination }) => destination), ['ehr', 'archive', 'fax'])
    t.same(await store.queues('unheard of'), [])
  })

  on('relatives are found over channels, in both directions, from any of them', async (t, store) => {
    const feed = async (from: string, destination: string, delivery: number, to: string, part = ''): Promise<number> => {
      const inbound = { bytes: Buffer.from(`${to}${part}`), origin: `channel ${from}`, key: `${from}/${destination}/${delivery}${part}` }
      return (await store.accept(arrival('x', { channel: to, inbound, header: { controlId: 'C', type: 'T' } }))).id
    }
    const first = await pass(store, 'one', [bound('a', { destination: 'desk' }), bound('b', { destination: 'split' })])
    const { deliveries: [desk, split] } = (await store.search({ limit: 1 }))[0] ?? { deliveries: [] }
    const second = await feed(CHANNEL, 'desk', desk?.id ?? 0, 'desk')
    const parts = [await feed(CHANNEL, 'split', split?.id ?? 0, 'parts', '#0'), await feed(CHANNEL, 'split', split?.id ?? 0, 'parts', '#1')]
    await store.finish([finished(second, [bound('c', { destination: 'letters' })])], after(2))
    const letters = (await store.search({ channel: 'desk', limit: 1 }))[0]?.deliveries[0]
    const third = await feed('desk', 'letters', letters?.id ?? 0, 'letters')
    const stranger = await store.accept(arrival('x', { channel: 'desk', inbound: { bytes: Buffer.from('y'), origin: '10.0.0.9:80', key: `${CHANNEL}/desk/${desk?.id}0` } }))
    const forged = await store.accept(arrival('x', { channel: 'forged', inbound: { bytes: Buffer.from('z'), origin: '10.0.0.9:80', key: `${CHANNEL}/desk/${desk?.id}` } }))
    const from = (message: number, destination: string, delivery: number | undefined) => ({ message, destination, delivery })
    for (const id of [first, second, third, ...parts]) {
      const { messages, complete } = await store.lineage(id) ?? { messages: [] }
      t.same([messages.map((message) => [message.id, message.channel, message.from]), complete], [[
        [first, CHANNEL, null], [second, 'desk', from(first, 'desk', desk?.id)], [parts[0], 'parts', from(first, 'split', split?.id)], [parts[1], 'parts', from(first, 'split', split?.id)],
        [third, 'letters', from(second, 'letters', letters?.id)],
      ], true], `from ${id}`)
    }
    t.match(await store.lineage(stranger.id), { messages: [{ id: stranger.id, from: null }], complete: true })
    t.match((await store.lineage(forged.id))?.messages, { length: 1 }, 'a key alone makes no relative')
    t.equal(await store.lineage(999), null)
    t.same(await story(store, second), ['received', 'transformed'])
  })
}
