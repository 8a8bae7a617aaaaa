/** What is wrong with a routing table: where, what, and what to do. The shape is that of every other lint of the product. */
import type { Cell } from './csv.js'

export interface Problem {
  readonly file: string
  readonly line: number // from 1
  readonly column: number // from 1, in characters
  readonly rule: string
  readonly message: string
  readonly hint: string // what to do, or empty
  readonly severity: 'error' | 'warning'
}

/** A problem at one cell of a file. */
export const problemAt = (file: string, { line, column }: Pick<Cell, 'line' | 'column'>, rule: string, message: string, hint = '', severity: Problem['severity'] = 'error'): Problem =>
  ({ file, line, column, rule, message, hint, severity })

/** `mappings/routing/default.csv:3:5 error unknown-column: …` */
export const problemText = ({ file, line, column, severity, rule, message, hint }: Problem): string => `${file}:${line}:${column} ${severity} ${rule}: ${message}${hint && ` ${hint}`}`
