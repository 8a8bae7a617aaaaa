/** Letters as they are written: mappings/letters/<name>/<language>.yaml, checked against the values there are. */
import { type Static, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { check, didYouMean } from '../../engine/v2-to-fhir/mapping-errors.js'
import { parseTemplate, type Template, valuesOf } from './template.js'
import type { ValueDefinitions } from './values.js'

const Test = Type.Union([
  Type.String({ description: 'A value that must be there.' }),
  Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })]), { description: 'Values, and what they must be: `{ status: [scheduled, seen] }`.' }),
])
const Conditions = {
  when: Type.Optional(Test),
  unless: Type.Optional(Type.Union([Test, Type.Array(Type.String(), { minItems: 1, description: 'Values of which none may be there.' })])),
  disclose: Type.Optional(Type.Enum(['all', 'nothing'], { description: 'Only in letters that disclose all, or only in those that disclose nothing; left out, in both.' })),
}
const Block = Type.Object({
  paragraph: Type.Optional(Type.String({ minLength: 1 })),
  heading: Type.Optional(Type.String({ minLength: 1 })),
  list: Type.Optional(Type.String({ minLength: 1, description: 'One item for each value of the first name in it: `{missing}`.' })),
  facts: Type.Optional(Type.Array(Type.Array(Type.String({ minLength: 1 }), { minItems: 2, maxItems: 2 }), { minItems: 1, description: 'Rows of a label and a value; those without their value are left out.' })),
  ...Conditions,
}, { additionalProperties: false })

/** The content of mappings/letters/<name>/<language>.yaml. */
export const LetterFile = Type.Object({
  summary: Type.String({ minLength: 1, description: 'What the letter is for.' }),
  example: Type.String({ minLength: 1, description: 'A notice of fixtures/ that tests render.' }),
  languages: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$' }), { uniqueItems: true, description: 'In en.yaml: the other languages that there is a file for.' })),
  subject: Type.String({ minLength: 1 }),
  blocks: Type.Array(Block, { minItems: 1 }),
}, { additionalProperties: false })

export type TestedValues = readonly { readonly name: string; readonly among: readonly string[] | null }[]

interface Shown { readonly when: TestedValues | null; readonly unless: readonly TestedValues[]; readonly disclose: 'all' | 'nothing' | null }
export type BlockTemplate = Shown & (
  | { readonly kind: 'heading' | 'paragraph' | 'list'; readonly text: Template }
  | { readonly kind: 'facts'; readonly rows: readonly (readonly [label: string, value: Template])[] })

export interface LetterTemplate {
  readonly summary: string
  readonly example: string
  readonly languages: readonly string[]
  readonly subject: Template
  readonly blocks: readonly BlockTemplate[]
}

const KINDS = ['paragraph', 'heading', 'list', 'facts'] as const
/** What everything that is sent must say, so that its answer finds the referral. */
const REFERENCE = 'reference'

/** A letter of a file. Throws a sentence that begins with file:line:column. */
export const letterTemplate = (file: MappingDocument, values: ValueDefinitions): LetterTemplate => {
  const { summary, example, languages = [], subject, blocks } = check(LetterFile, file)
  const template = (text: string, keys: readonly (string | number)[], anonymous: boolean): Template => {
    const at = file.place(...keys)
    let parsed: Template
    try {
      parsed = parseTemplate(text)
    } catch (error) {
      throw new Error(`${at}: this ${error instanceof Error ? error.message : String(error)}.`)
    }
    for (const name of valuesOf(parsed)) known(name, at, anonymous)
    return parsed
  }
  const known = (name: string, at: string, anonymous: boolean): void => {
    const value = values.get(name)
    if (!value) throw new Error(`${at}: "${name}" is no value of letters (mappings/letters/values.yaml)${didYouMean(name, [...values.keys()]) || `; there are ${[...values.keys()].join(', ')}`}.`)
    if (anonymous && !value.anonymous) throw new Error(`${at}: "${name}" may tell of the patient, and this would stand in letters that disclose nothing too; say \`disclose: all\` beside it (a subject may not hold it at all).`)
  }

  const tested = (test: Static<typeof Test> | undefined, keys: readonly (string | number)[], anonymous: boolean): TestedValues | null => {
    if (test === undefined) return null
    const list = typeof test === 'string' ? [{ name: test, among: null }] : Object.entries(test).map(([name, among]) => ({ name, among: [among].flat() }))
    for (const { name, among } of list) {
      known(name, file.place(...keys), anonymous)
      const words = values.get(name)?.words
      for (const word of words ? among ?? [] : []) {
        const all = Object.values(words ?? {})
        if (!all.includes(word)) throw new Error(`${file.place(...keys)}: ${name} is never "${word}"${didYouMean(word, all) || `; it is one of ${[...new Set(all)].join(', ')}`}.`)
      }
    }
    return list
  }

  const block = (written: Static<typeof Block>, index: number): BlockTemplate => {
    const keys = ['blocks', index]
    const [kind, ...more] = KINDS.filter((one) => written[one] !== undefined)
    if (!kind || more.length > 0) throw new Error(`${file.place(...keys)}: a block is one of ${KINDS.join(', ')}, and this is ${kind ? `${[kind, ...more].join(' and ')} at once` : 'none'}.`)
    const { disclose = null } = written
    const anonymous = disclose !== 'all'
    const shown = { disclose, when: tested(written.when, [...keys, 'when'], anonymous), unless: [written.unless].flat().map((one) => tested(one, [...keys, 'unless'], anonymous)).filter((one) => one !== null) }
    if (kind === 'facts') return { kind, ...shown, rows: (written.facts ?? []).map(([label = '', text = ''], row) => [label, template(text, [...keys, 'facts', row, 1], anonymous)] as const) }
    const text = template(written[kind] ?? '', [...keys, kind], anonymous)
    if (kind === 'list' && valuesOf(text).length === 0) throw new Error(`${file.place(...keys, kind)}: a list needs a value to go over, such as \`{missing}\`.`)
    return { kind, ...shown, text }
  }

  const made: LetterTemplate = { summary, example, languages, subject: template(subject, ['subject'], true), blocks: blocks.map(block) }
  if (!valuesOf(made.subject).includes(REFERENCE)) throw new Error(`${file.place('subject')}: the subject must hold {${REFERENCE}}, by which an answer finds its referral.`)
  if (!made.blocks.some(saysReferenceAlways)) throw new Error(`${file.place('blocks')}: a paragraph without \`when\`, \`unless\` or \`disclose\` must hold {${REFERENCE}}, so that every letter says it.`)
  return made
}

const saysReferenceAlways = (block: BlockTemplate): boolean => {
  if (block.when || block.unless.length > 0 || block.disclose !== null || block.kind !== 'paragraph') return false
  const names = valuesOf(block.text)
  return names.includes(REFERENCE) && names.every((name) => name === REFERENCE)
}
