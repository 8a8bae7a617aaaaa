/** Checks a table of mappings/triage/ and says everything that is wrong with it, each at file:line:column. */
import type { Static, TSchema } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { type Keys, mistakes } from '../../engine/schema-errors.js'
import { phraseProblem } from './phrases.js'

/** Collects what is wrong with one table. */
export interface Complaints {
  /** Notes a mistake at the place that the keys lead to. */
  add(keys: Keys, sentence: string): void
  /** Notes each phrase of a list that cannot be understood. */
  phrases(keys: Keys, list: readonly string[] | undefined): void
}

const MOST_TOLD = 20

/** The content of a table with its defaults filled in. `lint` looks for what a schema cannot say. Throws one sentence a line. */
export const readTable = <Schema extends TSchema>(schema: Schema, name: string, file: MappingDocument, lint: (table: Static<Schema>, complaints: Complaints) => void): Static<Schema> => {
  const table = structuredClone(file.value) as Static<Schema>
  const told: string[] = []
  const add = (keys: Keys, sentence: string): void => void told.push(`${file.place(...keys)}: ${sentence}`)
  for (const { keys, message } of mistakes(schema, table, { name, written: (keys) => written(file.value, keys) })) add(keys, message)
  if (told.length === 0) {
    lint(table, {
      add,
      phrases: (keys, list) => list?.forEach((phrase, index) => {
        const problem = phraseProblem(phrase)
        if (problem !== null) add([...keys, index], `${problem}.`)
      }),
    })
  }
  if (told.length > 0) throw new Error([...told.slice(0, MOST_TOLD), ...(told.length > MOST_TOLD ? [`and ${told.length - MOST_TOLD} more`] : [])].join('\n'))
  return table
}

const written = (value: unknown, keys: Keys): string | null => {
  const at = keys.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value)
  return typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean' ? String(at).slice(0, 100) : null
}
