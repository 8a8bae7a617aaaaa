/** Channels changed in a running engine: deployed, refused, rolled back, paused; and what the history says of it. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { changing, channel, message, ORU_ONLY } from './changing.js'
import { framed, freePort, type Product, refero, sendRaw, startProduct, until } from './product.js'

const stateOf = async (product: Product, name: string): Promise<string | undefined> => (await product.api(`/api/channels/${name}`)).body.status?.state

t.test('a deployed text runs at once, only its channel restarts, and the history says who and why', async (t) => {
  const { product, ports: [a], put, now, newest, path, onDisk } = await changing(t)
  const { basedOn, sequence } = await now()
  t.equal(sequence, 1)
  const text = channel('one', a, ORU_ONLY)
  const plan = await put(text, basedOn, { dryRun: true })
  t.match(plan, { status: 200, body: { changed: true, applied: false, restarts: ['one'], diff: /\+steps/, tests: { passed: 0, failed: 0 } } })
  t.match(plan.body.warnings, [{ rule: 'no-tests' }], 'what `refero check` warns of')
  t.notMatch(onDisk(), /steps/, 'a plan writes nothing')
  t.match(await product.api(`${path}/plan`, { text }), { status: 200, body: { diff: plan.body.diff, applied: false } })

  const done = await put(text, basedOn)
  t.match(done, { status: 200, body: { applied: true, before: { sequence: 1, revision: basedOn }, after: { sequence: 2 }, status: { state: 'running' } } })
  t.equal(onDisk(), text)
  t.match(await sendRaw(a, message('1')), /MSA\|AA\|1/)
  await until(async () => (await newest()) === 'filtered')
  const { body: { revisions } } = await product.api(`${path}/revisions`)
  t.match(revisions, [{ sequence: 2, by: 'ada', why: 'a test', from: 'api', revision: done.body.after.revision }, { sequence: 1, by: 'file', from: 'file' }])
  t.match((await product.api(`${path}/revisions/2?diff=1`)).body, { text, diff: /\+steps/ })
  t.match(await product.api(`${path}/revisions/9`), { status: 404, body: { detail: /no revision 9; it has 1 to 2/ } })
  t.match((await product.api('/api/channels/two')).body, { sequence: 1 }, 'the other channel is what it was')

  const again = await put(text, done.body.after.revision)
  t.match(again.body, { changed: false, applied: false, restarts: [] }, 'the same text is no change')
  const commented = await put(`# a comment\n${text}`, done.body.after.revision)
  t.match(commented.body, { applied: true, restarts: [], after: { sequence: 3 } }, 'a comment restarts nothing and is a revision')
  t.equal((await product.api('/api/channels')).body.channels[0].revision, commented.body.after.revision)
})

t.test('nothing is overwritten that the author has not seen', async (t) => {
  const { product, ports: [a], put, now, onDisk, file } = await changing(t)
  const { basedOn } = await now()
  const before = onDisk()
  t.match(await put(channel('one', a, ORU_ONLY), 'aaaaaaaaaaaa'), { status: 409, body: { code: 'EDITED', diff: /\+steps/, hint: /make the change again/ } })
  t.match(await put(channel('one', a, ORU_ONLY), null), { status: 409, body: { detail: /There is one of that name already/ } })
  t.equal(onDisk(), before)

  const [first, second] = await Promise.all([put(channel('one', a, '# ada'), basedOn), put(channel('one', a, '# bob'), basedOn, { by: 'bob' })])
  t.same([first.status, second.status], [200, 409], 'of two editors one wins and the other is told')
  t.match(second.body.diff, /-# ada\n\+# bob/)
  t.match(onDisk(), /# ada/)

  const latest = (await now()).basedOn
  writeFileSync(file, channel('one', a, '# by hand'))
  t.match(await put(channel('one', a, '# ada again'), latest), { status: 409, body: { diff: /-# by hand/ } }, 'an edit of the file counts, loaded or not')
  await until(async () => (await now()).applied)
  t.match(await now(), { by: 'file', sequence: 3, text: /by hand/ })

  writeFileSync(file, channel('one', a, 'stpes: []'))
  await until(async () => (await now()).problems.length > 0)
  const broken = await now()
  t.match(broken, { applied: false, sequence: 3, problems: [{ line: 5, rule: 'unknown-setting' }], status: { state: 'running' } })
  t.match(await put(channel('one', a, '# mended'), latest), { status: 409 })
  t.match(await put(channel('one', a, '# mended'), broken.basedOn), { status: 200, body: { after: { sequence: 4 } } }, 'a broken file can be mended from what it says')
  await until(async () => (await product.api('/ready')).status === 200)
})

t.test('what does not work is refused with its place and what to write, and nothing changes', async (t) => {
  const { product, ports: [a, b], put, now, onDisk } = await changing(t)
  const { basedOn } = await now()
  const before = onDisk()
  const refused = async (text: string, problem: object, name: string): Promise<void> => {
    const { status, body } = await put(text, basedOn)
    t.equal(status, 422, name)
    t.match(body, { code: 'INVALID', problems: [problem] }, name)
  }
  await refused('name: [', { rule: 'yaml', line: 1, file: /one\.yaml$/ }, 'no YAML')
  await refused(channel('one', a, 'stpes: []'), { line: 5, column: 1, rule: 'unknown-setting', message: /did you mean `steps`/, file: /channels\/one\.yaml$/ }, 'a setting that there is not')
  await refused(channel('three', a), { line: 1, rule: 'other-name', hint: /name: one/ }, 'another channel’s text')
  const clash = await put(channel('one', b), basedOn)
  t.match(clash, { status: 422 })
  t.match(clash.body.problems.find(({ rule }: { rule: string }) => rule === 'claimed-twice')?.message, new RegExp(`port ${b} already`), 'what another channel has')
  const tests = '\ntests:\n  - name: it is delivered\n    given: hl7v2/ref-i12-cardiology.hl7\n    expect: { out: nothing }\n'
  await refused(channel('one', a) + tests, { rule: 'test-failed', line: 11, message: /“it is delivered” fails: .*expected/ }, 'a test that fails')
  t.equal(onDisk(), before)
  t.equal((await now()).sequence, 1)
  t.match(await product.api('/api/channels/one/check', { text: channel('one', a) + tests }), { status: 200, body: { ok: false, tests: { passed: 0, failed: 1 } } })
  t.match(await put(channel('one', a) + tests, basedOn, { tests: false }), { status: 200 }, 'unless tests are not wanted')
  t.match(await put('x', basedOn, { force: true }), { status: 400, body: { code: 'USAGE', message: /^`force` is not a field of the body/ } })
})

t.test('rollback brings the revision before back, and two of them go two steps', async (t) => {
  const { product, ports: [a], put, now, newest, onDisk, path } = await changing(t)
  const texts = [onDisk(), channel('one', a, ORU_ONLY), channel('one', a, `${ORU_ONLY}\nconcurrency: 2`)]
  for (const text of texts.slice(1)) t.equal((await put(text, (await now()).basedOn)).status, 200)
  const back = async (body: object) => product.api(`${path}/rollback`, { by: 'eve', why: 'too soon', ...body })
  t.match((await back({ dryRun: true })).body, { applied: false, diff: /-concurrency: 2/, restarts: ['one'] })
  t.equal(onDisk(), texts[2])
  t.match((await back({})).body, { applied: true, after: { sequence: 4 } })
  t.equal(onDisk(), texts[1])
  t.match((await back({})).body, { applied: true, after: { sequence: 5 } })
  t.equal(onDisk(), texts[0])
  t.match(await sendRaw(a, message('1')), /MSA\|AA\|1/)
  await until(async () => (await newest()) === 'transformed')
  t.match(await back({}), { status: 404, body: { detail: /no earlier revision/ } })
  t.match((await back({ to: 3 })).body, { after: { sequence: 6 } })
  t.equal(onDisk(), texts[2])
  t.match((await product.api(`${path}/revisions?limit=2`)).body, { revisions: [{ sequence: 6, by: 'eve', why: 'too soon', from: 'rollback', of: 3 }, { sequence: 5, of: 1 }], next: 5 })
})

t.test('a rollback brings back the files of the channel, and those that others use only when told so', async (t) => {
  const script = (value: string): string => `export default (message) => [message.write('MSH-5', '${value}')]\n`
  const { product, ports: [a, b], now, path } = await changing(t, () => ({}))
  const folder = join(product.folder, 'channels')
  const beside = (file: string, text: string): void => writeFileSync(join(folder, file), text)
  beside('own.js', script('FIRST'))
  beside('both.js', script('FIRST'))
  beside('one.yaml', channel('one', a, 'steps: [ { script: { file: own.js } }, { script: { file: both.js } } ]'))
  beside('two.yaml', channel('two', b, 'steps: [ { script: { file: both.js } } ]'))
  await until(async () => (await now()).status?.state === 'running' && (await stateOf(product, 'two')) === 'running')
  const { sequence } = await now()
  beside('own.js', script('SECOND'))
  await until(async () => (await now()).sequence === sequence + 1)
  t.match((await now()).files, ['channels/both.js', 'channels/own.js'])
  t.match((await product.api(`${path}/rollback`, { by: 'eve' })).body, { applied: true, restarts: ['one'], diff: /-.*SECOND[\s\S]*\+.*FIRST/ })
  t.equal(readFileSync(join(folder, 'own.js'), 'utf8'), script('FIRST'))

  beside('both.js', script('SECOND'))
  await until(async () => (await product.api('/api/channels/two')).body.sequence === 2 && (await now()).sequence === sequence + 3)
  t.match(await product.api(`${path}/rollback`, { by: 'eve', to: sequence }), { status: 409, body: { code: 'SHARED_FILES', detail: /channels\/both\.js was different then, and two depends on it too/ } })
  t.match((await product.api(`${path}/rollback`, { by: 'eve', why: 'both', to: sequence, shared: true })).body, { applied: true, restarts: ['one', 'two'] })
  t.match((await product.api('/api/channels/two/revisions')).body.revisions[0], { sequence: 3, by: 'eve', why: 'both', from: 'rollback' }, 'the other channel’s history says so too')
})

t.test('a new channel is deployed, a removed one can be brought back, and not while messages wait', async (t) => {
  const down = await freePort()
  const { product, ports: [a, b] } = await changing(t)
  const third = channel('three', await freePort())
  t.match(await product.api('/api/channels', { name: 'three', text: third, by: 'ada' }), { status: 201, body: { applied: true, before: null, after: { sequence: 1 } } })
  t.equal(await stateOf(product, 'three'), 'running')
  t.match(await product.api('/api/channels', { name: 'three', text: third }), { status: 409 })
  const { basedOn } = (await product.api('/api/channels/three')).body
  t.match(await product.api('/api/channels/three', { basedOn: 'x', by: 'ada' }, {}, 'DELETE'), { status: 409 })
  t.match(await product.api('/api/channels/three', { basedOn, by: 'ada', why: 'not needed' }, {}, 'DELETE'), { status: 200, body: { applied: true, after: null } })
  t.notOk(existsSync(join(product.folder, 'channels/three.yaml')))
  t.match((await product.api('/api/channels/three')).body, { removed: true, text: third, by: 'ada', why: 'not needed' })
  t.match((await product.api('/api/channels/three/rollback', { by: 'eve' })).body, { applied: true, after: { sequence: 3 }, status: { state: 'running' } })

  const waiting = channel('one', a).replace(/to: .*/, `to: { mllp: { host: 127.0.0.1, port: ${down} } }`)
  await product.api('/api/channels/one', { text: waiting, basedOn: (await product.api('/api/channels/one')).body.basedOn }, {}, 'PUT')
  t.match(await sendRaw(a, message('1')), /MSA\|AA\|1/)
  const remove = async (more: object = {}) => product.api('/api/channels/one', { basedOn: (await product.api('/api/channels/one')).body.basedOn, ...more }, {}, 'DELETE')
  t.match(await remove(), { status: 409, body: { code: 'STILL_WAITING' } })
  t.match(await remove({ abandon: true }), { status: 200 })

  const feeder = channel('feeder', b).replace(/source: .*/, 'source: { file: { folder: /nowhere } }').replace(/to: .*/, 'to: { channel: { name: two } }')
  t.match(await product.api('/api/channels', { name: 'feeder', text: feeder }), { status: 201 })
  t.match(await product.api('/api/channels/two', { basedOn: (await product.api('/api/channels/two')).body.basedOn }, {}, 'DELETE'), { status: 422, body: { problems: [{ message: /The channel `feeder` feeds `two` through its destination `out`/, file: /feeder\.yaml$/ }] } })
})

t.test('a pause refuses senders and goes on with what was taken, a stop leaves it, and both hold over a restart', async (t) => {
  const { product, ports: [a], path } = await changing(t, ([a, b]) => ({ one: channel('one', a), two: channel('two', b), web: channel('web', 0).replace(/source: .*/, 'source: { http: { path: /in } }') }))
  const post = async (where = product): Promise<Response> => fetch(`http://127.0.0.1:${where.http}/in`, { method: 'POST', body: 'MSH|^~\\&|A|B|C|D|20260302||ADT^A01|9|P|2.5.1\r' })
  t.equal((await post()).status, 200)
  t.match((await product.api(`${path}/pause`, { by: 'ada', why: 'the lab moves' })).body, { state: 'paused', asked: { by: 'ada', why: 'the lab moves' } })
  t.match((await product.api('/api/channels/web/pause', { by: 'ada' })).body, { state: 'paused' })
  t.match((await product.api('/api/channels/two/stop', { by: 'bob' })).body, { state: 'stopped' })
  t.equal(await sendRaw(a, message('1')), null, 'the connection is refused')
  t.equal((await post()).status, 503)
  t.match(await product.api('/ready'), { status: 200, body: { ready: true, resting: [/channel one is paused by ada since .*: the lab moves/, /channel two is stopped by bob/, /web is paused/] } })
  t.equal(await product.stop(), 0)

  const later = await startProduct(t, { folder: product.folder })
  const asked = { authorization: `Bearer ${product.token}` }
  t.equal(await sendRaw(a, message('1')), null, 'it is paused still')
  t.equal((await post(later)).status, 503)
  const { body } = await later.api('/api/channels', undefined, asked)
  t.match(body.channels, [{ name: 'one', state: 'paused' }, { name: 'two', state: 'stopped' }, { name: 'web', state: 'paused' }])
  t.match((await later.api(`${path}/start`, { by: 'eve' }, asked)).body, { state: 'running', asked: null })
  t.match((await later.api('/api/channels/web/start', { by: 'eve' }, asked)).body, { state: 'running' })
  t.match((await later.api('/api/channels/two/start', { by: 'eve' }, asked)).body, { state: 'running' })
  t.match(await sendRaw(a, message('1')), /MSA\|AA\|1/)
  t.equal((await post(later)).status, 200)
  t.match((await later.api(`${path}/revisions`, undefined, asked)).body.wishes, [{ what: 'started', by: 'eve' }, { what: 'paused', by: 'ada', why: 'the lab moves' }])
})

t.test('a destination that rests keeps its queue, and the others go on', async (t) => {
  const arrived: string[] = []
  const receiver = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      arrived.push(bytes.toString())
      socket.write(framed(`MSH|^~\\&|C|D|A|B|20260302||ACK|9|P|2.5.1\rMSA|AA|${arrived.length}\r`))
    })
  })
  const up = await freePort()
  await new Promise<void>((listening) => receiver.listen(up, '127.0.0.1', listening))
  t.teardown(() => receiver.close())
  const { product, ports: [a], path } = await changing(t, ([a]) => ({ one: `${channel('one', a)}  - name: ehr\n    to: { mllp: { host: 127.0.0.1, port: ${up} } }\n` }))
  t.match((await product.api(`${path}/destinations/ehr/pause`, { by: 'ada', why: 'an upgrade' })).body.destinations, [{ name: 'out', asked: null }, { name: 'ehr', asked: { by: 'ada' } }])
  t.match(await product.api(`${path}/destinations/her/pause`, { by: 'ada' }), { status: 404, body: { detail: /it has out, ehr/ } })
  t.match(await sendRaw(a, message('1')), /MSA\|AA\|1/)
  await until(async () => (await product.api('/api/messages/1')).body.deliveries.some(({ status }: { status: string }) => status === 'sent'))
  t.match((await product.api('/api/messages/1')).body.deliveries.map(({ destination, status }: Record<string, string>) => `${destination} ${status}`).sort(), ['ehr queued', 'out sent'])
  t.equal(arrived.length, 0)
  await product.api(`${path}/destinations/ehr/start`, { by: 'ada' })
  await until(() => arrived.length === 1)
  t.match((await product.api('/ready')).body.resting, [])
})

t.test('the commands show the plan, ask, and tell the history', async (t) => {
  const { product, ports: [a], file, now } = await changing(t)
  const env = { REFERO_URL: `http://127.0.0.1:${product.http}`, REFERO_TOKEN: product.token, USER: 'ada' }
  const run = (...words: string[]) => refero(words, { env })
  const edited = join(product.folder, 'one.yaml')
  writeFileSync(edited, channel('one', a, ORU_ONLY))
  t.match(await run('channels'), { code: 0, out: /one +running +mllp.* 1 [0-9a-f]{12} / })
  t.match(await run('deploy', edited, '--dry-run'), { code: 0, out: /\+steps/, err: /Restarts: one\./ })
  t.match(await run('deploy', edited), { code: 1, err: /add --yes/ })
  t.match(await run('deploy', edited, '--yes', '--why', 'results only'), { code: 0, out: /one is at revision 2 \([0-9a-f]{12}\): running/ })
  t.match(await run('deploy', edited, '--yes'), { code: 0, out: /one is so already/ })
  writeFileSync(edited, channel('one', a, 'stpes: []'))
  t.match(await run('deploy', edited, '--yes'), { code: 1, err: /channels\/one\.yaml:5:1 error unknown-setting: .*did you mean `steps`/ })
  t.match(await run('deploy', edited, '--yes', '--based-on', 'aaaaaaaaaaaa'), { code: 1, err: /no longer what this change was made from/, out: /^\+stpes/m })
  t.match(await run('history', 'one'), { code: 0, out: /2 +[0-9a-f]{12} .* ada +deployed +results only\n1 +[0-9a-f]{12} .* file +file changed/ })
  t.match(await run('history', 'one', '--diff', '1', '2'), { code: 0, out: /\+steps/ })
  t.match(await run('rollback', 'one', '--yes'), { code: 0, out: /at revision 3/ })
  t.equal(readFileSync(file, 'utf8'), channel('one', a))
  t.match(await run('channel', 'pause', 'one', '--why', 'lunch'), { code: 0, out: /one is paused by ada since .*: lunch\./ })
  t.match(await run('channel', 'start', 'one', '--json'), { code: 0, out: /"state":"running"/ })
  t.match(await run('channel', 'remove', 'one', '--yes'), { code: 0, out: /one is removed; `refero rollback one` brings it back/ })
  t.match(await now(), { removed: true })
  t.match(await run('rollback', 'one', '--yes'), { code: 0, out: /at revision 5/ })
  t.match(await run('rollback', 'nobody'), { code: 2, err: /No channel has ever been called `nobody`/ })
})

t.test('the API describes itself completely, and every error has one shape', async (t) => {
  const { product, path } = await changing(t)
  const document = await (await fetch(`http://127.0.0.1:${product.http}/docs/openapi.json`)).json() as { paths: Record<string, Record<string, { summary?: string; responses?: Record<string, { content?: object }> }>> }
  for (const [url, operations] of Object.entries(document.paths)) {
    for (const [method, { summary, responses = {} }] of Object.entries(operations)) {
      t.ok(summary, `${method} ${url} says what it does`)
      if (url.startsWith('/api') && url !== '/api/events') t.ok(Object.entries(responses).some(([status, { content }]) => status.startsWith('2') && content), `${method} ${url} says what it answers`)
    }
  }
  t.match(Object.keys(document.paths), ['/health', '/ready'])
  const page = await (await fetch(`http://127.0.0.1:${product.http}/docs`)).text()
  t.match(page, /<code>\/api\/channels\/\{name\}\/rollback<\/code>/)
  const shape = { code: String, message: String, hint: String }
  for (const [url, method, status] of [['/api/nothing', 'GET', 404], [path, 'PATCH', 405], ['/api/channels/nobody', 'GET', 404], ['/api/channels/UPPER', 'GET', 400]] as const) {
    const answer = await product.api(url, undefined, {}, method)
    t.equal(answer.status, status, `${method} ${url}`)
    t.match(answer.body, shape)
    t.ok('detail' in answer.body, url)
  }
  t.match(await product.api('/api/channels', undefined, { authorization: 'Bearer wrong' }), { status: 401, body: shape })
  rmSync(join(product.folder, 'channels/one.yaml'))
  await until(async () => (await product.api(path)).body.removed)
  t.match((await product.api(`${path}/revisions`)).body.revisions[0], { from: 'removal', by: 'file' }, 'a file that was deleted by hand is in the history too')
})
