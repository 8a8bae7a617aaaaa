/** The embedded store statement by statement: each may fail at any point, uses an index, and cannot write an illegal state. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { GroupCommit } from '../../../engine/store/sqlite/group-commit.js'
import { openDatabase } from '../../../engine/store/sqlite/open-database.js'
import { openOperations, type Operations } from '../../../engine/store/sqlite/operations.js'
import { openSqliteStore } from '../../../engine/store/sqlite/sqlite-store.js'
import { after, arrival, bound, CHANNEL, claim, deliveryAt, finished, NOON, pass, reply, settled, statuses, type Store } from '../../conformance/store-kit.js'

const LARGE = Buffer.alloc(1_100_000, 'large ')

// ── Every statement may fail ────────────────────────────────────────────────────────────

/** Decides, before each statement, whether it fails. */
let saboteur: (sql: string) => boolean = () => false
const statement = Object.getPrototypeOf(new Database(':memory:').prepare('select 1')) as Record<'run' | 'get' | 'all', (...given: unknown[]) => unknown>
for (const name of ['run', 'get', 'all'] as const) {
  const real = statement[name]
  statement[name] = function (this: Database.Statement, ...given: unknown[]) {
    if (saboteur(this.source)) throw new Database.SqliteError('broken on purpose', 'SQLITE_IOERR_WRITE')
    return real.apply(this, given)
  }
}
t.teardown(() => { saboteur = () => false })

const TABLES = ['channel', 'queue', 'message', 'message_bytes', 'delivery', 'payload', 'index_value', 'history']
const dump = (database: Database.Database): string => JSON.stringify([
  database.prepare('select id, hex(hash), length(bytes) from attachment order by id').all(),
  ...TABLES.map((table) => database.prepare(`select * from ${table} order by 1, 2`).all()),
])

type Deed = (operations: Operations) => unknown
/** What is there before: 1 received; 2 being sent; 3 held; 4 sent, with a large answer; 5 queued. */
const prepare: Deed = (operations) => {
  for (const text of ['1', '2', '3', '4', '5']) operations.accept(arrival(text, { duplicatesSince: NOON }))
  const through = (id: number, destination: string): void => {
    operations.finish([finished(id, [bound('x', { destination })], { index: [{ name: 'mrn', value: '4711' }] })], after(1))
    if (destination !== 'queued') operations.claim({ channel: CHANNEL, destination, lane: 0 }, 10, after(1))
  }
  through(2, 'sending')
  through(3, 'held')
  through(4, 'sent')
  through(5, 'queued')
  operations.settle([settled({ id: 2 }, 'held', { response: LARGE }), settled({ id: 3 }, 'sent', { response: LARGE })])
}
const DEEDS: Readonly<Record<string, Deed>> = {
  accept: (o) => o.accept(arrival('new', { channel: 'new channel', controlId: '1', duplicatesSince: NOON, reply: reply('AA'), key: 'k' })),
  'accept large': (o) => o.accept(arrival('x', { inbound: { bytes: LARGE, origin: 'x' }, status: 'error', reason: 'unreadable' })),
  'accept a duplicate': (o) => o.accept(arrival('1', { duplicatesSince: NOON })),
  received: (o) => o.received(CHANNEL, 10),
  finish: (o) => o.finish([finished(1, [bound('a', { lanes: 3, hash: 4 }), bound(LARGE, { destination: 'new' })], { index: [{ name: 'mrn', value: '1' }], notes: [{ destination: 'fax', reason: 'no' }] })], after(2)),
  claim: (o) => o.claim({ channel: CHANNEL, destination: 'queued', lane: 0 }, 10, after(2)),
  settle: (o) => o.settle([settled({ id: 1 }, 'sent', { response: LARGE })]),
  'give back': (o) => o.settle([settled({ id: 1 }, 'queued', { attempted: false })]),
  interrupted: (o) => o.interrupted(CHANNEL),
  spread: (o) => o.spread(CHANNEL, 'sending', 5),
  answer: (o) => o.answer(2, reply('AA'), after(3)),
  'replay from steps': (o) => o.replay(3, 'steps', null, 'alice', after(3)),
  'replay deliveries': (o) => o.replay(3, 'deliveries', null, 'alice', after(3)),
  skip: (o) => o.skip(3, null, 'alice', after(3)),
  'expire content': (o) => o.forget(o.expirable(CHANNEL, 'content', after(9), 10), 'content'),
  'expire facts': (o) => o.forget(o.expirable(CHANNEL, 'facts', after(9), 10), 'facts'),
}
const NEIGHBOURS: readonly Deed[] = [
  (o) => o.accept(arrival('before', { channel: 'before' })),
  (o) => o.accept(arrival('after', { channel: 'new channel' })),
]

/** Does a deed between its two neighbours in one group, on a store of its own; the deed's nth statement fails, always or the first time. */
const attempt = async (t: Test, name: string, deed: Deed | null, nth: number, always: boolean) => {
  const database = openDatabase(join(t.testdir(), 'refero.db'))
  const { operations, forget } = openOperations(database)
  const commits = new GroupCommit(database, { file: name, patience: 0, rolledBack: forget })
  database.transaction(() => prepare(operations))()
  let executed = 0
  let failing = true
  const observed: Deed = (o) => {
    executed = 0
    saboteur = () => ++executed === nth && failing
    try {
      return deed?.(o)
    } finally {
      saboteur = () => false
      if (executed >= nth && !always) failing = false
    }
  }
  const [first, own, last] = await Promise.allSettled([NEIGHBOURS[0] as Deed, observed, NEIGHBOURS[1] as Deed].map((each) => commits.ask(() => each(operations), false)))
  const state = dump(database)
  commits.close()
  database.close()
  return { done: own?.status === 'fulfilled', neighbours: first?.status === 'fulfilled' && last?.status === 'fulfilled', state, reached: executed >= nth }
}

t.test('whichever statement of an operation fails, it is done whole or not at all, and its neighbours are done', async (t) => {
  const without = (await attempt(t, 'nothing', null, Infinity, true)).state
  for (const [name, deed] of Object.entries(DEEDS)) {
    const { state: whole } = await attempt(t, name, deed, Infinity, true)
    let wrong = 0
    let nth = 1
    for (let reached = true; reached; nth++) {
      const always = await attempt(t, name, deed, nth, true)
      const once = await attempt(t, name, deed, nth, false)
      reached = always.reached
      if (always.done === reached || !always.neighbours || always.state !== (reached ? without : whole)) wrong++
      if (!once.done || !once.neighbours || once.state !== whole) wrong++
    }
    t.equal(wrong, 0, `${name}: ${nth - 2} statements`)
  }
})

t.test('when the commit fails each call is tried on its own, and what does not become durable is rejected', async (t) => {
  for (const failures of [1, 2, 3, 99]) {
    const store = openSqliteStore(join(t.testdir(), 'refero.db'))
    let left = failures
    saboteur = (sql) => sql === 'commit' && left-- > 0
    const calls = await Promise.allSettled(['one', 'two', 'three'].map((text) => store.accept(arrival(text))))
    saboteur = () => false
    const kept = (await store.received(CHANNEL, 10)).map(({ bytes }) => bytes.toString())
    t.same(kept, failures > 3 ? [] : failures === 3 ? ['two', 'three'] : ['one', 'two', 'three'], `${failures} failures`)
    t.same(calls.map(({ status }) => status === 'fulfilled'), ['one', 'two', 'three'].map((text) => kept.includes(text)))
    await store.accept(arrival('four'))
    await store.close()
  }
})

t.test('a rollback that fails does not stop the store', async (t) => {
  const store = openSqliteStore(join(t.testdir(), 'refero.db'))
  let left = 1
  saboteur = (sql) => (sql === 'commit' || sql === 'rollback') && left-- > -1
  const call = store.accept(arrival('one')).then(() => true, () => false)
  t.notOk(await call)
  saboteur = () => false
  const { id } = await store.accept(arrival('two'))
  t.same((await store.received(CHANNEL, 10)).map((message) => message.id), [id])
  await store.close()
})

// ── Every hot statement uses an index ───────────────────────────────────────────────────

t.test('no statement reads a whole table, and no hot one sorts', (t) => {
  const database = openDatabase(join(t.testdir(), 'refero.db'))
  const prepare = database.prepare.bind(database)
  const seen: string[] = []
  Object.assign(database, { prepare: (sql: string) => { seen.push(sql); return prepare(sql) } })
  openOperations(database)
  const cold = /json_each|from queue q (left )?join|d\.status = 'sending' order/
  t.ok(seen.length > 40)
  for (const sql of seen) {
    const values = sql.includes('$') ? [{ queue: 1, lanes: 1 }] : Array.from({ length: sql.split('?').length - 1 }, () => 1)
    const plan = (prepare(`explain query plan ${sql}`).all(...values) as { detail: string }[]).map(({ detail }) => detail)
    const scans = plan.filter((detail) => /^SCAN (?!json_each|k VIRTUAL|other|c\b|q\b|channel\b|\(|CONSTANT ROW)/.test(detail) && !/USING COVERING INDEX .*active/.test(detail))
    t.same(scans, [], sql)
    if (!cold.test(sql)) t.same(plan.filter((detail) => detail.includes('TEMP B-TREE')), [], sql)
  }
  database.close()
  t.end()
})

// ── Illegal states ──────────────────────────────────────────────────────────────────────

t.test('the file itself refuses illegal states', async (t) => {
  const folder = t.testdir()
  const store = openSqliteStore(join(folder, 'refero.db'))
  await deliveryAt(store, 'sending')
  const raw = new Database(join(folder, 'refero.db'))
  for (const set of ["status = 'lost'", "status = 'received', content = 0", 'content = 2', 'size = -1', "verdict = 'maybe', acknowledgements = x''", "verdict = 'accepted'", "reply_reason = 'x'", "acknowledgements = x''", "hash = x'00'", "received_at = 'noon'"]) {
    t.throws(() => raw.exec(`update message set ${set}`), /constraint failed|cannot store/, `message: ${set}`)
  }
  for (const set of ["status = 'lost'", 'active = 0', "status = 'sent'", "status = 'queued', active = 0", 'attempts = 0', 'attempts = -1', 'due_at = 5', 'lane = -1', 'hash = -1', 'hash = null, lane = 1', 'queue_id = 99', 'message_id = 99', 'doubtful = 2']) {
    t.throws(() => raw.exec(`update delivery set ${set}`), /constraint failed/, `delivery: ${set}`)
  }
  for (const sql of ["update payload set bytes = null", 'update message_bytes set attachment_id = 1', "update history set what = 'guessed'", 'delete from message', 'update queue set lanes = 0']) {
    t.throws(() => raw.exec(sql), /constraint failed/, sql)
  }
  raw.close()
  await store.close()
})

t.test('a delivery goes from one status to another only as the table says', async (t) => {
  const acts = {
    claim: async (store: Store) => (await claim(store, { at: after(100) })).deliveries.length > 0,
    'settle sent': (store: Store, id: number) => store.settle([settled({ id }, 'sent')]).then(() => true, () => false),
    'settle held': (store: Store, id: number) => store.settle([settled({ id }, 'held')]).then(() => true, () => false),
    'settle error': (store: Store, id: number) => store.settle([settled({ id }, 'error')]).then(() => true, () => false),
    'settle queued': (store: Store, id: number) => store.settle([settled({ id }, 'queued', { retryAt: after(50) })]).then(() => true, () => false),
    replay: async (store: Store, _: number, message: number) => (await store.replay(message, 'deliveries', null, 'alice', NOON)) > 0,
    skip: async (store: Store, _: number, message: number) => (await store.skip(message, null, 'alice', NOON)) > 0,
  }
  const allowed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    queued: { claim: 'sending' },
    sending: { 'settle sent': 'sent', 'settle held': 'held', 'settle error': 'error', 'settle queued': 'queued' },
    sent: {},
    held: { replay: 'queued', skip: 'error' },
    error: { replay: 'queued', skip: 'error' },
  }
  for (const status of ['queued', 'sending', 'sent', 'held', 'error'] as const) {
    for (const [act, run] of Object.entries(acts)) {
      const store = openSqliteStore(join(t.testdir(), 'refero.db'))
      const { message, delivery } = await deliveryAt(store, status)
      const next = allowed[status]?.[act]
      t.equal(await run(store, delivery.id, message), next !== undefined, `${act} of a ${status} one`)
      t.same(await statuses(store, message), [next ?? status], `${status} after ${act}`)
      await store.close()
    }
  }
})

t.test('two calls that would both number a new channel survive the failure of the first', async (t) => {
  const store = openSqliteStore(join(t.testdir(), 'refero.db'))
  const calls = await Promise.allSettled([
    store.accept(arrival('bad', { channel: 'new', at: new Date(Number.NaN) })),
    store.accept(arrival('good', { channel: 'new' })),
  ])
  t.same(calls.map(({ status }) => status), ['rejected', 'fulfilled'])
  t.equal((await store.received('new', 10)).length, 1)
  await pass(store, 'another')
  await store.close()
})
