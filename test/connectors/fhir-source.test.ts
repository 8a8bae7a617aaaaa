/** The fhir source over real HTTP: what a server tells by its subscriptions, what it leaves out, and what a look finds. */
import { createHmac } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import fhirSource from '../../connectors/fhir/source.js'
import type { Reply } from '../../engine/contracts.js'
import { fhirServer, type Resource } from './fhir-server.js'
import { appointment, asked, BACKPORT, bundle, event, running, said, type Settings, subscribed, subscribing, TOPIC, until } from './fhir-source-tools.js'
import { failing, rejected, testTools } from './tools.js'

t.test('a subscription is created as the backport asks, is greeted, and what it names is fetched after the answer, once', async (t) => {
  const { server, tools, notify, given, keys, waiting } = await subscribed(t, subscribing({ filters: ['Appointment?status=booked'] }, { heartbeat: '10m' }))
  const [made] = server.of('Subscription')
  t.match(made, { criteria: TOPIC, meta: { profile: [`${BACKPORT}backport-subscription`] }, _criteria: { extension: [{ url: `${BACKPORT}backport-filter-criteria`, valueString: 'Appointment?status=booked' }] },
    channel: { type: 'rest-hook', endpoint: /\/fhir\/notify\/n$/, header: ['Authorization: Bearer s3cret'], payload: 'application/fhir+json', extension: [{ valueUnsignedInt: 600 }], _payload: { extension: [{ valueCode: 'id-only' }] } } })
  t.equal((await notify(bundle('handshake', 0))).status, 200)
  server.resources.push(appointment('1'), appointment('2'))
  for (const each of [event(1), event(1), event(2), bundle('heartbeat', 2), event(1)]) t.equal((await notify(each)).status, 200)
  await until(() => given.length === 2 && waiting() === 0)
  t.strictSame(keys(), ['Appointment/1/_history/1', 'Appointment/2/_history/1'])
  t.equal(JSON.parse(given[0]?.bytes.toString() ?? '').resourceType, 'Appointment')
  t.equal(asked(server, 'GET', /^Appointment/), 2, 'and asked for once')
  t.equal(said(tools, /missed/), 0)
})

t.test('the form of R4B and athenahealth, numbered anew each time, absolute references, what has none, and a signature', async (t) => {
  const { server, tools, notify, given, keys } = await subscribed(t, subscribing({ numbers: 'notification' }, { secret: { hub: 'hush' } }))
  t.equal(server.requests.find(({ method }) => method === 'POST')?.headers['x-hub-secret'], 'hush')
  server.resources.push(appointment('a-1.E-1'), appointment('2'))
  const told = (...focus: object[]) => JSON.stringify({ resourceType: 'Bundle', type: 'history', entry: [{ resource: { resourceType: 'SubscriptionStatus', type: 'event-notification', status: 'active', eventsSinceSubscriptionStart: String(focus.length), subscription: { reference: 'Subscription/1' }, notificationEvent: focus.map((each, at) => ({ eventNumber: String(at + 1), focus: each })) } }] })
  const signed = (body: string, secret = 'hush') => ({ headers: { 'x-hub-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` } })
  const first = told({ reference: 'Appointment/a-1.E-1' })
  const second = told({ reference: `${server.base}/Appointment/2/_history/1` }, { identifier: { system: 'urn:vendor', value: '9' } }, { reference: 'https://elsewhere.example/fhir/Appointment/2' })
  t.equal((await notify(first, signed(first, 'wrong'))).status, 401)
  t.equal((await notify(first, { headers: {} })).status, 401)
  t.equal((await notify(`${first} `, signed(first))).status, 401, 'the body was changed')
  t.equal(given.length, 0)
  for (const body of [first, second, first]) t.equal((await notify(body, signed(body))).status, 200)
  await until(() => given.length === 2 && said(tools, /no address/) === 2)
  t.strictSame(keys(), ['Appointment/a-1.E-1/_history/1', 'Appointment/2/_history/1'], 'a signature that is replayed brings nothing new')
  t.equal(said(tools, /did not prove/), 1)
})

t.test('what is no notification, too large, too often or badly written is refused, and not kept', async (t) => {
  const { notify, waiting, given, url } = await subscribed(t, subscribing({}, { maximum: '2kB', rate: 12 }))
  const table: [unknown, number, object?][] = [['', 400], ['{', 400], ['<Bundle/>', 400], ['[]', 400], ['{"resourceType":"Patient"}', 400], [Buffer.from([0x7b, 0xff, 0x7d]), 400], ['x'.repeat(2049), 413], [event(1), 404, { name: 'other' }], [event(1), 405, { method: 'PATCH' }], [event(1), 415, { headers: { authorization: 'Bearer s3cret', 'content-encoding': 'zstd' } }], [event(1), 401, { headers: { authorization: 'Bearer s3creT' } }]]
  for (const [body, status, more] of table) t.equal((await notify(body, more)).status, status, JSON.stringify(body).slice(0, 40))
  t.equal((await fetch(`${url}/fhir/notify/n`)).status, 405)
  await notify(event(1), { headers: {} })
  await notify(event(1), { headers: {} })
  t.equal((await notify(event(1))).status, 429)
  t.equal(waiting(), 0)
  t.equal(given.length, 0)
})

t.test('seeded nonsense in the place of a notification never ends the source', async (t) => {
  const { server, notify, given } = await subscribed(t)
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  const text = JSON.stringify(event(1))
  for (let round = 0; round < 300; round++) {
    const at = random(text.length)
    const { status } = await notify(text.slice(0, at) + String.fromCharCode(random(128)) + text.slice(at + random(30)))
    if (![200, 400].includes(status)) t.fail(`answered ${status}`)
  }
  server.resources.push(appointment('z'))
  await notify(event(9999, 'z'))
  t.pass('and it still answers')
  t.ok(given.length >= 0)
})

t.test('while the server is down nothing is lost, a crash included; a store that fails is asked again', async (t) => {
  const folder = t.testdir()
  let down = true
  let kept: Reply = failing
  const first = await subscribed(t, subscribing(), { folder })
  const { server } = first
  server.fault = ({ path }) => (down && path.startsWith('Appointment') ? 'dies before' : null)
  server.resources.push(appointment('1'), appointment('2'))
  t.equal((await first.notify(event(1))).status, 200)
  await until(() => said(first.tools, /the work on a notification failed/) > 0)
  t.equal((await first.notify(event(2))).status, 200, 'it is answered though nothing can be fetched')
  await first.stop()
  t.equal(first.waiting(), 2)

  const again = await running(t, server, subscribing(), { folder, reply: () => kept })
  await until(() => said(again.tools, /failed/) > 0)
  t.equal(asked(server, 'POST', /^Subscription/), 1, 'it is not created again')
  down = false
  again.tools.clock.advance(1_000)
  await until(() => again.tools.events.filter(({ event }) => /the work on a notification failed/.test(event)).length === 2)
  t.equal(again.given.length, 0)
  kept = rejected // which is kept for a person
  again.tools.clock.advance(2_000)
  await until(() => again.waiting() === 0)
  t.strictSame(again.keys(), ['Appointment/1/_history/1', 'Appointment/2/_history/1'])
})

t.test('what the server refuses to show is tried again, and then put aside; the next go on', async (t) => {
  const { server, tools, notify, keys, waiting, folder } = await subscribed(t)
  server.resources.push(appointment('2'))
  server.fault = ({ path }) => (path === 'Appointment/3' ? { status: 410 } : null)
  for (const each of [event(1, 'nobody'), event(2), event(3)]) await notify(each)
  for (let n = 1; n < 4; n++) {
    await until(() => asked(server, 'GET', /nobody/) === n)
    await tools.clock.asleep(2 ** (n - 1) * 1_000)
    tools.clock.advance(2 ** (n - 1) * 1_000)
  }
  await until(() => waiting() === 0)
  t.strictSame(keys(), ['Appointment/2/_history/1'])
  t.equal(readdirSync(join(folder, 'fhir/test/aside')).length, 1)
})

t.test('unordered notifications are taken; a gap that stays is filled by $events, or by looking', async (t) => {
  const { server, tools, notify, given, keys, waiting } = await subscribed(t, (url) => ({ ...subscribing()(url), poll: { search: ['Appointment'], every: '1h' } }))
  server.resources.push(...['1', '2', '3', '4', '5', '6'].map((id) => appointment(id, '1', '2026-01-01T00:00:00.000Z')))
  for (const number of [1, 3, 2]) await notify(event(number))
  await until(() => given.length === 3 && waiting() === 0)
  tools.clock.advance(60_000)
  server.fault = ({ path, query }) => (path === 'Subscription/1/$events' ? { status: 200, body: bundle('query-event', 5, [Number(query.get('eventsSinceNumber')), Number(query.get('eventsUntilNumber'))].map((number) => ({ number, focus: `Appointment/${number}` }))) } : null)
  await notify(bundle('heartbeat', 5))
  await until(() => waiting() === 0)
  t.equal(asked(server, 'GET', /\$events/), 0, 'they may still arrive')
  await tools.clock.asleep(60_000)
  tools.clock.advance(60_000)
  await until(() => said(tools, /missed, and made up/) === 1)
  t.strictSame(keys(), ['Appointment/1/_history/1', 'Appointment/3/_history/1', 'Appointment/2/_history/1', 'Appointment/4/_history/1', 'Appointment/5/_history/1'])
  server.fault = ({ path }) => (path.includes('$events') ? { status: 501 } : null)
  server.resources.push(appointment('7', '1', tools.clock.now().toISOString()))
  await notify(event(8, '6'))
  await until(() => given.length === 6 && waiting() === 0)
  await tools.clock.asleep(60_000)
  tools.clock.advance(60_000)
  await until(() => said(tools, /missed, and made up/) === 2)
  t.equal(keys().at(-1), 'Appointment/7/_history/1')
  t.match(tools.events.filter(({ event }) => /made up/.test(event)).map(({ facts }) => facts.state), ['told again', 'looked for'])
})

t.test('a heartbeat that stops is noticed; a subscription in error is made active again, ever more seldom; one that is gone is made anew', async (t) => {
  const { server, tools, notify, given } = await subscribed(t, (url) => ({ ...subscribing({}, { heartbeat: '1m', check: '1h' })(url), poll: { search: ['Appointment'], every: '12h' } }))
  const own = (): Resource => server.of('Subscription')[0] as Resource
  server.fault = ({ path }) => (path.endsWith('$status') ? { status: 200, body: bundle('query-status', 0) } : null)
  await notify(bundle('heartbeat', 0))
  await tools.clock.asleep(120_000)
  tools.clock.advance(60_000)
  t.equal(said(tools, /heartbeat/), 0)
  own().status = 'error'
  server.resources.push(appointment('lost', '1', tools.clock.now().toISOString()))
  tools.clock.advance(60_000)
  await until(() => said(tools, /twice its heartbeat/) === 1 && said(tools, /asked for again/) === 1 && given.length === 1)
  t.match(own(), { status: 'requested', channel: { header: ['Authorization: Bearer s3cret'] } })
  t.equal(asked(server, 'PUT', /^Subscription/), 1)
  t.ok(asked(server, 'GET', /\$status$/) > 0)
  server.resources.splice(server.resources.indexOf(own()), 1)
  await notify(bundle('heartbeat', 0, [], 'off'))
  await until(() => said(tools, /created again/) === 1 && server.of('Subscription').length === 1)
})

t.test('a subscription that an administrator made is watched and not created; where it cannot be changed, one of ours takes its place', async (t) => {
  const server = await fhirServer(t)
  server.resources.push({ resourceType: 'Subscription', id: 'theirs', status: 'off', criteria: TOPIC, channel: { type: 'rest-hook', endpoint: 'https://x.example' } }, appointment('1'))
  const { notify, given } = await running(t, server, subscribing({ id: 'theirs' }))
  await until(() => asked(server, 'PUT', /theirs/) === 1)
  t.match(server.of('Subscription'), [{ id: 'theirs', status: 'requested', channel: { endpoint: 'https://x.example' } }])
  t.equal((await notify(JSON.stringify(event(4, '1')).replaceAll('Subscription/1', 'Subscription/theirs'), { name: '' })).status, 200, 'its notifications need not name the address')
  await until(() => given.length === 1)
  t.equal(asked(server, 'POST', /./), 0)
  const other = await subscribed(t, subscribing({}, { check: '1h' }))
  await until(() => asked(other.server, 'POST', /^Subscription/) === 1)
  other.server.fault = ({ method }) => (method === 'PUT' ? { status: 405 } : null)
  await other.notify(bundle('heartbeat', 0, [], 'off'))
  Object.assign(other.server.of('Subscription')[0] ?? {}, { status: 'off' })
  await other.notify(bundle('heartbeat', 0, [], 'off'))
  await until(() => other.server.of('Subscription').length === 2)
  t.equal(asked(other.server, 'PUT', /^Subscription/), 1)
})

t.test('R4 itself: a resource is given as it is sent, an empty body is a reason to look, and what comes along is fetched', async (t) => {
  const server = await fhirServer(t)
  const classic = subscribing({ criteria: 'Appointment?status=booked', topic: undefined } as never)
  const { notify, given, keys, waiting } = await running(t, server, (url) => ({ ...classic(url), include: ['Appointment:patient'] }))
  await until(() => asked(server, 'GET', /^Appointment/) === 1) // the first look found nothing
  t.match(server.of('Subscription')[0], { criteria: 'Appointment?status=booked', channel: { payload: 'application/fhir+json' } })
  server.resources.push(appointment('1'), appointment('2', '3'), { resourceType: 'Patient', id: 'p', name: [{ family: 'Everywoman' }] })
  t.equal((await notify(appointment('1'), { name: 'n/Appointment/1', method: 'PUT' })).status, 200)
  t.equal((await notify(null, { name: 'n/Appointment/1', method: 'DELETE' })).status, 204)
  await until(() => given.length === 1)
  t.match(JSON.parse(given[0]?.bytes.toString() ?? ''), { resourceType: 'Bundle', type: 'collection', entry: [{ fullUrl: `${server.base}/Appointment/1` }, { resource: { resourceType: 'Patient' } }] })
  t.equal((await notify(null)).status, 200)
  await until(() => given.length === 2 && waiting() === 0)
  t.strictSame(keys(), ['Appointment/1/_history/1', 'Appointment/2/_history/3'])
  t.match(server.requests.find(({ path, query }) => path === 'Appointment' && query.has('_lastUpdated'))?.query.get('status'), 'booked')
})

t.test('a full resource is given without asking for it; content that is empty is looked for', async (t) => {
  const full = await subscribed(t, subscribing({ content: 'full-resource' }))
  await full.notify(bundle('event-notification', 1, [{ number: 1, focus: 'https://other.example/Appointment/9'.replace('https://other.example/', ''), resource: appointment('9', '4') }]))
  await until(() => full.given.length === 1)
  t.strictSame(full.keys(), ['Appointment/9/_history/4'])
  t.equal(asked(full.server, 'GET', /^Appointment/), 0)
  const empty = await subscribed(t, (url) => ({ ...subscribing({ content: 'empty' })(url), poll: { search: ['Appointment'], every: '12h' } }))
  await until(() => asked(empty.server, 'GET', /^Appointment/) > 0)
  empty.server.resources.push(appointment('5'))
  await empty.notify(bundle('event-notification', 2, [{ number: 1 }, { number: 2 }]))
  await until(() => empty.given.length === 1)
})

t.test('a look takes every version once, with equal times and page after page; the limit of pages goes on at the next', async (t) => {
  const server = await fhirServer(t)
  const same = '2026-03-02T14:10:00.000Z'
  server.resources.push(...Array.from({ length: 7 }, (_, n) => appointment(`e${n}`, '1', same)), appointment('old', '1', '2026-02-01T00:00:00.000Z'))
  const folder = t.testdir()
  const poll: Settings['poll'] = { search: ['Appointment'], count: 2, pages: 3 }
  const { tools, given, stop, keys } = await running(t, server, () => ({ poll }), { folder })
  await tools.clock.asleep(60_000)
  t.equal(given.length, 6, 'three pages of two')
  tools.clock.advance(60_000)
  await until(() => given.length === 7)
  Object.assign(server.resources[0] ?? {}, { meta: { versionId: '2', lastUpdated: same } })
  server.resources.push(appointment('late', '1', '2026-03-02T14:09:00.000Z'), appointment('future', '1', '2099-01-01T00:00:00.000Z'))
  for (let n = 0; n < 4 && given.length < 10; n++) {
    await tools.clock.asleep(60_000)
    tools.clock.advance(60_000)
    await until(() => asked(server, 'GET', /^Appointment/) >= 4 + n)
  }
  await until(() => given.length === 10)
  t.strictSame(keys().slice(7).sort(), ['Appointment/e0/_history/2', 'Appointment/future/_history/1', 'Appointment/late/_history/1'])
  await stop()
  const again = await running(t, server, () => ({ poll }), { folder })
  server.resources.push(appointment('new', '1', '2026-03-02T14:20:00.000Z'))
  for (let n = 0; n < 6 && !again.keys().includes('Appointment/new/_history/1'); n++) {
    await again.tools.clock.asleep(60_000)
    again.tools.clock.advance(60_000)
  }
  await until(() => again.keys().includes('Appointment/new/_history/1'))
  t.pass('after a restart it goes on from where it was')
})

t.test('pages at another server, in a circle, or that are no Bundle are not followed; our token goes nowhere else', async (t) => {
  for (const [url, sentence] of [['https://elsewhere.example/fhir/Appointment?page=2', /refused/], ['Appointment?page=same', /see the error/], [null, /refused/]] as const) {
    const server = await fhirServer(t)
    server.fault = () => ({ status: 200, body: url === null ? { resourceType: 'Patient' } : { resourceType: 'Bundle', link: [{ relation: 'next', url: url.startsWith('http') ? url : `${server.base}/${url}` }] } })
    const { tools } = await running(t, server, () => ({ poll: { search: ['Appointment'] } }))
    await until(() => said(tools, sentence) > 0)
    t.ok(server.requests.length <= 2)
  }
})

t.test('settings that contradict each other are a sentence', async (t) => {
  const make = (settings: Partial<Settings>) => () => fhirSource.create({ base: 'https://ehr.example/fhir', auth: 'none', ...settings }, testTools(''))
  const with_ = (...subscriptions: object[]) => make(subscribing({}, { subscriptions: subscriptions as never })('https://x.example'))
  t.throws(make({}), /Say `subscribe`, `poll` or both/)
  t.throws(with_({}), /either `criteria` or `topic`/)
  t.throws(with_({ criteria: 'Patient', topic: TOPIC }), /either/)
  t.throws(with_({ criteria: 'Patient', content: 'empty' }), /`content` does not go with `criteria`/)
  t.throws(with_({ topic: TOPIC, payload: 'empty' }), /`payload` does not go with `topic`/)
  t.throws(with_({ topic: TOPIC }, { topic: TOPIC }), /ask the same/)
  t.throws(with_({ topic: TOPIC, content: 'empty' }), /add `poll`/)
  t.throws(make(subscribing({}, { heartbeat: '1m', subscriptions: [{ criteria: 'Patient' }] })('https://x.example')), /`heartbeat` needs/)
  t.throws(make({ base: 'https://user:pass@ehr.example', poll: { search: ['Patient'] } }), /use `auth`/)
  await t.rejects(make(subscribing({}, { secret: { hub: '' } })('https://x.example'))().start(() => Promise.reject(new Error('nothing comes'))), /`subscribe.secret` is empty/)
  for (const example of fhirSource.examples) t.ok(fhirSource.create(example, testTools('')))
})
