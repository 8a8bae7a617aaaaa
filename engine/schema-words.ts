/** Says in words what a schema allows. */
import { Duration, DURATION_IS, Size, SIZE_IS } from './units.js'

/** As much of JSON Schema as the product's schemas use. */
export interface Schema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly pattern?: string
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly minProperties?: number
  readonly maxProperties?: number
}

/** What is allowed: "a whole number from 1 to 65535", "one of `error`, `hold`, `skip`". */
export const describe = (schema: Schema): string => {
  const words = literals(schema)
  if (words) return words.length === 1 ? `\`${words[0]}\`` : `one of ${list(words.map(word => `\`${word}\``))}`
  const branches = schema.anyOf ?? schema.oneOf
  if (branches) return alternatives(branches)
  switch (schema.type) {
    case 'string':
      if (schema.pattern === SOMETHING) return schema.description ? `text: ${inSentence(schema.description)}` : 'text'
      if (schema.pattern === PATTERNS.duration) return DURATION_IS
      if (schema.pattern === PATTERNS.size) return SIZE_IS
      return schema.pattern !== undefined ? (schema.description ? inSentence(schema.description) : `text like ${schema.pattern}`) : 'text'
    case 'integer':
      return `a whole number${range(schema)}`
    case 'number':
      return `a number${range(schema)}`
    case 'boolean':
      return '`true` or `false`'
    case 'array':
      return 'a list'
    case 'object':
      return schema.maxProperties === 1 ? 'one name with its settings below it, `name: { … }`' : 'settings, `{ … }`'
    case 'null':
      return 'empty'
    default:
      return schema.description ? inSentence(schema.description) : 'something else'
  }
}

/** The words that are allowed, where only certain words are. */
export const literals = (schema: Schema): readonly string[] | null => {
  if ('const' in schema) return [String(schema.const)]
  if (schema.enum) return schema.enum.map(String)
  const branches = (schema.anyOf ?? schema.oneOf)?.map(literals)
  return branches && branches.length > 0 && branches.every(words => words !== null) ? branches.flat() : null
}

/** "a, b or c" */
export const list = (words: readonly string[], last = 'or'): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`

/** What a value is, without saying which. */
export const kindOf = (value: unknown): string => {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'boolean') return 'true or false'
  return { string: 'text', number: 'a number', object: 'settings' }[typeof value as string] ?? typeof value
}

/** The pattern of a text that must say something. */
export const SOMETHING = '\\S'

const PATTERNS = { duration: (Duration as Schema).pattern, size: (Size as Schema).pattern }

const alternatives = (nested: readonly Schema[]): string => {
  const branches = nested.flatMap(flattened)
  const words = branches.flatMap(branch => literals(branch) ?? []).map(word => `\`${word}\``)
  const others = branches.filter(branch => literals(branch) === null).map(describe)
  return list([...new Set([...words, ...others])])
}

const flattened = (schema: Schema): readonly Schema[] => (schema.anyOf ?? schema.oneOf)?.flatMap(flattened) ?? [schema]

/** Acronyms and patterns keep their capitals: `YYYY-MM-DD`, `NPI of …`. */
const inSentence = (description: string): string => (/^[A-Z](?![A-Z])/.test(description) ? description.charAt(0).toLowerCase() + description.slice(1) : description).replace(/\.$/, '')

const range = ({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string => {
  const from = minimum ?? exclusiveMinimum
  const to = maximum ?? exclusiveMaximum
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`
  if (from !== undefined) return minimum === undefined ? ` above ${from}` : `, ${from} or more`
  if (to !== undefined) return maximum === undefined ? ` below ${to}` : `, ${to} or less`
  return ''
}
