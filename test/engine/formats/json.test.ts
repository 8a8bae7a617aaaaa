/** The json format: what it refuses, and how values are read and written. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import definition from '../../../engine/formats/json/index.js'
import type { Json } from '../../../engine/formats/json/json-text.js'
import { MessageFault } from '../../../engine/errors.js'
import { ROOT, transformTools } from '../../transforms/tools.js'

const json = transformTools().format('json')
const bytes = readFileSync(join(ROOT, 'fixtures/json/order.json'))
const order = json.parse(bytes)
const compact = (body: unknown): string => json.serialize(body as Json).toString().replace(/\s+/g, '')
const reason = (act: () => unknown): string => {
  try {
    act()
    return 'nothing'
  } catch (error) {
    if (error instanceof MessageFault) return error.message
    throw error
  }
}

t.test('what JSON does not allow is refused with its place and without its content', async (t) => {
  const refused = (text: string) => reason(() => json.parse(Buffer.from(text)))
  for (const [text, expected] of [
    ['', 'the JSON ends too early, at line 1, column 1'],
    ['{"a":1,\n"a":2}', 'the JSON repeats a name of the same object, at line 2, column 1'],
    ['{"__proto__":{"x":1}}', 'the JSON uses the name __proto__, which is not allowed, at line 1, column 2'],
    ['{"\\u005f_proto__":{"x":1}}', 'the JSON uses the name __proto__, which is not allowed, at line 1, column 2'],
    ['[1,]', 'the JSON is not JSON, at line 1, column 4'],
    ['[01]', 'the JSON needs a comma or ], at line 1, column 3'],
    ['{"a" 1}', 'the JSON needs a colon, at line 1, column 6'],
    ['{a:1}', 'the JSON needs a name in quotes, at line 1, column 2'],
    ['["Jane', 'the JSON has a string that does not end, or that holds what a JSON string may not, at line 1, column 7'],
    ['["a\tb"]', 'the JSON has a string that does not end, or that holds what a JSON string may not, at line 1, column 4'],
    ['["\\x"]', 'the JSON has a string that does not end, or that holds what a JSON string may not, at line 1, column 3'],
    ['{} {}', 'the JSON has something after its end, at line 1, column 4'],
    ['['.repeat(101), 'the JSON is nested too deeply, at line 1, column 101'],
  ] as const) t.equal(refused(text), expected, text.slice(0, 30))
  t.equal(reason(() => json.parse(Buffer.from([0x22, 0xff, 0x22]))), 'is not UTF-8')
  t.equal(reason(() => definition.create({ size: '1kB' }, transformTools()).parse(Buffer.alloc(1025, 32))), 'is larger than 1024 bytes')
})

t.test('what JSON allows is read as JavaScript reads it', async (t) => {
  for (const text of ['{"a":[1,-2.5e-3,true,false,null,"\\u00e9\\n\\"\\\\\\/"],"b":{},"c":[]}', ' [ ] ', '"\\ud83d\\ude00"', '-0', '\uFEFF{"a":1}', '{"":0,"constructor":1,"toString":2}']) {
    t.same(json.parse(Buffer.from(text)), JSON.parse(text.replace('\uFEFF', '')), text)
  }
  t.equal((json.parse(Buffer.from(JSON.stringify('\n'.repeat(1_000_000)))) as string).length, 1_000_000, 'and long strings with escapes')
})

t.test('values are read by names and places', async (t) => {
  for (const [path, values] of [
    ['order.lines[*].code', ['ECG', 'ECHO']], ['order.lines[1].count', ['2']], ['order.weight', ['72.50']], ['order.urgent', ['false']], ['patient["a.b"]', []],
    ['patient.name[0]', ['{"family":"Quillfeather","given":["Odalys"]}']], ['order.lines.code', []], ['order.constructor', []], ['order.lines[7]', []],
  ] as const) t.same(json.read(order, path), values, path)
})

t.test('values are written as what is there already, and copied', async (t) => {
  const after = (text: string, path: string, value: string | null) => compact(json.write(json.parse(Buffer.from(text)), path, value))
  t.equal(after('{"n":1,"m":1.50}', 'n', '2.00'), '{"n":2.00,"m":1.50}')
  t.equal(after('{"n":1}', 'n', 'two'), '{"n":"two"}')
  t.equal(after('{"n":"1"}', 'n', '2'), '{"n":"2"}')
  t.equal(after('{"n":true}', 'n', 'false'), '{"n":false}')
  t.equal(after('{"l":[1.0,2.0,3.0]}', 'l[1]', null), '{"l":[1.0,3.0]}')
  t.equal(after('{"l":[{"a":1},{"a":2}]}', 'l[*].a', null), '{"l":[{},{}]}')
  t.equal(after('{}', 'a[0]["b c"].d', 'x'), '{"a":[{"bc":{"d":"x"}}]}')
  t.equal(after('{}', 'a[*].b', 'x'), '{}')
  t.equal(reason(() => after('{"a":1}', 'a.b', 'x')), 'a.b: cannot be written: an object is needed on the way, and something else is there')
  t.equal(reason(() => after('{"a":[1]}', 'a[3]', 'x')), 'a[3]: cannot be written: the list has 1 places so far')
  t.match(reason(() => after('{}', '__proto__.polluted', 'x')), /is not a path/)
  t.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
})

t.test('it is split by one list; the rest is common to the parts', async (t) => {
  t.same(json.split(order, 'order.lines').map((part) => [...json.read(part, 'order.lines[*].code'), ...json.read(part, 'order.id')]), [['ECG', 'O-4711'], ['ECHO', 'O-4711']])
  t.same(json.split(json.parse(Buffer.from('[1,{"a":2}]')), '[*]'), [1, { a: 2 }])
  t.same(json.split(order, 'order.nothing'), [])
  t.match(reason(() => json.split(order, 'order')), /is not a list/)
  t.match(reason(() => json.split(order, 'order.lines[*].x')), /names several lists/)
})

t.test('the header is at the paths of the settings', async (t) => {
  const format = definition.create({ controlId: 'order.id', type: 'event' }, transformTools())
  t.same(format.readHeader(bytes), { controlId: 'O-4711', type: 'order.placed' })
  t.same(json.readHeader(bytes), { controlId: null, type: null })
  t.throws(() => definition.create({ type: 'a..b' }, transformTools()), /not a path/)
})
