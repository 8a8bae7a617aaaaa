/** A folder is a registration, and a broken one is an error that names it. */
import t from 'tap'
import { ReferoError } from '../../engine/errors.js'
import { findPieces } from '../../engine/registry.js'

const module = (name: string, more = ''): string => `export default {
  name: '${name}', summary: 'For tests.',
  settings: { type: 'object', properties: { port: { type: 'integer' } }, required: ['port'], additionalProperties: false },
  examples: [{ port: 1 }], create: () => ({}), ${more}
}`

t.test('each folder is found under its name, with one end or both', async t => {
  const pieces = await findPieces(t.testdir({
    connectors: { mllp: { 'source.js': module('mllp'), 'destination.js': module('mllp') }, printer: { 'destination.js': module('printer') }, 'README.md': 'not a folder' },
    transforms: { keep: { 'index.js': module('keep'), 'other.js': 'throw new Error("never imported")' } },
    engine: { formats: { text: { 'index.js': module('text') } } },
  }))
  t.strictSame([...pieces.sources.keys()], ['mllp'])
  t.strictSame([...pieces.destinations.keys()], ['mllp', 'printer'])
  t.strictSame([...pieces.transforms.keys()], ['keep'])
  t.strictSame([...pieces.formats.keys()], ['text'])
})

t.test('nothing there is nothing found', async t => {
  const pieces = await findPieces(t.testdir({}))
  t.equal(pieces.sources.size + pieces.destinations.size + pieces.transforms.size + pieces.formats.size, 0)
})

const BROKEN: readonly (readonly [string, string, string, RegExp])[] = [
  ['does not parse', 'index.js', 'export default {', /^transforms\/bad: transforms\/bad\/index\.js cannot be loaded: .+\.$/],
  ['throws when it is imported', 'index.js', 'throw new Error("no such library")', /cannot be loaded: no such library\.$/],
  ['exports nothing', 'index.js', 'export const bad = 1', /has no default export\.$/],
  ['is no definition', 'index.js', 'export default 12', /index\.js: Its default export must be settings, `{ … }`, not a number\.$/],
  ['lacks a summary', 'index.js', "export default { name: 'bad', settings: {}, examples: [{}], create() {} }", /Its default export needs `summary`: text\.$/],
  ['has no example', 'index.js', "export default { name: 'bad', summary: 's', settings: {}, examples: [], create() {} }", /`examples` must have at least 1 in its list\.$/],
  ['cannot be made', 'index.js', module('bad', 'create: 1'), /`create` is not a function\.$/],
  ['has another name', 'index.js', module('good'), /calls itself `good`, and must have the folder’s name, `bad`\.$/],
  ['has an example that does not fit', 'index.js', module('bad', "examples: [{ port: 1 }, { prt: 'x' }]"), /example 2 does not fit its own settings: The example needs `port`: a whole number\.$/],
  ['has a schema that is none', 'index.js', module('bad', "settings: { type: 'objekt' }"), /its settings schema cannot be used: .+\.$/],
  ['is empty', 'README.md', 'nothing yet', /^transforms\/bad: it has no index\.js\.$/],
]

for (const [what, file, text, message] of BROKEN) {
  t.test(`a folder that ${what} is named, and never skipped`, async t => {
    const root = t.testdir({ transforms: { bad: { [file]: text }, keep: { 'index.js': module('keep') } } })
    const error = await findPieces(root).then(() => null, (each: unknown) => each)
    t.ok(error instanceof ReferoError)
    t.equal((error as ReferoError).code, 'PIECE_BROKEN')
    t.match((error as ReferoError).detail, message)
    t.match((error as ReferoError).detail, /^transforms\/bad: /)
  })
}

t.test('a connector with neither end is named', async t => {
  await t.rejects(findPieces(t.testdir({ connectors: { bad: { 'README.md': '' } } })), { code: 'PIECE_BROKEN', detail: 'connectors/bad: it has neither source.js nor destination.js.' })
})

t.test('a folder that cannot be listed is named', async t => {
  await t.rejects(findPieces(t.testdir({ transforms: 'a file' })), { code: 'PIECE_BROKEN', detail: /^transforms: ENOTDIR/ })
})
