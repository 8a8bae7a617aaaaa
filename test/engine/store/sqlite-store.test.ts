/** The embedded store in the world: full disks, locked, damaged and foreign files, a second engine, sudden death, forgotten content. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { Delivery } from '../../../engine/contracts.js'
import { StoreError } from '../../../engine/errors.js'
import { openSqliteStore, type SqliteStoreOptions } from '../../../engine/store/sqlite/sqlite-store.js'
import { after, arrival, bound, CHANNEL, claim, finished, ids, NOON, pass, settled, texts, type Store } from '../../conformance/store-kit.js'

/** The connections opened since, so that a test can reach the store's own. */
const connections: Database.Database[] = []
const prototype = Database.prototype as { prepare: (this: Database.Database, sql: string) => Database.Statement }
const realPrepare = prototype.prepare
prototype.prepare = function (sql) {
  if (!connections.includes(this)) connections.push(this)
  return realPrepare.call(this, sql)
}

const open = (t: Test, options?: SqliteStoreOptions): { store: Store; file: string; connection: Database.Database } => {
  const file = join(t.testdir(), 'refero.db')
  const store = openSqliteStore(file, options)
  const connection = connections.findLast(({ name }) => name === file) as Database.Database
  t.teardown(() => store.close())
  return { store, file, connection }
}
const failure = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => null, (error: unknown) => error)
const sized = (text: string, size: number) => arrival(text, { inbound: { bytes: Buffer.alloc(size, text), origin: 'x' } })

t.test('the file is opened so that what is committed stays, and for the engine’s user alone', async (t) => {
  const { file, connection } = open(t)
  const setting = (name: string): unknown => connection.pragma(name, { simple: true })
  t.same(['journal_mode', 'synchronous', 'foreign_keys', 'auto_vacuum', 'secure_delete'].map(setting), ['wal', 2, 1, 2, 1])
  t.equal(statSync(file).mode & 0o077, 0)
})

t.test('everything asked for in one turn is one transaction', async (t) => {
  const { store } = open(t)
  let commits = 0
  const statement = Object.getPrototypeOf(new Database(':memory:').prepare('select 1')) as { run: (this: Database.Statement, ...given: unknown[]) => unknown }
  const real = statement.run
  t.teardown(() => { statement.run = real })
  statement.run = function (...given) {
    if (this.source === 'commit') commits++
    return real.apply(this, given)
  }
  await Promise.all(Array.from({ length: 500 }, (_, n) => store.accept(arrival(`m${n}`))))
  t.equal(commits, 1)
})

t.test('a full disk: what found no room is rejected, what was kept stays, and with room again it goes on', async (t) => {
  const { store, connection } = open(t)
  await store.accept(sized('before', 1000))
  connection.pragma(`max_page_count = ${Number(connection.pragma('page_count', { simple: true })) + 30}`)
  const calls = await Promise.allSettled(['a', 'b', 'c', 'd'].map((text) => store.accept(sized(text, 50_000))))
  const refused = calls.filter((call) => call.status === 'rejected')
  t.ok(refused.length > 0 && refused.length < 4, `${refused.length} of 4 refused`)
  for (const { reason } of refused) t.match(reason, { kind: 'full', code: 'STORE_FULL', message: /refero\.db/ })
  t.equal((await store.received(CHANNEL, 10)).length, 1 + 4 - refused.length)
  t.equal((await store.search({ limit: 10 })).length, 1 + 4 - refused.length, 'reading goes on')
  connection.pragma('max_page_count = 1000000')
  await store.accept(sized('after', 50_000))
  t.equal((await store.received(CHANNEL, 10)).at(-1)?.header.controlId, 'after')
})

t.test('a locked file: calls wait in their order, reading goes on, and all is done when the lock is gone', async (t) => {
  const { store, file } = open(t)
  const kept = await pass(store, 'before')
  const other = new Database(file)
  other.exec('begin immediate')
  const done: string[] = []
  const calls = ['one', 'two'].map((text) => store.accept(arrival(text)).then(() => done.push(text)))
  t.equal((await store.progress(kept))?.status, 'transformed')
  const third = store.accept(arrival('three')).then(() => done.push('three'))
  t.same(done, [])
  other.exec('rollback')
  await Promise.all([...calls, third])
  t.same(done, ['one', 'two', 'three'])
  t.same((await store.received(CHANNEL, 10)).map(({ header }) => header.controlId), ['one', 'two', 'three'])
  other.close()
})

t.test('a file that stays locked: calls are rejected after a while, nothing of them is kept, and it goes on by itself', async (t) => {
  const { store, file } = open(t, { patience: 150 })
  const other = new Database(file)
  other.exec('begin exclusive')
  const refused = await Promise.all(['one', 'two'].map((text) => failure(store.accept(arrival(text)))))
  for (const error of refused) t.match(error, { kind: 'locked', code: 'STORE_LOCKED' })
  other.exec('rollback')
  t.same(await store.received(CHANNEL, 10), [])
  t.ok((await store.accept(arrival('three'))).id > 0)
  other.exec('begin immediate')
  const pending = failure(store.accept(arrival('four')))
  await store.close()
  t.match(await pending, { kind: 'locked' }, 'closing does not wait for the lock')
  t.match(await failure(store.accept(arrival('five'))), /has been closed/)
  other.close()
})

t.test('a damaged page is a clear error to those who need it', async (t) => {
  const { store, file } = open(t)
  for (let n = 0; n < 200; n++) await store.accept(sized(`m${n}`, 3000))
  await store.close()
  const descriptor = openSync(file, 'r+')
  for (let page = 40; page < statSync(file).size / 4096; page++) writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096)
  closeSync(descriptor)
  const damaged = openSqliteStore(file)
  const errors = await Promise.all([failure(damaged.received(CHANNEL, 1000)), failure(damaged.search({ limit: 1000 }))])
  t.ok(errors.some((error) => error instanceof StoreError && error.kind === 'corrupt' && error.message.includes(file)), errors.join(' '))
  await damaged.close()
})

t.test('what cannot be opened says why, names the file, and leaves the folder free', async (t) => {
  const folder = t.testdir({ 'text.db': 'This is not a database, whatever its name says. '.repeat(100), file: '', 'half.db': '' })
  const foreign = new Database(join(folder, 'foreign.db'))
  foreign.exec('create table somebody (id integer)')
  foreign.close()
  const newer = openSqliteStore(join(folder, 'newer.db'))
  await newer.close()
  const raw = new Database(join(folder, 'newer.db'))
  raw.pragma('user_version = 99')
  const cut = openSqliteStore(join(folder, 'half.db'))
  await cut.accept(sized('x', 100_000))
  await cut.close()
  truncateSync(join(folder, 'half.db'), 5000)
  mkdirSync(join(folder, 'folder.db'))
  const expected = [
    ['text.db', 'STORE_CORRUPT', /not a message store/], ['foreign.db', 'STORE_CORRUPT', /another program's database/], ['newer.db', 'STORE_TOO_NEW', /version 99; this program knows 3/],
    ['half.db', 'STORE_CORRUPT', /damaged/], ['folder.db', 'STORE_FAILED', /cannot be created or written to/], ['file/refero.db', 'STORE_FAILED', /file/],
  ] as const
  for (const [name, code, sentence] of expected) t.throws(() => openSqliteStore(join(folder, name)), { code, message: sentence }, name)
  raw.pragma('user_version = 1')
  raw.exec('begin exclusive')
  raw.pragma('user_version = 0')
  raw.exec('commit; begin exclusive')
  t.throws(() => openSqliteStore(join(folder, 'newer.db')), { code: 'STORE_LOCKED' }, 'locked by another program while it must be written')
  raw.close()
  await openSqliteStore(join(folder, 'fine.db')).close()
})

t.test('a folder that the engine’s user may not write to is a clear error', (t) => {
  const folder = t.testdir()
  chmodSync(folder, 0o555)
  const root = process.geteuid?.() === 0
  if (root) process.seteuid?.(65534)
  try {
    t.throws(() => openSqliteStore(join(folder, 'refero.db')), { code: 'STORE_FAILED', message: /permi|cannot be opened/ })
  } finally {
    if (root) process.seteuid?.(0)
    chmodSync(folder, 0o755)
  }
  t.end()
})

// ── Another engine, and sudden death ────────────────────────────────────────────────────

const CHILD = `
  const { openSqliteStore } = await import(process.argv[1])
  const store = openSqliteStore(process.argv[2])
  for (let n = 0; ; n++) {
    const header = { controlId: 'C' + n, type: null }
    const inbound = { bytes: Buffer.alloc(2000, 'C' + n), origin: 'x' }
    const kept = await Promise.all([0, 1, 2].map(() => store.accept({ channel: 'child', inbound, header, at: new Date(), status: 'received', reason: null, reply: null, duplicatesSince: null })))
    process.stdout.write(kept.map(({ id }) => id + '\\n').join(''))
  }`
const engine = (file: string): ChildProcess =>
  spawn(process.execPath, ['--input-type=module', '-e', CHILD, new URL('../../../engine/store/sqlite/sqlite-store.js', import.meta.url).href, file], { stdio: ['ignore', 'pipe', 'inherit'] })

t.test('one engine works on a data folder; killed at any moment it leaves all it promised, and the folder free', async (t) => {
  const folder = t.testdir()
  const file = join(folder, 'refero.db')
  for (const enough of [1, 50, 400]) {
    const child = engine(file)
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.split('\n').length > enough) child.kill('SIGKILL')
    })
    await once(child.stdout as NodeJS.EventEmitter, 'data')
    if (enough > 1) t.throws(() => openSqliteStore(join(folder, 'other.db')), { code: 'DATA_FOLDER_BUSY', message: /engine\.lock/ })
    await once(child, 'close')
    const promised = said.split('\n').slice(0, -1).map(Number)
    const store = openSqliteStore(file)
    const kept = new Set(ids(await store.received('child', 100_000)))
    t.same(promised.filter((id) => !kept.has(id)), [], `all ${promised.length} are there`)
    await store.close()
  }
  const first = openSqliteStore(file)
  t.throws(() => openSqliteStore(file), { code: 'DATA_FOLDER_BUSY' }, 'nor two in one process')
  await first.close()
})

// ── Large and old ───────────────────────────────────────────────────────────────────────

t.test('the same large bytes to several destinations are stored once, and removed with the last that needs them', async (t) => {
  const { store, connection } = open(t)
  const attachments = (): unknown => connection.prepare('select count(*) from attachment').pluck().get()
  const large = Buffer.alloc(1_500_000, 'scan ')
  const { id } = await store.accept(arrival('x', { inbound: { bytes: large, origin: 'x' } }))
  await store.finish([finished(id, ['ehr', 'archive'].map((destination) => bound(large, { destination })))], after(1))
  t.equal(attachments(), 1)
  for (const destination of ['ehr', 'archive']) {
    const { deliveries } = await claim(store, { destination })
    await store.settle([settled(deliveries[0] as Delivery, 'queued', { response: Buffer.alloc(1_500_000, `${destination} says no `) })])
    t.equal(attachments(), 2)
    const again = await claim(store, { destination })
    await store.settle([settled(again.deliveries[0] as Delivery, 'sent', { response: Buffer.from('AA') })])
    t.equal(attachments(), 1, 'the last answer has replaced the large one')
  }
  await store.expire(CHANNEL, 'content', after(10), 10)
  t.equal(attachments(), 0)
})

t.test('forgotten content is not in the file any more, and its space goes back to the disk', async (t) => {
  const { store, file } = open(t)
  const secret = 'EVERYWOMAN^EVE^^^'
  for (let n = 0; n < 300; n++) await pass(store, `${secret}${n} `.repeat(300), [], { index: [{ name: 'name', value: `${secret}${n}` }] }).catch(t.fail)
  await store.close()
  const before = statSync(file).size
  const again = openSqliteStore(file)
  for (let gone = -1; gone !== 0;) gone = await again.expire(CHANNEL, 'facts', after(10), 100)
  for (let n = 0; n < 3; n++) await again.shrink()
  await again.close()
  for (const name of readdirSync(join(file, '..'))) t.notOk(readFileSync(join(file, '..', name)).includes(secret), name)
  t.ok(statSync(file).size < before / 2, `${before} bytes before, ${statSync(file).size} after`)
})

t.test('a search that must walk does so step by step, and finds what lies far back', async (t) => {
  const { store, connection } = open(t)
  const first = await pass(store, 'the first', [bound('x')], { index: [{ name: 'mrn', value: 'COMMON' }] })
  connection.transaction(() => {
    const insert = connection.prepare(`insert into message (channel_id, received_at, status, size, origin, type) values (1, ?, 'transformed', 0, 'x', 'ADT^A01')`)
    const index = connection.prepare(`insert into index_value (message_id, name, value) values (?, 'mrn', 'COMMON')`)
    for (let n = 0; n < 25_000; n++) index.run(insert.run(NOON.getTime() + n * 1000).lastInsertRowid)
  })()
  t.same(ids(await store.search({ type: 'REF^I12', limit: 5 })), [first])
  t.same(ids(await store.search({ type: 'REF^I12', value: 'COMMON', limit: 5 })), [first], 'however many share the value')
  t.equal((await store.search({ value: 'COM*', limit: 700 })).length, 700)
  t.same(ids(await store.search({ status: 'queued', value: 'COMMON', limit: 5 })), [first], 'by what is rarest')
  const most = ids(await store.search({ limit: 1e9 }))
  t.same([most.length, most[0], most.at(-1)], [1000, first + 25_000, first + 24_001], 'and never more than a person can read')
})

t.test('a group larger than one transaction keeps its order', async (t) => {
  const { store } = open(t)
  const accepted = await Promise.all(Array.from({ length: 2500 }, (_, n) => store.accept(arrival(`m${n}`))))
  t.same(ids(accepted), ids(accepted).toSorted((a, b) => a - b))
  const [, , { deliveries }] = await Promise.all([
    store.finish(accepted.slice(0, 3).map(({ id }, n) => finished(id, [bound(`p${n}`)])), after(1)),
    store.accept(arrival('x')), claim(store),
  ])
  t.same(texts(deliveries), ['p0', 'p1', 'p2'])
})

t.test('a store in memory needs no folder, shares nothing, and several live side by side', async (t) => {
  const [one, two] = [openSqliteStore(':memory:'), openSqliteStore(':memory:')]
  await pass(one, 'one')
  t.same(texts((await claim(one)).deliveries), ['one'])
  t.same(await two.search({ limit: 10 }), [])
  await Promise.all([one.close(), two.close()])
  t.notOk(existsSync(':memory:'))
})

t.test('an empty file is a new store', async (t) => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'refero.db'), '')
  const store = openSqliteStore(join(folder, 'refero.db'))
  t.ok((await store.accept(arrival('one'))).id)
  await store.close()
})
