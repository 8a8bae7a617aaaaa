/** The error file of a list: every row that was refused, with its line, its column and why. */
import type { Fault, Verdict } from '../../contracts.js'
import { decode, encode } from '../carried.js'
import { listOf, type Reading } from './body.js'
import { csvCell, csvCells, rowsOf } from './rows.js'

const HEADER = 'line,column,reason,row\r\n'

/** The line of the error file for one row that was refused, or null. Its line number is that of the row in its own message. */
export const refusalOf = (bytes: Buffer, moment: 'stored' | 'done', verdict: Verdict, fault: Fault | undefined, reading: Reading): Buffer | null => {
  if (moment !== 'done' || verdict !== 'rejected') return null
  const { text, line } = rowIn(bytes, reading)
  const cells = [String(line), fault?.location ?? '', fault?.reason ?? 'The row was refused.', decode(text)]
  return Buffer.from(`${HEADER}${cells.map((cell) => csvCell(cell, ',')).join(',')}\r\n`, 'utf8')
}

const rowIn = (bytes: Buffer, reading: Reading): { readonly text: string; readonly line: number } => {
  try {
    const { text, rows } = listOf(bytes, reading)
    const [row] = rows
    return rows.length === 1 && row ? { text: text.slice(row.from, row.to), line: row.line } : { text: '', line: 1 }
  } catch {
    return { text: '', line: 1 }
  }
}

/** One error file of those of the rows: each gets the line that its row has in the list. They come in the order of the list. */
export const errorFile = (bytes: Buffer, refusals: readonly Buffer[], reading: Reading): Buffer => {
  const { text, rows } = listOf(bytes, reading)
  const written = rows.map(({ from, to, line }) => ({ line, row: text.slice(from, to) }))
  let at = 0
  const lines = refusals.map((refusal) => {
    const own = refusal.toString('latin1').slice(HEADER.length)
    const [record] = rowsOf(own, 0, ',', true, 10)
    const [, column, reason, row] = record ? csvCells(own, record, ',').map((cell) => cell.text) : []
    const found = written.findIndex((one, index) => index >= at && encode(decode(one.row)).trim() === row)
    if (found !== -1) at = found + 1
    return [String(written[found]?.line ?? ''), column ?? '', reason ?? '', row ?? ''].map((cell) => csvCell(cell, ',')).join(',')
  })
  return Buffer.from(HEADER + lines.map((line) => `${line}\r\n`).join(''), 'latin1')
}
