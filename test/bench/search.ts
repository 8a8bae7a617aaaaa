/**
 * How fast a full store opens, finds and pages. Run: node dist/test/bench/search.js [--messages 100000] [--folder DIR]
 * A folder that is named is kept, and what an earlier run wrote there (or as much as it came to) is asked again.
 * Messages are written into a store's file directly, as the engine would have left them, then indexed and searched through its own code.
 */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import type { MessageArchive, MessageQuery, MessageStore } from '../../engine/contracts.js'
import { openDatabase } from '../../engine/store/sqlite/open-database.js'
import { openThreadedStore } from '../../engine/store/sqlite/threaded-store.js'
import { openTextIndex } from '../../engine/store/sqlite/text-index.js'
import { CHANNELS, hospital } from './hospital.js'

const { values } = parseArgs({ options: { messages: { type: 'string', default: '100000' }, folder: { type: 'string' } } })
const MESSAGES = Number(values.messages)
const CHUNK = 20_000
const START = Date.UTC(2026, 0, 1)
const EVERY = 3_000 // milliseconds between two messages
const TIMES = 20

const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'refero-search-'))
const file = join(folder, 'messages.db')
const seconds = (since: number): number => (performance.now() - since) / 1000
const progress = (what: string, done: number, since: number): void => {
  process.stderr.write(`\r${what}: ${done} of ${MESSAGES}, ${Math.round(done / seconds(since))} a second   `)
  if (done >= MESSAGES) process.stderr.write('\n')
}

// ── Filling ─────────────────────────────────────────────────────────────────────────────

const fill = (): void => {
  const database = openDatabase(file)
  database.pragma('synchronous = off')
  database.pragma('foreign_keys = off')
  database.pragma('cache_size = -800000')
  const addChannel = database.prepare('insert into channel (name) values (?)')
  const addQueue = database.prepare(`insert into queue (channel_id, destination) values (?, 'ehr')`)
  const message = database.prepare(`insert into message (channel_id, received_at, status, size, control_id, type, origin, reason, verdict, acknowledgements, revision_id)
    values (?, ?, ?, ?, ?, ?, '10.0.0.7:50412', ?, 'accepted', ?, ?)`)
  const bytes = database.prepare('insert into message_bytes (message_id, bytes) values (?, ?)')
  const delivery = database.prepare(`insert into delivery (message_id, queue_id, lane, hash, status, active, attempts, size, reason) values (?, ?, 0, 0, ?, ?, 1, ?, ?)`)
  const payload = database.prepare('insert into payload (delivery_id, bytes) values (?, ?)')
  const index = database.prepare('insert or ignore into index_value (message_id, name, value) values (?, ?, ?)')
  const history = database.prepare('insert into history (message_id, sequence, at, what, queue_id, reason) values (?, ?, ?, ?, ?, ?)')
  database.transaction(() => {
    for (const channel of CHANNELS) {
      const id = addChannel.run(channel.name).lastInsertRowid
      addQueue.run(id)
      database.prepare('insert into revision (channel_id, hash) values (?, ?)').run(id, 'f3a9c1d07b52')
    }
  })()
  const began = performance.now()
  const one = hospital(MESSAGES)
  for (let from = 0; from < MESSAGES; from += CHUNK) {
    database.transaction(() => {
      for (let n = from; n < Math.min(from + CHUNK, MESSAGES); n++) {
        const { channel, type, controlId, content, mrn, name, fate } = one(n)
        const at = START + n * EVERY
        const status = fate === 'filtered' ? 'filtered' : fate === 'failed' ? 'error' : 'transformed'
        const id = Number(message.run(channel, at, status, content.length, controlId, type, status === 'transformed' ? null : 'a reason', Buffer.from(`MSH|^~\\&|||||||ACK|${n}|P|2.5.1\rMSA|AA|${controlId}\r`), channel).lastInsertRowid)
        bytes.run(id, content)
        index.run(id, 'mrn', mrn)
        index.run(id, 'name', name)
        history.run(id, 1, at + 5, status, null, null)
        if (status !== 'transformed') continue
        const refused = fate === 'refused'
        const waits = n > MESSAGES - 50
        const row = delivery.run(id, channel, waits ? 'queued' : refused ? 'error' : 'sent', waits ? 1 : 0, content.length, refused ? 'refused: AE' : null)
        payload.run(row.lastInsertRowid, content)
        history.run(id, 2, at + 40, refused ? 'refused' : 'sent', channel, refused ? 'refused: AE' : null)
      }
    })()
    progress('written', Math.min(from + CHUNK, MESSAGES), began)
  }
  database.pragma('wal_checkpoint(truncate)')
  database.close()
}

/** Indexes what is not indexed yet; gives how many messages there are, and how many were indexed in a second. */
const indexWords = (): { total: number; rate: number } => {
  const main = new Database(file, { readonly: true })
  const total = Number(main.prepare('select max(id) from message').pluck().get())
  const words = openTextIndex(main, join(folder, 'search.db'))
  const before = words.indexed
  const began = performance.now()
  for (let steps = 0; words.step(); steps++) if (steps % 20 === 0) progress('indexed', words.indexed, began)
  const rate = (total - before) / seconds(began)
  words.close()
  main.close()
  return { total, rate }
}

// ── Asking ──────────────────────────────────────────────────────────────────────────────

const opening = async (at: string): Promise<{ store: MessageStore & MessageArchive; milliseconds: number }> => {
  const began = performance.now()
  const store = await openThreadedStore(at)
  await store.queues(null)
  return { store, milliseconds: performance.now() - began }
}

/** The first time, and the middle and the slowest of the times after it, in milliseconds; nothing is cached but what stays from time to time. */
const measure = async (archive: MessageArchive, what: string, queries: readonly Omit<MessageQuery, 'limit'>[]): Promise<void> => {
  const times: number[] = []
  let found = 0
  for (let n = 0; n < TIMES; n++) {
    const began = performance.now()
    found = (await archive.search({ ...(queries[n % queries.length] as Omit<MessageQuery, 'limit'>), limit: 50 })).length
    times.push(performance.now() - began)
  }
  const [first = 0, ...rest] = times
  rest.sort((a, b) => a - b)
  const say = (milliseconds: number): string => `${milliseconds.toFixed(1)} ms`.padStart(10)
  console.log(`${what.padEnd(62)} ${say(first)} ${say(rest[rest.length >> 1] ?? 0)} ${say(rest.at(-1) ?? 0)}  ${String(found).padStart(3)} found`)
}

const ask = async (archive: MessageArchive, total: number): Promise<void> => {
  const one = hospital(MESSAGES)
  const picked = Array.from({ length: TIMES }, (_, n) => one(Math.floor((total - 1) * ((n * 7919) % 1000) / 1000)))
  const day = (n: number): Date => new Date(START + total * EVERY * n)
  const [busy, , quiet] = CHANNELS as readonly [{ name: string }, unknown, { name: string }]
  console.log(`${''.padEnd(62)} ${'first'.padStart(10)} ${'median'.padStart(10)} ${'slowest'.padStart(10)}`)
  await measure(archive, 'one MRN (a different one each time)', picked.map(({ mrn }) => ({ field: 'mrn', value: mrn })))
  await measure(archive, 'a control id', picked.map(({ controlId }) => ({ controlId })))
  await measure(archive, 'the beginning of a name, indexed', picked.map(({ name }) => ({ field: 'name', value: `${name.slice(0, 6)}*` })))
  await measure(archive, 'a rare word (an order number)', picked.map(({ controlId }) => ({ text: `ORD${controlId.slice(3)}` })))
  await measure(archive, 'a family name and a given name', picked.map(({ name }) => ({ text: name.replace('^', ' ') })))
  await measure(archive, 'a medium word (in 1 of 200)', [{ text: 'cholecystectomy' }])
  await measure(archive, 'a common word (in most)', [{ text: 'glucose' }])
  await measure(archive, 'the beginning of a word: CHOLE*', [{ text: 'chole*' }])
  await measure(archive, 'a common beginning: 20*', [{ text: '20*' }])
  await measure(archive, 'two common words', [{ text: 'glucose creatinine' }])
  await measure(archive, 'a word that nothing has', [{ text: 'xylophone' }])
  await measure(archive, 'a word, a channel and a week', [{ text: 'cholecystectomy', channel: busy.name, since: day(0.5), until: day(0.52) }])
  await measure(archive, 'a common word in a quiet channel', [{ text: 'glucose', channel: quiet.name }])
  await measure(archive, 'a word among what failed', [{ text: 'glucose', status: 'error' }])
  await measure(archive, 'first page', [{}])
  await measure(archive, 'last page', [{ before: 51 }])
  await measure(archive, 'a page in the middle', [{ before: total >> 1 }])
  await measure(archive, 'a quiet channel (1 of 10,000), last page', [{ channel: quiet.name, before: total >> 3 }])
  await measure(archive, 'a rare type (1 of 100,000)', [{ type: 'ADT^A40' }])
  await measure(archive, 'a type and a channel', [{ type: 'ORU^R01', channel: busy.name }])
  await measure(archive, 'a type that a channel never had', [{ type: 'ADT^A40', channel: quiet.name }])
  await measure(archive, 'what failed', [{ status: 'error' }])
  await measure(archive, 'what failed in a quiet channel', [{ status: 'error', channel: quiet.name }])
  await measure(archive, 'filtered, in the middle', [{ status: 'filtered', before: total >> 1 }])
  await measure(archive, 'queued', [{ status: 'queued' }])
  await measure(archive, 'an hour long ago', [{ since: day(0.1), until: new Date(day(0.1).getTime() + 3_600_000) }])
  await measure(archive, 'a channel, a type, a status and a day', [{ channel: busy.name, type: 'ORU^R01', status: 'sent', since: day(0.3), until: new Date(day(0.3).getTime() + 86_400_000) }])
  const began = performance.now()
  const queues = await archive.queues(null)
  console.log(`all ${queues.length} queues: ${(performance.now() - began).toFixed(1)} ms`)
}

const open = async (at: string): Promise<number> => {
  const { store, milliseconds } = await opening(at)
  await store.close()
  return milliseconds
}
const empty = mkdtempSync(join(tmpdir(), 'refero-empty-'))
const none = await open(join(empty, 'messages.db'))
rmSync(empty, { recursive: true })
if (!existsSync(file)) fill()
const { total, rate } = indexWords()
const { store, milliseconds } = await opening(file)
const each = (name: string): number => Math.round(statSync(join(folder, name)).size / total)
console.log(`${total} messages of ${hospital(MESSAGES)(1).content.length} bytes, most with one delivery of as many, in ${CHANNELS.length} channels`)
console.log(`open and ready: ${none.toFixed(0)} ms with none, ${milliseconds.toFixed(0)} ms with all`)
console.log(`on disk: ${each('messages.db')} bytes a message in messages.db, ${each('search.db')} in search.db; indexed at ${Math.round(rate)} messages a second`)
await ask(store, total)
await store.close()
if (!values.folder) rmSync(folder, { recursive: true })
