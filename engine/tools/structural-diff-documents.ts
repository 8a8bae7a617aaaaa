/** What is different between two folders of mappings: which documents, and which of their rows. */
import { readFileSync } from 'node:fs'
import type { Mappings } from '../mappings.js'
import { compared } from './structural-diff-values.js'
import { readYaml } from '../yaml-source.js'

/** One row or setting of a document; undefined: it is not there. */
export interface RowChange {
  readonly row: string // `rows F`, `rows PID-3 identifier`, `messages`
  readonly before: unknown
  readonly after: unknown
}

export interface DocumentChange {
  readonly document: string // `codes/administrative-gender`
  readonly change: 'added' | 'removed' | 'changed'
  readonly files: readonly string[] // on either side
  readonly rows: readonly RowChange[] // none where only comments differ, or where the document is added or removed
  readonly channels: readonly string[] // that use it, on either side
}

/** `uses`: the names of the channels that depend on a file. A document in which only comments differ has not changed. */
export const documentChanges = (before: Pick<Mappings, 'names' | 'file'>, after: Pick<Mappings, 'names' | 'file'>, uses: (file: string) => readonly string[]): readonly DocumentChange[] => {
  const [was, is] = [new Set(before.names('')), new Set(after.names(''))]
  return [...new Set([...was, ...is])].sort().flatMap((document): DocumentChange[] => {
    const files = [...new Set([before.file(document), after.file(document)])]
    const common = { document, files, channels: [...new Set(files.flatMap(uses))].sort() }
    if (!was.has(document)) return [{ ...common, change: 'added', rows: [] }]
    if (!is.has(document)) return [{ ...common, change: 'removed', rows: [] }]
    const [one, other] = [readFileSync(before.file(document), 'utf8'), readFileSync(after.file(document), 'utf8')]
    const rows = one === other ? [] : rowChanges(content(before.file(document), one), content(after.file(document), other))
    return rows.length === 0 ? [] : [{ ...common, change: 'changed', rows }]
  })
}

const LIMITS = { characters: 16 * 1024 ** 2, nodes: 1_000_000 }
const content = (file: string, text: string): unknown => {
  const { value, problems } = readYaml(file, text, null, LIMITS)
  return value === undefined || problems.length > 0 ? { 'the whole file': text } : value
}

const rowChanges = (before: unknown, after: unknown): RowChange[] =>
  compared(keyed(before), keyed(after), '').map(({ path, before: was, after: is }) => ({ row: path.replace(/^rows\./, 'row ').replaceAll(DOT, '.'), before: was, after: is }))

const DOT = '\u2024' // stands for the full stops of a row's own key while its path is put together

/** The rows of a table by their first cell, those of a segment map by their first two: a row that moves has not changed. */
const keyed = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || !('rows' in value) || !Array.isArray(value.rows) || !value.rows.every(Array.isArray)) return value
  const found = new Map<string, string>()
  for (const row of value.rows as unknown[][]) {
    const key = ('to' in value && !('from' in value) ? row.slice(0, 2) : row.slice(0, 1)).map(String).join(' ').replaceAll('.', DOT)
    let name = key
    for (let n = 2; found.has(name); n++) name = `${key} (${n})`
    found.set(name, JSON.stringify(row))
  }
  return { ...value, rows: Object.fromEntries(found) }
}
