/** Channels deployed with the files that they need: mappings, scripts and fixtures, all of them or none. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { changing, channel, ORU_ONLY } from './changing.js'
import { refero, startProduct } from './product.js'

const ANSWER = 'MSH|^~\\&|A|B|C|D|20260302||ADT^A01|1|P|2.5.1\rPID|1||123|||Müller\r'
const own = { kind: 'mapping', path: 'codes/own-wards.yaml', text: 'from: http://example.org/wards\ncolumns: [ward]\nrows:\n  - [A, North]\n' }
const wards = own.text.replace('North', 'South')
const mapped = (name: string, port: number, tests = ''): string => channel(name, port, `steps:\n  - translate: { path: PID-3.1, to: PID-4.1, with: own-wards, unknown: empty }\n  - script: { file: scripts/${name}.js }`) + tests
const scripted = { kind: 'script', path: 'scripts/one.js', text: 'export default (message) => [message]\n' }
const tested = `tests:
  - name: it goes through
    given: one/a.hl7
    expect: { out: [one/a.expected] }
`

t.test('a deploy brings along what the channel needs, as one change that a rollback takes back', async (t) => {
  const { product, ports: [a, b], put, now, path } = await changing(t)
  const before = (await now()).basedOn
  const at = (name: string): string => join(product.folder, name)
  const fixtures = [{ kind: 'fixture', path: 'one/a.hl7', base64: Buffer.from(ANSWER, 'latin1').toString('base64') }, { kind: 'fixture', path: 'one/a.expected', base64: Buffer.from(ANSWER, 'latin1').toString('base64') }]
  const files = [own, scripted, ...fixtures]
  t.match(await put(mapped('one', a, tested), before), { status: 422, body: { problems: [{ message: /own-wards/ }] } }, 'the engine has none of it')
  const failing = [...files.slice(0, 3), { kind: 'fixture', path: 'one/a.expected', text: 'else' }]
  t.match(await put(mapped('one', a, tested), before, { files: failing }), { status: 422, body: { problems: [{ rule: 'test-failed', file: /channels\/one\.yaml$/ }] } }, 'its tests run with what is brought')
  t.match(await product.api(`${path}/check`, { text: mapped('one', a, tested), files }), { status: 200, body: { ok: true, tests: { passed: 1, failed: 0 } } })
  t.notOk(['mappings', 'fixtures', 'channels/scripts'].some((name) => existsSync(at(name))), 'and nothing is written')

  const { status, body: plan } = await put(mapped('one', a, tested), before, { files, dryRun: true })
  t.equal(status, 200, JSON.stringify(plan))
  t.match(plan, { tests: { passed: 1 }, restarts: ['one'], notes: [/makes .*mappings .*REFERO_MAPPINGS/, /REFERO_FIXTURES/] })
  t.same(plan.files, [['channels/scripts/one.js', scripted.text.length], ['fixtures/one/a.expected', ANSWER.length], ['fixtures/one/a.hl7', ANSWER.length], ['mappings/codes/own-wards.yaml', own.text.length]].map(([name, size]) => ({ name, how: 'new', size })))
  t.match(plan.diff, /\+\+\+ b\/mappings\/codes\/own-wards\.yaml[\s\S]*North/)
  t.notMatch(plan.diff, /b\/fixtures|Müller/, 'of fixtures only names and sizes')
  const done = await put(mapped('one', a, tested), before, { files })
  t.match(done, { status: 200, body: { applied: true, after: { sequence: 2, revision: plan.after.revision }, status: { state: 'running' } } })
  t.equal(readFileSync(at('fixtures/one/a.hl7'), 'latin1'), ANSWER)
  t.match(await now(), { applied: true, sequence: 2, revision: plan.after.revision, files: ['channels/scripts/one.js', 'mappings/codes/own-wards.yaml'] })
  t.match((await product.api(`${path}/revisions`)).body.revisions[0].carried, plan.files.map(({ name }: { name: string }) => ({ name, before: null })))
  t.match(await put(mapped('one', a, tested), done.body.after.revision, { files }), { body: { changed: false } })

  t.match((await product.api('/api/channels/two', { text: mapped('two', b), basedOn: (await product.api('/api/channels/two')).body.basedOn, files: [{ ...scripted, path: 'scripts/two.js' }] }, {}, 'PUT')).status, 200)
  const changed = [{ ...own, text: wards }]
  t.match(await put(mapped('one', a, tested), done.body.after.revision, { files: changed }), { status: 409, body: { code: 'SHARED_FILES', detail: /own-wards\.yaml would change, and two depends on it too/ } })
  t.match(await put(mapped('one', a, tested), done.body.after.revision, { files: changed, shared: true }), { body: { applied: true, restarts: ['one', 'two'], after: { sequence: 3 } } })
  const fixture = [{ ...fixtures[0], text: `${ANSWER}NTE|1||a\r`, base64: undefined }, { ...fixtures[1], text: `${ANSWER}NTE|1||a\r`, base64: undefined }]
  t.match(await put(mapped('one', a, tested), (await now()).basedOn, { files: fixture }), { body: { applied: true, diff: '', restarts: [], after: { sequence: 4 } } }, 'a fixture alone is a change too')

  const back = async (more: object = {}) => product.api(`${path}/rollback`, { by: 'eve', ...more })
  t.match(await back(), { body: { applied: true, after: { sequence: 5 }, files: [{ name: 'fixtures/one/a.expected' }, { name: 'fixtures/one/a.hl7' }], notes: [/tests are not run/] } })
  t.equal(readFileSync(at('fixtures/one/a.hl7'), 'latin1'), ANSWER)
  t.match(await back(), { status: 409, body: { code: 'SHARED_FILES' } })
  t.match(await back({ shared: true }), { body: { applied: true, restarts: ['one', 'two'] } })
  t.equal(readFileSync(at('mappings/codes/own-wards.yaml'), 'utf8'), own.text)
  writeFileSync(at('fixtures/one/a.hl7'), 'by hand')
  const gone = await back({ to: 1 })
  t.match(gone, { body: { applied: true, files: [{ name: 'channels/scripts/one.js', how: 'removed' }, { name: 'fixtures/one/a.expected', how: 'removed' }] } })
  t.match(gone.body.notes, [/a\.hl7 has been changed since/, /own-wards\.yaml was not there then and is left where it is: two needs it/])
  t.same(['channels/scripts/one.js', 'fixtures/one/a.expected', 'fixtures/one/a.hl7', 'mappings/codes/own-wards.yaml'].map((name) => existsSync(at(name))), [false, false, true, true])
  t.match(await back({ to: 2 }), { body: { applied: true, files: [{ name: 'channels/scripts/one.js', how: 'new' }, { name: 'fixtures/one/a.expected', how: 'new' }] } })
  t.match(await now(), { applied: true, status: { state: 'running' } })
})

t.test('what a deploy may not bring is refused with its name', async (t) => {
  const { product, ports: [a], put, now } = await changing(t)
  const { basedOn } = await now()
  const refused = async (file: object, status: number, message: RegExp): Promise<void> => {
    const answer = await put(channel('one', a, ORU_ONLY), basedOn, { files: [file] })
    t.equal(answer.status, status, String(message))
    t.match(JSON.stringify(answer.body), message)
  }
  for (const path of ['../a.hl7', '/etc/a', 'a/../../b', '.hidden', 'a//b', 'a\\b', 'C:/a']) await refused({ kind: 'fixture', path, text: '' }, 400, /a path has names/)
  await refused({ kind: 'mapping', path: 'codes/a.js', text: '' }, 400, /a mapping is a \.yaml or \.csv file/)
  await refused({ kind: 'script', path: 'two.yaml', text: '' }, 400, /a channel file is no script/)
  await refused({ kind: 'script', path: 'a.js', text: '', base64: '' }, 400, /either a `text` or a `base64`/)
  await refused({ kind: 'script', path: 'a.js', base64: '/w==' }, 400, /is not UTF-8/)
  await refused({ kind: 'other', path: 'a.js', text: '' }, 400, /kind/)
  await refused(own, 422, /does not use this file/)
  t.match(await put(channel('one', a), basedOn, { files: [own, own] }), { status: 400, body: { message: /is there twice/ } })
  t.match(await put(channel('one', a), basedOn, { files: Array.from({ length: 201 }, (_, n) => ({ ...own, path: `codes/a${n}.yaml` })) }), { status: 400 })
  t.match(await put(channel('one', a), basedOn, { files: Array.from({ length: 9 }, (_, n) => ({ kind: 'fixture', path: `a${n}`, text: 'a'.repeat(1_900_000) })) }), { status: 400, body: { message: /larger than 16 MB/ } })
  t.notOk(['mappings', 'fixtures'].some((name) => existsSync(join(product.folder, name))))
})

t.test('refero deploy brings along what lies in the folder of the analyst, whatever is set only where the engine runs', async (t) => {
  const { product, ports: [a] } = await changing(t, ([, b]) => ({ two: channel('two', b) }), { SITE_HOST: '127.0.0.1' })
  const work = join(product.folder, 'work')
  const write = (name: string, text: string): void => {
    mkdirSync(join(work, name, '..'), { recursive: true })
    writeFileSync(join(work, name), text)
  }
  const env = { REFERO_URL: `http://127.0.0.1:${product.http}`, REFERO_TOKEN: product.token, USER: 'ana' }
  const run = (...words: string[]) => refero(words, { env, cwd: work })
  write('channels/one.yaml', mapped('one', a, tested).replace('127.0.0.1', '"${SITE_HOST}"'))
  write('channels/scripts/one.js', scripted.text)
  write('mappings/codes/own-wards.yaml', own.text.replace(/rows[\s\S]*/, ''))
  write('mappings/codes/own-wards.csv', 'code,ward\nA,North\n')
  write('fixtures/one/a.hl7', ANSWER)
  write('fixtures/one/a.expected', ANSWER)
  t.match(await run('deploy', 'channels/one.yaml', '--dry-run', '--no-files'), { code: 1, err: /own-wards/ })
  t.match(await run('deploy', 'channels/one.yaml', '--yes', '--why', 'wards'), { code: 0, out: /fixtures\/one\/a\.hl7: new, \d+ bytes[\s\S]*one is at revision 1 .*running/ })
  t.match(await run('history', 'one'), { out: /deployed +wards\n +with channels\/scripts\/one\.js: new, 38 bytes\n/ })
  t.equal(readFileSync(join(product.folder, 'mappings/codes/own-wards.csv'), 'utf8'), 'code,ward\nA,North\n')
  t.match(await run('deploy', 'channels/one.yaml', '--yes'), { code: 0, out: /one is so already/ })
  t.equal(await product.stop(), 0)
  mkdirSync(join(product.folder, 'data/revisions/.staged-left'))
  const later = await startProduct(t, { folder: product.folder, env: { SITE_HOST: '127.0.0.1' } })
  t.match((await later.api('/api/channels/one', undefined, { authorization: `Bearer ${product.token}` })).body, { applied: true, sequence: 1, status: { state: 'running' } }, 'it is found again')
  t.notOk(existsSync(join(product.folder, 'data/revisions/.staged-left')), 'what a crash left is cleared away')
})
