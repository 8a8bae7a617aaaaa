/** What is known of how far notices have come: under which names each was sent, its proof, and receipts that came before it was known what they are about. */
import type { Database, Statement } from 'better-sqlite3'
import type { Proof } from '../desk-contracts.js'
import { milliseconds } from './values.js'

/** How long a receipt of nothing that is known is kept. */
const KEPT = 7 * 86_400_000
/** How many of them there are at most; the oldest go first. */
const MOST = 10_000
/** By how many of its names one is looked for. */
const MOST_NAMES = 20

export const openProofs = (database: Database) => {
  const put = database.prepare('insert into proof (notice, confirm_by, proof) values (?, ?, ?) on conflict (notice) do update set confirm_by = excluded.confirm_by, proof = excluded.proof')
  const addName = database.prepare('insert into sent_as (value, notice) values (?, ?) on conflict do nothing')
  const byNotice = database.prepare<[number], string>('select proof from proof where notice = ?').pluck() as Statement<[number], string>
  const ofReferral = database.prepare<[string], string>('select p.proof from referral r join notice n on n.referral = r.number join proof p on p.notice = n.id where r.id = ? order by n.id').pluck() as Statement<[string], string>
  const due = database.prepare<[number, number], number>('select notice from proof where confirm_by <= ? order by confirm_by limit ?').pluck() as Statement<[number, number], number>
  const named = database.prepare<[string], number>('select distinct notice from sent_as where value in (select value from json_each(?)) order by notice').pluck() as Statement<[string], number>
  const keep = database.prepare('insert into early_receipt (command, value, at, content) values (?, ?, ?, ?) on conflict do nothing')
  const forgetOld = database.prepare('delete from early_receipt where at < ?')
  const tooMany = database.prepare<[number, number], number>('select at from early_receipt where at >= ? order by at desc limit 1 offset ?').pluck() as Statement<[number, number], number>
  const ofSent = database.prepare<[number], { readonly command: string; readonly notice: number; readonly content: string }>('select e.command, s.notice, e.content from early_receipt e join sent_as s on s.value = e.value where e.at >= ? order by e.at')
  const early = database.prepare<[string], { readonly command: string; readonly content: string }>('select distinct command, content from early_receipt where value in (select value from json_each(?)) order by at')
  const forget = database.prepare('delete from early_receipt where command = ?')
  const putProof = (proof: Proof): void => {
    put.run(proof.notice, proof.confirmBy === null ? null : milliseconds(proof.confirmBy), JSON.stringify(proof))
    for (const name of proof.sentAs) addName.run(name, proof.notice)
  }
  return {
    putProof,
    operations: {
      putProof,
      proof: (notice: number): Proof | null => { const found = byNotice.get(notice); return found === undefined ? null : (JSON.parse(found) as Proof) },
      proofs: (referral: string): readonly Proof[] => ofReferral.all(referral).map((one) => JSON.parse(one) as Proof),
      proofsDue: (at: string, limit: number): readonly number[] => due.all(milliseconds(at), limit),
      sentAs: (names: readonly string[]): readonly number[] => named.all(JSON.stringify(names)),
      keepEarly: (command: string, names: readonly string[], at: string, content: string): void => {
        const since = milliseconds(at) - KEPT
        for (const name of names.slice(0, MOST_NAMES)) keep.run(command, name, milliseconds(at), content)
        forgetOld.run(Math.max(since, tooMany.get(since, MOST) ?? since))
      },
      earlyOfSent: () => ofSent.all(0),
      early: (names: readonly string[]) => early.all(JSON.stringify(names)),
      forgetEarly: (command: string): void => void forget.run(command),
    },
  }
}
