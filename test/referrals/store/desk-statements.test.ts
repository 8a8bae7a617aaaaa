/** The embedded desk store statement by statement: each may fail, uses an index, and cannot write an illegal state; and its file in the world. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { openDatabase } from '../../../engine/store/sqlite/open-database.js'
import type { Change, DeskStore } from '../../../referrals/desk-contracts.js'
import { openDesk, openSqliteDeskStore } from '../../../referrals/store/desk-store.js'
import { openDeskFile } from '../../../referrals/store/file.js'
import { openThreadedDeskStore } from '../../../referrals/store/threaded-desk-store.js'
import { after, changeOf, documentOf, DONE, failure, NOON, noticeOf, open } from '../../conformance/desk-kit.js'

const FULL: Change = changeOf('a', 1, {
  command: 'full', events: ['accepted', 'scheduled'], notices: [noticeOf('a', { status: 'waiting' }), noticeOf('a')], settled: [{ id: 1, status: 'sent', fate: 'x' }], keys: [{ kind: 'filler', value: 'F1' }, { kind: 'patient', value: '4711' }],
  documents: [documentOf('one'), documentOf('two')], withdrawn: ['two'], bundle: '{"new":true}', nextDue: after(60), found: { text: 'new words', payer: 'Acme' },
  state: { stage: 'scheduled', urgency: 'stat', provider: '18', holds: { notice: { since: NOON, reason: 'x' } }, overdue: { visit: 1 }, patient: { status: 'matched', chart: { source: 'epic-main', id: '4711' } }, specialty: 'cardiology', route: { ehr: 'epic-main', location: 'north', practitioner: null, queue: null, tasks: [] } },
})
const prepare = (desk: DeskStore): Promise<void> => open(desk, 'a', { notices: [noticeOf('a')], documents: [documentOf('one')], bundle: '{"old":true}', found: { text: 'old words', payer: null }, keys: [{ kind: 'placer', value: 'P1' }] })

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

t.test('whichever statement of a change fails, nothing of it is kept, and it can be done again', async (t) => {
  for (let failing = 1, broken = true; broken; failing++) {
    const file = join(t.testdir(), 'desk.db')
    const desk = openSqliteDeskStore(file)
    await prepare(desk)
    const reader = new Database(file, { readonly: true })
    const kept = (): string => JSON.stringify(['referral', 'referral_state', 'bundle', 'event', 'notice', 'document', 'unique_key', 'shared_key', 'command', "words ('old')", "words ('new')"].map((table) =>
      reader.prepare(`select ${table.startsWith('words') ? 'rowid' : '*'} from ${table} order by 1, 2`.replace(/(words.*) order.*/, '$1')).all()))
    const before = kept()
    let executed = 0
    broken = false
    saboteur = (sql) => {
      if (!/^\s*(insert|update)/.test(sql)) return false
      broken ||= ++executed === failing
      return broken // until it is rolled back, and when it is tried again
    }
    const refused = await failure(desk.commit(FULL))
    saboteur = () => false
    if (!broken) t.ok(executed > 20, `${executed} statements`)
    if (broken) {
      t.match(refused, { code: 'STORE_FAILED' })
      t.equal(kept(), before, `statement ${failing}`)
      t.match(await desk.commit(FULL), DONE, 'it can be done again')
    }
    t.not(kept(), before)
    reader.close()
    await desk.close()
  }
})

// ── Every statement uses an index ───────────────────────────────────────────────────────

t.test('no statement reads a whole table, and no hot one sorts', async (t) => {
  const file = openDeskFile(join(t.testdir(), 'desk.db'))
  const real = file.database.prepare.bind(file.database)
  const seen = new Set<string>()
  Object.assign(file.database, { prepare: (sql: string) => { seen.add(sql); return real(sql) } })
  const desk = { ...openDesk(file), close: async () => {} }
  await prepare(desk)
  await desk.commit(FULL)
  for (const to of [{ ways: ['fax'] as const }, { ways: ['fax', 'email'] as const }, { ehrs: ['epic-main'] }, { ehrs: ['a', 'b'] }, { ehrs: ['a'], ways: ['fax'] as const }, {}]) await desk.openNotices(['status', 'outcome'], to, 0, NOON, 5)
  await desk.stream(0, null, 5)
  await desk.stream(0, ['read', 'accepted'], 5)
  const filters = { stage: ['closed', 'seen'], direction: 'inbound', hold: 'any', provider: '17', specialty: 'x', ehr: 'x', location: 'x', payer: 'x', urgency: 'stat', patient: { source: 'x', id: '1' }, overdue: true, since: NOON, until: NOON, text: 'x' } as const
  for (const [name, value] of Object.entries(filters)) {
    await desk.search({ limit: 5, [name]: value, before: 'a' })
    await desk.search({ limit: 5, [name]: value, text: 'words' })
  }
  await desk.search({ limit: 5, stage: ['closed'] })
  await desk.search({ limit: 5, hold: 'patient' })

  t.ok(seen.size > 70, `${seen.size} statements`)
  /** Whole only in part: streams already limited, the conditions of words, and lists that people empty. */
  const mayScan = /^SCAN (\(subquery|json_each|words VIRTUAL|CONSTANT ROW|stray USING INDEX stray_(open|settled))/
  const used = new Set<string>()
  for (const sql of seen) {
    const values = sql.includes('@') ? [Object.fromEntries([...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, 1]))] : Array.from({ length: sql.split('?').length - 1 }, () => 1)
    const plan = (real(`explain query plan ${sql}`).all(...values) as { detail: string }[]).map(({ detail }) => detail)
    for (const detail of plan) used.add(/USING (?:COVERING )?INDEX ([a-z]+_[a-z_]+)/.exec(detail)?.[1] ?? '')
    t.same(plan.filter((detail) => detail.startsWith('SCAN') && !mayScan.test(detail)), [], sql)
    const sorts = /union all|json_each|status = 'waiting' and|order by d.number/.test(sql) // merged streams, what waits for a digest, one referral's documents
    if (!sorts) t.same(plan.filter((detail) => detail.includes('TEMP B-TREE')), [], sql)
  }
  const searched = ['received', 'direction', 'stage', 'urgency', 'holds', 'overdue', 'provider', 'specialty', 'ehr', 'location', 'payer', 'chart'].map((name) => `referral_${name}`)
  const served = [...searched, 'referral_due', 'event_name', 'event_recorded', 'notice_referral', 'notice_way', 'notice_recipient', 'notice_waiting', 'proof_due', 'early_receipt_at', 'early_receipt_command', 'stray_open', 'stray_settled']
  t.same(served.filter((index) => !used.has(index)), [], 'each index serves a statement')
  t.same(real("select name from sqlite_schema where type = 'index' and sql is not null order by name").pluck().all(), served.sort(), 'and there are no others')
  file.close()
})

// ── Illegal states ──────────────────────────────────────────────────────────────────────

t.test('the file itself refuses illegal states', async (t) => {
  const path = join(t.testdir(), 'desk.db')
  const desk = openSqliteDeskStore(path)
  await prepare(desk)
  const raw = new Database(path)
  const wrong = {
    referral: ["stage = 'lost'", "direction = 'sideways'", "urgency = 'soon'", 'sequence = 0', 'holds = -1', 'overdue = 2', "received_at = 'noon'", "chart = '1'", "id = null"],
    notice: ["status = 'gone'", 'referral = 99', "not_before = 'noon'"], document: ["status = 'lost'", "role = 'poem'", 'referral = 99'], event: ['sequence = 0', 'referral = 99'],
    command: ['referral = 99'], unique_key: ['referral = 99'], bundle: ['packed = 1'],
  }
  for (const [table, sets] of Object.entries(wrong)) for (const set of sets) t.throws(() => raw.exec(`update ${table} set ${set}`), /constraint failed|cannot store/, `${table}: ${set}`)
  t.throws(() => raw.exec("insert into unique_key (value, kind, referral) values ('P1', 'placer', 1)"), /UNIQUE/)
  t.throws(() => raw.exec("insert into event (referral, sequence, name, recorded_at, event) values (1, 1, 'x', 0, '{}')"), /UNIQUE/)
  raw.close()
  await desk.close()
})

// ── The file in the world ───────────────────────────────────────────────────────────────

t.test('the file is opened so that what is committed stays, for the engine’s user alone, and no other program’s is touched', async (t) => {
  const folder = t.testdir()
  const file = openDeskFile(join(folder, 'new', 'desk.db'))
  t.same(['journal_mode', 'synchronous', 'foreign_keys', 'secure_delete'].map((name) => file.database.pragma(name, { simple: true })), ['wal', 2, 1, 1])
  t.equal(statSync(join(folder, 'new', 'desk.db')).mode & 0o077, 0)
  file.database.pragma('user_version = 99')
  file.close()
  t.throws(() => openSqliteDeskStore(join(folder, 'new', 'desk.db')), { code: 'STORE_TOO_NEW' })
  await t.rejects(openThreadedDeskStore(join(folder, 'new', 'desk.db')), { code: 'STORE_TOO_NEW' })
  openDatabase(join(folder, 'refero.db')).close()
  t.throws(() => openSqliteDeskStore(join(folder, 'refero.db')), { code: 'STORE_CORRUPT' }, 'the message store is another file')
  writeFileSync(join(folder, 'letter.txt'), 'no database '.repeat(500))
  t.throws(() => openSqliteDeskStore(join(folder, 'letter.txt')), { code: 'STORE_CORRUPT' })
  mkdirSync(join(folder, 'a-folder'))
  t.throws(() => openSqliteDeskStore(join(folder, 'a-folder')), { code: 'STORE_FAILED' })
})

t.test('a store that is closed ends what it has, and says that it is closed', async (t) => {
  for (const desk of [openSqliteDeskStore(':memory:'), await openThreadedDeskStore(join(t.testdir(), 'desk.db'))]) {
    const last = desk.commit(changeOf('a'))
    await desk.close()
    t.match(await last, DONE)
    t.match(await failure(desk.state('a')), { code: 'STORE_FAILED', message: /closed/ })
    await desk.close()
  }
})
