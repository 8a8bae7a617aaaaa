/** The file source and destination on a real disk: read once, in order, whole; written whole or not at all. */
import { appendFile, chmod, link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import fileDestination from '../../connectors/file/destination.js'
import { glob } from '../../connectors/file/glob.js'
import fileSource from '../../connectors/file/source.js'
import type { Inbound, Receive, SourceConnector } from '../../engine/contracts.js'
import { accepted, deliveryOf, failing, never, rejected, type TestTools, testTools } from './tools.js'

const POLL = 1000
const SETTLE = 2000

interface Setting { readonly tools: TestTools; readonly folder: string; readonly data: string; put(name: string, text: string): Promise<void>; at(...path: string[]): string }

const setUp = async (t: Test): Promise<Setting> => {
  const data = await mkdtemp(join(tmpdir(), 'refero-file-'))
  t.teardown(() => rm(data, { recursive: true, force: true }))
  const folder = join(data, 'in')
  await mkdir(folder)
  const at = (...path: string[]): string => join(folder, ...path)
  return { tools: testTools(data), data, folder, at, put: (name, text) => writeFile(at(name), text) }
}

type Settings = Omit<Parameters<typeof fileSource.create>[0], 'folder'>

const started = async (t: Test, { tools }: Setting, receive: Receive, settings: Settings = {}): Promise<SourceConnector> => {
  const source = fileSource.create({ folder: 'in', ...settings }, tools)
  await source.start(receive)
  t.teardown(() => source.stop())
  await tools.clock.asleep(POLL)
  return source
}

/** The next poll, from its beginning to its end. */
const poll = async ({ tools }: Setting): Promise<void> => {
  tools.clock.advance(POLL)
  await tools.clock.asleep(POLL)
}
/** As many polls as it takes for everything that lies still to be taken. */
const settle = async (setting: Setting): Promise<void> => {
  for (let n = 0; n < SETTLE / POLL + 1; n++) await poll(setting)
}

const keeping = (): { readonly taken: Inbound[]; readonly texts: () => string[]; readonly receive: Receive } => {
  const taken: Inbound[] = []
  return { taken, texts: () => taken.map(({ bytes }) => bytes.toString()), receive: async (inbound) => { taken.push(inbound); return accepted } }
}

/** Runs something as a user whom permissions bind, for root is not. */
const bound = async (work: () => Promise<void>): Promise<void> => {
  const root = process.geteuid?.() === 0
  if (root) process.seteuid?.(65534)
  try {
    await work()
  } finally {
    if (root) process.seteuid?.(0)
  }
}

t.test('each file that matches is taken once, in order of name, and moved to done', async (t) => {
  const setting = await setUp(t)
  const { put, at, folder, tools } = setting
  for (const name of ['b.hl7', 'a.hl7', 'c.hl7', '.hidden.hl7', 'd.hl7.tmp', 'e.part', 'f.hl7~', 'g.txt']) await put(name, `content of ${name}`)
  await mkdir(at('folder.hl7'))
  await symlink(at('g.txt'), at('link.hl7'))
  const { taken, texts, receive } = keeping()
  const source = fileSource.create({ folder: 'in', match: '*.hl7' }, tools)
  t.equal(await source.start(receive), `file://${folder}/*.hl7`)
  t.teardown(() => source.stop())
  await tools.clock.asleep(POLL)
  await settle(setting)
  await settle(setting)
  t.strictSame(texts(), ['content of a.hl7', 'content of b.hl7', 'content of c.hl7'])
  t.equal(taken[0]?.origin, at('a.hl7'))
  t.equal(new Set(taken.map(({ key }) => key)).size, 3)
  t.strictSame((await readdir(at('done'))).sort(), ['a.hl7', 'b.hl7', 'c.hl7'])
  t.equal(await readFile(at('done', 'a.hl7'), 'utf8'), 'content of a.hl7')
  t.strictSame((await readdir(folder)).sort(), ['.hidden.hl7', 'd.hl7.tmp', 'done', 'e.part', 'f.hl7~', 'failed', 'folder.hl7', 'g.txt', 'link.hl7'])
})

t.test('a file that grows while it is looked at is left alone until it rests', async (t) => {
  const setting = await setUp(t)
  const { texts, receive } = keeping()
  await setting.put('adt.hl7', 'MSH')
  await started(t, setting, receive)
  for (let n = 0; n < 5; n++) {
    await poll(setting)
    await appendFile(setting.at('adt.hl7'), `|${n}`)
  }
  t.strictSame(texts(), [])
  await poll(setting)
  await poll(setting)
  t.strictSame(texts(), [], 'it has not rested long enough')
  await poll(setting)
  t.strictSame(texts(), ['MSH|0|1|2|3|4'])
})

t.test('a file that changes while the engine keeps it is not put away, and is taken again as another arrival', async (t) => {
  const setting = await setUp(t)
  const taken: Inbound[] = []
  await setting.put('adt.hl7', 'first')
  await started(t, setting, async (inbound) => {
    if (taken.push(inbound) === 1) await appendFile(setting.at('adt.hl7'), ' and more')
    return accepted
  })
  await settle(setting)
  t.strictSame(await readdir(setting.at('done')), [])
  await settle(setting)
  t.strictSame(taken.map(({ bytes }) => bytes.toString()), ['first', 'first and more'])
  t.not(taken[0]?.key, taken[1]?.key)
  t.strictSame(await readdir(setting.at('done')), ['adt.hl7'])
})

t.test('a file kept but not put away keeps its key after a crash, and is not taken again before one', async (t) => {
  const setting = await setUp(t)
  const { taken, receive } = keeping()
  await setting.put('EVERYWOMAN.hl7', 'MSH')
  const source = await started(t, setting, receive, { match: '*.hl7' })
  await rm(setting.at('done'), { recursive: true })
  await writeFile(setting.at('done'), 'in the way')
  await settle(setting)
  await settle(setting)
  t.equal(taken.length, 1, 'taken once')
  t.equal(setting.tools.events.filter(({ event }) => event.includes('put away')).length, 1, 'and told of once')
  await source.stop()
  await rm(setting.at('done'))
  await started(t, setting, receive, { match: '*.hl7' })
  await settle(setting)
  t.equal(taken.length, 2)
  t.equal(taken[0]?.key, taken[1]?.key, 'the store sees that it has it already')
  t.strictSame(await readdir(setting.at('done')), ['EVERYWOMAN.hl7'])
  t.notOk(JSON.stringify(setting.tools.events.map(({ event, facts: { error, ...facts } }) => [event, facts, error !== undefined])).includes('EVERYWOMAN'), 'no name of a file in the log')
})

t.test('a file that could not be put away is, as soon as the way is free', async (t) => {
  const setting = await setUp(t)
  const { taken, receive } = keeping()
  await setting.put('a.hl7', 'A')
  await started(t, setting, receive, { match: '*.hl7' })
  await rm(setting.at('done'), { recursive: true })
  await writeFile(setting.at('done'), 'in the way')
  await settle(setting)
  await rm(setting.at('done'))
  await poll(setting)
  t.equal(taken.length, 1)
  t.strictSame(await readdir(setting.at('done')), ['a.hl7'])
})

t.test('what is rejected, empty or too large goes to failed with its reason beside it', async (t) => {
  const setting = await setUp(t)
  await setting.put('bad.hl7', 'bad')
  await setting.put('empty.hl7', '')
  await setting.put('large.hl7', 'x'.repeat(1025))
  let taken = 0
  await started(t, setting, async () => { taken++; return rejected }, { maximum: '1kB' })
  await settle(setting)
  t.equal(taken, 1)
  t.strictSame((await readdir(setting.at('failed'))).sort(), ['bad.hl7', 'bad.hl7.reason.txt', 'empty.hl7', 'empty.hl7.reason.txt', 'large.hl7', 'large.hl7.reason.txt'])
  t.equal(await readFile(setting.at('failed', 'bad.hl7.reason.txt'), 'utf8'), 'PID-3: a value is required.\n')
  t.match(await readFile(setting.at('failed', 'large.hl7.reason.txt'), 'utf8'), /1025 bytes; at most 1024/)
  t.match(await readFile(setting.at('failed', 'empty.hl7.reason.txt'), 'utf8'), /empty/)
})

t.test('while the engine cannot keep messages, files stay and none overtakes', async (t) => {
  const setting = await setUp(t)
  for (const name of ['1', '2', '3']) await setting.put(name, name)
  const given: string[] = []
  let working = false
  await started(t, setting, async ({ bytes }) => {
    given.push(bytes.toString())
    if (given.length === 2) throw new Error('a store that throws')
    return working ? accepted : failing
  })
  await settle(setting)
  await poll(setting)
  t.strictSame([...new Set(given)], ['1'], 'only the first is tried')
  t.ok(given.length > 1, 'again and again')
  working = true
  given.length = 2
  await poll(setting)
  t.strictSame(given.slice(2), ['1', '2', '3'])
  t.strictSame((await readdir(setting.at('done'))).sort(), ['1', '2', '3'])
})

t.test('a thousand files are taken in order, by name or by time', async (t) => {
  for (const order of ['name', 'time'] as const) {
    const setting = await setUp(t)
    const names = Array.from({ length: 1000 }, (_, n) => String(n).padStart(4, '0'))
    await Promise.all(names.map(async (name, n) => {
      await setting.put(name, name)
      await utimes(setting.at(name), 1_700_000_000, 1_700_000_000 - n)
    }))
    const { texts, receive } = keeping()
    const source = await started(t, setting, receive, { order, remove: true })
    await settle(setting)
    t.strictSame(texts(), order === 'name' ? names : names.reverse())
    await source.stop()
    t.strictSame(await readdir(setting.folder), ['failed'], 'and removed, as the channel says')
  }
})

t.test('a name that is taken in done gets a number, and nothing there is overwritten', async (t) => {
  const setting = await setUp(t)
  const { receive } = keeping()
  await started(t, setting, receive)
  for (const text of ['one', 'two', 'three']) {
    await setting.put('adt.hl7', text)
    await settle(setting)
  }
  const names = (await readdir(setting.at('done'))).sort()
  t.strictSame(names, ['adt-2.hl7', 'adt-3.hl7', 'adt.hl7'])
  t.strictSame(await Promise.all(['adt.hl7', 'adt-2.hl7', 'adt-3.hl7'].map((name) => readFile(setting.at('done', name), 'utf8'))), ['one', 'two', 'three'])
})

t.test('a folder that vanishes is told of once, and goes on when it is back', async (t) => {
  const setting = await setUp(t)
  const { texts, receive } = keeping()
  await started(t, setting, receive)
  await rename(setting.folder, `${setting.folder}-away`)
  for (let n = 0; n < 4; n++) await poll(setting)
  const told = (): string[] => setting.tools.events.map(({ level, event }) => `${level}: ${event}`)
  t.strictSame(told(), ['error: a folder cannot be read; looking again until it can'])
  t.strictSame(await readdir(setting.data), ['in-away'], 'it is not made anew: a share may have come loose')
  await rename(`${setting.folder}-away`, setting.folder)
  await setting.put('a', 'A')
  await settle(setting)
  t.strictSame(texts(), ['A'])
  t.strictSame(told().slice(1), ['info: a folder can be read again'])
})

t.test('a file that may not be read is told of once, without its name, and does not hold up the others', async (t) => {
  const setting = await setUp(t)
  const { texts, receive } = keeping()
  for (const folder of [setting.data, setting.folder]) await chmod(folder, 0o777)
  await setting.put('EVERYWOMAN', 'secret')
  await setting.put('b', 'B')
  await chmod(setting.at('EVERYWOMAN'), 0)
  await bound(async () => {
    await started(t, setting, receive)
    await settle(setting)
    await poll(setting)
  })
  t.strictSame(texts(), ['B'])
  t.strictSame(setting.tools.events.map(({ level, event }) => `${level}: ${event}`), ['error: a file cannot be read; it stays and is tried again'])
  t.strictSame(setting.tools.events[0]?.facts.path, setting.folder)
  await chmod(setting.at('EVERYWOMAN'), 0o644)
  await settle(setting)
  t.strictSame(texts(), ['B', 'secret'])
})

t.test('a folder that does not answer is told of', async (t) => {
  const setting = await setUp(t)
  const { receive } = keeping()
  await started(t, setting, receive)
  setting.tools.clock.advance(POLL)
  await setting.tools.clock.asleep(60_000)
  setting.tools.clock.advance(60_000)
  await setting.tools.clock.asleep(POLL)
  t.match(setting.tools.events, [{ level: 'error', event: 'a folder does not answer' }])
})

t.test('stop waits for the file in hand, and takes no other', async (t) => {
  const setting = await setUp(t)
  for (const name of ['1', '2']) await setting.put(name, name)
  let answer = (): void => undefined
  let arrived = (): void => undefined
  const inHand = new Promise<void>((resolve) => { arrived = resolve })
  const source = fileSource.create({ folder: 'in' }, setting.tools)
  await source.start(() => new Promise((resolve) => {
    answer = () => resolve(accepted)
    arrived()
  }))
  await setting.tools.clock.asleep(POLL)
  await poll(setting)
  setting.tools.clock.advance(POLL)
  await inHand
  let stopped = false
  const stopping = source.stop().then(() => { stopped = true })
  await new Promise((resolve) => setImmediate(resolve))
  t.notOk(stopped)
  answer()
  await stopping
  t.strictSame((await readdir(setting.folder)).sort(), ['2', 'done', 'failed'])
})

t.test('a folder that cannot be made is an error at the start', async (t) => {
  const { tools, data } = await setUp(t)
  await writeFile(join(data, 'plain'), '')
  await t.rejects(fileSource.create({ folder: 'plain' }, tools).start(async () => accepted), { code: 'EEXIST' })
  t.throws(() => fileSource.create({ folder: 'in', done: '.' }, tools), /other folders/)
  t.throws(() => fileSource.create({ folder: 'in', match: '*.{hl7' }, tools), /a \{ has no \}/)
  t.strictSame(fileSource.claims?.({ folder: '/in' }), ['folder /in match *'])
})

t.test('patterns of names', async (t) => {
  const table: [string, string[], string[]][] = [
    ['*', ['a', 'a.b', 'ä\n'], []],
    ['*.hl7', ['a.hl7', '.hl7'], ['a.HL7', 'a.hl7x', 'a-hl7']],
    ['adt-?.txt', ['adt-1.txt', 'adt-🙂.txt'], ['adt-.txt', 'adt-12.txt']],
    ['[a-c][!0-9]x', ['abx', 'c-x'], ['dbx', 'a1x']],
    ['[]^-]x', [']x', '^x', '-x'], ['ax']],
    ['*.{hl7,txt,278}', ['a.hl7', 'a.278'], ['a.', 'a.hl7,txt']],
    ['a\\*b+(c).$', ['a*b+(c).$'], ['axb+(c).$', 'a*bb(c).$']],
    ['a**b', ['ab', 'axxb'], ['a']],
  ]
  for (const [pattern, matching, others] of table) {
    for (const name of matching) t.ok(glob(pattern)(name), `${pattern} takes ${name}`)
    for (const name of others) t.notOk(glob(pattern)(name), `${pattern} leaves ${name}`)
  }
  for (const wrong of ['a/b', '[abc', '{a,b', '{a,{b}}']) t.throws(() => glob(wrong), /cannot be read/)
})

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
