/** What came back and could be given to no one referral: kept until a person has settled it. */
import type { Database } from 'better-sqlite3'
import type { Stray } from '../desk-contracts.js'
import { pack, unpack } from './values.js'

type Row = Pick<Stray, 'id' | 'at' | 'via' | 'what' | 'reason'> & {
  readonly candidates: string; readonly packed: Buffer; readonly settled_at: string | null; readonly settled_by: string; readonly settled_how: string
}

export const openStrays = (database: Database) => {
  const known = database.prepare<[string], { readonly id: number }>('select id from stray where command = ?')
  const add = database.prepare<unknown[]>('insert into stray (command, at, via, what, reason, candidates, packed) values (?, ?, ?, ?, ?, ?, ?)')
  const open = database.prepare<[number], Row>('select * from stray where settled_at is null order by id limit ?')
  const settled = database.prepare<[number], Row>('select * from stray where settled_at is not null order by settled_at desc, id desc limit ?')
  const one = database.prepare<[number], Row>('select * from stray where id = ?')
  const settle = database.prepare<[string, string, string, number]>('update stray set settled_at = ?, settled_by = ?, settled_how = ? where id = ? and settled_at is null')
  return {
    addStray: (command: string, { at, via, what, reason, candidates, bundle }: Omit<Stray, 'id' | 'settled'>): number =>
      known.get(command)?.id ?? Number(add.run(command, at, via, what, reason, JSON.stringify(candidates), pack(bundle)).lastInsertRowid),
    strays: (unsettled: boolean, limit: number): readonly Stray[] => (unsettled ? open : settled).all(limit).map(strayOf),
    stray: (id: number): Stray | null => { const row = one.get(id); return row ? strayOf(row) : null },
    settleStray: (id: number, { at, by, how }: NonNullable<Stray['settled']>): boolean => settle.run(at, by, how, id).changes > 0,
  }
}

const strayOf = ({ id, at, via, what, reason, candidates, packed, settled_at, settled_by, settled_how }: Row): Stray => ({
  id, at, via, what, reason, candidates: JSON.parse(candidates), bundle: unpack(packed),
  settled: settled_at === null ? null : { at: settled_at, by: settled_by, how: settled_how },
})
