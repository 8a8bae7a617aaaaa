/** What the desk's file answers about referrals: one whole, by the numbers others know it by, by what is due, and as a stream of events. */
import type { Database, Statement } from 'better-sqlite3'
import type { EventName, Key, ReferralDocument, ReferralEvent, ReferralState } from '../desk-contracts.js'
import { isShared } from './commit.js'
import { openMerged } from './merged.js'
import { instant, milliseconds, unpack } from './values.js'

interface Streamed { readonly position: number; readonly referral: string; readonly event: string }
type DocumentRow = Omit<ReferralDocument, 'referral' | 'addedAt' | 'contentType' | 'resources'> & { readonly added_at: string; readonly content_type: string | null; readonly packed: Buffer }

/** Of the referrals of one patient or pair, the newest. */
const MOST_OF_ONE_KEY = 200

export const openReadings = (database: Database) => {
  const plucked = <Parameters extends unknown[], Value>(sql: string) => database.prepare<Parameters, Value>(sql).pluck() as Statement<Parameters, Value>
  const state = plucked<[string], string>('select s.state from referral r join referral_state s on s.referral = r.number where r.id = ?')
  const bundle = plucked<[string], Buffer>('select b.packed from referral r join bundle b on b.referral = r.number where r.id = ?')
  const events = plucked<[string], string>('select e.event from referral r join event e on e.referral = r.number where r.id = ? order by e.sequence')
  const documents = database.prepare<[string], DocumentRow>(`
    select d.id, d.added_at, d.event, d.role, d.status, d.title, d.content_type, d.packed from referral r join document d on d.referral = r.number where r.id = ? order by d.number`)
  const findUnique = plucked<[string, string], string>('select r.id from unique_key k join referral r on r.number = k.referral where k.value = ? and k.kind = ?')
  const findShared = plucked<[string, string, number], string>(
    'select r.id from shared_key k join referral r on r.number = k.referral where k.value = ? and k.kind = ? order by k.referral desc limit ?')
  const due = plucked<[number, number], string>('select id from referral where next_due <= ? order by next_due limit ?')
  const nextDue = plucked<[], number | null>('select min(next_due) from referral where next_due is not null')
  const everyEvent = openMerged<Streamed>(database, `
    select e.position, r.id as referral, e.event from event e join referral r on r.number = e.referral where e.position > ? order by e.position limit ?`, 'position')
  const namedEvents = openMerged<Streamed>(database, `
    select e.position, r.id as referral, e.event from event e join referral r on r.number = e.referral where e.name = ? and e.position > ? order by e.position limit ?`, 'position')
  const lastPosition = plucked<[number], number>('select position from event where recorded_at < ? order by recorded_at desc, position desc limit 1')
  const position = plucked<[string], number>('select position from reader where name = ?')
  const moveTo = database.prepare<[string, number]>('insert into reader (name, position) values (?, ?) on conflict (name) do update set position = excluded.position')

  const referralsOf = ({ kind, value }: Key): readonly string[] => (isShared({ kind }) ? findShared.all(value, kind, MOST_OF_ONE_KEY) : findUnique.all(value, kind))

  return {
    state: (id: string): ReferralState | null => JSON.parse(state.get(id) ?? 'null') as ReferralState | null,
    find: (keys: readonly Key[]): readonly { readonly key: Key; readonly referral: string }[] => keys.flatMap((key) => referralsOf(key).map((referral) => ({ key, referral }))),
    bundle: (id: string): string | null => {
      const packed = bundle.get(id)
      return packed ? unpack(packed) : null
    },
    events: (id: string): readonly ReferralEvent[] => events.all(id).map((event) => JSON.parse(event) as ReferralEvent),
    documents: (id: string): readonly ReferralDocument[] => documents.all(id).map(({ added_at, content_type, packed, ...document }) =>
      ({ ...document, referral: id, addedAt: added_at, contentType: content_type, resources: unpack(packed) })),
    due: (at: string, limit: number): readonly string[] => due.all(milliseconds(at), limit),
    nextDue: (): string | null => {
      const next = nextDue.get()
      return typeof next === 'number' ? instant(next) : null
    },
    stream: (after: number, names: readonly EventName[] | null, limit: number): readonly { readonly position: number; readonly referral: string; readonly event: ReferralEvent }[] => {
      const rows = names === null ? everyEvent([[after]], limit) : namedEvents([...new Set(names)].map((name) => [name, after]), limit)
      return rows.map((row) => ({ ...row, event: JSON.parse(row.event) as ReferralEvent }))
    },
    position: (reader: string): number | null => position.get(reader) ?? null,
    moveTo: (reader: string, to: number): void => {
      moveTo.run(reader, to)
    },
    lastPosition: (before: string): number => lastPosition.get(milliseconds(before)) ?? 0,
  }
}
