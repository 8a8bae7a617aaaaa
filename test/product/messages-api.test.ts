/** Messages over the API of the built product: found by words, followed over channels, replayed and given up one by one and many at once. */
import t from 'tap'
import { type Answer, framed, type Product, sendRaw, startProduct, until } from './product.js'

const adt = (controlId: string, family: string): string =>
  `MSH|^~\\&|ADT|WEST|EHR|EAST|20260302120000||ADT^A01|${controlId}|P|2.5.1\rPID|1||${controlId}^^^HOSP^MR||${family}^EVE||19800101|F\r`

const CHANNELS = {
  first: `
name: first
source: { mllp: { host: 127.0.0.1, port: ${'$'}{REFERO_MLLP_PORT} } }
format: hl7v2
index: { mrn: PID-3.1 }
steps:
  - set: { PID-5.2: ADAM }
destinations:
  - { name: next, to: { channel: { name: second } } }
  - { name: outbox, to: { file: { folder: out } } }
`,
  second: `
name: second
source: { channel: {} }
format: hl7v2
destinations:
  - { name: nobody, to: { mllp: { host: 127.0.0.1, port: 9 } }, retry: { attempts: 1 } }
`,
}

const settledAll = (product: Product, count: number): Promise<void> => until(async () => {
  const { messages } = (await product.api('/api/messages?limit=100')).body
  return messages.length === count && messages.every(({ status, deliveries }: Answer) => status !== 'received' && deliveries.every((each: Answer) => each.status === 'sent' || each.status === 'error'))
}, product.output)

t.test('messages are found, followed, rehearsed, replayed and given up', async (t) => {
  const product = await startProduct(t, { channels: CHANNELS })
  for (const [n, family] of ['EVERYWOMAN', 'EVERYMAN', 'SOMEBODY'].entries()) await sendRaw(product.mllp, framed(adt(`C${n}`, family)))
  await settledAll(product, 6)

  const text = async (words: string): Promise<Answer> => (await product.api(`/api/messages?channel=first&text=${encodeURIComponent(words)}`)).body
  const found = await text('every* eve')
  t.same(found.messages.map(({ header }: Answer) => header.controlId), ['C1', 'C0'])
  t.match(found.indexed, { upTo: 6, newest: 6, complete: true })
  t.match(await product.api('/api/messages?text=%5E%7C'), { status: 400, body: { code: 'USAGE' } })

  const [one] = (await text('everywoman')).messages
  const whole = (await product.api(`/api/messages/${one.id}`)).body
  t.match(whole, { parents: [], children: [{ channel: 'second', from: { message: one.id, destination: 'next' } }] })
  t.equal(whole.revision, (await product.api('/api/channels')).body.channels.find(({ name }: Answer) => name === 'first').revision)
  const child = whole.children[0].id
  t.match((await product.api(`/api/messages/${child}`)).body, { parents: [{ id: one.id, channel: 'first' }], children: [] })
  t.match((await product.api(`/api/messages/${child}/lineage`)).body, { complete: true, messages: [{ id: one.id, from: null }, { id: child }] })
  t.match(await product.api('/api/messages/999/lineage'), { status: 404 })

  const queues = (await product.api('/api/queues?channel=second')).body.queues
  t.match(queues, [{ channel: 'second', destination: 'nobody', waiting: 0, failed: 3, head: null }])
  t.match((await product.api('/api/queues')).body.queues.length, 3)

  const unknown = await product.api(`/api/messages/${child}/skip`, { destination: 'nobdy' })
  t.match(unknown, { status: 404, body: { message: /no delivery to `nobdy`; it has `nobody`/ } })
  const bare = await fetch(`http://127.0.0.1:${product.http}/api/messages/${child}/skip`, { method: 'POST', headers: { authorization: `Bearer ${product.token}` } })
  t.same(await bare.json(), { skipped: 1 }, 'a body is not needed')
  t.match(await product.api('/api/messages/skip', { query: { channel: 'second', status: 'error' }, most: 10, dryRun: true }), { status: 200, body: { found: 2, skipped: 0 } })
  t.match(await product.api('/api/messages/skip', { query: { channel: 'second', status: 'error' }, most: 1, reason: 'a test', by: 'dana' }), { status: 200, body: { found: 1, more: true, skipped: 1 } })
  t.equal((await product.api('/api/messages?channel=second&status=error')).body.messages.length, 1)
  const [given] = (await product.api('/api/messages?channel=second&text=somebody')).body.messages
  t.match(given.deliveries, [{ status: 'error', reason: 'Skipped by dana: a test' }])

  for (const time of ['1', '', '2026-03-02T12:00', '2026-03-02T12:00:00+01:00']) {
    t.match(await product.api(`/api/messages?since=${time}`), { status: 400, body: { code: 'USAGE' } }, `${time}: no instant, or another on each machine, or without its plus`)
  }
  t.equal((await product.api('/api/messages?since=2026-03-02T12:00:00%2B01:00')).body.messages.length, 6)
  t.match(await product.api(`/api/messages/${one.id}/replay`, { destination: 'outbx', dryRun: true }), { status: 404, body: { message: /no destination `outbx`; it has `next`, `outbox`/ } }, 'a dry run refuses what the replay would refuse')
  t.match((await product.api('/api/messages/replay', { query: { channel: 'first' }, most: 3, destination: 'outbx', dryRun: true })).body, { refused: { count: 3 } })
  t.match(await product.api('/api/messages/%'), { status: 400, body: { code: 'USAGE', hint: String } }, 'an address that cannot be read is refused as everything else is')
  t.match(await product.api('/api/messages/replay', { query: { channel: 'first' } }), { status: 400 }, 'how many must be said')
  t.match(await product.api('/api/messages/replay', { query: {}, most: 10_000, perSecond: 1 }), { status: 400, body: { code: 'USAGE' } })
  const dry = await product.api('/api/messages/replay', { query: { channel: 'first', text: 'every*' }, most: 10, dryRun: true })
  t.match(dry, { status: 200, body: { found: 2, more: false, replayed: 0, dryRun: { same: 2, different: 0, statuses: { transformed: 2 }, examples: [] } } })
  const real = await product.api('/api/messages/replay', { query: { channel: 'first', text: 'every*' }, most: 10, destination: 'outbox', perSecond: 1000, by: 'dana' })
  t.match(real, { status: 200, body: { found: 2, replayed: 2, refused: { count: 0 } } })
  await settledAll(product, 6)
  const after = (await product.api(`/api/messages/${one.id}`)).body
  t.same(after.deliveries.map(({ destination }: Answer) => destination), ['next', 'outbox', 'outbox'], 'only where it was asked for')
  t.match(after.history.find(({ what }: Answer) => what === 'replayed'), { by: 'dana', destination: 'outbox' })
  const again = await product.api('/api/messages/replay', { query: { channel: 'second' }, most: 10, from: 'deliveries', destination: 'nobody', perSecond: 1000 })
  t.match(again.body, { found: 3, replayed: 3 })
  await settledAll(product, 6)
  t.equal(await product.stop(), 0)
})

t.test('the documentation says of every path what it takes and answers, so that a client can be made of it', async (t) => {
  const product = await startProduct(t, { channels: {} })
  const document = (await product.api('/docs/openapi.json')).body
  const operations: Answer[] = Object.values(document.paths).flatMap((path) => Object.values(path as object))
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length, 'each has a name of its own')
  for (const { operationId, responses } of operations) {
    t.ok(Object.values(responses).every((response: Answer) => response.content && response.description !== 'Default Response'), `${operationId} says what it answers`)
  }
  t.match(Object.keys(document.paths['/ready'].get.responses), ['200', '503'])
  t.ok(document.paths['/metrics'].get.responses[200].content['text/plain'])
  t.ok(document.paths['/api/events'].get.responses[200].content['text/event-stream'])
  t.same(document.paths['/api/messages'].get.parameters.filter(({ required }: Answer) => required), [], 'what is filled in need not be said')
  const replay = document.paths['/api/messages/{id}/replay'].post.requestBody
  t.match(replay, { required: false, content: { 'application/json': { schema: { required: undefined } } } })
  t.equal(document.paths['/api/messages/replay'].post.requestBody.required, true)
})
