/** Reads CSV (RFC 4180) with the place of every cell, which a table's lint must name and no CSV library tells. */

/** One cell: its text without outer spaces, and where it begins. */
export interface Cell { readonly text: string; readonly line: number; readonly column: number }

/** A text and the file that it is from, as people are shown it. */
export interface Csv { readonly text: string; readonly file: string }

/**
 * The records of a text. Empty lines, and lines whose first character is `#`, are comments. Throws a sentence with
 * file:line:column for a quoted cell that is never closed or that has text behind its quote.
 */
export const csvRecords = ({ text, file }: Csv): readonly (readonly Cell[])[] => {
  const records: Cell[][] = []
  let line = 1
  let begin = text.startsWith('\uFEFF') ? 1 : 0
  while (begin < text.length) {
    const end = lineEnd(text, begin)
    if (text[begin] === '#' || text.slice(begin, end).trim() === '') {
      begin = end + 1
      line++
      continue
    }
    const record: Cell[] = []
    let lineStart = begin
    for (let at = begin; ;) {
      const cell = { line, column: at - lineStart + 1 }
      const quoted = text[at] === '"'
      const close = quoted ? closing(text, at) : at
      if (close < 0) throw new Error(`${file}:${cell.line}:${cell.column}: this cell opens a quote that is never closed.`)
      const content = quoted ? text.slice(at + 1, close).replaceAll('""', '"') : ''
      for (let position = text.indexOf('\n', at); quoted && position >= 0 && position < close; position = text.indexOf('\n', position + 1)) {
        line++
        lineStart = position + 1
      }
      const stop = cellEnd(text, quoted ? close + 1 : at)
      const rest = text.slice(quoted ? close + 1 : at, stop).trim()
      if (quoted && rest !== '') throw new Error(`${file}:${cell.line}:${cell.column}: text follows the closing quote of this cell; write a quote inside a cell twice ("").`)
      record.push({ text: quoted ? content.trim() : rest, ...cell })
      at = stop + 1
      if (text[stop] === ',') continue
      begin = at
      break
    }
    records.push(record)
    line++
  }
  return records
}

const lineEnd = (text: string, from: number): number => {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

const cellEnd = (text: string, from: number): number => {
  const [comma, end] = [text.indexOf(',', from), lineEnd(text, from)]
  return comma >= 0 && comma < end ? comma : end
}

/** Where the quote that opens at `from` is closed, or -1; a doubled quote is a character. */
const closing = (text: string, from: number): number => {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 2)) if (text[at + 1] !== '"') return at
  return -1
}
