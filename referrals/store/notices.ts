/** What is told to others: kept, given out oldest first, gathered into digests, settled. */
import type { Database } from 'better-sqlite3'
import type { Way } from '../contracts.js'
import type { NewNotice, Notice, NoticeKind, NoticeStatus } from '../desk-contracts.js'
import { openMerged } from './merged.js'
import { instant, milliseconds } from './values.js'

interface Row {
  id: number; referral: string | null; kind: NoticeKind; event: number | null; recipient: string; way: Way | null; not_before: number; due: number
  status: NoticeStatus; items: string; fate: string | null; tried: string
}
interface Waiting { id: number; referral: string; event: number; recipient: string; way: Way | null; due: number }

const COLUMNS = 'n.id, r.id as referral, n.kind, n.event, n.recipient, n.way, n.not_before, n.due, n.status, n.items, n.fate, n.tried'
const SELECT = `select ${COLUMNS} from notice n left join referral r on r.number = n.referral`
const TIMES = "n.id > ? and n.not_before <= ? and n.status = 'open' order by n.id limit ?"

export const openNotices = (database: Database) => {
  const insert = database.prepare<unknown[]>(`
    insert into notice (referral, kind, event, recipient, way, not_before, due, status, items, tried) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const byId = database.prepare<[number], Row>(`${SELECT} where n.id = ?`)
  const ofReferral = database.prepare<[string], Row>(`
    select ${COLUMNS} from referral r join notice n on n.referral = r.number where r.id = ? order by n.id`)
  const settleOwn = database.prepare<[NoticeStatus, string | null, number, number]>('update notice set status = ?, fate = ? where id = ? and referral = ?')
  const settle = database.prepare<[NoticeStatus, string | null, number]>('update notice set status = ?, fate = ? where id = ? and referral is null')
  const take = database.prepare<[number]>("update notice set fate = 'taken' where id = ? and status = 'open' and fate is null")
  const byKind = openMerged<Row>(database, `${SELECT} where n.kind = ? and ${TIMES}`, 'id')
  const byWay = openMerged<Row>(database, `${SELECT} where n.kind = ? and n.way = ? and ${TIMES}`, 'id')
  const byRecipient = openMerged<Row>(database, `${SELECT} where n.kind = ? and n.recipient = ? and ${TIMES}`, 'id')
  const byBoth = openMerged<Row>(database, `${SELECT} where n.kind = ? and n.recipient = ? and n.way = ? and ${TIMES}`, 'id')
  const waiting = database.prepare<[number], Waiting>(`
    select n.id, r.id as referral, coalesce(n.event, 0) as event, n.recipient, n.way, n.due from notice n join referral r on r.number = n.referral
    where n.status = 'waiting' and n.not_before <= ? order by n.recipient, n.way, n.id`)
  const supersede = database.prepare<[number]>("update notice set status = 'superseded' where id = ?")

  const add = (referral: number | null, notice: Omit<NewNotice, 'referral'>): void => {
    insert.run(referral, notice.kind, notice.event, notice.to, notice.way, milliseconds(notice.notBefore), milliseconds(notice.due), notice.status,
      JSON.stringify(notice.items), JSON.stringify(notice.tried))
  }
  return {
    add,
    /** Throws for a notice that is not this referral's: a mistake of the caller that would leave another untold. */
    settleOwn: (referral: number, { id, status, fate }: { readonly id: number; readonly status: NoticeStatus; readonly fate: string | null }): void => {
      if (settleOwn.run(status, fate, id, referral).changes === 0) throw new Error(`notice ${id} is none of this referral's`)
    },
    operations: {
      openNotices: (
        kinds: readonly NoticeKind[], { ways, ehrs }: { readonly ways?: readonly Way[]; readonly ehrs?: readonly string[] }, after: number, at: string, limit: number,
      ): readonly Notice[] => {
        const times = [after, milliseconds(at)]
        const recipients = ehrs?.map((ehr) => `ehr ${ehr}`)
        const each = <Value>(values: readonly Value[], parameters: (kind: NoticeKind, value: Value) => readonly unknown[]) =>
          [...new Set(kinds)].flatMap((kind) => [...new Set(values)].map((value) => [...parameters(kind, value), ...times]))
        if (recipients && ways) return byBoth(each(recipients.flatMap((to) => ways.map((way) => [to, way])), (kind, toAndWay) => [kind, ...toAndWay]), limit).map(noticeOf)
        if (recipients) return byRecipient(each(recipients, (kind, to) => [kind, to]), limit).map(noticeOf)
        if (ways) return byWay(each(ways, (kind, way) => [kind, way]), limit).map(noticeOf)
        return byKind(each([null], (kind) => [kind]), limit).map(noticeOf)
      },
      notice: (id: number): Notice | null => {
        const row = byId.get(id)
        return row ? noticeOf(row) : null
      },
      notices: (referral: string): readonly Notice[] => ofReferral.all(referral).map(noticeOf),
      takeNotice: (id: number): void => void take.run(id),
      settleNotice: (id: number, status: NoticeStatus, fate: string | null): void => {
        if (settle.run(status, fate, id).changes === 0) throw new Error(`notice ${id} is no digest; a referral's notice is settled by a change of that referral`)
      },
      gather: (at: string): number => {
        const now = milliseconds(at)
        const groups = grouped(waiting.all(now))
        for (const group of groups) {
          const [{ recipient, way } = { recipient: '', way: null }] = group
          for (const { id } of group) supersede.run(id)
          add(null, {
            kind: 'digest', event: null, to: recipient, way, notBefore: instant(now), due: instant(Math.min(...group.map(({ due }) => due))), status: 'open',
            items: group.map(({ referral, event }) => ({ referral, event })), tried: [],
          })
        }
        return groups.length
      },
    },
  }
}

/** Those of the same recipient and way, who stand next to each other. */
const grouped = (rows: readonly Waiting[]): readonly (readonly Waiting[])[] => {
  const groups: Waiting[][] = []
  for (const row of rows) {
    const last = groups.at(-1)
    if (last?.[0]?.recipient === row.recipient && last[0].way === row.way) last.push(row)
    else groups.push([row])
  }
  return groups
}

const noticeOf = ({ recipient, not_before, due, items, tried, ...row }: Row): Notice =>
  ({ ...row, to: recipient, notBefore: instant(not_before), due: instant(due), items: JSON.parse(items), tried: JSON.parse(tried) })
