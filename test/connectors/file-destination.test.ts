/** The file destination on a real disk: a file whole or not at all, once, wherever a crash comes; and both ends in a loop. */
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import fileDestination from '../../connectors/file/destination.js'
import fileSource from '../../connectors/file/source.js'
import { connectorConformance } from '../conformance/connectors.js'
import { bound, setUp } from './file-tools.js'
import { accepted, deliveryOf, never } from './tools.js'

type DestinationSettings = Parameters<typeof fileDestination.create>[0]

const opened = async (t: Test, settings: Omit<DestinationSettings, 'folder'> = {}) => {
  const setting = await setUp(t)
  const make = () => fileDestination.create({ folder: 'in', ...settings }, setting.tools)
  const destination = make()
  await destination.open()
  t.teardown(() => destination.close())
  return { ...setting, destination, make, names: async () => (await readdir(setting.folder)).sort() }
}

t.test('a delivery becomes one file, and stays one when it is sent again', async (t) => {
  const { destination, names, at, make } = await opened(t, { extension: 'hl7' })
  const payload = Buffer.from([0x4d, 0x53, 0x48, 0x00, 0xff, 0x0d])
  t.strictSame(await destination.deliver(deliveryOf(payload), never), { kind: 'sent' })
  t.strictSame(await names(), ['MSG00001-7.hl7'])
  t.strictSame(await readFile(at('MSG00001-7.hl7')), payload)
  t.equal((await stat(at('MSG00001-7.hl7'))).mode & 0o007, 0, 'which others may not read')
  const again = make()
  await again.open()
  t.strictSame(await again.deliver(deliveryOf(payload, { attempts: 2 }), never), { kind: 'sent' })
  t.strictSame(await names(), ['MSG00001-7.hl7'])
})

t.test('a file of the same name and other content is kept, replaced or refused, as the channel says', async (t) => {
  const [one, two] = [deliveryOf('one'), deliveryOf('two', { id: 8 })]
  const number = await opened(t, { name: '{controlId}', extension: 'hl7' })
  for (const delivery of [one, two, deliveryOf('two', { id: 8, attempts: 2 })]) t.equal((await number.destination.deliver(delivery, never)).kind, 'sent')
  t.strictSame(await number.names(), ['MSG00001-2.hl7', 'MSG00001.hl7'], 'an attempt repeated leaves no third')

  const replace = await opened(t, { name: '{controlId}', whenExists: 'replace' })
  for (const delivery of [one, two]) t.equal((await replace.destination.deliver(delivery, never)).kind, 'sent')
  t.strictSame(await replace.names(), ['MSG00001'])
  t.equal(await readFile(replace.at('MSG00001'), 'utf8'), 'two')

  const refuse = await opened(t, { name: '{controlId}', whenExists: 'refuse' })
  t.equal((await refuse.destination.deliver(one, never)).kind, 'sent')
  t.strictSame(await refuse.destination.deliver(two, never), { kind: 'refused', reason: 'A file of this name is there already.', code: 'exists' })
  t.equal((await refuse.destination.deliver({ ...one, attempts: 2 }, never)).kind, 'sent', 'its own file is no reason to refuse')
  t.strictSame(await refuse.names(), ['MSG00001'])
})

t.test('two that write one name at once leave two files', async (t) => {
  const { make, names } = await opened(t, { name: 'same' })
  const outcomes = await Promise.all(Array.from({ length: 20 }, (_, id) => make().deliver(deliveryOf(`content ${id}`, { id }), never)))
  t.ok(outcomes.every(({ kind }) => kind === 'sent'))
  t.equal((await names()).length, 20)
})

t.test('whatever a message says, its file stays in its folder, visible and of bounded length', async (t) => {
  const { destination, names, data } = await opened(t, { name: '{controlId}', extension: 'hl7' })
  const ids = ['../../etc/passwd', '..', '/', 'a\0b', '.hidden', 'x'.repeat(500), '', 'C:\\x', 'Müller ✓', '{deliveryId}']
  for (const [id, controlId] of ids.entries()) t.equal((await destination.deliver(deliveryOf(`${id}`, { id, header: { controlId, type: null } }), never)).kind, 'sent')
  const expected = ['___.._etc_passwd', '__', '_', 'a_b', '_hidden', 'x'.repeat(64), 'none', 'C__x', 'M_ller__', '_deliveryId_']
  t.strictSame(await names(), expected.map((name) => `${name}.hl7`).sort())
  t.strictSame(await readdir(data), ['in'])
})

t.test('placeholders are filled, and a wrong one is an error', async (t) => {
  const { destination, names, tools } = await opened(t, { name: '{channel}.{destination}_{type}-{messageId}-{deliveryId}-{time}', extension: 'txt' })
  await destination.deliver(deliveryOf('x'), never)
  t.strictSame(await names(), ['orders.out_ADT_A01-3-7-20260302T141500000Z.txt'])
  t.throws(() => fileDestination.create({ folder: 'in', name: '{patient}' }, tools), /cannot hold \{patient\}; it may hold \{controlId\}/)
})

t.test('a folder that is missing, not ours or no folder makes it unavailable, with nothing left behind', async (t) => {
  const { destination, names, folder, tools, data } = await opened(t)
  await rm(folder, { recursive: true })
  t.strictSame(await destination.deliver(deliveryOf('x'), never), { kind: 'unavailable', reason: `${folder}: the folder does not exist (ENOENT).` })
  await writeFile(folder, '')
  t.match(await destination.deliver(deliveryOf('x'), never), { kind: 'unavailable', reason: /ENOTDIR/ })
  await t.rejects(fileDestination.create({ folder: 'in/below' }, tools).open(), /cannot be made: .*not a folder/)
  await rm(folder)
  await mkdir(folder)
  await chmod(data, 0o755)
  await bound(async () => { t.match(await destination.deliver(deliveryOf('x'), never), { kind: 'unavailable', reason: /may not write there \(EACCES\)/ }) })
  t.strictSame(await names(), [])
  t.strictSame(await destination.deliver(deliveryOf('x'), never), { kind: 'sent' }, 'and it goes on when the folder is back')
})

t.test('an attempt given up in time leaves nothing behind', async (t) => {
  const { destination, names } = await opened(t)
  t.match(await destination.deliver(deliveryOf('x'), AbortSignal.abort()), { kind: 'unavailable' })
  t.strictSame(await names(), [])
})

t.test('a leftover of a crash is cleared, and the file that it may be a second name of is not touched', async (t) => {
  const { destination, names, at, tools, folder } = await opened(t, { name: '{time}' })
  const watching = new AbortController()
  const seen = hiddenName(folder, watching.signal)
  await destination.deliver(deliveryOf('placed'), never)
  const temporary = await seen
  watching.abort()
  const [placed = ''] = await names()
  await link(at(placed), at(temporary)) // the crash came between the file's name and the removal of the temporary one
  tools.clock.advance(1)
  t.equal((await destination.deliver(deliveryOf('sent again', { attempts: 2 }), never)).kind, 'sent')
  t.equal(await readFile(at(placed), 'utf8'), 'placed')
  t.equal((await names()).length, 2)
})

/** The first hidden name that appears in a folder. */
const hiddenName = async (folder: string, signal: AbortSignal): Promise<string> => {
  for await (const { filename } of watch(folder, { signal })) if (filename?.startsWith('.')) return filename
  return ''
}

const base = await mkdtemp(join(tmpdir(), 'refero-file-'))
t.teardown(() => rm(base, { recursive: true, force: true }))
let sources = 0
const words = ['EVERYWOMAN', '19620320']
connectorConformance(t, 'file', {
  makeSource: (tools, at) => fileSource.create({ folder: at ? folderOf(at) : join(base, `${sources++}`), settle: '0ms', poll: '5ms', order: 'time' }, tools),
  makeDestination: (at, tools) => fileDestination.create({ folder: folderOf(at), extension: 'hl7' }, tools),
  payloads: [Buffer.from(`MSH|^~\\&|A\rPID|1||7||${words.join('^EVE|')}\r`), Buffer.from([0, 255, 10, 13, 128]), Buffer.alloc(5 * 1024 ** 2, 'x')],
  reply: (_, verdict) => ({ ...accepted, verdict }),
  secrets: words,
})
const folderOf = (at: string): string => dirname(fileURLToPath(at))
