/** Conformance of a store, third part: what people look for, put back and give up. */
import type { MessageQuery } from '../../engine/contracts.js'
import { after, arrival, bound, CHANNEL, claim, claimed, deliveryAt, finished, ids, NOON, pass, reply, settled, statuses, story } from './store-kit.js'
import type { OnStore } from './store.js'

export const archiveConformance = (on: OnStore): void => {
  on('a search finds by channel, status, type, control id, time and index value, newest first', async (t, store) => {
    const add = async (text: string, at: Date, index: readonly { name: string; value: string }[], deliveries = [bound(text)]): Promise<number> => {
      const { id } = await store.accept(arrival(text, { at }))
      await store.finish([finished(id, deliveries, { index })], at)
      return id
    }
    const one = await add('one', NOON, [{ name: 'mrn', value: '4711' }, { name: 'name', value: 'EVERYWOMAN' }])
    const two = await add('two', after(60), [{ name: 'mrn', value: '4712' }, { name: 'referral', value: '4711' }])
    const three = await add('three', after(120), [], [])
    const { id: four } = await store.accept(arrival('four', { channel: 'other', at: after(180), header: { controlId: 'four', type: 'ADT^A40' } }))
    const { deliveries } = await claim(store, { limit: 1 })
    await store.settle([settled(deliveries[0] ?? { id: 0 }, 'error', { reason: 'AR' })])

    const expect = async (query: Partial<MessageQuery>, expected: readonly number[], sentence: string): Promise<void> => {
      t.same(ids(await store.search({ limit: 10, ...query })), expected, sentence)
    }
    await expect({}, [four, three, two, one], 'everything')
    await expect({ limit: 2 }, [four, three], 'the newest')
    await expect({ before: three, limit: 1 }, [two], 'going on from there')
    await expect({ channel: CHANNEL }, [three, two, one], 'a channel')
    await expect({ channel: 'unheard of' }, [], 'a channel that has nothing')
    await expect({ status: 'received' }, [four], 'not through its steps')
    await expect({ status: 'filtered' }, [three], 'filtered')
    await expect({ status: 'transformed' }, [two, one], 'transformed')
    await expect({ status: 'queued' }, [two], 'with a delivery that waits')
    await expect({ status: 'error' }, [one], 'with a delivery that failed')
    await expect({ status: 'sent' }, [], 'with a delivery sent')
    await expect({ type: 'ADT^A40' }, [four], 'a type')
    await expect({ controlId: 'two' }, [two], 'a control id')
    await expect({ since: after(60) }, [four, three, two], 'since, that moment included')
    await expect({ until: after(60) }, [two, one], 'until, that moment included')
    await expect({ since: after(30), until: after(150) }, [three, two], 'between')
    await expect({ since: after(1e9) }, [], 'since the future')
    await expect({ until: after(-1e9) }, [], 'until before everything')
    await expect({ field: 'mrn', value: '4711' }, [one], 'a value of a name')
    await expect({ value: '4711' }, [two, one], 'a value of any name')
    await expect({ field: 'mrn', value: '47*' }, [two, one], 'the beginning of a value')
    await expect({ value: 'EVERY*' }, [one], 'the beginning of a value of any name')
    await expect({ value: 'every*' }, [], 'as it is written')
    await expect({ field: 'mrn' }, [two, one], 'whatever has that name')
    await expect({ value: '471*', status: 'error', since: NOON, channel: CHANNEL }, [one], 'all conditions together')
  })

  on('a search result says enough to recognise the message', async (t, store) => {
    const id = await pass(store, 'one', [bound('x')], { index: [{ name: 'name', value: 'EVERYWOMAN' }, { name: 'mrn', value: '4711' }] })
    const [found] = await store.search({ limit: 1 })
    t.match(found, {
      id, channel: CHANNEL, receivedAt: NOON, origin: '127.0.0.1:50000', header: { controlId: 'one', type: 'REF^I12' }, status: 'transformed', reason: null, size: 3,
      index: [{ name: 'mrn', value: '4711' }, { name: 'name', value: 'EVERYWOMAN' }], deliveries: [{ destination: 'ehr', status: 'queued', attempts: 0, reason: null }],
    })
  })

  on('pages of a search leave nothing out and repeat nothing, whatever the condition', async (t, store) => {
    for (let n = 0; n < 25; n++) await pass(store, `message ${n}`, [], { index: [{ name: 'mrn', value: `A${n % 3}` }] })
    for (const query of [{}, { value: 'A*' }, { value: 'A1' }, { status: 'filtered' as const }]) {
      const all = ids(await store.search({ ...query, limit: 100 }))
      const pages: number[] = []
      for (let page = await store.search({ ...query, limit: 4 }); page.length > 0; page = await store.search({ ...query, limit: 4, before: pages.at(-1) ?? 0 })) pages.push(...ids(page))
      t.same(pages, all)
    }
  })

  on('the history of what is not there is nothing, and so is its content', async (t, store) => {
    t.equal(await store.history(999), null)
    t.equal(await store.content(999), null)
    await t.rejects(store.replay(999, 'steps', null, 'alice', NOON), { code: 'NOT_FOUND' })
    await t.rejects(store.skip(999, null, 'alice', NOON), { code: 'NOT_FOUND' })
  })

  on('the content is what came in, what was said and what went out', async (t, store) => {
    const { id } = await store.accept(arrival('one', { reply: reply('AA') }))
    await store.finish([finished(id, [bound('for the EHR')])], after(1))
    t.match(await store.content(id), { bytes: Buffer.from('one'), reply: reply('AA'), deliveries: [{ destination: 'ehr', payload: Buffer.from('for the EHR'), response: null }] })
  })

  on('a message put back before its steps runs again; its old deliveries stay as they were', async (t, store) => {
    const { message } = await deliveryAt(store, 'sent')
    const later = await store.accept(arrival('later'))
    t.equal(await store.replay(message, 'steps', null, 'alice', after(5)), 1)
    t.same(ids(await store.received(CHANNEL, 10)), [message, later.id], 'in its old place')
    await store.finish([finished(message, [bound('second time')], { index: [{ name: 'mrn', value: '2' }] })], after(6))
    t.same(await claimed(store), ['second time'])
    t.same(await statuses(store, message), ['sent', 'sending'])
    t.match(await store.history(message), [{}, {}, {}, { what: 'replayed', by: 'alice', at: after(5) }, { what: 'transformed' }])
  })

  on('what is on its way is not put back before its steps', async (t, store) => {
    const { id } = await store.accept(arrival('zero'))
    await t.rejects(store.replay(id, 'steps', null, 'alice', after(5)), { code: 'ON_ITS_WAY' }, 'received')
    await store.finish([finished(id, [bound('zero')])], after(1))
    await t.rejects(store.replay(id, 'steps', null, 'alice', after(5)), { code: 'ON_ITS_WAY' }, 'queued')
    const { deliveries } = await claim(store)
    await t.rejects(store.replay(id, 'steps', null, 'alice', after(5)), { code: 'ON_ITS_WAY' }, 'sending')
    await store.settle([settled(deliveries[0] ?? { id: 0 }, 'held')])
    t.equal(await store.replay(id, 'steps', null, 'alice', after(5)), 1, 'held is not on its way')
    t.same(await story(store, id), ['received', 'transformed', 'held', 'replayed'])
  })

  on('held and failed deliveries are put back in their old place with all their attempts, one destination or all', async (t, store) => {
    const message = await pass(store, 'one', [bound('a'), bound('b', { destination: 'archive' }), bound('c', { destination: 'fax' })])
    for (const [destination, status] of [['ehr', 'error'], ['archive', 'held'], ['fax', 'sent']] as const) {
      const { deliveries } = await claim(store, { destination })
      await store.settle([settled(deliveries[0] ?? { id: 0 }, status, { reason: 'why' })])
    }
    await pass(store, 'two', [bound('later')])
    t.equal(await store.replay(message, 'deliveries', 'ehr', 'alice', after(5)), 1)
    t.same(await statuses(store, message), ['queued', 'held', 'sent'])
    t.equal(await store.replay(message, 'deliveries', null, 'alice', after(6)), 1, 'the held one; the sent one stays sent')
    const { deliveries } = await claim(store)
    t.same(deliveries.map(({ payload, attempts }) => [payload.toString(), attempts]), [['a', 1], ['later', 1]])
    await t.rejects(store.replay(message, 'deliveries', 'unheard of', 'alice', after(7)), { code: 'NOT_FOUND', message: /no delivery to `unheard of`; it has `ehr`, `archive`, `fax`/ })
  })

  on('skipping gives up what is held or has failed, and nothing else', async (t, store) => {
    const message = await pass(store, 'one', [bound('a'), bound('b', { destination: 'archive' })])
    t.equal(await store.skip(message, null, 'alice', after(5)), 0, 'both are queued')
    const { deliveries } = await claim(store)
    await store.settle([settled(deliveries[0] ?? { id: 0 }, 'held')])
    t.equal(await store.skip(message, 'archive', 'alice', after(5)), 0)
    t.equal(await store.skip(message, 'ehr', 'alice', after(5)), 1)
    t.match((await store.progress(message))?.deliveries, [{ status: 'error', reason: 'Skipped by alice.' }, { status: 'queued' }])
  })
}
