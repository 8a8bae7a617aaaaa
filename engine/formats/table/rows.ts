/** Lists as rows and cells with their places: CSV (RFC 4180, any delimiter) in one pass, and lines of fixed width. */
import { MessageFault } from '../../errors.js'

/** A row without its line break, and the line that it begins on (from 1). Offsets are characters. */
export interface Row { readonly from: number; readonly to: number; readonly line: number }
/** A cell as written (`from` … `to`, quotes included) and what it says. */
export interface Cell { readonly from: number; readonly to: number; readonly text: string }

const isBlank = (text: string, from: number, to: number): boolean => {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (code !== 32 && code !== 9 && code !== 26) return false
  }
  return true
}

/** The rows that are not blank; a quoted cell may hold line breaks. `quoted: false` reads lines. */
export const rowsOf = (text: string, start: number, delimiter: string, quoted: boolean, most: number): readonly Row[] => {
  const rows: Row[] = []
  const hasQuotes = quoted && text.includes('"')
  for (let from = start, line = 1; from < text.length; ) {
    const { to, breaks } = hasQuotes ? quotedEnd(text, from, line, delimiter) : { to: lineEnd(text, from), breaks: 0 }
    if (!isBlank(text, from, to)) {
      if (rows.length >= most) throw new MessageFault({ kind: 'unsupported', reason: `the list has more than ${most} rows; the setting is \`rows\`` })
      rows.push({ from, to, line })
    }
    line += breaks + 1
    from = afterBreak(text, to)
  }
  return rows
}
const LONGEST = 100_000 // characters of a row with quotes

const isBreak = (code: number): boolean => code === 10 || code === 13
const lineEnd = (text: string, from: number): number => {
  let at = from
  while (at < text.length && !isBreak(text.charCodeAt(at))) at++
  return at
}
const afterBreak = (text: string, at: number): number => (text.charCodeAt(at) === 13 && text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1)

/** Where a row ends that may have quoted cells, and how many line breaks they hold. */
const quotedEnd = (text: string, from: number, line: number, delimiter: string): { readonly to: number; readonly breaks: number } => {
  let inside = false
  let breaks = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 34) {
      if (!inside) inside = at === from || text[at - 1] === delimiter
      else if (text.charCodeAt(at + 1) === 34) at++
      else inside = false
    } else if (isBreak(code)) {
      if (!inside) return { to: at, breaks }
      if (code === 10 || text.charCodeAt(at + 1) !== 10) breaks++
      if (at - from > LONGEST) break
    }
  }
  if (inside) throw new MessageFault({ kind: 'unreadable', reason: `a cell of the row on line ${line} opens a quote that is never closed` })
  return { to: text.length, breaks }
}

/** The cells of a CSV row. A quote inside a quoted cell is written twice. */
export const csvCells = (text: string, { from, to, line }: Row, delimiter: string): readonly Cell[] => {
  const cells: Cell[] = []
  for (let at = from; at <= to; ) {
    if (text[at] !== '"') {
      const next = text.indexOf(delimiter, at)
      const end = next === -1 || next > to ? to : next
      cells.push({ from: at, to: end, text: text.slice(at, end).trim() })
      at = end + 1
      continue
    }
    let close = text.indexOf('"', at + 1)
    while (close !== -1 && close < to && text[close + 1] === '"') close = text.indexOf('"', close + 2)
    const end = close === -1 ? -1 : close + 1
    if (end === -1 || end > to || (end < to && text[end] !== delimiter)) throw new MessageFault({ kind: 'unreadable', reason: `cell ${cells.length + 1} of line ${line} has text behind its closing quote; a quote inside a cell is written twice` })
    cells.push({ from: at, to: end, text: text.slice(at + 1, close).replaceAll('""', '"').trim() })
    at = end + 1
  }
  return cells
}

/** The cells of a line of fixed width. */
export const fixedCells = (text: string, { from, to }: Row, spans: readonly (readonly [number, number])[]): readonly Cell[] =>
  spans.map(([first, last]) => {
    const [start, end] = [Math.min(from + first, to), Math.min(from + last, to)]
    return { from: start, to: end, text: text.slice(start, end).trim() }
  })

/** A value as a CSV cell. */
export const csvCell = (value: string, delimiter: string): string => (/["\r\n]/.test(value) || value.includes(delimiter) || value !== value.trim() ? `"${value.replaceAll('"', '""')}"` : value)
