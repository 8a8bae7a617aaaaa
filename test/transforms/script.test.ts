/** The step script: what a script can do, what it cannot, and what is said of its mistakes. */
import t from 'tap'
import type { Message, StepResult } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import script from '../../transforms/script/index.js'
import { messageOf } from '../conformance/transforms.js'
import { example, fixture, transformTools } from './tools.js'

const tools = transformTools()
const referral = fixture('hl7v2/ref-i12-cardiology.hl7')
const bundle = fixture('fhir/referral-bundle.json')
const order = fixture('json/order.json')

const make = (source: string, limits: { deadline?: string; memory?: string } = {}) => script.create({ file: 'split-names.js', ...limits }, transformTools({ 'split-names.js': source }))
const run = async (source: string, message: Message): Promise<StepResult> => make(source)(message)
const bodies = async (source: string, message: Message): Promise<readonly unknown[]> => {
  const made = await run(source, message)
  if ('filtered' in made) throw new Error(made.filtered)
  return made.map(({ body }) => body)
}
const read = async (source: string, message: Message, ...paths: readonly string[]): Promise<readonly string[]> => {
  const [body] = await bodies(source, message)
  return paths.map((path) => tools.format(message.format).read(body, path).join('|'))
}
const fault = async (act: () => unknown): Promise<string> => {
  try {
    await act()
    return 'nothing'
  } catch (error) {
    if (error instanceof MessageFault) return `${error.fault.kind}: ${error.message}`
    throw error
  }
}

t.test('the example of the README does what it says', async (t) => {
  const source = example('script', 'js')
  const format = tools.format('hl7v2')
  const joined = { ...referral, body: format.write(format.write(referral.body, 'PID-5.1', 'QUILLFEATHER, ODALYS'), 'PID-5.2', null) }
  t.same(await read(source, joined, 'PID-5.1', 'PID-5.2'), ['QUILLFEATHER', 'ODALYS'])
  t.same(await run(source, referral), [referral], 'and leaves other messages alone')
})

t.test('HL7 v2 is read and written by paths, or as text', async (t) => {
  t.same(await read("export default (m) => m.set('ZRF-1', m.get('PID-5.1') + '|&^').set('PID-8', null)", referral, 'ZRF-1', 'PID-8'), ['EVERYWOMAN|&^', ''])
  t.same(await read("export default (m) => m.set('ZRF-1', String(m.get('ZZZ-1')))", referral, 'ZRF-1'), ['null'])
  t.same(await read("export default (m) => m.set('ZRF-1', String(m.getAll('PRD[*]-1.1').length > 1))", referral, 'ZRF-1'), ['true'])
  t.same(await read("export default (m) => { m.text = m.text.replace(/EVERYWOMAN/, 'NOBODY'); return m }", referral, 'PID-5.1'), ['NOBODY'])
  const latin = fixture('hl7v2/ref-i12-latin1.hl7')
  const format = tools.format('hl7v2')
  const [same] = await bodies("export default (m) => { m.text = m.text + ''; return m }", latin)
  t.ok(format.serialize(same).equals(format.serialize(latin.body)), 'and text that is not UTF-8 loses nothing')
})

t.test('FHIR and JSON are values to change', async (t) => {
  t.same(await read("export default (m) => { m.body.order.lines.pop(); m.body.order.n = m.body.order.lines.length; return m }", order, 'order.n'), ['1'])
  t.same(await read("export default (m) => ({ ...m, body: { was: m.body.event } })", order, 'was'), ['order.placed'])
  t.same(await read("export default (m) => m.set('ServiceRequest.priority', m.get('Patient.exists()') === 'true' ? 'stat' : 'routine')", bundle, 'ServiceRequest.priority'), ['stat'])
  t.same(await run('export default (m) => m', bundle), [bundle], 'what is not changed is the message itself')
  t.equal(await fault(() => run("export default (m) => { m.body.entry[0].resource.priority = 'now'; return m }", bundle)), 'value: Bundle.entry[0].resource.priority: must be one of routine, urgent, asap, stat')
})

t.test('it may return several messages, or none', async (t) => {
  t.same(await bodies("export default (m) => m.body.order.lines.map((line) => { const one = m.copy(); one.body = line; return one })", order), [{ code: 'ECG', count: 1 }, { code: 'ECHO', count: 2 }])
  const parts = await run("export default (m) => [m, m.copy().set('PID-1', 2), m.copy().set('PID-1', 3)]", referral)
  t.same((parts as readonly Message[]).map(({ body }) => tools.format('hl7v2').read(body, 'PID-1').join()), [tools.format('hl7v2').read(referral.body, 'PID-1').join(), '2', '3'], 'copies are apart')
  t.same(await run('export default () => null', order), { filtered: 'script: split-names.js returned no message' })
  t.same(await run('export default () => []', order), { filtered: 'script: split-names.js returned no message' })
})

t.test('it sees facts of the message, and nothing of the host', async (t) => {
  t.same(await bodies('export default (m) => { m.body = [m.id, m.channel, m.type, m.controlId, m.receivedAt, m.format]; return m }', { ...order, header: { type: 'A', controlId: 'c' } }),
    [[7, 'referrals', 'A', 'c', '2026-03-02T14:15:00.000Z', 'json']])
  t.same(await bodies("export default (m) => { m.body = ['process', 'require', 'fetch', 'setTimeout', 'Buffer', 'WebAssembly', 'console'].map((name) => name in globalThis); return m }", order), [Array(7).fill(false)])
  t.same(await bodies("export default (m) => { m.body = [m.get.constructor('return typeof process')() + '!', m.constructor.constructor('return typeof require')() + '!']; return m }", order), [['undefined!', 'undefined!']])
  t.equal(await fault(() => make("import fs from 'node:fs'\nexport default (m) => m")), "internal: split-names.js: ReferenceError: could not load module 'node:fs'")
  t.match(await fault(() => run("export default async (m) => { await import('node:fs'); return m }", order)), /a script cannot wait/)
})

t.test('mistakes name the file and the line', async (t) => {
  t.equal(await fault(() => make('export default (m) => {\n  return m.\n}')), 'internal: split-names.js:3: SyntaxError: expecting field name')
  t.equal(await fault(() => make('const a = 1\nb()\nexport default (m) => m')), "internal: split-names.js:2: ReferenceError: 'b' is not defined")
  t.equal(await fault(() => make('export const change = (m) => m')), 'internal: split-names.js: the script must export a function: `export default (message) => message`')
  t.equal(await fault(() => run('export default (m) => {\n\n  return m.foo.bar\n}', order)), "internal: split-names.js:3: TypeError: cannot read property 'bar' of undefined")
  t.equal(await fault(() => run("const check = () => {\n  throw new Error('no given name')\n}\nexport default (m) => check()", order)), 'value: split-names.js:2: no given name')
  t.match(await fault(() => run("export default (m) => {\n  return m.set('PID.5', 'x')\n}", referral)), /^internal: split-names\.js:2: "PID\.5" is not how a path is written; write PID-5$/)
  t.match(await fault(() => run("export default (m) =>\n  m.set('ServiceRequest.priority', 'now')", bundle)), /^value: ServiceRequest\.priority: split-names\.js:2: must be one of routine/)
  t.match(await fault(() => run('export default (m) => { m.body }', order)), /^internal: split-names\.js: TypeError: it returned nothing; return the message/)
  t.match(await fault(() => run('export default (m) => 5', order)), /it returned something that is no message/)
  t.throws(() => script.create({ file: 'other.js' }, tools), /there is no file other\.js/)
  t.throws(() => make('export default (m) => m', { memory: '10kB' }), /`memory` must be at least 1MB/)
  t.throws(() => make('export default (m) => m', { deadline: '1m' }), /`deadline` must be between 1ms and 10s/)
})

t.test('what would not end is stopped, and the next message is worked as ever', async (t) => {
  const small = messageOf(tools.format('json'), Buffer.from('{"ok":true}'))
  for (const [name, source, expected] of [
    ['a loop', 'for (;;) ;', /ran longer than 40 ms and was stopped/],
    ['a loop that catches', 'for (;;) try { for (;;) ; } catch {}', /ran longer than 40 ms/],
    ['recursion', 'const down = () => down() + 1\nreturn down()', /stack overflow/],
    ['memory', 'const all = []\nfor (;;) all.push("x".repeat(100000) + all.length)', /needed more than 2097152 bytes|ran longer/],
    ['a regular expression', '/^(a+)+$/.test("a".repeat(60) + "!")', /ran longer than 40 ms/],
    ['a deep value', 'let deep = []\nfor (let i = 0; i < 5000; i++) deep = [deep]\nreturn { body: JSON.parse("[".repeat(1e6)) }', /split-names\.js/],
    ['asking for ever', 'for (;;) m.get("a")', /ran longer than 40 ms/],
  ] as const) {
    const step = make(`export default (m) => { if (m.body.ok) { for (let i = 0; i < 30000; i++) ; return m }\n${source}\nreturn m }`, { deadline: '40ms', memory: '2MB' })
    t.match(await fault(() => step(order)), expected, name)
    t.same(await step(small), [small], `${name}: the next message`)
    t.match(await fault(() => step(order)), expected, `${name}: again`)
  }
  t.match(await fault(() => make('for (;;) ;', { deadline: '40ms' })), /split-names\.js:1: the script ran longer/, 'also while it is loaded')
})

t.test('several messages at once each get their own answer', async (t) => {
  const step = make("export default (m) => m.set('n', m.id)")
  const made = await Promise.all([1, 2, 3, 4, 5].map(async (id) => step({ ...order, id })))
  t.same(made.map((one) => ('filtered' in one ? '' : tools.format('json').read(one[0]?.body, 'n').join())), ['1', '2', '3', '4', '5'])
})

t.test('a missing value is not written as text', async (t) => {
  const writes = (code: string): Promise<string> => fault(() => run(`export default (message) => { ${code}; return message }`, referral))
  t.match(await writes("message.set('PID-8', 'x' + undefined)"), 'nothing', 'only a whole value is a mistake')
  t.match(await writes("message.set('PID-8', undefined)"), 'nothing', 'undefined is nothing')
  t.match(await writes("message.set('PID-8', `${undefined}`)"), /value: .*wrote the text `undefined` as a value.*write null/)
  t.match(await writes("message.set('PID-5.2', {})"), /`\[object Object\]`/)
  t.match(await writes("message.set('PID-8', Number('x'))"), /`NaN`/)
  const format = tools.format('hl7v2')
  const named = { ...referral, body: format.write(referral.body, 'PID-5.2', 'undefined') }
  t.match(await fault(() => run("export default (message) => { message.set('PID-8', 'F'); return message }", named)), 'nothing', 'what was there before is not the script’s')
  t.match(await fault(() => run('export default (message) => { message.body.note = `${message.body.none}`; return message }', order)), /`undefined`/, 'nor in JSON')
})
