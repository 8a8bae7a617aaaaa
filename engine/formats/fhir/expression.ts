/** FHIRPath expressions: compiled once, and asked of a resource, or of the resources of a Bundle by their types. */
import { createRequire } from 'node:module'
import type { Model } from 'fhirpath'
import { MessageFault, sentence } from '../../errors.js'
import { isObject, type Json, type JsonObject, jsonText } from '../json/json-text.js'
import { isResourceType } from './definitions.js'

type Evaluate = (resource: object, variables?: Record<string, unknown>) => unknown[]

/** A node of fhirpath's syntax tree; `start` counts lines and columns from 1. */
interface Node {
  readonly type: string
  readonly text?: string
  readonly atRoot?: number
  readonly start?: { readonly line: number; readonly column: number }
  readonly children?: readonly Node[]
}

interface Library {
  parse(expression: string): Node
  compile(expression: string, model: Model, options: { readonly traceFn: () => void }): Evaluate
}

interface Expression {
  readonly onResource: Evaluate
  readonly types: readonly string[] // the resource types that it begins its paths with
  readonly onBundle: Evaluate // with each of them as a variable: `%Patient`
}

const LONGEST = 4000 // characters
const KEPT = 1000 // expressions
const MOST_CHOICES = 10_000

const expressions = new Map<string, Expression>()
let library: Library | undefined
let model: Model | undefined

/** What is wrong with an expression, in a sentence, or null. */
export const expressionProblem = (text: string): string | null => {
  try {
    const basic = { resourceType: 'Basic' }
    guarded(text, () => compiled(text).onResource(basic, { resource: basic }))
    return null
  } catch (error) {
    return sentence(error)
  }
}

/**
 * The values of an expression as text: primitives bare, the rest as JSON. On a Bundle, a path that begins with a resource
 * type other than Bundle is asked of the resources of that type in its entries. Throws a MessageFault if it cannot be asked.
 */
export const evaluate = (body: JsonObject, text: string): readonly string[] => {
  const { onResource, onBundle, types } = compiled(text)
  const values = guarded(text, () => (body.resourceType === 'Bundle'
    ? onBundle(body, { resource: body, ...Object.fromEntries(types.map((type) => [type, resourcesOf(body, type)])) })
    : onResource(body, { resource: body })))
  return values.map((value) => (typeof value === 'string' ? value : jsonText(JSON.parse(JSON.stringify(value)) as Json)))
}

/**
 * Whether an expression holds. On a Bundle, each resource type that begins a path stands for one resource of that type, or for
 * nothing where there is none, and the expression holds if it holds for any choice of them. Nothing at all is false.
 */
export const holds = (body: JsonObject, text: string): boolean => {
  const { onResource, onBundle, types } = compiled(text)
  if (body.resourceType !== 'Bundle') return truth(guarded(text, () => onResource(body, { resource: body })), text)
  const choices = types.map((type) => resourcesOf(body, type))
  if (choices.reduce((product, { length }) => product * Math.max(length, 1), 1) > MOST_CHOICES) {
    throw new MessageFault({ kind: 'unsupported', reason: `${shown(text)} would have to be asked of more than ${MOST_CHOICES} choices of resources` })
  }
  return anyChoice(choices, [], (chosen) => truth(guarded(text, () => onBundle(body, { resource: body, ...Object.fromEntries(types.map((type, at) => [type, chosen[at]])) })), text))
}

/** The resources of one type in the entries of a Bundle, or the resource itself. */
export const resourcesOf = (body: JsonObject, type: string): readonly JsonObject[] => {
  if (body.resourceType !== 'Bundle' || type === 'Bundle') return body.resourceType === type ? [body] : []
  return entryResources(body).filter((resource) => resource.resourceType === type)
}

/** The resources in the entries of a Bundle. */
export const entryResources = ({ entry }: JsonObject): readonly JsonObject[] =>
  (Array.isArray(entry) ? entry as readonly Json[] : []).flatMap((one) => (isObject(one) && isObject(one.resource) ? [one.resource] : []))

const anyChoice = (choices: readonly (readonly JsonObject[])[], chosen: readonly (JsonObject | readonly [])[], test: (chosen: readonly (JsonObject | readonly [])[]) => boolean): boolean => {
  const next = choices[chosen.length]
  if (!next) return test(chosen)
  return (next.length > 0 ? next : [[] as const]).some((one) => anyChoice(choices, [...chosen, one], test))
}

const truth = (values: readonly unknown[], text: string): boolean => {
  if (values.length === 0) return false
  if (values.length === 1 && typeof values[0] === 'boolean') return values[0]
  throw new MessageFault({ kind: 'internal', reason: `${shown(text)} is neither true nor false here: it gives ${values.length === 1 ? 'a value' : `${values.length} values`}; compare it, or end it with .exists()` })
}

/** What fhirpath says of a failure may quote the message, so that it is left out. */
const guarded = (text: string, ask: () => unknown[]): unknown[] => {
  try {
    return ask()
  } catch (error) {
    const problem = missingFunction(error) ?? 'cannot be asked of this message: it needs one value where there are several, or a value of another type'
    throw new MessageFault({ kind: 'internal', reason: `${shown(text)} ${problem}` })
  }
}

const compiled = (text: string): Expression => {
  const known = expressions.get(text)
  if (known) return known
  if (text.length > LONGEST) throw new MessageFault({ kind: 'internal', reason: `a FHIRPath expression may have at most ${LONGEST} characters` })
  const require = createRequire(import.meta.url)
  library ??= require('fhirpath') as Library
  model ??= require('fhirpath/fhir-context/r4') as Model
  const types: Node[] = []
  collectTypes(parsed(library, text), types)
  const options = { traceFn: () => {} }
  const expression = { onResource: library.compile(text, model, options), onBundle: library.compile(withVariables(text, types), model, options), types: [...new Set(types.map((node) => node.text ?? ''))] }
  const [oldest] = expressions.keys()
  if (expressions.size >= KEPT && oldest !== undefined) expressions.delete(oldest)
  expressions.set(text, expression)
  return expression
}

/** Where a path begins with a resource type; not where a type is tested for (`is`, `as`, `ofType`). */
const collectTypes = (node: Node, found: Node[]): void => {
  if (node.type === 'Functn' && ['is', 'as', 'ofType'].includes(functionName(node))) return
  if (node.type === 'MemberInvocation' && node.atRoot && node.text !== 'Bundle' && isResourceType(node.text)) found.push(node)
  for (const child of node.children ?? []) collectTypes(child, found)
}

const functionName = (node: Node): string => node.children?.find(({ type }) => type === 'Identifier')?.text ?? ''

const withVariables = (text: string, types: readonly Node[]): string => {
  const lines = text.split('\n')
  for (const { start } of [...types].reverse()) {
    const line = start && lines[start.line - 1]
    if (start && line !== undefined) lines[start.line - 1] = `${line.slice(0, start.column - 1)}%${line.slice(start.column - 1)}`
  }
  return lines.join('\n')
}

const shown = (text: string): string => `\`${text.length > 100 ? `${text.slice(0, 100)}…` : text}\``

const parsed = ({ parse }: Library, text: string): Node => {
  try {
    return parse(text)
  } catch (error) {
    const [, line, column, problem] = /^line: (\d+); column: (\d+); message: (.*?)(?: expecting .*)?$/s.exec(sentence(error)) ?? []
    throw new MessageFault({ kind: 'internal', reason: `${shown(text)} is not FHIRPath${problem === undefined ? '' : `: line ${line}, column ${Number(column) + 1}: ${problem}`}` })
  }
}

const missingFunction = (error: unknown): string | null => {
  const [, name] = /^Not implemented: (\w+)$/.exec(sentence(error)) ?? []
  return name ? `is not FHIRPath: there is no function ${name}()` : null
}
