/** The http source over real sockets: what is taken, who may send, and what every other request is told. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import http, { type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import httpSource from '../../connectors/http/source.js'
import type { Reply } from '../../engine/contracts.js'
import { type Answer, ask, keeping, serving, type Settings } from './http-tools.js'
import { accepted, failing, rejected, testTools } from './tools.js'

t.test('a verdict becomes a status, and acknowledgements become the body', async (t) => {
  const hl7 = [Buffer.from('MSH|^~\\&|A\rMSA|CA|1\r'), Buffer.from('MSH|^~\\&|A\rMSA|AA|1\r')]
  const table: [Reply | Error, number, string | RegExp, string][] = [
    [{ ...accepted, acknowledgements: hl7 }, 200, Buffer.concat(hl7).toString(), 'x-application/hl7-v2+er7'],
    [{ ...rejected, acknowledgements: hl7.slice(1) }, 422, hl7[1]?.toString() ?? '', 'x-application/hl7-v2+er7'],
    [{ ...failing, acknowledgements: [Buffer.from('{"resourceType":"OperationOutcome"}')] }, 503, '{"resourceType":"OperationOutcome"}', 'application/json'],
    [accepted, 200, '{"verdict":"accepted","reason":null}', 'application/json; charset=utf-8'],
    [rejected, 422, '{"verdict":"rejected","reason":"PID-3: a value is required."}', 'application/json; charset=utf-8'],
    [failing, 503, /"verdict":"error"/, 'application/json; charset=utf-8'],
    [new Error('EVERYWOMAN'), 503, /Send it again later/, 'application/json; charset=utf-8'],
  ]
  for (const [reply, status, body, type] of table) {
    const { url } = await serving(t, async () => { if (reply instanceof Error) throw reply; return reply })
    const answer = await ask(url, 'x')
    t.equal(answer.status, status)
    t.match(answer.text, body)
    t.equal(answer.headers['content-type'], type)
    t.equal(answer.headers['retry-after'], status === 503 ? '10' : undefined)
    t.notOk(answer.text.includes('EVERYWOMAN'))
  }
})

t.test('the bytes are kept as they came, whatever their content type says, over one kept connection', async (t) => {
  const { taken, receive } = keeping()
  const { url } = await serving(t, receive)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
  const types = [undefined, 'application/json', 'hl7', 'text/plain; charset=', 'multipart/form-data', 'application/x-www-form-urlencoded']
  const ports = new Set<number | undefined>()
  for (const type of types) {
    const answer = await ask(url, bytes, { agent, headers: { ...(type && { 'content-type': type }) } })
    t.equal(answer.status, 200)
    ports.add(answer.port)
  }
  t.equal(ports.size, 1)
  t.ok(taken.every((inbound) => inbound.bytes.equals(bytes)))
  t.match(taken[0]?.origin, /^127\.0\.0\.1:[0-9]+$/)
  const chunked = await ask(url, ['one ', 'two ', 'three'])
  t.equal(chunked.status, 200)
  t.equal(taken.at(-1)?.bytes.toString(), 'one two three')
})

t.test('what is no message is answered and not taken', async (t) => {
  const { taken, receive } = keeping()
  const { url } = await serving(t, receive, { methods: ['POST', 'PUT'] })
  const table: [string, string | null, RequestOptions, number, RegExp][] = [
    [url, null, { method: 'GET' }, 405, /takes POST, PUT/],
    [url, null, { method: 'HEAD' }, 405, /^$/],
    [url, 'x', { method: 'PATCH' }, 405, /takes POST, PUT/],
    [url, null, { method: 'PROPFIND' }, 405, /takes POST, PUT/],
    [url, null, { method: 'OPTIONS' }, 204, /^$/],
    [`${url}/below`, 'x', {}, 404, /Nothing is served/],
    [url.replace('/in', `/${'x'.repeat(5000)}`), 'x', {}, 404, /Nothing is served/],
    [url.replace('/in', '/%zz'), 'x', {}, 400, /./],
    [url, '', {}, 400, /no body/],
    [url, 'x', { headers: { 'content-encoding': 'gzip' } }, 415, /compressed/],
    [url, 'x', { headers: { 'idempotency-key': 'k'.repeat(256) } }, 400, /255/],
  ]
  for (const [where, body, options, status, text] of table) {
    const answer = await ask(where, body, options)
    t.equal(answer.status, status, `${options.method ?? 'POST'} ${where.slice(-20)}`)
    t.match(answer.text, text)
    if (status === 405 || status === 204) t.equal(answer.headers.allow, 'POST, PUT, OPTIONS')
  }
  t.equal(taken.length, 0)
  t.equal((await ask(`${url}?from=ehr#x`, 'x', { method: 'PUT' })).status, 200, 'a query is no part of the path')
})

t.test('a path may stand for all below it; the nearest one answers', async (t) => {
  const [all, hospital, exact] = [keeping(), keeping(), keeping()]
  const { url, port } = await serving(t, all.receive, { path: '/hl7/*' })
  await serving(t, hospital.receive, { path: '/hl7/hospital/*', port })
  await serving(t, exact.receive, { path: '/hl7/hospital/adt', port })
  for (const path of ['a', 'b/c', 'hospital/x', 'hospital/adt', 'hospitality']) t.equal((await ask(url.replace('*', path), path)).status, 200)
  t.equal((await ask(url.replace('/*', ''), 'x')).status, 404)
  t.strictSame([all, hospital, exact].map(({ taken }) => taken.map(({ bytes }) => bytes.toString())), [['a', 'b/c', 'hospitality'], ['hospital/x'], ['hospital/adt']])
})

t.test('a token, or a user and password, is asked for before the body is', async (t) => {
  const { taken, receive } = keeping()
  const table: [Partial<Settings>, string, Record<string, string>][] = [
    [{ token: 's3cret' }, 'Bearer realm="refero"', { authorization: 'bearer s3cret' }],
    [{ basic: { user: 'hospital', password: 'pass:wörd' } }, 'Basic realm="refero", charset="UTF-8"', { authorization: `Basic ${Buffer.from('hospital:pass:wörd').toString('base64')}` }],
  ]
  for (const [settings, challenge, right] of table) {
    const { url, tools } = await serving(t, receive, settings)
    for (const headers of [{}, { authorization: 's3cret' }, { authorization: 'Bearer s3cre' }, { authorization: 'Bearer ' }, { authorization: `Basic ${Buffer.from('hospital:no').toString('base64')}` }]) {
      const answer = await ask(url, 'x', { headers })
      t.equal(answer.status, 401)
      t.equal(answer.headers['www-authenticate'], challenge)
    }
    t.equal(tools.events.length, 1, 'told of once a minute')
    t.equal((await ask(url, 'x', { headers: right })).status, 200)
  }
  t.equal(taken.length, 2)
  t.throws(() => httpSource.create({ path: '/', token: 'a', basic: { user: 'a', password: 'b' } }, testTools('')), /`token` and `basic` cannot be used together|`token and basic`|keep one/)
})

t.test('a signature is checked over the body, and over the time where the sender signs it', async (t) => {
  const { taken, receive } = keeping()
  const sign = (text: string, encoding: 'hex' | 'base64' = 'hex', algorithm = 'sha256'): string => createHmac(algorithm, 'k').update(text).digest(encoding)
  const plain = await serving(t, receive, { hmac: { secret: 'k', header: 'X-Hub-Signature', prefix: 'sha256=' } })
  t.equal((await ask(plain.url, 'body', { headers: { 'x-hub-signature': `sha256=${sign('body')}` } })).status, 200)
  for (const headers of [{}, { 'x-hub-signature': sign('body') }, { 'x-hub-signature': `sha256=${sign('Body')}` }, { 'x-hub-signature': [`sha256=${sign('body')}`, 'x'] }]) {
    const answer = await ask(plain.url, 'body', { headers })
    t.equal(answer.status, 401)
    t.equal(answer.headers['www-authenticate'], 'Signature realm="refero"')
  }
  const timed = await serving(t, receive, { hmac: { secret: 'k', algorithm: 'sha512', encoding: 'base64', timestamp: { header: 'x-time', separator: ':' } } })
  const now = timed.tools.clock.now().getTime()
  const at = (time: string): Promise<Answer> => ask(timed.url, 'body', { headers: { 'x-time': time, 'x-signature': sign(`${time}:body`, 'base64', 'sha512') } })
  for (const time of [`${now}`, `${Math.floor(now / 1000) - 299}`, new Date(now + 200_000).toISOString()]) t.equal((await at(time)).status, 200, time)
  for (const time of [`${now - 301_000}`, `${Math.floor(now / 1000) + 301}`, 'never', '']) t.equal((await at(time)).status, 401, `"${time}"`)
  t.equal((await ask(timed.url, 'body', { headers: { 'x-signature': sign(':body', 'base64', 'sha512') } })).status, 401)
  t.equal(taken.length, 4)
})

t.test('a body that is too large or too slow is told so', async (t) => {
  const { taken, receive } = keeping()
  const { url, port } = await serving(t, receive, { maximum: '1kB', within: '50ms' })
  t.equal((await ask(url, 'x'.repeat(1024))).status, 200)
  t.match(await ask(url, 'x'.repeat(1025)), { status: 413, text: /at most 1024 bytes/ })
  t.match(await ask(url, Array.from({ length: 200 }, () => 'x'.repeat(1024))), { status: 413, text: /at most 1024 bytes/ })
  t.match(await ask(url, 'x'.repeat(1025), { headers: { 'content-type': 'application/fhir+json' } }), { status: 413, text: /^\{"resourceType":"OperationOutcome".*"code":"too-long".*at most 1024 bytes/ }, 'in FHIR to who speaks it')
  const slow = connect(port, '127.0.0.1')
  slow.write('POST /in HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nMSH')
  const [answer] = (await once(slow, 'data')) as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 408 /)
  await once(slow, 'close')
  const endless = connect(port, '127.0.0.1').on('error', () => undefined)
  endless.write(`POST /in HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1000\r\n${'x'.repeat(4096)}\r\n`)
  const [refusal] = (await once(endless, 'data')) as [Buffer]
  t.match(refusal.toString(), /^HTTP\/1\.1 413 /)
  await once(endless, 'close')
  const gone = connect(port, '127.0.0.1')
  gone.end('POST /in HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nMSH')
  gone.resume()
  await once(gone, 'close')
  t.equal(taken.length, 1)
})

t.test('a key names an arrival together with its content', async (t) => {
  const { taken, receive } = keeping()
  const { url } = await serving(t, receive)
  for (const [key, body] of [['1', 'a'], ['1', 'a'], ['1', 'b'], ['2', 'a']] as const) await ask(url, body, { headers: { 'idempotency-key': key } })
  await ask(url, 'a')
  const [first, again, other, another, none] = taken.map(({ key }) => key)
  t.match(first, /^http:1:/)
  t.equal(first, again)
  t.not(first, other, 'a key used twice for different messages loses neither')
  t.not(first, another)
  t.equal(none, undefined)
})

t.test('one address may send so much and no more', async (t) => {
  const { taken, receive } = keeping()
  const { url, tools } = await serving(t, receive, { rate: { requests: 2, within: '1m' } })
  const statuses = async (): Promise<number[]> => [await ask(url, 'x'), await ask(url, 'x'), await ask(url, 'x')].map(({ status }) => status)
  t.strictSame(await statuses(), [200, 200, 429])
  tools.clock.advance(60_000)
  t.strictSame(await statuses(), [200, 200, 429])
  t.equal(taken.length, 4)
})
