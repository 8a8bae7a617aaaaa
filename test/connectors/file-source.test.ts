/** The file source on a real disk: each file once, in order, whole, and put away by what became of it. */
import { appendFile, chmod, mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { glob } from '../../engine/files/glob.js'
import fileSource from '../../connectors/file/source.js'
import type { Inbound, Receive, SourceConnector } from '../../engine/contracts.js'
import { bound, type Setting, setUp } from './file-tools.js'
import { accepted, failing, rejected } from './tools.js'

const POLL = 1000
const SETTLE = 2000

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
