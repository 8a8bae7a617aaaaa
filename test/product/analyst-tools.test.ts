/** The tools that an analyst uses without an engine running: a new channel from a sample, a mapping looked at, a table from an official file. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { withTest } from '../../engine/tools/save-test.js'
import { fixture, framed, freePort, refero, ROOT, sendRaw, startProduct } from './product.js'

interface Folder { readonly path: string; readonly run: (...words: string[]) => ReturnType<typeof refero>; readonly read: (name: string) => string }

/** An empty folder of the analyst's own; the product's channels, mappings and fixtures lie elsewhere. */
function folder(t: { teardown(done: () => void): void }): Folder {
  const path = mkdtempSync(join(tmpdir(), 'refero-analyst-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  cpSync(join(ROOT, 'channels'), join(path, 'channels'), { recursive: true })
  cpSync(join(ROOT, 'fixtures'), join(path, 'fixtures'), { recursive: true })
  return { path, run: (...words) => refero(words, { cwd: path, env: { REFERO_DATA: join(path, 'data') } }), read: (name) => readFileSync(join(path, name), 'utf8') }
}

const UNKNOWN = 'MSH|^~\\&|CLINICOS|LFM|REFERO|HC|20260302091500||ZZZ^Z99|LFM77123|P|2.5.1\rPID|1||774411^^^LFM^MR||EVERYWOMAN^EVE||19610615|F\rAL1|1|DA|7980^Penicillin G^RXNORM\rAL1|2|DA|1191^Aspirin^RXNORM\rZAB|1|Eve Everywoman\r'

t.test('a sample becomes a channel with a source of its own, a mapping and a test that passes, and nothing of its people', async (t) => {
  const { path, run, read } = folder(t)
  writeFileSync(join(path, 'sample.hl7'), UNKNOWN)
  const made = await run('new', 'allergies', '--from', 'sample.hl7')
  t.equal(made.code, 0, made.err)
  t.match(read('channels/allergies.yaml'), /mllp: \{ port: 2579 \}[\s\S]*types: \[ ?ZZZ\^Z99 ?\][\s\S]*with: allergies[\s\S]*given: allergies\/sample\.hl7/)
  t.match(read('mappings/fields/allergies.yaml'), /messages: \[ZZZ\^Z99\][\s\S]*each: true[\s\S]*patient: patient/)
  const kept = read('fixtures/allergies/sample.hl7') + read('channels/allergies.yaml')
  for (const gone of ['EVERYWOMAN', 'EVE', '774411', '19610615', '20260302', 'LFM77123']) t.notMatch(kept, gone)
  t.match(await run('test', 'allergies'), { code: 0, out: /1 passed, 0 failed/ })
  t.match(await run('check'), { code: 0, out: /\d+ channels read: 0 errors/ })
  t.match(await run('fmt', '--check', 'channels/allergies.yaml'), { code: 0 }, 'it is written as fmt would')
  t.match(await run('new', 'allergies', '--from', 'sample.hl7'), { code: 2, err: /A channel called allergies/ })
  const second = await run('new', 'referrals-again', '--from', fixture('hl7v2/ref-i12-minimal.hl7'), '--json')
  t.match(JSON.parse(second.out), { channel: 'referrals-again' })
  t.match(read('channels/referrals-again.yaml'), /port: 2580[\s\S]*with: referral/, 'a mapping that is there is used, and a free port')
  t.notOk(existsSync(join(path, 'mappings/fields/referrals-again.yaml')))
})

t.test('samples of other kinds become channels too, and what cannot leaves nothing behind', async (t) => {
  const { path, run, read } = folder(t)
  writeFileSync(join(path, 'note.txt'), 'Eve Everywoman came on 3/2/2026\n')
  t.equal((await run('new', 'orders-json', '--from', fixture('json/order.json'))).code, 0)
  t.match(read('channels/orders-json.yaml'), /http: \{ path: \/orders-json \}/)
  t.equal((await run('new', 'bundles', '--from', fixture('fhir/referral-bundle.json'))).code, 0)
  t.equal((await run('new', 'notes', '--from', 'note.txt', '--folder', 'inbox')).code, 0)
  t.match(read('fixtures/notes/sample.expected-1'), /^xxx xxxxxxxxxx xxxx xx 9\/9\/9999/)
  t.match(await run('test', 'orders-json', 'bundles', 'notes'), { code: 0, out: /3 passed/ })
  const before = readdirSync(path, { recursive: true }).length
  writeFileSync(join(path, 'bad.hl7'), 'MSH|^~\\&|A|B|C|D|20260302||ZZZ^Z98|1|P|2.5.1\rZZ1|1\r')
  t.match(await run('new', 'nothing', '--from', 'bad.hl7'), { code: 2, err: /No segment of the sample/ })
  t.match(await run('new', 'Nothing', '--from', 'bad.hl7'), { code: 2, err: /is no name for a channel/ })
  t.match(await run('new', 'nothing'), { code: 2, err: /Name the channel and a sample/ })
  t.equal(readdirSync(path, { recursive: true }).length, before + 1, 'only the sample itself is new')
})

t.test('what was written wrongly is told by its name, for people and as JSON, and with exit code 2', async (t) => {
  const { path, run } = folder(t)
  t.match(await run('check', '--jsn'), { code: 2, err: /no option `--jsn`; did you mean `--json`/ })
  t.match(await run('graph', 'everything'), { code: 2, err: /`everything` is one word too many/ })
  const gone = await run('map', 'referral', 'gone.hl7', '--json')
  t.match(gone, { code: 2, err: '' })
  t.match(JSON.parse(gone.out), { error: /gone\.hl7: there is no such file/, code: 'FILE_FAILED', hint: /Check the path/ })
  const wrong = await run('map', 'referral', fixture('hl7v2/adt-a03.hl7'), '--json')
  t.match(wrong, { code: 1, err: '' })
  t.match(JSON.parse(wrong.out), { error: /MSH-9/, code: 'WRONG_FILE' })
  writeFileSync(join(path, 'empty.hl7'), '\r\n')
  writeFileSync(join(path, 'binary.hl7'), Buffer.from([0x4d, 0, 1, 2]))
  writeFileSync(join(path, 'two.hl7'), UNKNOWN + UNKNOWN.replace('LFM77123', 'LFM77124'))
  t.match(await run('new', 'empty', '--from', 'empty.hl7'), { code: 2, err: /empty\.hl7 is empty/ })
  t.match(await run('new', 'binary', '--from', 'binary.hl7'), { code: 2, err: /binary\.hl7 is no text/ })
  t.match(await run('new', 'two', '--from', 'two.hl7'), { code: 0, out: /holds 2 messages; the first is the sample/ })
  t.match(await run('send', 'two.hl7', '--to', 'mllp://127.0.0.1:1', '--ca', 'ca.pem'), { code: 2, err: /--ca is for mllps/ })
  writeFileSync(join(path, 'channels/secure.yaml'), 'name: secure\nsource: { mllp: { port: 2598, tls: { cert: gone.pem, key: here.key } } }\nformat: hl7v2\ndestinations: [ { name: out, to: { file: { folder: "${REFERO_DATA}/s" } } } ]\n')
  writeFileSync(join(path, 'channels/here.key'), 'a key')
  t.match(await run('check'), { out: /secure\.yaml:2:44 warning no-file: The file `gone\.pem` of `tls\.cert` is not here[\s\S]*0 errors/ })
})

t.test('a mapping shows every value beside where it came from, both ways', async (t) => {
  const { path, run } = folder(t)
  const sample = fixture('hl7v2/ref-i12-cardiology.hl7')
  const table = await run('map', 'referral', sample)
  t.equal(table.code, 0, table.err)
  t.match(table.out, /Patient birthDate +1961-06-15 +PID-7/)
  t.match(table.out, /Patient name\[0\]\.family +EVERYWOMAN +PID-5(\[1\])?\.1/)
  t.match(table.out, /ServiceRequest intent +order +the mapping/)
  const json = JSON.parse((await run('map', 'referral', sample, '--json')).out)
  t.match(json.values.find(({ place }: { place: string }) => place === 'ServiceRequest priority'), { value: 'urgent', origin: 'RF1-2.1' })
  t.ok(json.values.length > 200 && json.notes.length > 0)
  writeFileSync(join(path, 'bundle.json'), (await run('map', 'referral', sample, '--output')).out)
  const back = JSON.parse((await run('map', 'ref-i12', 'bundle.json', '--json')).out)
  t.match(back.values.find(({ place }: { place: string }) => place === 'RF1-2'), { value: 'U', origin: /ServiceRequest\.priority/ })
  t.match(await run('map', 'ref-i12', sample), { code: 2, err: /makes hl7v2 of fhir, and the sample is hl7v2/ })
  t.match(await run('map', 'referral', fixture('hl7v2/adt-a03.hl7')), { code: 1, err: /MSH-9: this mapping is for REF\^I12/ })
  t.match(await run('map', 'referal', sample), { err: /did you mean `(fields\/)?referral`/ })
})

t.test('the order file of ICD-10-CM becomes a code table that steps look codes up in', async (t) => {
  const { path, run, read } = folder(t)
  const line = (number: string, code: string, billable: number, short: string, long: string): string => `${number} ${code.padEnd(7)} ${billable} ${short.padEnd(60)} ${long}`
  writeFileSync(join(path, 'order.txt'), [line('00001', 'A00', 0, 'Cholera', 'Cholera'), line('00002', 'I4891', 1, 'Unspecified atrial fibrillation', 'Unspecified atrial fibrillation, of any "kind"'), ''].join('\r\n'))
  t.match(await run('mappings', 'icd10', 'order.txt'), { code: 0, out: /2 codes, 1 of them billable/ })
  t.match(read('mappings/codes/icd10cm.csv'), 'I48.91,"Unspecified atrial fibrillation, of any ""kind""",yes,Unspecified atrial fibrillation')
  writeFileSync(join(path, 'channels/coded.yaml'), `name: coded
source: { mllp: { port: 2599 } }
format: hl7v2
steps: [ translate: { path: DG1-3.1, with: icd10cm, unknown: keep } ]
destinations: [ { name: out, to: { file: { folder: "\${REFERO_DATA}/coded" } } } ]
tests:
  - name: a code becomes its description
    given: hl7v2/ref-i12-cardiology.hl7
    expect: { out: { DG1-3.1: 'Unspecified atrial fibrillation, of any "kind"' } }
`)
  t.match(await run('test', 'coded'), { code: 0, out: /1 passed/ })
  writeFileSync(join(path, 'mappings/codes/icd10cm.csv'), 'code,display\nA00,Cholera\nA00,Cholera\n')
  t.match(await run('check'), { code: 1, out: /icd10cm\.csv:3:1: the code "A00" has a row already/ })
  t.match(await run('mappings', 'icd10', 'channels/coded.yaml'), { code: 2, err: /channels\/coded\.yaml:1: this is no line/ })
})

t.test('stored messages become tests in the analyst’s own folder, and are tried on a channel with a new name', async (t) => {
  const port = await freePort()
  const text = `name: visits\nsource: { mllp: { port: ${port} } }\nformat: hl7v2\ndestinations: [ { name: out, to: { file: { folder: "\${REFERO_DATA}/out" } } } ]\n`
  const { folder: path, http, token } = await startProduct(t, { channels: { visits: text } })
  const run = (...words: string[]) => refero(words, { cwd: path, env: { REFERO_HTTP_PORT: String(http), REFERO_TOKEN: token } })
  t.match(await run('what-if', 'visits', '--json'), { code: 2, out: /"code":"NOT_FOUND"/ }, 'nothing was tried, which is not the same as no difference')
  await sendRaw(port, framed(UNKNOWN.replace('EVERYWOMAN^EVE', "O'Malley^Li")))
  t.match(await run('save-test', '1'), { err: '', code: 0, out: / {2}fixtures\/visits\/message-1\.hl7/ })
  t.notMatch(readFileSync(join(path, 'fixtures/visits/message-1.hl7'), 'utf8'), /Malley|Li\b|774411/)
  writeFileSync(join(path, 'channels/arrivals.yaml'), text.replace('name: visits', 'name: arrivals').replace(String(port), '2597'))
  t.match(await run('what-if', 'arrivals'), { code: 2, err: /has no message of arrivals\. .*--of NAME/ })
  t.match(await run('what-if', 'arrivals', '--of', 'visits'), { code: 0, out: /1 messages: 1 the same/ })
  const unsent = await run('replay', '1', '--json')
  t.match(unsent, { code: 1, err: '' })
  t.match(JSON.parse(unsent.out), { error: /add --yes/, dryRun: { status: 'transformed' } })
})

t.test('a test is written at the end of the tests of a file, and everything else stays as it was', async (t) => {
  const test = { name: 'new', given: 'a.hl7', expect: { history: ['received', 'sent'], out: { 'PID-3.1': '0012' } } }
  const file = '# why\nname: a # the name\nsource: { mllp: { port: 1 } }   # odd   spacing\ntests:\n  - name: old\n    given: b.hl7\n    expect: { out: nothing }   # a comment\n\nretain: { content: 1d }\n'
  const after = withTest(file, test, 'a.yaml')
  t.equal(after.replace(/ {2}- name: new\n[\s\S]*"0012"\n/, ''), file)
  t.match(after, / {2}- name: new\n {4}given: a\.hl7\n {4}expect:\n {6}history: \[received, sent\]\n/)
  t.match(withTest('name: a\n', test, 'a.yaml'), /^name: a\ntests:\n {2}- name: new\n/)
  t.throws(() => withTest('tests: [ { name: old } ]\n', test, 'a.yaml'), { message: /not written as a list/ })
})
