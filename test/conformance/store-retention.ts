/** Conformance of a store, last part: it forgets what it may forget, and nothing that is on its way. */
import { after, arrival, bound, CHANNEL, claim, claimed, deliveryAt, finished, ids, NOON, pass, reply, settled, story } from './store-kit.js'
import type { OnStore } from './store.js'

export const retentionConformance = (on: OnStore): void => {
  on('forgetting content leaves the facts: who, when, what became of it', async (t, store, reopen) => {
    const { id } = await store.accept(arrival('secret', { controlId: 'C1', reply: reply('AA') }))
    await store.finish([finished(id, [bound('secret too')], { index: [{ name: 'name', value: 'EVERYWOMAN' }] })], after(1))
    const { deliveries } = await claim(store)
    await store.settle([settled(deliveries[0] ?? { id: 0 }, 'sent', { response: Buffer.from('secret as well') })])
    t.equal(await store.expire(CHANNEL, 'content', after(10), 100), 1)
    t.equal(await store.expire(CHANNEL, 'content', after(10), 100), 0, 'once')
    const again = await reopen()
    t.match(await again.content(id), { bytes: null, reply: null, deliveries: [{ destination: 'ehr', payload: null, response: null }] })
    t.same(await story(again, id), ['received', 'transformed', 'sent'])
    t.match(await again.search({ limit: 1 }), [{ id, size: 6, header: { controlId: 'C1' }, index: [], deliveries: [{ status: 'sent' }] }])
    t.same(await again.search({ value: 'EVERYWOMAN', limit: 1 }), [])
    t.match(await again.progress(id), { status: 'transformed', reply: null, bytes: Buffer.alloc(0) })
    await t.rejects(again.replay(id, 'steps', null, 'alice', after(20)), { code: 'FORGOTTEN' })
    await t.rejects(again.replay(id, 'deliveries', null, 'alice', after(20)), { code: 'FORGOTTEN' })
  })

  on('a duplicate of a message whose content is forgotten is still one', async (t, store) => {
    const { id } = await store.accept(arrival('one', { duplicatesSince: NOON }))
    await store.finish([finished(id, [])], after(1))
    await store.expire(CHANNEL, 'content', after(10), 100)
    t.same(await store.accept(arrival('one', { duplicatesSince: NOON, at: after(20) })), { id, duplicate: true, reply: null })
  })

  on('forgetting the facts removes the message, and its number is never used again', async (t, store, reopen) => {
    const { message } = await deliveryAt(store, 'sent')
    t.equal(await store.expire(CHANNEL, 'facts', after(10), 100), 1)
    const again = await reopen()
    t.equal(await again.history(message), null)
    t.same(await again.search({ limit: 10 }), [])
    const { delivery, message: next } = await deliveryAt(again, 'sent', 'two')
    t.ok(next > message && delivery.id > 1, 'neither the message’s nor the delivery’s')
  })

  on('nothing on its way is forgotten, however old', async (t, store) => {
    const received = (await store.accept(arrival('received'))).id
    const held = await deliveryAt(store, 'held')
    const elsewhere = [bound('x', { destination: 'archive' })]
    const sending = await pass(store, 'sending', elsewhere)
    await claimed(store, { destination: 'archive' })
    const queued = await pass(store, 'queued', elsewhere)
    for (const what of ['content', 'facts'] as const) t.equal(await store.expire(CHANNEL, what, after(1e9), 100), 0)
    t.same(ids(await store.search({ limit: 10 })), [queued, sending, held.message, received])
    t.equal((await store.content(held.message))?.bytes?.toString(), 'one')
    await store.skip(held.message, null, 'alice', after(5))
    t.equal(await store.expire(CHANNEL, 'facts', after(1e9), 100), 1, 'and once it has ended it is')
  })

  on('only what is old enough, only of that channel, oldest first and no more than asked for', async (t, store) => {
    const old: number[] = []
    for (let n = 0; n < 5; n++) {
      const { id } = await store.accept(arrival(`m${n}`, { at: after(n) }))
      await store.finish([finished(id, [])], after(n))
      old.push(id)
    }
    const { id: other } = await store.accept(arrival('other', { channel: 'other' }))
    await store.finish([finished(other, [])], after(1))
    t.equal(await store.expire(CHANNEL, 'facts', after(4), 3), 3)
    t.equal(await store.expire(CHANNEL, 'facts', after(4), 3), 1)
    t.same(ids(await store.search({ limit: 10 })), [other, old[4]])
    t.equal(await store.expire('unheard of', 'facts', after(4), 3), 0)
  })

  on('large content outlives all but the last that shares it, be it what came in, what went out or what was answered', async (t, store) => {
    const large = Buffer.alloc(2 * 1024 * 1024, 'scan ')
    const small = Buffer.from('small')
    const keep = async (name: string, at: Date, [came, went, answered]: readonly [Buffer, Buffer, Buffer]): Promise<number> => {
      const { id } = await store.accept(arrival(name, { at, inbound: { bytes: came, origin: name } }))
      await store.finish([finished(id, [bound(went)])], at)
      const { deliveries } = await claim(store, { at: after(100) })
      await store.settle([settled(deliveries[0] ?? { id: 0 }, 'sent', { response: answered })])
      return id
    }
    const alone: readonly (readonly [Buffer, Buffer, Buffer])[] = [[large, small, small], [small, large, small], [small, small, large]]
    for (const last of alone) {
      const uses = [[large, large, large] as const, ...alone.filter((use) => use !== last), last]
      const kept: number[] = []
      for (const [n, use] of uses.entries()) kept.push(await keep(`m${n}`, after(n), use))
      for (const n of uses.keys()) {
        t.ok((await store.expire(CHANNEL, n % 2 === 0 ? 'facts' : 'content', after(n + 1), 10)) > 0)
        for (const [m, [came, went, answered]] of uses.entries()) {
          if (m <= n) continue
          const content = await store.content(kept[m] ?? 0)
          t.ok(content?.bytes?.equals(came) && content.deliveries[0]?.payload?.equals(went) && content.deliveries[0].response?.equals(answered), `${m} after ${n}`)
        }
      }
    }
    await store.shrink()
  })
}
