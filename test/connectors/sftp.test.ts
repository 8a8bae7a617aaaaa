/** Both ends of SFTP against a real OpenSSH server: each file once, whole, whoever dies; and nobody trusted who is not known. */
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import sftpDestination from '../../connectors/sftp/destination.js'
import sftpSource from '../../connectors/sftp/source.js'
import type { Inbound, Receive } from '../../engine/contracts.js'
import { connectorConformance } from '../conformance/connectors.js'
import { type Cable, cableTo, removeSshd, startSshd, sshdIsMissing } from './sshd.js'
import { accepted, deliveryOf, failing, never, rejected, testTools } from './tools.js'

const EVERY = 90_000
const HOST_KEY = 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'
const elsewhere = { host: 'sftp.payer.example', user: 'practice', folder: '/out', key: 'payer.pem', hostKey: HOST_KEY }

t.test('a server that could be anybody’s is refused before anything is opened', async (t) => {
  const tools = testTools('')
  const { hostKey: _, ...unknown } = elsewhere
  for (const piece of [sftpSource, sftpDestination]) {
    t.throws(() => piece.create(unknown, tools), /`hostKey` is needed/)
    t.doesNotThrow(() => piece.create({ ...unknown, host: '127.0.0.1' }, tools), 'this machine is known')
    t.throws(() => piece.create({ ...unknown, host: '127.evil.example' }, tools), /`hostKey` is needed/)
    t.throws(() => piece.create({ ...elsewhere, password: 'x' }, tools), /one of `password` and `key`/)
    t.throws(() => piece.create({ ...elsewhere, key: undefined as unknown as string, password: 'x', passphrase: 'y' }, tools), /`passphrase` unlocks `key`/)
  }
  t.throws(() => sftpSource.create({ ...elsewhere, failed: '.' }, tools), /must be other folders/)
  t.throws(() => sftpDestination.create({ ...elsewhere, name: '{nobody}' }, tools), /cannot hold \{nobody\}/)
  t.throws(() => sftpDestination.create({ ...elsewhere, pgp: { for: 'k.asc', passphrase: 'x' } }, tools), /`pgp.passphrase` unlocks/)
  t.strictSame(sftpSource.claims?.(elsewhere), ['sftp practice@sftp.payer.example:22 /out match *'])
})

if (sshdIsMissing !== null) t.skip(sshdIsMissing, async () => undefined)
else {
  const sshd = await startSshd()
  t.teardown(() => removeSshd(sshd))
  type Settings = Partial<Parameters<typeof sftpSource.create>[0]>

  const setUp = async (t: Test) => {
    const folder = await mkdtemp(join(sshd.home, 'files-'))
    const tools = testTools(folder)
    const cable: Cable = await cableTo(sshd.server.port)
    t.teardown(() => cable.close())
    const at = (...path: string[]): string => join(folder, ...path)
    const started = async (receive: Receive, settings: Settings = {}) => {
      const source = sftpSource.create({ ...sshd.server, port: cable.port, folder, every: '90s', ...settings }, tools)
      const url = await source.start(receive)
      t.teardown(() => source.stop())
      await tools.clock.asleep(EVERY)
      return { source, url }
    }
    /** So many looks, each from its beginning to its end. */
    const look = async (times = 1): Promise<void> => {
      for (let n = 0; n < times; n++) {
        tools.clock.advance(EVERY)
        await tools.clock.asleep(EVERY)
      }
    }
    return { folder, tools, cable, at, started, look, told: () => tools.events.map(({ event }) => event), names: async (...path: string[]) => (await readdir(at(...path))).sort() }
  }
  const keeping = () => {
    const taken: Inbound[] = []
    return { taken, texts: () => taken.map(({ bytes }) => bytes.toString()), receive: async (inbound: Inbound) => { taken.push(inbound); return accepted } }
  }

  t.test('each file that rests is taken once, in order, and moved to done under a free name', async (t) => {
    const { at, started, look, names, folder, cable } = await setUp(t)
    for (const name of ['b.csv', 'a.csv', 'c.csv.part', '.d.csv', 'e.tmp', 'f.txt']) await writeFile(at(name), `content of ${name}`)
    await mkdir(at('g.csv'))
    await symlink(at('f.txt'), at('h.csv'))
    const { taken, texts, receive } = keeping()
    const { url } = await started(receive, { match: '*.csv' })
    t.equal(url, `sftp://127.0.0.1:${cable.port}${folder}/*.csv`)
    t.strictSame(texts(), [], 'nothing at the first look')
    await look()
    t.strictSame(texts(), ['content of a.csv', 'content of b.csv'])
    t.equal(taken[0]?.origin, `sftp://127.0.0.1:${cable.port}${at('a.csv')}`)
    t.equal(new Set(taken.map(({ key }) => key)).size, 2)
    await writeFile(at('a.csv'), 'another')
    await look(2)
    t.strictSame(await names('done'), ['a-2.csv', 'a.csv', 'b.csv'], 'and nothing there is overwritten')
    t.equal(await readFile(at('done', 'a-2.csv'), 'utf8'), 'another')
    t.equal(cable.connections, 1, 'over one connection')
  })

  t.test('a file that grows is left alone; one renamed into place is taken at once where the sender does that', async (t) => {
    const { at, started, look } = await setUp(t)
    const { texts, receive } = keeping()
    await writeFile(at('a'), '')
    await started(receive)
    for (const text of ['one', ' two', ' three']) {
      await appendFile(at('a'), text)
      await look()
    }
    t.strictSame(texts(), [])
    await look()
    t.strictSame(texts(), ['one two three'])
    const other = await setUp(t)
    const kept = keeping()
    await writeFile(other.at('b'), 'B')
    await other.started(kept.receive, { settle: '0s' })
    t.strictSame(kept.texts(), ['B'])
  })

  t.test('a file that grows while it is read or kept is another arrival once it rests', async (t) => {
    const { at, started, look, names } = await setUp(t)
    const { taken, texts, receive } = keeping()
    await writeFile(at('a'), 'first')
    await started(async (inbound) => {
      if (taken.length === 0) await appendFile(at('a'), ' and more')
      return receive(inbound)
    })
    await look()
    t.strictSame(await names('done').catch(() => []), [], 'not put away')
    await look(2)
    t.strictSame(texts(), ['first', 'first and more'])
    t.not(taken[0]?.key, taken[1]?.key)
    t.strictSame(await names('done'), ['a'])
  })

  t.test('what is rejected, empty or too large goes to failed with its reason; what is owed is written beside', async (t) => {
    const { at, started, look, names, folder, tools } = await setUp(t)
    await writeFile(at('EVERYWOMAN'), 'bad')
    await writeFile(at('empty'), '')
    await writeFile(at('large'), 'x'.repeat(1025))
    let given = 0
    await started(async () => ({ ...rejected, acknowledgements: [Buffer.from(`TA1 ${++given}`)] }), { maximum: '1kB', answers: `${folder}/out` })
    await look()
    t.equal(given, 1)
    t.strictSame(await names('failed'), ['EVERYWOMAN', 'EVERYWOMAN.reason.txt', 'empty', 'empty.reason.txt', 'large', 'large.reason.txt'])
    t.equal(await readFile(at('failed', 'EVERYWOMAN.reason.txt'), 'utf8'), 'PID-3: a value is required.\n')
    t.match(await readFile(at('failed', 'large.reason.txt'), 'utf8'), /1025 bytes; at most 1024/)
    t.equal(await readFile(at('out', 'EVERYWOMAN.answer'), 'utf8'), 'TA1 1')
    t.notOk(JSON.stringify(tools.events).includes('EVERYWOMAN'), 'no name of a file in the log')
  })

  t.test('a file that was kept is known again after a crash before it was put away', async (t) => {
    const { at, started, look, names, told } = await setUp(t)
    const { taken, receive } = keeping()
    await writeFile(at('done'), 'in the way')
    await writeFile(at('a.csv'), 'A')
    const { source } = await started(receive, { match: '*.csv' })
    await look(3)
    t.equal(taken.length, 1, 'not taken again')
    t.strictSame(told(), ['a file was answered, but cannot be put away; it is not taken again'])
    await source.stop()
    await rm(at('done'))
    await started(receive, { match: '*.csv' })
    await look()
    t.equal(taken.length, 2)
    t.equal(taken[0]?.key, taken[1]?.key, 'the store sees that it has it already')
    t.strictSame(await names('done'), ['a.csv'])
  })

  t.test('files are removed, or kept and taken once as long as they are the same', async (t) => {
    const gone = await setUp(t)
    await writeFile(gone.at('a'), 'A')
    await gone.started(keeping().receive, { after: 'delete' })
    await gone.look()
    t.strictSame(await gone.names(), [])
    const kept = await setUp(t)
    const { texts, taken, receive } = keeping()
    await writeFile(kept.at('a'), 'A')
    await writeFile(kept.at('empty'), '')
    const { source } = await kept.started(receive, { after: 'keep' })
    await kept.look(4)
    t.strictSame([texts(), await kept.names()], [['A'], ['a', 'empty']])
    t.strictSame(kept.told(), ['a file cannot be taken, and is left where it is'])
    await utimes(kept.at('a'), 1_700_000_000, 1_700_000_000)
    await kept.look(2)
    t.strictSame(texts(), ['A', 'A'], 'a file of another time is another arrival')
    await source.stop()
    await kept.started(receive, { after: 'keep' })
    await kept.look()
    t.equal(taken[2]?.key, taken[1]?.key, 'after a restart it is known by its key')
  })

  t.test('while the engine cannot keep messages, files stay and none overtakes', async (t) => {
    const { at, started, look, names } = await setUp(t)
    for (const name of ['1', '2']) await writeFile(at(name), name)
    const given: string[] = []
    let working = false
    let times = 0
    await started(async ({ bytes }) => {
      given.push(bytes.toString())
      if (++times === 2) throw new Error('a store that throws')
      return working ? accepted : failing
    })
    await look(3)
    t.strictSame([...new Set(given)], ['1'])
    working = true
    given.length = 0
    await look()
    t.strictSame([given, await names('done')], [['1', '2'], ['1', '2']])
  })

  t.test('a connection cut in the middle of a file loses and doubles nothing', async (t) => {
    const { at, started, look, names, cable, told } = await setUp(t)
    const { taken, receive } = keeping()
    const large = Buffer.alloc(3_000_000, 'payer ')
    await writeFile(at('large'), large)
    cable.cutAfter = { way: 'down', bytes: 1_000_000 }
    await started(receive)
    await look(3)
    t.equal(taken.length, 0)
    t.ok(told().includes('a file cannot be read; it stays and is tried again'))
    cable.cutAfter = null
    await look(3)
    t.strictSame(taken.map(({ bytes }) => bytes.equals(large)), [true])
    t.strictSame(await names('done'), ['large'])
    t.ok(cable.connections > 1)
  })

  t.test('a server that is away is told of once, asked less and less often, and read when it is back', async (t) => {
    const { at, started, look, told, cable } = await setUp(t)
    const { texts, receive } = keeping()
    await writeFile(at('a'), 'A')
    await sshd.stop()
    await started(receive)
    await look(40)
    t.strictSame(told(), ['a folder cannot be read; looking again until it can'])
    t.ok(cable.connections >= 8 && cable.connections < 20, `${cable.connections} connections in an hour`)
    await sshd.start()
    await look(9)
    t.strictSame(texts(), ['A'])
    t.ok(told().includes('a folder can be read again'))
  })

  t.test('a server with another host key, and a server that does not know our key, are not used', async (t) => {
    const { at, started, folder, tools, look } = await setUp(t)
    await writeFile(at('a'), 'A')
    const { texts, receive } = keeping()
    await started(receive, { hostKey: HOST_KEY })
    await look(2)
    t.strictSame(texts(), [])
    t.match(tools.events, [{ facts: { error: { code: 'EHOSTKEY' } } }])
    const cases: [Partial<Parameters<typeof sftpDestination.create>[0]>, RegExp][] = [
      [{ hostKey: HOST_KEY }, /another host key than `hostKey`/], [{ key: sshd.otherKey }, /does not accept our user and key/], [{ key: '-----BEGIN OPENSSH PRIVATE KEY-----\nno key\n' }, /`key` cannot be used/],
      [{ key: 'missing.pem' }, /neither the text of a key nor a file/], [{ port: 1 }, /cannot be connected to/],
    ]
    for (const [settings, reason] of cases) {
      const destination = sftpDestination.create({ ...sshd.server, folder, ...settings }, tools)
      t.match(await destination.deliver(deliveryOf('x'), never), { kind: 'unavailable', reason })
      await destination.close()
    }
    const several = sftpDestination.create({ ...sshd.server, folder, hostKey: [HOST_KEY, sshd.server.hostKey] }, tools)
    t.match(await several.deliver(deliveryOf('x'), never), { kind: 'sent' }, 'one of several is enough')
    await several.close()
  })

  t.test('a delivery becomes one file that appears whole, numbered or refused where its name is taken', async (t) => {
    const { folder, tools, names, at } = await setUp(t)
    const make = (settings = {}) => {
      const made = sftpDestination.create({ ...sshd.server, folder: `${folder}/a/b`, extension: 'hl7', ...settings }, tools)
      t.teardown(() => made.close())
      return made
    }
    const payload = Buffer.from([0x4d, 0x53, 0x48, 0x00, 0xff, 0x0d])
    t.strictSame(await make().deliver(deliveryOf(payload), never), { kind: 'sent' })
    t.strictSame(await make().deliver(deliveryOf(payload, { attempts: 2 }), never), { kind: 'sent' }, 'an attempt repeated finds its file')
    t.strictSame(await names('a', 'b'), ['MSG00001-7.hl7'])
    t.strictSame(await readFile(at('a', 'b', 'MSG00001-7.hl7')), payload)
    t.equal((await stat(at('a', 'b', 'MSG00001-7.hl7'))).mode & 0o007, 0)
    const one = { name: '{controlId}' }
    const [number, refuse] = [make(one), make({ ...one, whenExists: 'refuse' })]
    for (const text of ['one', 'two']) t.match(await number.deliver(deliveryOf(text), never), { kind: 'sent' })
    t.strictSame(await refuse.deliver(deliveryOf('three'), never), { kind: 'refused', reason: 'A file of this name is there already.', code: 'exists' })
    t.match(await refuse.deliver(deliveryOf('one', { attempts: 2 }), never), { kind: 'sent' }, 'its own file is no reason to refuse')
    t.strictSame(await names('a', 'b'), ['MSG00001-2.hl7', 'MSG00001-7.hl7', 'MSG00001.hl7'])
    await writeFile(at('plain'), '')
    t.match(await make({ folder: `${folder}/plain` }).deliver(deliveryOf('x'), never), { kind: 'unavailable', reason: /a file is where a folder should be/ })
  })

  t.test('a connection cut in the middle of an upload leaves nothing under the name, and the next attempt sends it', async (t) => {
    const { folder, tools, cable, names, at } = await setUp(t)
    const destination = sftpDestination.create({ ...sshd.server, port: cable.port, folder }, tools)
    t.teardown(() => destination.close())
    const payload = Buffer.alloc(2_000_000, 'x')
    cable.cutAfter = { way: 'up', bytes: 500_000 }
    t.match(await destination.deliver(deliveryOf(payload), never), { kind: 'unavailable', reason: /connection was lost/ })
    t.ok((await names()).every((name) => name.startsWith('.')), 'at most a hidden part')
    cable.cutAfter = null
    t.strictSame(await destination.deliver(deliveryOf(payload, { attempts: 2 }), never), { kind: 'sent' })
    t.strictSame(await names(), ['MSG00001-7'])
    t.ok(payload.equals(await readFile(at('MSG00001-7'))))
    t.match(await destination.deliver(deliveryOf(payload, { id: 9 }), AbortSignal.abort()), { kind: /sent|unavailable/ })
  })

  let folders = 0
  connectorConformance(t, 'sftp', {
    makeSource(tools, at) {
      const folder = at === undefined ? `${sshd.home}/loop-${++folders}` : decodeURIComponent(new URL(at).pathname.replace(/\/\*$/, ''))
      return sftpSource.create({ ...sshd.server, folder, settle: '0s', every: '10ms', order: 'name' }, tools)
    },
    makeDestination: (at, tools) => sftpDestination.create({ ...sshd.server, folder: new URL(at).pathname.replace(/\/\*$/, ''), name: '{time}-{deliveryId}' }, tools),
    payloads: [Buffer.from('MSH|^~\\&|EVERYWOMAN'), Buffer.from([0, 255, 13, 10]), Buffer.alloc(5_000_000, 'a page ')],
    reply: (_, verdict) => ({ verdict, reason: null, acknowledgements: [] }),
    secrets: ['EVERYWOMAN'],
  })
}
