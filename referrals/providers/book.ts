/** Reads and writes the directory's rows: one provider whole, and small changes that are written into its history. */
import type { Database } from 'better-sqlite3'
import type { Address, Coded, Identifier, PersonName, ProviderFacts, Way } from '../contracts.js'
import type { KnownProvider } from './directory.js'
import { addressKey, familyKey, nameText, practiceKey } from './names.js'
import { inOrder } from './ways.js'

interface ProviderRow {
  readonly id: number; readonly kind: 'person' | 'practice'; readonly npi: string | null; readonly name: string | null; readonly practice: string | null; readonly practice_id: number | null
  readonly specialty: string | null; readonly address: string | null; readonly preferred: Way | null; readonly first_seen: string; readonly last_seen: string; readonly merged_into: number | null
}
interface WayRow { readonly way: Way; readonly address: string; readonly learned: string; readonly failed_at: string | null; readonly failed_reason: string | null }

/** The fields of a provider that have one value. */
export interface Fields { npi?: string | null; name?: PersonName | null; practice?: string | null; practiceId?: number | null; specialty?: Coded | null; address?: Address | null; preferred?: Way | null }
/** Who changes something, when, and why. */
export interface Hand { readonly at: Date; readonly by: string; readonly why: string }

export type Book = ReturnType<typeof providerBook>

const json = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value))
const parsed = <Value>(text: string | null): Value | null => (text === null ? null : (JSON.parse(text) as Value))

/** Everything runs at once on the connection; the caller has the transaction. */
export const providerBook = (database: Database, order: readonly Way[]) => {
  const sql = {
    row: database.prepare<[number], ProviderRow>('select * from provider where id = ?'),
    ways: database.prepare<[number], WayRow>('select way, address, learned, failed_at, failed_reason from provider_way where provider = ? order by number'),
    identifiers: database.prepare<[number], Identifier>("select nullif(system, '') as system, value, type from provider_identifier where provider = ?"),
    aliases: database.prepare<[number], string>('select alias from provider_alias where provider = ? order by alias').pluck(),
    doubts: database.prepare<[number], string>('select says from provider_doubt where provider = ?').pluck(),
    byNpi: database.prepare<[string], number>('select id from provider where npi = ?').pluck(),
    byWay: database.prepare<[string, string], number>('select provider from provider_way where key = ? and way = ? limit 200').pluck(),
    byPractice: database.prepare<[string, string], number>('select id from provider where practice_key = ? and kind = ? and merged_into is null limit 200').pluck(),
    byNamed: database.prepare<[string], number>('select provider from provider_named where key = ?').pluck(),
    addNamed: database.prepare('insert or ignore into provider_named (key, provider) values (?, ?)'),
    insert: database.prepare<[string, string, string]>('insert into provider (kind, first_seen, last_seen) values (?, ?, ?)'),
    set: database.prepare('update provider set npi = ?, name = ?, family_key = ?, practice = ?, practice_key = ?, practice_id = ?, specialty = ?, address = ?, preferred = ? where id = ?'),
    seen: database.prepare('update provider set last_seen = max(last_seen, ?), first_seen = min(first_seen, ?) where id = ?'),
    addWay: database.prepare('insert or ignore into provider_way (provider, way, key, address, learned, number) values (?, ?, ?, ?, ?, (select count(*) from provider_way where provider = ?))'),
    failing: database.prepare('update provider_way set failed_at = ?, failed_reason = ? where provider = ? and way = ? and key = ?'),
    dropWay: database.prepare('delete from provider_way where provider = ? and way = ? and key = ?'),
    addIdentifier: database.prepare('insert or ignore into provider_identifier (provider, system, value, type) values (?, ?, ?, ?)'),
    addAlias: database.prepare('insert or ignore into provider_alias (provider, alias) values (?, ?)'),
    addDoubt: database.prepare('insert or ignore into provider_doubt (provider, says) values (?, ?)'),
    settle: database.prepare('delete from provider_doubt where provider = ?'),
    note: database.prepare('insert into provider_history (provider, at, by, what, why) values (?, ?, ?, ?, ?)'),
    dropWords: database.prepare('delete from provider_words where rowid = ?'),
    addWords: database.prepare('insert into provider_words (rowid, text) values (?, ?)'),
  }

  const final = (id: number): ProviderRow | null => {
    let row = sql.row.get(id)
    while (row?.merged_into) row = sql.row.get(row.merged_into)
    return row ?? null
  }
  const get = (id: number): KnownProvider | null => {
    const row = final(id)
    if (!row) return null
    const learned = sql.ways.all(row.id)
    const addresses = (way: Way): readonly string[] => learned.filter((one) => one.way === way).map(({ address }) => address)
    return {
      id: String(row.id), kind: row.kind, npi: row.npi, identifiers: sql.identifiers.all(row.id), name: parsed(row.name), practice: row.practice, practiceId: row.practice_id === null ? null : String(final(row.practice_id)?.id),
      specialty: parsed(row.specialty), address: parsed(row.address), phones: addresses('phone'), faxes: addresses('fax'), emails: addresses('email'), directAddresses: addresses('direct'),
      aliases: sql.aliases.all(row.id), ways: inOrder(learned.map(({ failed_at: at, failed_reason: reason, ...way }) => ({ ...way, ...(at !== null && { failed: { at, reason: reason ?? '' } }) })), row.preferred, order), preferred: row.preferred, firstSeen: row.first_seen, lastSeen: row.last_seen, uncertain: sql.doubts.all(row.id),
    }
  }
  const many = (ids: readonly number[]): readonly KnownProvider[] => [...new Map(ids.flatMap((id) => { const one = get(id); return one ? [[one.id, one] as const] : [] })).values()]
  const note = (id: number, { at, by, why }: Hand, what: string): void => { sql.note.run(id, at.toISOString(), by, what, why) }
  /** What is searched for words: names, aliases, the practice, the NPI. */
  const index = (id: number): void => {
    const one = get(id)
    sql.dropWords.run(id)
    if (one && one.id === String(id)) sql.addWords.run(id, [one.name && nameText(one.name), one.practice, one.npi, one.address?.city, ...one.aliases].filter(Boolean).join(' '))
  }

  return {
    get, many, note, index,
    byNpi: (npi: string) => many(sql.byNpi.all(npi))[0] ?? null,
    byWay: (way: Way, address: string) => { const key = addressKey(way, address); return key === '' ? [] : many(sql.byWay.all(key, way)) },
    byPractice: (name: string, kind: KnownProvider['kind']) => { const key = practiceKey(name); return key === '' ? [] : many(sql.byPractice.all(key, kind)) },
    byNamed: (key: string) => many(sql.byNamed.all(key))[0] ?? null,
    addNamed: (key: string, id: number): void => { sql.addNamed.run(key, id) },
    insert: (kind: KnownProvider['kind'], at: Date): number => Number(sql.insert.run(kind, at.toISOString(), at.toISOString()).lastInsertRowid),
    /** What is not given stays. */
    set: (id: number, fields: Fields): void => {
      const { npi, name, practice, practiceId, specialty, address, preferred } = { ...asFields(get(id)), ...fields }
      sql.set.run(npi ?? null, json(name), name ? familyKey(name) : null, practice ?? null, practice ? practiceKey(practice) : null, practiceId ?? null, json(specialty), json(address), preferred ?? null, id)
    },
    seen: (id: number, at: Date): void => { sql.seen.run(at.toISOString(), at.toISOString(), id) },
    addWay: (id: number, way: Way, address: string, learned: string): boolean => {
      const key = addressKey(way, address)
      return key !== '' && sql.addWay.run(id, way, key, address.trim(), learned, id).changes > 0
    },
    failing: (id: number, way: Way, address: string, at: string | null, reason: string | null): boolean => sql.failing.run(at, reason, id, way, addressKey(way, address)).changes > 0,
    dropWay: (id: number, way: Way, address: string): boolean => sql.dropWay.run(id, way, addressKey(way, address)).changes > 0,
    addIdentifier: (id: number, { system, value, type }: Identifier): void => { sql.addIdentifier.run(id, system ?? '', value, type) },
    addAlias: (id: number, alias: string): boolean => sql.addAlias.run(id, alias).changes > 0,
    addDoubt: (id: number, says: string): boolean => sql.addDoubt.run(id, says).changes > 0,
    settle: (id: number): boolean => sql.settle.run(id).changes > 0,
  }
}

const asFields = (one: KnownProvider | null): Fields =>
  (one ? { npi: one.npi, name: one.name, practice: one.practice, practiceId: one.practiceId === null ? null : Number(one.practiceId), specialty: one.specialty, address: one.address, preferred: one.preferred } : {})

/** The ways back that a message itself carries. */
export const waysIn = ({ directAddresses, faxes, emails, phones, x360Addresses = [] }: ProviderFacts): readonly (readonly [Way, string])[] => [
  ...x360Addresses.map((address) => ['360x', address] as const),
  ...directAddresses.map((address) => ['direct', address] as const), ...faxes.map((address) => ['fax', address] as const),
  ...emails.map((address) => ['email', address] as const), ...phones.map((address) => ['phone', address] as const),
]
