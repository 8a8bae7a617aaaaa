/** Checks data against a schema, fills in its defaults, and says what is wrong in one sentence a mistake. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { TSchema } from 'typebox'
import { didYouMean } from './nearest.js'
import { describe, kindOf, literals, type Schema, SOMETHING } from './schema-words.js'

export type Keys = readonly (string | number)[]

/** One mistake: where (by keys), at the key itself or its value, and what. */
export interface Mistake {
  readonly keys: Keys
  readonly at: 'key' | 'value'
  readonly rule: 'unknown-setting' | 'missing-setting' | 'wrong-value' | 'number-as-text'
  readonly message: string
}

export interface Subject {
  /** What the whole is called: "a channel", "`mllp`". */
  readonly name: string
  /** What its parts are called; settings unless said. */
  readonly parts?: 'field'
  /** The value as it is written in the file, where it may be shown. */
  written?(keys: Keys): string | null
}

const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false, verbose: true, logger: false })
const compiled = new WeakMap<TSchema, ValidateFunction>()

/** Fills the schema's defaults into `value` (in place) and returns its mistakes. Throws where the schema itself is broken. */
export const mistakes = (schema: TSchema, value: unknown, subject: Subject): readonly Mistake[] => {
  const validate = compiled.get(schema) ?? ajv.compile(schema)
  compiled.set(schema, validate)
  return validate(value) ? [] : explain(validate.errors ?? [], subject)
}

/** What a validator of one's own (`verbose`, `allErrors`) has found, each mistake once. */
export const explain = (errors: readonly ErrorObject[], subject: Subject): readonly Mistake[] => {
  const seen = new Set<string>()
  return explained(errors, subject).map(each => ({ ...each, message: each.message.charAt(0).toUpperCase() + each.message.slice(1) })).filter(({ keys, message }) => {
    const same = `${keys.join('/')} ${message}`
    return !seen.has(same) && seen.add(same)
  })
}

/** Alternatives (anyOf) give an error for each branch: only the branch that was meant speaks, or one sentence for all. */
const explained = (errors: readonly ErrorObject[], subject: Subject): Mistake[] => {
  const union = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf').sort((a, b) => a.schemaPath.length - b.schemaPath.length)[0]
  if (!union) return errors.filter(({ keyword }) => keyword !== 'if' && keyword !== 'propertyNames').map(error => mistake(error, subject))
  const own = errors.filter(error => error !== union && error.schemaPath.startsWith(`${union.schemaPath}/`) && within(error, union))
  const others = errors.filter(error => error !== union && !own.includes(error))
  return [...meant(union, own, subject), ...explained(others, subject)]
}

const meant = (union: ErrorObject, own: readonly ErrorObject[], subject: Subject): Mistake[] => {
  const branches = new Map<string, ErrorObject[]>()
  for (const error of own) {
    const branch = error.schemaPath.slice(union.schemaPath.length + 1).split('/')[0] ?? ''
    branches.set(branch, [...(branches.get(branch) ?? []), error])
  }
  const otherKind = ({ instancePath, keyword }: ErrorObject): boolean => instancePath === union.instancePath && ['type', 'const', 'enum'].includes(keyword)
  const near = [...branches.values()].filter(branch => !branch.some(otherKind)).sort((a, b) => a.length - b.length)[0]
  return near ? explained(near, subject) : [mistake(union, subject)]
}

const within = (error: ErrorObject, union: ErrorObject): boolean =>
  error.instancePath === union.instancePath || error.instancePath.startsWith(`${union.instancePath}/`)

const mistake = ({ keyword, instancePath, params, parentSchema = {}, schema, data, message }: ErrorObject, subject: Subject): Mistake => {
  const keys = keysOf(instancePath)
  const value = (text: string, rule: Mistake['rule'] = 'wrong-value'): Mistake => ({ keys, at: 'value', rule, message: `${named(keys, subject)} ${text}` })
  const allowed = parentSchema as Schema
  switch (keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty)
      const known = Object.keys(allowed.properties ?? {})
      const what = known.length > 0 ? `a ${subject.parts ?? 'setting'} of ${owner(keys, subject)}${didYouMean(key, known)}` : 'a name that can be used here: a letter, then letters, digits and hyphens.'
      return { keys: [...keys, key], at: 'key', rule: 'unknown-setting', message: `\`${key}\` is not ${what}` }
    }
    case 'required': {
      const key = String(params.missingProperty)
      const setting = allowed.properties?.[key]
      return { keys, at: 'key', rule: 'missing-setting', message: `${owner(keys, subject)} needs \`${key}\`${setting ? `: ${describe(setting)}` : ''}.` }
    }
    case 'anyOf':
    case 'oneOf':
    case 'type':
    case 'const':
    case 'enum':
    case 'pattern': {
      if (allowed.pattern === SOMETHING && keyword === 'pattern') return value('must not be empty.')
      const text = subject.written?.(keys) ?? null
      const words = literals(allowed)
      if (textWanted(allowed) && text !== null && (typeof data === 'number' || typeof data === 'boolean')) {
        return value(`must be text, and ${text} without quotes is ${kindOf(data)}; quote it: "${text}".`, 'number-as-text')
      }
      const instead = keyword === 'pattern' || typeof data === 'string' ? (text === null ? '' : `, not \`${text}\``) : `, not ${kindOf(data)}`
      if (words && typeof data === 'string' && text !== null) return value(`cannot be \`${text}\`${didYouMean(text, words)}`)
      return value(`must be ${describe(allowed)}${instead}.`)
    }
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
    case 'multipleOf':
      return value(`must be ${describe(allowed)}, not ${String(data)}.`)
    case 'minProperties':
    case 'maxProperties':
      return value(allowed.maxProperties === 1 ? `must be ${describe(allowed)}.` : `must have at ${keyword === 'minProperties' ? 'least' : 'most'} ${String(schema)} ${schema === 1 ? 'entry' : 'entries'}.`)
    case 'minItems':
    case 'maxItems':
      return value(`must have at ${keyword === 'minItems' ? 'least' : 'most'} ${String(schema)} in its list.`)
    case 'minLength':
      return value(schema === 1 ? 'must not be empty.' : `must have at least ${String(schema)} characters.`)
    case 'maxLength':
      return value(`must have at most ${String(schema)} characters.`)
    case 'uniqueItems':
      return value(`has the same entry twice: numbers ${Number(params.j) + 1} and ${Number(params.i) + 1}.`)
    default:
      return value(`${message ?? 'is wrong'}.`)
  }
}

const textWanted = (schema: Schema): boolean =>
  schema.type === 'string' || (schema.anyOf?.some(textWanted) ?? false)

/** What a setting is called in a sentence. */
const named = (keys: Keys, subject: Subject): string => {
  const last = keys.at(-1)
  if (last === undefined) return subject.name
  if (typeof last === 'string') return `\`${last}\``
  const name = keys.findLast(key => typeof key === 'string')
  return name === undefined ? `number ${last + 1} of the list` : `number ${last + 1} of \`${name}\``
}

/** What has settings of its own: "a destination", "`retry`". */
const owner = (keys: Keys, subject: Subject): string => {
  const [list, index] = keys.slice(-2)
  return typeof index === 'number' && typeof list === 'string' && /^[a-z]+s$/.test(list) ? `a ${list.slice(0, -1)}` : named(keys, subject)
}

/** The keys of a JSON pointer; all-digit keys are list positions. */
const keysOf = (pointer: string): Keys =>
  pointer.split('/').slice(1).map(key => (/^\d+$/.test(key) ? Number(key) : key.replaceAll('~1', '/').replaceAll('~0', '~')))

