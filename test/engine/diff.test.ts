/** `refero diff` says what a changed folder would change, and what would follow. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { changesBetween, compared } from '../../engine/tools/structural-diff-values.js'
import { command } from './command-line.js'
import { ROOT, startProduct } from '../product/product.js'

const HL7 = `name: hl7
description: One.
source: { mllp: { port: 2601 } }
format: hl7v2
steps:
  - keep: { types: [REF^I12] }
  - set: { MSH-5: A }
  - set: { MSH-6: B }
destinations:
  - name: one
    to: { file: { folder: one } }
  - name: two
    to: { file: { folder: two } }
    retry: { attempts: 3 }
retain: { content: 90d }
tests:
  - { name: kept, given: hl7v2/ref-i12-cardiology.hl7, expect: { one: { MSH-5: A } } }
  - { name: gone, given: hl7v2/adt-a03.hl7, expect: { one: nothing } }
`
const OTHER = 'name: other\nsource: { channel: {} }\nformat: json\ndestinations:\n  - { name: out, to: { file: { folder: other } } }\n'

interface Changed { channel: string; change: string; before: string | null; settings: { path: string; before?: unknown; after?: unknown; from: string }[]; destinations: object; tests: object; documents: string[]; restarts: boolean; consequences: string[] }

/** What is said of these files in the place of HL7 and OTHER. */
const diff = async (t: Test, after: Record<string, string>, edit: (folder: string) => void = () => {}) => {
  const folder = t.testdir({ channels: { 'hl7.yaml': HL7, 'other.yaml': OTHER }, changed: { channels: after } })
  edit(folder)
  const { code, out, err } = await command(['diff', 'changed', '--json'], { cwd: folder })
  const answer = JSON.parse(out || '{}') as { channels: Changed[]; documents: { document: string; rows: object[]; channels: string[] }[]; problems: object[] }
  const one = answer.channels[0]
  return { ...answer, one, code, err, folder, settings: one?.settings.map(({ path, before, after }) => [path, before, after]) }
}
const edited = (...pairs: [string, string][]): Record<string, string> => ({ 'hl7.yaml': pairs.reduce((text, [from, to]) => text.replace(from, to), HL7), 'other.yaml': OTHER })

t.test('nothing is different: 0, and comments, order of keys and quotes are nothing', async t => {
  t.equal((await diff(t, edited())).code, 0)
  const { code, channels, documents } = await diff(t, edited(['format: hl7v2\n', ''], ['name: hl7\n', '# a comment\nformat: "hl7v2"\nname: hl7\n'], ['attempts: 3', 'attempts: 3, every: 2s']))
  t.strictSame([code, channels, documents], [0, [], []])
})

t.test('settings by their path, before and after, with where they come from', async t => {
  const { code, one, settings } = await diff(t, edited(['port: 2601', 'port: 2602'], ['attempts: 3', 'attempts: 4, every: 3s'], ['90d', '60d'], ['I12]', 'I12, REF^I13]']))
  t.equal(code, 1)
  t.match(one, { channel: 'hl7', change: 'changed', restarts: true })
  t.strictSame(settings, [
    ['source.mllp.port', 2601, 2602],
    ['steps[1].keep.types', ['REF^I12'], ['REF^I12', 'REF^I13']],
    ['retain.content', '90d', '60d'],
    ['destinations.two.retry.attempts', 3, 4],
    ['destinations.two.retry.every', '2s', '3s'],
  ])
  t.equal(one?.settings[0]?.from, 'changed/channels/hl7.yaml:3')
  t.match(one?.consequences.join('\n'), /It restarts.*Its source is another.*go through the new ones.*older than 60d is forgotten/s)
})

t.test('a step that is put between others is one step more, not three changed', async t => {
  const { settings } = await diff(t, edited(['  - set: { MSH-5: A }\n', '  - split: { by: OBR }\n  - set: { MSH-5: A }\n'], ['  - set: { MSH-6: B }', '  - set: { MSH-6: C }']))
  t.strictSame(settings, [['steps[2]', undefined, { split: { by: 'OBR' } }], ['steps[4].set.MSH-6', 'B', 'C']])
  t.strictSame((await diff(t, edited(['  - set: { MSH-5: A }\n', '']))).settings, [['steps[2]', { set: { 'MSH-5': 'A' } }, undefined]])
})

t.test('destinations are added, removed and renamed, and their queues spoken of', async t => {
  const { one } = await diff(t, edited(['name: two', 'name: three'], ['  - name: one\n    to: { file: { folder: one } }\n', '  - name: four\n    to: { file: { folder: four } }\n'], ['expect: { one: { MSH-5: A } }', 'expect: { four: { MSH-5: A } }'], ['expect: { one: nothing }', 'expect: { four: nothing }']))
  t.strictSame(one?.destinations, { added: ['four'], removed: ['one'], renamed: [{ from: 'two', to: 'three' }] })
  t.match(one?.consequences.join('\n'), /`four` gets what is received from now on.*What waits for `one` is sent no more.*`three` is `two` under another name, and its queue starts empty/s)
})

t.test('tests and descriptions change without a restart', async t => {
  const { one } = await diff(t, edited(['One.', 'Two.'], ['name: gone', 'name: went'], ['expect: { one: { MSH-5: A } }', 'expect: { one: { MSH-6: B } }']))
  t.match(one, { restarts: false, settings: [{ path: 'description', before: 'One.', after: 'Two.' }], tests: { added: ['went'], removed: ['gone'], changed: ['kept'] }, consequences: ['It does not restart.'] })
})

t.test('channels are added, removed, renamed and switched off', async t => {
  const { channels } = await diff(t, { 'hl7.yaml': HL7.replace('name: hl7', 'name: hl8'), 'new.yaml': OTHER.replace('name: other', 'name: new').replace('json', 'text') })
  t.match(channels.map(({ channel, change, before }) => [channel, change, before]), [['hl8', 'changed', 'hl7'], ['new', 'added', null], ['other', 'removed', null]])
  t.match(channels[0]?.consequences, [/starts with empty queues/])
  t.match(channels[2]?.consequences, [/It stops/])
  const off = await diff(t, { ...edited(), 'other.yaml': `${OTHER}enabled: false\n` })
  t.match(off.one, { restarts: false, settings: [{ path: 'enabled', before: true, after: false }], consequences: [/^It stops: senders are refused/] })
})

t.test('a mapping’s rows are compared, and the channels that use it are named', async t => {
  const { documents, channels, code } = await diff(t, { ...edited(), 'fhir.yaml': 'name: fhir\nsource: { channel: {} }\nformat: hl7v2\nsteps: [ to-fhir: { with: referral } ]\ndestinations:\n  - { name: o, to: { file: { folder: f } } }\n' }, folder => {
    cpSync(join(folder, 'changed/channels/fhir.yaml'), join(folder, 'channels/fhir.yaml'))
    cpSync(join(ROOT, 'mappings'), join(folder, 'changed/mappings'), { recursive: true })
    const table = join(folder, 'changed/mappings/codes/administrative-gender.yaml')
    writeFileSync(table, `# a comment\n${readFileSync(table, 'utf8').replace(/\[F, +female, +Female\]/, '[F, female, Frau]')}  - [Q, other, Queer]\n`)
    writeFileSync(join(folder, 'changed/mappings/codes/own.yaml'), 'from: a\nrows:\n  - [a, b]\n')
  })
  t.equal(code, 1)
  t.match(documents, [
    { document: 'codes/administrative-gender', change: 'changed', channels: ['fhir'], rows: [{ row: 'row F', before: '["F","female","Female"]', after: '["F","female","Frau"]' }, { row: 'row Q', after: '["Q","other","Queer"]' }] },
    { document: 'codes/own', change: 'added', channels: [] },
  ])
  t.match(channels, [{ channel: 'fhir', documents: ['mappings/codes/administrative-gender.yaml'], restarts: true, settings: [] }])
})

t.test('a file that cannot be used counts, and is told of', async t => {
  const { code, problems } = await diff(t, edited(['format: hl7v2', 'format: hl7v3']))
  t.equal(code, 1)
  t.match(problems, [{ rule: 'unknown-name', line: 4 }])
})

t.test('for people it is one line a change; two folders can be compared; a folder that is not there is said', async t => {
  const { folder } = await diff(t, edited(['port: 2601', 'port: 2602']))
  const run = (...words: string[]) => command(['diff', ...words], { cwd: folder })
  const { out } = await run('channels', 'changed')
  t.match(out, /^~ hl7 changed \(changed\/channels\/hl7\.yaml\)$/m)
  t.match(out, /^ {4}~ source\.mllp\.port: 2601 → 2602 {3}# changed\/channels\/hl7\.yaml:3$/m)
  t.match(out, /0 channels added, 0 removed, 1 changed; 1 would start or restart; 0 mappings different\.$/m)
  t.match((await run('changed', 'channels')).out, /2602 → 2601/)
  t.match(await run('nowhere'), { code: 2, err: /There is no folder nowhere/ })
  t.match(await run(), { code: 2, err: /Name the changed folder/ })
})

t.test('a secret of another name is a change, and its value is not looked at', async t => {
  const value = (secret: string) => [{ path: ['token'], value: '********', from: { kind: 'file' as const, place: 'a.yaml:1:1', variables: [], unset: false, secrets: [secret], fields: [] } }]
  t.match(changesBetween(value('a'), value('b')).settings, [{ path: 'token', before: '${secret:a}', after: '${secret:b}' }])
  t.strictSame(changesBetween(value('a'), value('a')).settings, [])
  t.strictSame(compared({ a: 1, b: [1] }, { b: [1], a: 1 }, ''), [], 'the order of settings means nothing')
})

t.test('a running engine says how much waits in a queue that would go', async t => {
  const waits = OTHER.replace('channel: {}', 'file: { folder: in, settle: 0ms }').replace('format: json', 'format: text').replace('file: { folder: other }', 'mllp: { host: 127.0.0.1, port: 1 }')
  const product = await startProduct(t, { channels: { other: waits } })
  mkdirSync(join(product.folder, 'data/in'), { recursive: true })
  writeFileSync(join(product.folder, 'data/in/one.txt'), 'hello')
  const changed = join(product.folder, 'changed')
  mkdirSync(changed)
  writeFileSync(join(changed, 'other.yaml'), waits.replace('name: out', 'name: away'))
  while ((await product.api('/api/queues')).body.queues[0]?.waiting !== 1) await setImmediate()
  const { out } = await command(['diff', changed, '--waiting', '--url', `http://127.0.0.1:${product.http}`, '--token', product.token], { cwd: product.folder })
  t.match(out, /~ destination out renamed away.*→ In the queue of `out` now: 1 waiting, 0 held\./s)
  rmSync(changed, { recursive: true })
})
