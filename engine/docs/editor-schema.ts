/** Turns the product's schemas into JSON Schemas for editors, which look at a file as it is written. */
import type { TSchema } from 'typebox'
import { Duration, DURATION_IS, Size, SIZE_IS } from '../units.js'

export type Json = Readonly<Record<string, unknown>>

export const DRAFT = 'http://json-schema.org/draft-07/schema#'

/** Text with a variable in it, which stands for any value that is not a list or settings. */
const VARIABLE: Json = { type: 'string', pattern: '\\$\\{[^}]+\\}', patternErrorMessage: 'Write ${NAME}, ${NAME:default} or ${secret:name}.' }

export interface EditorOptions {
  readonly variables: boolean // whether `${…}` may stand for values
  readonly partial?: boolean // whether what is required may be missing: a profile has it
}

/**
 * As an editor needs it: what has a default need not be written; a variable may stand for a value; words that are allowed are one `enum`;
 * durations and sizes have examples and say what they are.
 */
export const editorSchema = (schema: TSchema | Json, options: EditorOptions): Json => converted(JSON.parse(JSON.stringify(schema)) as Json, options)

const converted = (schema: Json, options: EditorOptions): Json => {
  const words = wordsOf(schema)
  if (words) return withVariable({ ...about(schema), enum: words }, options)
  const branches = (schema.anyOf ?? schema.oneOf) as readonly Json[] | undefined
  if (branches) {
    const inside = branches.map((branch) => converted(branch, { ...options, variables: false }))
    return { ...about(schema), anyOf: options.variables && branches.some(isConstrained) ? [...inside, VARIABLE] : inside }
  }
  const { required, properties, patternProperties, additionalProperties, items, $defs, $id, $ref, ...rest } = schema as Record<string, unknown>
  const each = (map: unknown): Json => Object.fromEntries(Object.entries(map as Record<string, Json>).map(([key, child]) => [key, converted(child, options)]))
  const needed = options.partial ? [] : ((required ?? []) as string[]).filter((key) => (properties as Record<string, Json> | undefined)?.[key]?.default === undefined)
  const made: Json = {
    ...rest,
    ...unit(rest),
    ...($ref !== undefined && { $ref: `#/definitions/${String($ref)}` }),
    ...(needed.length > 0 && { required: needed }),
    ...(properties !== undefined && { properties: each(properties) }),
    ...(patternProperties !== undefined && { patternProperties: each(patternProperties) }),
    ...(additionalProperties !== undefined && { additionalProperties: typeof additionalProperties === 'object' ? converted(additionalProperties as Json, options) : additionalProperties }),
    ...(items !== undefined && { items: converted(items as Json, options) }),
  }
  return isConstrained(schema) ? withVariable(made, options) : made
}

/** What must hold where something else holds, and what where it does not. */
export const where = (condition: Json, holds: Json | null, otherwise?: Json): Json =>
  Object.fromEntries([['if', condition], ...(holds ? [['then', holds] as const] : []), ...(otherwise ? [['else', otherwise] as const] : [])])

/** The definitions that parts of a schema bring along, for the root of the file. */
export const definitionsWithin = (schema: TSchema | Json, options: EditorOptions): Json => {
  const found: Record<string, Json> = {}
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, child] of Object.entries(value)) {
      if (key === '$defs') for (const [name, definition] of Object.entries(child as Record<string, Json>)) found[name] = converted(definition, options)
      look(child)
    }
  }
  look(JSON.parse(JSON.stringify(schema)))
  return found
}

const about = ({ description, default: otherwise }: Json): Json => ({ ...(description !== undefined && { description }), ...(otherwise !== undefined && { default: otherwise }) })

/** The words that are allowed, where only certain words are. */
const wordsOf = (schema: Json): readonly unknown[] | null => {
  if ('const' in schema) return [schema.const]
  if (Array.isArray(schema.enum)) return schema.enum
  const branches = (schema.anyOf as readonly Json[] | undefined)?.map(wordsOf)
  return branches && branches.length > 0 && branches.every((words) => words !== null) ? branches.flat() : null
}

const isConstrained = (schema: Json): boolean =>
  ['integer', 'number', 'boolean'].includes(String(schema.type)) || (schema.type === 'string' && schema.pattern !== undefined) || wordsOf(schema) !== null

const withVariable = (schema: Json, { variables }: EditorOptions): Json => {
  if (!variables) return schema
  const { description, default: otherwise, ...rest } = schema
  return { ...about({ description, default: otherwise }), anyOf: [rest, VARIABLE] }
}

const PATTERNS = { duration: (Duration as { pattern?: string }).pattern, size: (Size as { pattern?: string }).pattern }

const unit = ({ pattern }: Record<string, unknown>): Json => {
  if (pattern !== undefined && pattern === PATTERNS.duration) return { examples: ['250ms', '30s', '5m', '4h', '90d'], patternErrorMessage: `Write ${DURATION_IS}.` }
  return pattern !== undefined && pattern === PATTERNS.size ? { examples: ['64kB', '20MB', '1GB'], patternErrorMessage: `Write ${SIZE_IS}.` } : {}
}
