/**
 * What a referral costs the embedded desk store, and whether it costs more when there are many. Run: node dist/test/bench/desk-store.js [sizes, as in 10000,100000,1000000]
 * A referral is opened (6 events, 2 notices, 8 keys, a bundle of 80 kB) and changed six times (one event each, some with a notice). Stores of all sizes are filled
 * first (beyond 10,000 by copies with other ids, numbers and times) and then measured by turns, so that what else the machine does falls on all of them.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import Database from 'better-sqlite3'
import type { Change, DeskStore, EventName, Key, KeyKind, ReferralQuery } from '../../referrals/desk-contracts.js'
import { openSqliteDeskStore } from '../../referrals/store/desk-store.js'
import { changeOf, eventOf, noticeOf } from '../conformance/desk-kit.js'

const SIZES = (process.argv[2] ?? '10000,100000').split(',').map(Number)
const ROUNDS = 9
/** Referrals in a round, and how many of them side by side. */
const MEASURED = [[60, 1], [480, 16]] as const
/** So many are really lived; the others are copies. Copied bundles are empty: they lie in a table of their own, that no index covers. */
const LIVED = 10_000
const WORDS = 'patient reports intermittent exertional chest discomfort radiating to the left arm since march denies syncope family history of coronary disease please evaluate and advise'.split(' ')

const random = (below: number): number => Math.floor(Math.random() * below)
const words = (count: number): string => Array.from({ length: count }, () => WORDS[random(WORDS.length)]).join(' ')
const letters = (count: number): string => Array.from({ length: count }, () => String.fromCharCode(65 + random(26))).join('')
/** Grows with time, as the desk's own ids do. */
const newId = (serial: number): string => `${(0x19_57a0_0000 + serial).toString(16).padStart(12, '0').replace(/^(.{8})/, '$1-')}-7${randomUUID().slice(15)}`

const bundleOf = (size: number): string => {
  const entries: unknown[] = []
  for (let length = 0; length < size; length += JSON.stringify(entries.at(-1)).length) {
    const id = randomUUID()
    entries.push(entries.length % 3 === 0
      ? { fullUrl: `urn:uuid:${id}`, resource: { resourceType: 'Condition', id, code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: `${letters(1)}${random(99)}.${random(9)}`, display: words(6) }] }, note: [{ text: words(40) }] } }
      : { fullUrl: `urn:uuid:${id}`, resource: { resourceType: 'Provenance', id, target: [{ reference: `urn:uuid:${randomUUID()}` }], recorded: new Date().toISOString(), agent: [{ who: { display: words(3) } }], entity: [{ role: 'source', what: { display: `PID-${random(30)}.${random(9)}` } }], extension: [{ url: 'confidence', valueDecimal: random(100) / 100 }] } })
  }
  return JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry: entries })
}
const BUNDLES = Array.from({ length: 50 }, () => bundleOf(80_000))

const UNIQUE: readonly KeyKind[] = ['reference', 'placer', 'filler', 'message', 'document', 'request']
const FACTS = { words: words(20), via: 'referrals-hl7', evidence: [{ says: words(12), quote: words(6), at: 'ServiceRequest.reasonCode[0].text' }] }
const OPENING: readonly EventName[] = ['received', 'read', 'matched', 'triaged', 'routed', 'acknowledged']
const LIFE = [['handed-off', 'handed-off'], ['accepted', 'accepted'], ['contacted', 'contacted'], ['scheduled', 'scheduled'], ['seen', 'seen'], ['reported', 'reported']] as const

const opening = (serial: number, id: string): Change => {
  const at = new Date(1_772_000_000_000 + serial * 1000).toISOString()
  const chart = { source: 'epic-main', id: String(random(400_000)) }
  const keys: Key[] = [...UNIQUE.map((kind) => ({ kind, value: `${letters(4)}-${random(1e9)}` })), { kind: 'patient', value: `epic-main|${chart.id}` }, { kind: 'pair', value: `${chart.id}|${random(3000)}` }]
  return changeOf(id, 0, {
    command: `referrals-hl7/desk/${serial}`, events: OPENING.map((name, n) => eventOf(n + 1, name, { at, recordedAt: at, facts: FACTS })), keys,
    notices: [noticeOf(id, { to: 'ehr epic-main', kind: 'hand-off', way: null }), noticeOf(id)], bundle: BUNDLES[serial % BUNDLES.length] as string,
    state: {
      receivedAt: at, stage: 'routed', provider: String(random(3000)), specialty: WORDS[random(20)] as string, patient: { status: 'matched', chart }, times: Object.fromEntries(OPENING.map((name) => [name, at])),
      route: { ehr: `ehr-${random(4)}`, location: `location-${random(20)}`, practitioner: null, queue: 'intake', tasks: ['call', 'verify'] }, toTell: { acknowledgement: at }, missing: [{ item: 'patient-phone', says: words(8), blocks: false }],
    },
    nextDue: at, found: { text: `${letters(8)} ${letters(6)} ${random(1e8)} ${keys[0]?.value} ${words(15)}`, payer: `payer-${random(60)}` },
  })
}
const changes = (opened: Change, serial: number, notices: readonly number[]): readonly Change[] => LIFE.map(([name, stage], n) => changeOf(opened.state.id, 6 + n, {
  command: `feedback-${n}/desk/${serial}`, state: { ...opened.state, sequence: 7 + n, stage, toTell: {} }, events: [eventOf(7 + n, name, { facts: FACTS, recordedAt: opened.state.receivedAt })], nextDue: n === 5 ? null : new Date(Date.parse(opened.state.receivedAt) + n * 86_400_000).toISOString(),
  notices: n % 2 ? [noticeOf(opened.state.id, { kind: 'status', status: 'sent' })] : [], settled: n === 0 ? notices.map((id) => ({ id, status: 'sent', fate: 'x' })) : [],
}))

interface Cost { open: number; change: number; processor: number }

/** Takes referrals through their lives, so many side by side, one commit for each group of calls. Microseconds: an opening, a change, and the processor's for a referral. */
const live = async (desk: DeskStore, first: number, count: number, together: number): Promise<Cost> => {
  const cost = { open: 0, change: 0, processor: 0 }
  const took = async (what: keyof Cost, changes: readonly Change[], of: number): Promise<void> => {
    const from = performance.now()
    const before = process.cpuUsage()
    await Promise.all(changes.map((change) => desk.commit(change)))
    const { user, system } = process.cpuUsage(before)
    cost[what] += (performance.now() - from) * 1000 / of
    cost.processor += (user + system) / count
  }
  for (let serial = first; serial < first + count; serial += together) {
    const opened = Array.from({ length: together }, (_, n) => opening(serial + n, newId(serial + n)))
    await took('open', opened, count)
    const notices = await Promise.all(opened.map(async ({ state }) => (await desk.notices(state.id)).map(({ id }) => id)))
    const lives = opened.map((change, n) => changes(change, serial + n, notices[n] ?? []))
    for (let step = 0; step < LIFE.length; step++) await took('change', lives.map((life) => life[step] as Change), count * LIFE.length)
  }
  return cost
}

const timed = (name: string, pack: (text: string) => Buffer, unpack: (packed: Buffer) => Buffer): void => {
  const packed = BUNDLES.map(pack)
  const each = (work: () => void): string => {
    const from = performance.now()
    for (let n = 0; n < 4; n++) work()
    return ((performance.now() - from) * 1000 / 4 / BUNDLES.length).toFixed(0)
  }
  console.log(`${name}: ${each(() => BUNDLES.map(pack))} µs to pack ${BUNDLES[0]?.length} letters to ${packed[0]?.length} bytes, ${each(() => packed.map((one) => unpack(one).toString()))} µs to unpack`)
}
for (const level of [1, 3, 6]) timed(`deflate ${level}`, (text) => deflateRawSync(text, { level }), (packed) => inflateRawSync(packed))
for (const quality of [0, 1, 4]) timed(`brotli ${quality} `, (text) => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }), (packed) => brotliDecompressSync(packed))

/** Copies the first referrals until there are `size`: the `@copy`th copy of each, as much later as it has a higher number. */
const COPIES = [
  ['referral', 'number + @copy * @lived', { id: "printf('%08x', @copy) || substr(id, 9)", received_at: 'received_at + @copy * @lived * 1000', next_due: 'next_due + @copy * @lived * 1000' }],
  ['referral_state', 'referral + @copy * @lived', {}], ['bundle', 'referral + @copy * @lived', { packed: 'zeroblob(100)' }],
  ['event', 'position + @copy * (select count(*) from event where referral <= @lived)', { referral: 'referral + @copy * @lived', recorded_at: 'recorded_at + @copy * @lived * 1000' }],
  ['notice', 'id + @copy * (select count(*) from notice where referral <= @lived)', { referral: 'referral + @copy * @lived' }],
  ['unique_key', "value || '-' || @copy", { referral: 'referral + @copy * @lived' }], ['shared_key', 'value', { referral: 'referral + @copy * @lived' }],
  ['command', "command || '-' || @copy", { referral: 'referral + @copy * @lived' }],
] as const
const multiply = (file: string, size: number): void => {
  const database = new Database(file)
  database.pragma('synchronous = off')
  database.pragma('cache_size = -500000')
  const statements = COPIES.map(([table, first, others]) => {
    const [key, ...columns] = database.pragma(`table_info(${table})`) as { name: string }[]
    const values = columns.map(({ name }) => (others as Record<string, string>)[name] ?? name)
    return database.prepare(`insert into ${table} select ${[first, ...values].join(', ')} from ${table} where ${table === 'referral' ? key?.name : 'referral'} <= @lived`)
  })
  const addWords = database.prepare('insert into words (rowid, text) values (?, ?)')
  for (let copy = 1; copy < size / LIVED; copy++) {
    database.transaction(() => {
      for (const statement of statements) statement.run({ copy, lived: LIVED })
      for (let n = 1; n <= LIVED; n++) addWords.run(copy * LIVED + n, `${letters(8)} ${letters(6)} ${random(1e8)} ${letters(4)} ${words(15)}`)
    })()
  }
  database.close()
}

const folder = mkdtempSync(join(tmpdir(), 'refero-desk-'))
const stores = []
for (const size of SIZES) {
  const file = join(folder, `${size}.db`)
  const lived = openSqliteDeskStore(file)
  for (let serial = 0; serial < LIVED; serial += 500) await live(lived, serial, 500, 500)
  await lived.close()
  if (size === SIZES[0]) console.log(`${Math.round(statSync(file).size / LIVED)} bytes of file for each referral`)
  multiply(file, size)
  const desk = openSqliteDeskStore(file)
  stores.push({ size, desk, serial: size, costs: MEASURED.map((): Cost[] => []) })
}
for (let round = 0; round < ROUNDS; round++) {
  for (const [n, [count, together]] of MEASURED.entries()) {
    for (const store of stores) {
      store.costs[n]?.push(await live(store.desk, store.serial, count, together))
      store.serial += count
    }
  }
}
const median = (values: readonly number[]): number => values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0
for (const [n, [, together]] of MEASURED.entries()) {
  for (const { size, costs } of stores) {
    const of = (each: (cost: Cost) => number): string => median((costs[n] ?? []).map(each)).toFixed(0)
    console.log(`${size} referrals, ${String(together).padStart(2)} side by side: ${of(({ open }) => open)} µs to open, ${of(({ change }) => change)} µs a change, ${of(({ open, change }) => open + LIFE.length * change)} µs a referral, ${of(({ processor }) => processor)} µs of processor`)
  }
}

const QUERIES: readonly Omit<ReferralQuery, 'limit'>[] = [
  {}, { stage: ['reported', 'closed'] }, { provider: '17', ehr: 'ehr-2' }, { location: 'location-7', payer: 'payer-7', specialty: 'chest' }, { ehr: 'ehr-1', direction: 'outbound' }, { hold: 'any' }, { patient: { source: 'epic-main', id: '4711' } },
  { text: 'abc' }, { text: 'coronary disease' }, { text: 'coronary disease', provider: '17' },
]
for (const query of QUERIES) {
  const said: string[] = []
  for (const { size, desk } of stores) {
    const from = performance.now()
    const { length } = await desk.search({ ...query, limit: 50 })
    said.push(`${length} of ${size} in ${(performance.now() - from).toFixed(1)} ms`)
  }
  console.log(`search ${JSON.stringify(query)}: ${said.join(', ')}`)
}
for (const { desk } of stores) await desk.close()
rmSync(folder, { recursive: true })
