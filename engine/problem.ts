/** What is wrong with a file that a person wrote: where, what, and what to do. */
import { relative } from 'node:path'

export interface Problem {
  readonly file: string // as shown to people: relative to the working folder where it lies in it
  readonly line: number // from 1
  readonly column: number // from 1
  readonly rule: string // a short id: `unknown-setting`, `secret-in-clear`
  readonly message: string // a sentence
  readonly hint: string // what to do, or empty
  readonly severity: 'error' | 'warning'
}

/** One line for people: `channels/a.yaml:3:5 error unknown-setting: … Hint.` */
export const problemLine = ({ file, line, column, severity, rule, message, hint }: Problem): string =>
  `${file}:${line}:${column} ${severity} ${rule}: ${message}${hint && ` ${hint}`}`

/** In the order of files and lines; what an alias repeats is said once. */
export const inOrder = (problems: readonly Problem[]): Problem[] =>
  [...new Map(problems.map(problem => [problemLine(problem), problem])).values()].sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column))

/** A path as people are shown it. */
export const shown = (file: string): string => {
  const path = relative(process.cwd(), file)
  return path === '' || path.startsWith('..') ? file : path
}
