/** Checks mapping files against their schema, and says what is wrong where: file:line:column, the key, what is allowed. */
import type { Static, TSchema } from 'typebox'
import { Errors } from 'typebox/value'
import type { MappingDocument } from '../contracts.js'
import { nearest } from '../nearest.js'

/** The content of a file as its schema describes it; `before` may look for mistakes that it can name better. */
export const check = <Schema extends TSchema>(schema: Schema, file: MappingDocument, before?: (value: unknown) => void): Static<Schema> => {
  before?.(file.value)
  const [error] = Errors(schema, file.value)
  if (!error) return file.value as Static<Schema>
  const keys = keysOf(error.instancePath)
  const key = keys.at(-1)
  const allowed = 'properties' in schema ? Object.keys(schema.properties as object) : []
  const known = typeof key === 'string' && keys.length === 1 && !allowed.includes(key)
  const sentence = known
    ? `"${key}" is not known here; allowed are ${allowed.join(', ')}${didYouMean(key, allowed)}`
    : `${keys.length > 0 ? named(keys) : 'the file'} ${error.message}`
  throw new Error(`${file.place(...keys)}: ${sentence}.`)
}

const keysOf = (pointer: string): readonly (string | number)[] =>
  pointer.split('/').slice(1).map((key) => (/^\d+$/.test(key) ? Number(key) : key.replaceAll('~1', '/').replaceAll('~0', '~')))

const named = (keys: readonly (string | number)[]): string => keys.map((key) => (typeof key === 'number' ? `[${key + 1}]` : `.${key}`)).join('').replace(/^\./, '')

/** `; did you mean "gender"` where a word is near enough to be a slip, else nothing. */
export const didYouMean = (word: string, allowed: readonly string[]): string => {
  const meant = nearest(word, allowed)
  return meant === null ? '' : `; did you mean "${meant}"`
}
