/** The provider directory in the desk's file: each call is one transaction of the turn in which it is made. */
import type { Database } from 'better-sqlite3'
import type { ProviderFacts, Way } from '../contracts.js'
import { asked, type DeskFile } from '../store/file.js'
import { type Book, type Fields, providerBook } from './book.js'
import type { Changed, Imported, KnownProvider, Person, ProviderChanges, ProviderDirectory, ProviderHistory, ProviderQuery, Recognised, Seen } from './directory.js'
import { addressKey, nameText } from './names.js'
import { isNpi } from './npi.js'
import { recognise } from './recognise.js'
import { migrateProviders } from './schema.js'
import { WAYS } from './ways.js'

export interface DirectoryOptions { readonly order?: readonly Way[]; readonly now?: () => Date }

/** Opens the directory in a file that is open, adding its tables if need be; closing it leaves the file open. Throws STORE_TOO_NEW. */
export const openProviderDirectory = (file: Pick<DeskFile, 'database' | 'ask'>, { order = WAYS, now = () => new Date() }: DirectoryOptions = {}): ProviderDirectory => {
  migrateProviders(file.database)
  return { ...asked(file, operations(file.database, providerBook(file.database, order), now), ['get', 'search', 'history']), close: async () => {} }
}

const MOST = 200

const operations = (database: Database, book: Book, now: () => Date) => {
  const recent = database.prepare<[number], number>('select id from provider where merged_into is null order by last_seen desc, id desc limit ?').pluck()
  const byWords = database.prepare<[string, number], number>('select p.id from provider_words w join provider p on p.id = w.rowid where provider_words match ? order by p.last_seen desc, p.id desc limit ?').pluck()
  const byWay = database.prepare<[string, number], number>('select distinct w.provider from provider_way w join provider p on p.id = w.provider where w.way = ? order by p.last_seen desc, p.id desc limit ?').pluck()
  const uncertain = database.prepare<[number], number>('select distinct d.provider from provider_doubt d join provider p on p.id = d.provider order by p.last_seen desc, p.id desc limit ?').pluck()
  const histories = database.prepare<[number], ProviderHistory>(`
    with recursive own (id) as (values (?) union select p.id from provider p join own on p.merged_into = own.id)
    select at, by, what, why from provider_history where provider in (select id from own) order by provider_history.id`)
  const move = [
    ...['provider_way', 'provider_alias', 'provider_identifier', 'provider_doubt'].flatMap((table) => [`update or ignore ${table} set provider = @into where provider = @from`, `delete from ${table} where provider = @from`]),
    'update provider set practice_id = @into where practice_id = @from', 'update provider set npi = null, merged_into = @into where id = @from',
    'update provider set first_seen = min(first_seen, (select first_seen from provider where id = @from)), last_seen = max(last_seen, (select last_seen from provider where id = @from)) where id = @into',
  ].map((sql) => database.prepare<[{ from: number; into: number }]>(sql))

  const find = (id: string): KnownProvider | null => (/^\d{1,15}$/.test(id) ? book.get(Number(id)) : null)
  const none = (id: string): Changed => ({ done: false, because: `There is no provider ${id.slice(0, 20)}.` })
  const done = (id: string): Changed => ({ done: true, provider: find(id) as KnownProvider })

  return {
    recognise: (facts: ProviderFacts, seen: Seen): Recognised => recognise(book, facts, seen),
    add: (many: readonly ProviderFacts[], seen: Seen): Imported => {
      const counts = { added: 0, known: 0, skipped: 0 }
      for (const facts of many) {
        const { npi, name, practice } = facts
        const wanted = name !== null || practice !== null || (npi !== null && book.byNpi(npi) !== null)
        counts[!wanted ? 'skipped' : recognise(book, facts, seen).isNew ? 'added' : 'known']++
      }
      return counts
    },
    get: find,
    search: ({ text, npi, way, address, uncertain: doubtful, limit }: ProviderQuery): readonly KnownProvider[] => {
      const most = Math.min(Math.max(0, limit), MOST)
      const words = text?.match(/[\p{L}\p{N}]+/gu) ?? []
      if (text !== undefined && words.length === 0) return []
      const found = npi !== undefined ? [book.byNpi(npi)].filter((one) => one !== null)
        : way !== undefined && address !== undefined ? book.byWay(way, address)
        : words.length > 0 ? book.many(byWords.all(words.slice(0, 10).map((word) => `"${word}"*`).join(' AND '), MOST))
        : doubtful ? book.many(uncertain.all(MOST)) : way !== undefined ? book.many(byWay.all(way, most)) : book.many(recent.all(most))
      return found.filter((one) => (way === undefined || one.ways.some((each) => each.way === way && (address === undefined || addressKey(way, each.address) === addressKey(way, address)))) && (!doubtful || one.uncertain.length > 0)).slice(0, most)
    },
    update: (id: string, changes: ProviderChanges, by: string, why: string): Changed => {
      const before = find(id)
      if (!before) return none(id)
      const { forget = [], settled, ...fields } = changes
      const refusal = refused(book, before, fields)
      if (refusal) return { done: false, because: refusal }
      const hand = { at: now(), by, why }
      const key = Number(before.id)
      book.set(key, fields)
      for (const [name, value] of Object.entries(fields)) book.note(key, hand, `${name} changed from ${JSON.stringify(before[name as keyof typeof fields])} to ${JSON.stringify(value)}`)
      for (const { way, address } of forget) if (book.dropWay(key, way, address)) book.note(key, hand, `${way} ${address} forgotten`)
      if (settled && book.settle(key)) book.note(key, hand, `settled: ${before.uncertain.join(' ')}`)
      book.index(key)
      return done(before.id)
    },
    merge: (survivor: string, merged: string, by: string, why: string): Changed => {
      const [one, other] = [find(survivor), find(merged)]
      if (!one || !other) return none(one ? merged : survivor)
      if (one.id === other.id) return { done: false, because: `Provider ${merged} is provider ${one.id} already.` }
      if (one.kind !== other.kind) return { done: false, because: 'One of them is a person and the other a practice.' }
      if (one.npi && other.npi) return { done: false, because: `They have two NPIs, ${one.npi} and ${other.npi}: they are two providers.` }
      const [into, from] = [Number(one.id), Number(other.id)]
      const hand = { at: now(), by, why }
      for (const statement of move) statement.run({ from, into })
      const { npi, name, practice, specialty, address, preferred } = one
      book.set(into, { npi: npi ?? other.npi, name: name ?? other.name, practice: practice ?? other.practice, specialty: specialty ?? other.specialty, address: address ?? other.address, preferred: preferred ?? other.preferred })
      for (const alias of [other.name && nameText(other.name), other.practice]) if (alias && alias !== (name && nameText(name)) && alias !== practice) book.addAlias(into, alias)
      book.note(into, hand, `provider ${other.id} merged into this one`)
      book.note(from, hand, `merged into provider ${one.id}`)
      book.index(from)
      book.index(into)
      return done(one.id)
    },
    history: (id: string): readonly ProviderHistory[] => { const one = find(id); return one ? histories.all(Number(one.id)) : [] },
    failing: (id: string, way: Way, address: string, reason: string | null, by?: Person): void => {
      const one = find(id)
      const hand = { at: now(), by: by?.name ?? 'desk', why: by?.why ?? reason ?? 'it got through' }
      if (one && book.failing(Number(one.id), way, address, reason === null ? null : hand.at.toISOString(), reason)) book.note(Number(one.id), hand, `${way} ${address} ${reason === null ? 'may be tried first again' : 'failed for good'}`)
    },
    learn: (id: string, way: Way, address: string, from: string, by?: Person): void => {
      const one = find(id)
      if (one && book.addWay(Number(one.id), way, address, from)) book.note(Number(one.id), { at: now(), by: by?.name ?? from, why: by?.why ?? 'learned' }, `${way} ${address} learned`)
    },
  }
}

const refused = (book: Book, before: KnownProvider, { npi, name, preferred }: Fields): string | null => {
  if (npi && !isNpi(npi)) return `${npi.slice(0, 20)} is no NPI: ten digits, the first 1 or 2, the last the check digit.`
  const holder = npi ? book.byNpi(npi) : null
  if (holder && holder.id !== before.id) return `NPI ${npi} is that of provider ${holder.id}; merge them where they are the same.`
  if (name && before.kind === 'practice') return 'A practice has no name of a person.'
  return preferred && !WAYS.includes(preferred) ? `${String(preferred).slice(0, 20)} is no way to answer: ${WAYS.join(', ')}.` : null
}
