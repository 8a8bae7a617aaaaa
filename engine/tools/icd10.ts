/** Reads the official order file of ICD-10-CM (CMS, one a year; public domain) into rows of a code table. */
import { ReferoError } from '../errors.js'

export interface Icd10Row {
  readonly code: string // with its dot: I48.91
  readonly display: string // the long description
  readonly short: string
  readonly billable: boolean // false: a heading, which no claim and no referral should name
}

/**
 * One line a code, in columns: 1–5 order number, 7–13 code without its dot, 15 whether it may be billed, 17–76 the short
 * description, from 78 the long one. Throws a sentence that names the line which does not fit.
 */
export const readOrderFile = (text: string, file: string): readonly Icd10Row[] => {
  const rows: Icd10Row[] = []
  const lines = text.split(/\r?\n/)
  lines.forEach((line, at) => {
    if (line.trim() === '') return
    const found = LINE.exec(line)
    if (!found) throw new ReferoError('WRONG_FILE', `${file}:${at + 1}: this is no line of an ICD-10-CM order file: five digits, a code, 0 or 1, a short and a long description, each in its column.`)
    const [, code = '', billable, short = '', display = ''] = found
    rows.push({ code: code.length > 3 ? `${code.slice(0, 3)}.${code.slice(3)}` : code, billable: billable === '1', short: short.trim(), display: display.trim() || short.trim() })
  })
  if (rows.length === 0) throw new ReferoError('WRONG_FILE', `${file} holds no codes.`)
  return rows
}

const LINE = /^\d{5} ([A-Z][0-9A-Z]{2,6}) {0,4} ([01]) (.{1,60})(?: (.*))?$/
