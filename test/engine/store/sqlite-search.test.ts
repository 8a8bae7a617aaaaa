/** The embedded store's searches on its own files: old files, an index that is lost, damaged, another's or behind, and words that must be gone. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { openDatabase } from '../../../engine/store/sqlite/open-database.js'
import { lasting } from '../../../engine/store/sqlite/lasting-thread.js'
import type { Thread } from '../../../engine/store/sqlite/thread-client.js'
import { openSqliteStore } from '../../../engine/store/sqlite/sqlite-store.js'
import { openTextIndex } from '../../../engine/store/sqlite/text-index.js'
import { openThreadedStore } from '../../../engine/store/sqlite/threaded-store.js'
import { wordsOf } from '../../../engine/store/sqlite/text-words.js'
import { after, arrival, bound, CHANNEL, claim, finished, ids, NOON, pass, texts, type Store } from '../../conformance/store-kit.js'

const SCHEMA_1 = readFileSync(join(import.meta.dirname, '../../../../fixtures/store/version-1.sql'), 'utf8')
const words = (store: Store, text: string): Promise<readonly number[]> => store.search({ text, limit: 1000 }).then(ids)

t.test('a file of version 1 is brought up to date, with everything in it', async (t) => {
  const file = join(t.testdir(), 'refero.db')
  const old = new Database(file)
  old.exec(SCHEMA_1)
  old.close()
  for (const open of [openSqliteStore, openThreadedStore]) {
    const store = await open(file)
    t.match((await store.search({ limit: 10 })).map(({ id, status, revision }) => [id, status, revision]), [[4, 'received', null], [3, 'error', null], [2, 'transformed', null], [1, 'transformed', null]])
    t.same(await words(store, 'everywoman'), [4, 3, 2, 1], 'found by its words')
    t.same(ids(await store.search({ status: 'error', limit: 10 })), [3, 2], 'what was skipped then was seen then')
    t.same(ids(await store.search({ field: 'mrn', value: '4711', limit: 10 })), [2, 1])
    t.match(await store.queues('referrals'), [{ destination: 'ehr', waiting: 1 }, { destination: 'archive', failed: 1, waiting: 0 }])
    t.match((await store.fate('referrals', 'referral-7', null))?.fate?.deliveries, [{ destination: 'ehr', status: 'sent', doubtful: true }, { destination: 'archive', settled: true, doubtful: false }], 'what was in doubt then still is')
    t.same((await store.received('results', 10)).map(({ bytes }) => bytes.toString()), ['fresh EVERYWOMAN message'])
    await store.close()
  }
  const store = openSqliteStore(file)
  t.same(texts((await claim(store)).deliveries), ['two a'])
  await store.finish([finished(4, [], { revision: 'new' })], after(1))
  t.equal((await store.search({ limit: 1 }))[0]?.revision, 'new')
  t.equal(await store.expire('referrals', 'content', new Date(NOON.getTime() * 2), 10), 1, 'the message whose failure was settled')
  await store.close()
  const raw = new Database(file)
  t.equal(raw.pragma('user_version', { simple: true }), 3)
  t.same(raw.pragma('foreign_key_check'), [])
  t.equal(raw.pragma('integrity_check', { simple: true }), 'ok')
  raw.close()
})

t.test('an index that is lost, damaged, of another version or of another store is built anew', async (t) => {
  const folder = t.testdir({ other: {} })
  const [file, index] = [join(folder, 'refero.db'), join(folder, 'search.db')]
  const first = openSqliteStore(file)
  for (let n = 0; n < 10; n++) await pass(first, `patient number${n}`, [])
  t.equal((await words(first, 'patient')).length, 10)
  await first.close()
  const other = openSqliteStore(join(folder, 'other', 'refero.db'))
  await pass(other, 'stranger', [])
  t.equal((await words(other, 'stranger')).length, 1)
  await other.close()
  const harms: Readonly<Record<string, () => void>> = {
    lost: () => rmSync(index),
    empty: () => writeFileSync(index, ''),
    'no database': () => writeFileSync(index, 'not a database at all '.repeat(500)),
    'another store’s': () => writeFileSync(index, readFileSync(join(folder, 'other', 'search.db'))),
    'of another version': () => { const raw = new Database(index); raw.pragma('user_version = 7'); raw.close() },
    'further on than the store': () => { const raw = new Database(index); raw.exec('update state set indexed = 99'); raw.close() },
  }
  for (const [what, harm] of Object.entries(harms)) {
    harm()
    for (const open of [openSqliteStore, openThreadedStore]) {
      const store = await open(file)
      t.equal((await words(store, 'patient')).length, 10, what)
      t.same(await words(store, 'stranger'), [], what)
      await store.close()
    }
  }
})

t.test('an index that turns out damaged while it is used is built anew by the next search', async (t) => {
  const folder = t.testdir()
  const [file, index] = [join(folder, 'refero.db'), join(folder, 'search.db')]
  const first = openSqliteStore(file)
  for (let n = 0; n < 500; n++) void first.accept(arrival(`patient number${n} ${'abcdefgh'.split('').map((letter) => letter + n).join(' ')}`))
  t.equal((await words(first, 'patient')).length, 500)
  await first.close()
  const bytes = readFileSync(index)
  for (let page = 3; page < bytes.length / 4096; page++) bytes.fill(0xa5, page * 4096, page * 4096 + 4096)
  writeFileSync(index, bytes)
  const store = openSqliteStore(file)
  const failed = await words(store, 'patient').catch((error: unknown) => error)
  if (!Array.isArray(failed)) t.match(failed, { code: 'STORE_CORRUPT' })
  t.equal((await words(store, 'patient')).length, 500)
  await store.close()
})

t.test('what is forgotten leaves no word in the index’s file', async (t) => {
  const folder = t.testdir()
  const file = join(folder, 'refero.db')
  const store = openSqliteStore(file)
  const accept = (count: number, word: string, at: Date): Promise<unknown> => Promise.all(Array.from({ length: count }, async (_, n) => {
    const { id } = await store.accept(arrival(`${word}${n} common`, { at, controlId: null }))
    await store.finish([finished(id, [])], at)
  }))
  await accept(400, 'secretperson', NOON)
  t.equal((await words(store, 'secretperson*')).length, 400)
  await accept(100, 'otherperson', after(1000))
  t.equal((await words(store, 'common')).length, 500)
  for (let gone = -1; gone !== 0;) gone = await store.expire(CHANNEL, 'content', after(500), 150)
  t.same(await words(store, 'secretperson*'), [])
  t.equal((await words(store, 'common')).length, 100)
  await store.close()
  for (const name of readdirSync(folder)) t.notOk(/secretperson/i.test(readFileSync(join(folder, name), 'latin1')), name)
})

t.test('words that were to be forgotten when the engine died are forgotten at the next occasion, and what was not forgotten stays', async (t) => {
  const folder = t.testdir()
  const store = openSqliteStore(join(folder, 'refero.db'))
  const [gone, kept] = [await pass(store, 'gone person', []), await pass(store, 'kept person', [])]
  t.same(await words(store, 'person'), [kept, gone])
  await store.close()
  const main = openDatabase(join(folder, 'refero.db'))
  const index = openTextIndex(main, join(folder, 'search.db'))
  index.intend([gone, kept])
  main.exec(`update message set content = 0 where id = ${gone}; delete from message_bytes where message_id = ${gone}`)
  index.close()
  const after = openTextIndex(main, join(folder, 'search.db'))
  after.forget()
  t.same(after.find(wordsOf('person', null, null), 0, 100, 10), [kept])
  after.close()
  main.close()
})

t.test('each quarter of a million messages has a table of its own, which goes with the last of them', async (t) => {
  const folder = t.testdir()
  const file = join(folder, 'refero.db')
  const store = openSqliteStore(file)
  const raw = new Database(file)
  const far: number[] = []
  for (const at of [1, 262_200, 600_000, 900_000]) {
    raw.exec(`update sqlite_sequence set seq = ${at} where name = 'message'; insert into sqlite_sequence (name, seq) select 'message', ${at} where not exists (select 1 from sqlite_sequence where name = 'message')`)
    const { id } = await store.accept(arrival(`far person ${at}`, { at: after(at) }))
    await store.finish([finished(id, [], { index: [{ name: 'mrn', value: '4711' }] })], after(at))
    far.unshift(id)
  }
  raw.close()
  const tables = (): unknown => {
    const words = new Database(join(folder, 'search.db'), { readonly: true })
    const found = words.prepare('select number from shard order by number').pluck().all()
    words.close()
    return found
  }
  t.same(await words(store, 'person'), far)
  t.same(await words(store, 'per*'), far)
  t.same(ids(await store.search({ text: 'person', limit: 2, before: far[0] as number })), far.slice(1, 3))
  t.same(ids(await store.search({ text: 'pers*', value: '4711', limit: 10 })), far)
  t.same(tables(), [0, 1, 2, 3])
  t.equal(await store.expire(CHANNEL, 'content', after(300_000), 10), 2)
  t.same(tables(), [2, 3])
  t.same(await words(store, 'person'), far.slice(0, 2))
  await store.close()
})

t.test('in its threads a store indexes by itself, and says how far it has come', async (t) => {
  const folder = t.testdir()
  const store = await openThreadedStore(join(folder, 'refero.db'))
  await Promise.all(Array.from({ length: 3000 }, (_, n) => store.accept(arrival(`person ${n}`))))
  for (let done = false; !done;) {
    const { indexed, newest } = await store.textIndexed()
    t.ok(indexed <= newest && newest === 3000)
    done = indexed === newest
    if (!done) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.ok(existsSync(join(folder, 'search.db')))
  t.same(await words(store, '2999'), [3000])
  await store.close()
  await t.rejects(store.search({ text: 'person', limit: 1 }), /has been closed/)
})

t.test('a search by words among many, few of which meet the other conditions, follows those', async (t: Test) => {
  const store = openSqliteStore(join(t.testdir(), 'refero.db'))
  await Promise.all(Array.from({ length: 12_000 }, (_, n) => store.accept(arrival(`common ${n % 2 ? 'odd' : 'even'}`, { controlId: null, header: { controlId: null, type: n === 4001 ? 'RARE' : 'T' } }))))
  await store.finish([finished(7, [bound('x')]), finished(8, [bound('x')])], after(1))
  t.same(ids(await store.search({ text: 'common odd', type: 'RARE', limit: 10 })), [4002])
  t.same(ids(await store.search({ text: 'com*', status: 'queued', limit: 10 })), [8, 7])
  t.same(ids(await store.search({ text: 'odd', status: 'queued', limit: 10 })), [8])
  t.same(ids(await store.search({ text: 'common', channel: CHANNEL, limit: 3 })), [12_000, 11_999, 11_998])
  await store.close()
})

t.test('a thread that has ended by itself is opened anew at the next call, once for all who ask, and not after it was closed', async (t) => {
  let opened = 0
  const threads: { ended: boolean; call: Thread['call']; close: Thread['close'] }[] = []
  const open = async (): Promise<Thread> => {
    if (++opened === 3) throw new Error('there is no memory left')
    const number = opened
    const thread = { ended: false, call: async () => { if (thread.ended) throw new Error('it has ended'); return number as never }, close: async () => { thread.ended = true } }
    threads.push(thread)
    return thread
  }
  const thread = await lasting(open)
  const end = (): void => { for (const each of threads) each.ended = true }
  t.equal(await thread.call('search', []), 1)
  end()
  t.same(await Promise.all([thread.call('search', []), thread.call('depth', [])]), [2, 2])
  end()
  await t.rejects(thread.call('search', []), /no memory left/)
  t.equal(await thread.call('search', []), 4, 'what could not be opened is tried again')
  await thread.close()
  await t.rejects(thread.call('search', []), /it has ended/)
  t.equal(opened, 4)
})
