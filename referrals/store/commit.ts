/** One change of one referral: its command, events, state, notices, keys, documents and bundle, all of it or none. */
import type { Database, Statement } from 'better-sqlite3'
import type { Change, Committed, Hold, Key, ReferralState } from '../desk-contracts.js'
import type { openNotices } from './notices.js'
import type { openProofs } from './proofs.js'
import { milliseconds, pack } from './values.js'
import { textOf } from './words.js'

/** What a referral is found and ordered by; repeats what its state says. */
interface Columns {
  readonly sequence: number; readonly direction: string; readonly stage: string; readonly urgency: string; readonly holds: number; readonly overdue: number; readonly next_due: number | null
  readonly provider: string | null; readonly specialty: string | null; readonly ehr: string | null; readonly location: string | null
  readonly chart_source: string | null; readonly chart: string | null
}
const COLUMNS: readonly (keyof Columns)[] = [
  'sequence', 'direction', 'stage', 'urgency', 'holds', 'overdue', 'next_due', 'provider', 'specialty', 'ehr', 'location', 'chart_source', 'chart',
]

/** Each hold is a bit. Never given another place: they lie in the file. */
const HOLDS: readonly Hold[] = ['information', 'patient', 'routing', 'way-back', 'hand-off', 'notice', 'late', 'appointment', 'reading']
export const holdBit = (hold: Hold): number => 1 << HOLDS.indexOf(hold)

export const openCommit = (database: Database, notices: Pick<ReturnType<typeof openNotices>, 'add' | 'settleOwn'>, proofs: Pick<ReturnType<typeof openProofs>, 'putProof'>) => {
  const done = database.prepare<[string], string>('select r.id from command c join referral r on r.number = c.referral where c.command = ?').pluck() as Statement<[string], string>
  const find = database.prepare<[string], Columns & { readonly number: number }>(`select number, ${COLUMNS.join(', ')} from referral where id = ?`)
  const owner = database.prepare<[string, string], { readonly number: number; readonly id: string }>(
    'select r.number, r.id from unique_key k join referral r on r.number = k.referral where k.value = ? and k.kind = ?')
  const insert = database.prepare(`insert into referral (id, received_at, ${COLUMNS.join(', ')}) values (@id, @received_at, ${COLUMNS.map((name) => `@${name}`).join(', ')})`)
  /** One for each column, so that only the indexes of what has changed are touched. */
  const updates = COLUMNS.map((name) => [name, database.prepare<[Columns[keyof Columns], number]>(`update referral set ${name} = ? where number = ?`)] as const)
  const putChart = database.prepare<[string | null, string | null, number]>('update referral set chart_source = ?, chart = ? where number = ?')
  const putState = database.prepare<[number, string]>('insert into referral_state (referral, state) values (?, ?) on conflict (referral) do update set state = excluded.state')
  const putBundle = database.prepare<[number, Buffer]>('insert into bundle (referral, packed) values (?, ?) on conflict (referral) do update set packed = excluded.packed')
  const addCommand = database.prepare<[string, number]>('insert into command (command, referral) values (?, ?)')
  const addEvent = database.prepare<[number, number, string, number, string]>('insert into event (referral, sequence, name, recorded_at, event) values (?, ?, ?, ?, ?)')
  const addUnique = database.prepare<[string, string, number]>('insert into unique_key (value, kind, referral) values (?, ?, ?) on conflict do nothing')
  const addShared = database.prepare<[string, string, number]>('insert into shared_key (value, kind, referral) values (?, ?, ?) on conflict do nothing')
  const putDocument = database.prepare<unknown[]>(`
    insert into document (referral, id, added_at, event, role, status, title, content_type, packed) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (referral, id) do update set added_at = excluded.added_at, event = excluded.event, role = excluded.role, status = excluded.status,
      title = excluded.title, content_type = excluded.content_type, packed = excluded.packed`)
  const withdraw = database.prepare<[number, string]>("update document set status = 'withdrawn' where referral = ? and id = ?")
  const putPayer = database.prepare<[string | null, number]>('update referral set payer = ? where number = ?')
  const putWords = database.prepare<[number, string]>('insert or replace into words (rowid, text) values (?, ?)')

  const takenBy = (keys: readonly Key[], own: number | undefined): string | null => {
    for (const { kind, value } of keys) {
      const other = isShared({ kind }) ? undefined : owner.get(value, kind)
      if (other && other.number !== own) return other.id
    }
    return null
  }
  const putReferral = ({ state, nextDue }: Change, before: (Columns & { readonly number: number }) | undefined): number => {
    const now = columnsOf(state, nextDue)
    if (!before) return Number(insert.run({ id: state.id, received_at: milliseconds(state.receivedAt), ...now }).lastInsertRowid)
    for (const [name, update] of updates) if (before[name] !== now[name] && !name.startsWith('chart')) update.run(now[name], before.number)
    if (before.chart !== now.chart || before.chart_source !== now.chart_source) putChart.run(now.chart_source, now.chart, before.number)
    return before.number
  }

  return {
    done: (command: string): string | null => done.get(command) ?? null,
    /** Writes nothing where it answers that the change is not done. Throws where events are not numbered on from `expected`. */
    commit: (change: Change): Committed => {
      const { command, state, expected, events } = change
      const repeated = done.get(command)
      if (repeated !== undefined) return { done: true, repeated: true, referral: repeated }
      const before = find.get(state.id)
      if ((before?.sequence ?? 0) !== expected) return { done: false, because: 'changed', by: null }
      const other = takenBy(change.keys, before?.number)
      if (other !== null) return { done: false, because: 'taken', by: other }
      refuseGaps(change)

      const number = putReferral(change, before)
      addCommand.run(command, number)
      putState.run(number, JSON.stringify(state))
      for (const event of events) addEvent.run(number, event.sequence, event.name, milliseconds(event.recordedAt), JSON.stringify(event))
      for (const notice of change.notices) notices.add(notice.referral === null ? null : number, notice)
      for (const settled of change.settled) notices.settleOwn(number, settled)
      for (const proof of change.proofs ?? []) proofs.putProof(proof)
      for (const { kind, value } of change.keys) (isShared({ kind }) ? addShared : addUnique).run(value, kind, number)
      for (const { id, addedAt, event, role, status, title, contentType, resources } of change.documents) {
        putDocument.run(number, id, addedAt, event, role, status, title, contentType, pack(resources))
      }
      for (const id of change.withdrawn) withdraw.run(number, id)
      if (change.bundle !== null) putBundle.run(number, pack(change.bundle))
      if (change.found) {
        putPayer.run(change.found.payer, number)
        putWords.run(number, textOf(change.found.text))
      }
      return { done: true, repeated: false, referral: state.id }
    },
  }
}

/** Several referrals may have it. */
export const isShared = ({ kind }: Pick<Key, 'kind'>): boolean => kind !== 'reference' && kind !== 'placer' && kind !== 'request'

const refuseGaps = ({ state, expected, events }: Change): void => {
  for (const [position, { sequence }] of events.entries()) {
    if (sequence !== expected + 1 + position) throw new Error(`event ${sequence} of a change from ${expected} should be ${expected + 1 + position}`)
  }
  if (state.sequence !== expected + events.length) throw new Error(`the state says ${state.sequence} after ${events.length} events from ${expected}`)
}

const columnsOf = (state: ReferralState, nextDue: string | null): Columns => ({
  sequence: state.sequence, direction: state.direction, stage: state.stage, urgency: state.urgency,
  holds: HOLDS.reduce((bits, hold) => (state.holds[hold] ? bits | holdBit(hold) : bits), 0),
  overdue: Object.keys(state.overdue).length > 0 ? 1 : 0, next_due: nextDue === null ? null : milliseconds(nextDue),
  provider: state.provider, specialty: state.specialty, ehr: state.route?.ehr ?? null, location: state.route?.location ?? null,
  chart_source: state.patient.chart?.source ?? null, chart: state.patient.chart?.id ?? null,
})
