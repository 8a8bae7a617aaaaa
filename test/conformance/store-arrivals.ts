/** Conformance of a store, first part: messages are kept, recognised, taken through their steps and answered. */
import { StoreError } from '../../engine/errors.js'
import { acceptAll, after, arrival, bound, CHANNEL, claimed, finished, ids, NOON, pass, reply, statuses, story } from './store-kit.js'
import type { OnStore } from './store.js'

export const arrivalConformance = (on: OnStore): void => {
  on('a message is kept exactly as received, and is still there after reopening', async (t, store, reopen) => {
    const bytes = Buffer.from([0x4d, 0x00, 0xff, 0x0b, 0x1c, 0x0d])
    const { id, duplicate } = await store.accept(arrival('x', { controlId: 'C1', inbound: { bytes, origin: '/in/a.hl7', key: 'ledger 1' } }))
    t.notOk(duplicate)
    const [kept] = await (await reopen()).received(CHANNEL, 10)
    t.same(kept, { id, channel: CHANNEL, receivedAt: NOON, bytes, origin: '/in/a.hl7', key: 'ledger 1', header: { controlId: 'C1', type: 'REF^I12' } })
  })

  on('messages come back oldest first, as many as asked for, only those of the channel that have not been through their steps', async (t, store) => {
    const [one, two, three] = await acceptAll(store, ['one', 'two', 'three'])
    await store.accept(arrival('elsewhere', { channel: 'other' }))
    await store.accept(arrival('unreadable', { status: 'error', reason: 'There is no MSH segment.' }))
    t.same(ids(await store.received(CHANNEL, 2)), [one?.id, two?.id])
    await store.finish([finished(one?.id ?? 0, [])], after(1))
    t.same(ids(await store.received(CHANNEL, 10)), [two?.id, three?.id])
    t.same(await store.received('unheard of', 10), [])
  })

  on('what is asked for in one turn runs in the order asked for', async (t, store) => {
    const first = store.accept(arrival('one'))
    const seen = store.received(CHANNEL, 10)
    const second = store.accept(arrival('two'))
    t.same(ids(await seen), [(await first).id])
    const finishing = store.finish([finished((await first).id, [bound('one')]), finished((await second).id, [bound('two')])], after(1))
    const claiming = claimed(store)
    await finishing
    t.same(await claiming, ['one', 'two'])
    t.ok((await first).id < (await second).id)
  })

  on('an unreadable message is kept as an error, with the reason and the reply', async (t, store) => {
    const said = { verdict: 'rejected' as const, reason: 'There is no MSH segment.', acknowledgements: [] }
    const { id } = await store.accept(arrival('??', { controlId: null, status: 'error', reason: said.reason, reply: said }))
    t.match(await store.progress(id), { status: 'error', reason: said.reason, reply: said, bytes: Buffer.from('??') })
    t.same(await story(store, id), ['received', 'error'])
  })

  on('the same control id and bytes are a duplicate that gets the first reply byte for byte', async (t, store, reopen) => {
    const first = await store.accept(arrival('one', { reply: reply('AA one'), duplicatesSince: NOON }))
    const again = await (await reopen()).accept(arrival('one', { reply: reply('AA other'), duplicatesSince: NOON, at: after(60) }))
    t.same(again, { id: first.id, duplicate: true, reply: reply('AA one') })
  })

  on('a duplicate is found within the same turn, and stands in the history of the first', async (t, store) => {
    const twins = await Promise.all([1, 2, 3].map(() => store.accept(arrival('one', { duplicatesSince: NOON }))))
    t.same(twins.map(({ duplicate }) => duplicate), [false, true, true])
    t.equal(new Set(ids(twins)).size, 1)
    t.same(await story(store, twins[0]?.id ?? 0), ['received', 'duplicate', 'duplicate'])
    t.same((await store.received(CHANNEL, 10)).length, 1)
  })

  on('nothing else is a duplicate: other bytes, other channel, too long ago, no control id, no window', async (t, store) => {
    const accept = async (over: Parameters<typeof arrival>[1], text = 'one'): Promise<boolean> => (await store.accept(arrival(text, { controlId: 'C1', duplicatesSince: NOON, ...over }))).duplicate
    t.notOk(await accept({}))
    t.notOk(await accept({}, 'two'), 'other bytes')
    t.notOk(await accept({ channel: 'other' }), 'another channel')
    t.notOk(await accept({ at: after(100), duplicatesSince: after(50) }), 'received before the window')
    t.notOk(await accept({ controlId: null }), 'no control id')
    t.notOk(await accept({ controlId: null }), 'no control id, again')
    t.notOk(await accept({ duplicatesSince: null }), 'no window')
    t.ok(await accept({ at: after(120), duplicatesSince: after(50) }), 'but the one kept within the window is')
  })

  on('a control id used again for other content is a message of its own, and its history says so', async (t, store) => {
    const { id } = await store.accept(arrival('one', { controlId: 'C1', duplicatesSince: NOON }))
    const other = await store.accept(arrival('two', { controlId: 'C1', duplicatesSince: NOON }))
    const [received] = await store.history(other.id) ?? []
    t.match(received, { what: 'received', reason: new RegExp(`control id was used before with other content, by message ${id}`) })
    const [first] = await store.history(id) ?? []
    t.equal(first?.reason, null)
  })

  on('an arrival with a key is kept once for ever, whatever it says and whenever it comes', async (t, store) => {
    const first = await store.accept(arrival('one', { key: 'delivery 7', reply: reply('AA') }))
    t.same(await store.accept(arrival('changed', { key: 'delivery 7', at: after(1e8) })), { id: first.id, duplicate: true, reply: reply('AA') })
    t.notOk((await store.accept(arrival('one', { key: 'delivery 8' }))).duplicate)
    t.notOk((await store.accept(arrival('one', { key: 'delivery 7', channel: 'other' }))).duplicate)
  })

  on('the end of the steps brings status, deliveries, index and history at once', async (t, store, reopen) => {
    const id = await pass(store, 'one', [bound('to the EHR'), bound('to the archive', { destination: 'archive' })], {
      index: [{ name: 'mrn', value: '4711' }], notes: [{ destination: 'fax', reason: 'Only cardiology.' }],
    })
    const again = await reopen()
    t.match(await again.progress(id), { status: 'transformed', deliveries: [{ destination: 'ehr', status: 'queued' }, { destination: 'archive', status: 'queued' }] })
    t.match(await again.history(id), [{ what: 'received', at: NOON, by: 'engine' }, { what: 'filtered', destination: 'fax', reason: 'Only cardiology.' }, { what: 'transformed', at: after(1) }])
    t.same(await claimed(again), ['to the EHR'])
    t.same(await claimed(again, { destination: 'archive' }), ['to the archive'])
  })

  on('several messages end their steps together or not at all', async (t, store) => {
    const [one, two] = await acceptAll(store, ['one', 'two'])
    await store.finish([finished(two?.id ?? 0, [bound('two')])], after(1))
    await t.rejects(store.finish([finished(one?.id ?? 0, [bound('one')]), finished(two?.id ?? 0, [bound('two')])], after(1)), /been through its steps already/)
    t.same(ids(await store.received(CHANNEL, 10)), [one?.id])
    t.same(await claimed(store), ['two'], 'and there is no delivery of the one, nor a second of the other')
    await t.rejects(store.finish([finished(999, [])], after(1)), { code: 'NOT_FOUND' })
  })

  on('one call that cannot be done fails alone, and its neighbours of the same turn are done', async (t, store) => {
    const [one] = await acceptAll(store, ['one'])
    const calls = await Promise.allSettled([
      store.accept(arrival('two', { channel: 'new channel' })),
      store.settle([settledNever]),
      store.finish([finished(one?.id ?? 0, [bound('one'), bound('bad', { hash: -1 })])], after(1)),
      store.accept(arrival('three', { channel: 'new channel', at: new Date(Number.NaN) })),
      store.accept(arrival('four', { channel: 'new channel' })),
      store.finish([finished(one?.id ?? 0, [bound('good', { destination: 'archive' })])], after(1)),
    ])
    t.same(calls.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled', 'fulfilled'])
    for (const call of calls.slice(2, 4)) t.ok(call.status === 'rejected' && call.reason instanceof StoreError)
    t.same((await store.received('new channel', 10)).map(({ bytes }) => bytes.toString()), ['two', 'four'])
    t.same(await statuses(store, one?.id ?? 0), ['queued'])
    t.same(await claimed(store, { destination: 'archive' }), ['good'])
  })

  on('a reply given later is stored once, and the first holds', async (t, store, reopen) => {
    const id = await pass(store, 'one')
    t.equal((await store.progress(id))?.reply, null)
    const both = await Promise.all([store.answer(id, reply('first'), after(3)), store.answer(id, reply('second'), after(4))])
    t.same(both, [reply('first'), reply('first')])
    t.same((await (await reopen()).progress(id))?.reply, reply('first'))
    t.match((await store.history(id).catch(() => null)), null, 'a closed store answers nothing')
  })

  on('a stored reply stands in the history, and nobody answers what is not there', async (t, store) => {
    const id = await pass(store, 'one')
    await store.answer(id, { verdict: 'rejected', reason: 'PID-3 is missing.', acknowledgements: [] }, after(3))
    t.match((await store.history(id))?.at(-1), { what: 'acknowledged', reason: 'rejected: PID-3 is missing.', at: after(3) })
    await t.rejects(store.answer(999, reply('AA'), after(3)), { code: 'NOT_FOUND' })
    t.equal(await store.progress(999), null)
  })

  on('large content comes back whole, wherever it lies', async (t, store, reopen) => {
    const large = Buffer.alloc(3 * 1024 * 1024, 'large ')
    const { id } = await store.accept(arrival('x', { inbound: { bytes: large, origin: 'x' }, duplicatesSince: NOON }))
    t.ok((await store.accept(arrival('x', { inbound: { bytes: large, origin: 'x' }, duplicatesSince: NOON }))).duplicate)
    await store.finish([finished(id, [bound(large), bound(large, { destination: 'archive' })])], after(1))
    const again = await reopen()
    t.ok((await again.progress(id))?.bytes.equals(large))
    const { deliveries } = await again.claim({ channel: CHANNEL, destination: 'archive', lane: 0 }, 1, after(1))
    t.ok(deliveries[0]?.payload.equals(large))
  })

  on('no call brings more into memory than it should: many large messages come a few at a time', async (t, store) => {
    const large = (n: number): Buffer => Buffer.alloc(7 * 1024 * 1024, String(n))
    for (const n of [1, 2, 3]) await store.accept(arrival(String(n), { inbound: { bytes: large(n), origin: 'x' } }))
    const some = await store.received(CHANNEL, 10)
    t.ok(some.length >= 1 && some.length < 3, `${some.length} of 3`)
    await store.finish(some.map(({ id, bytes }) => finished(id, [bound(bytes)])), after(1))
    t.ok((await store.received(CHANNEL, 10)).length >= 1)
  })
}

const settledNever = { id: 12345, status: 'sent' as const, reason: null, retryAt: null, attempted: true, doubtful: false, response: null, at: NOON }
