/** The rows of a large code table lie in a CSV file beside its YAML file, with a line of column names first. */
import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import type { MappingDocument } from './contracts.js'
import { sentence } from './errors.js'
import { shown } from './problem.js'

/** Where the rows of the table of a YAML file lie, if it has none itself. */
export const csvOf = (file: string): string => file.replace(/\.yaml$/, '.csv')

/** The table with the rows of its CSV file; as it is where it has rows of its own, or there is no such file. Throws a sentence with the place of what is wrong. */
export const withRows = (document: MappingDocument, csv: string): MappingDocument => {
  const { value } = document
  if (typeof value !== 'object' || value === null || 'rows' in value || !existsSync(csv)) return document
  const [names, ...rows] = read(csv)
  if (!names || names.length < 2) throw new Error(`${shown(csv)}:1: the first line names the columns: code,display.`)
  return {
    value: { columns: names.slice(1), ...value, rows },
    place: (...keys) => (keys[0] === 'rows' && typeof keys[1] === 'number' ? `${shown(csv)}:${keys[1] + 2}:1` : document.place(...keys)),
  }
}

const read = (csv: string): string[][] => {
  try {
    return parse(readFileSync(csv), { bom: true, relax_column_count_less: true, skip_empty_lines: true })
  } catch (error) {
    throw new Error(`${shown(csv)}: ${sentence(error)}`, { cause: error })
  }
}
