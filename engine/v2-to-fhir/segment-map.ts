/** Segment maps, mappings/fields/segments/<segment>[-<resource>].yaml: one row a line, as the v2-to-FHIR guide's tables have them. */
import { type Static, Type } from 'typebox'
import type { CodeTable, MappingDocument } from '../contracts.js'
import { madeOnce } from './made-once.js'
import { type Condition, condition } from './condition.js'
import type { Datatype } from './datatype.js'
import { DATATYPES } from './datatypes/index.js'
import type { Draft } from './draft.js'
import { type ElementPath, elementPath } from './element-path.js'
import { type FieldPath, fieldPath } from './field-path.js'
import { check } from './mapping-errors.js'
import { didYouMean } from './mapping-errors.js'
import { isResource, resourceTypes } from './r4.js'
import { type SpanPaths, spanPaths } from './span.js'

/** What a row may say after its datatype. `use`, `type`, `system`, `display` and `text` fill what the message leaves empty. */
export const RowOptions = Type.Object({
  when: Type.Optional(Type.String({ description: 'The row counts only where this holds: "ORC-2 empty", "OBX-2 one of ST|TX and OBX-5 exists".' })),
  table: Type.Optional(Type.String({ description: 'A code table of mappings/codes/ that turns the code into FHIR’s.' })),
  value: Type.Optional(Type.Unknown({ description: 'A fixed value, written where the field has one.' })),
  coding: Type.Optional(Type.String({ description: 'A fixed code as system|code, written where the field has a value.' })),
  use: Type.Optional(Type.String()),
  type: Type.Optional(Type.String({ description: 'Of an identifier: its type, a code of table 0203.' })),
  system: Type.Optional(Type.String()),
  display: Type.Optional(Type.String()),
  text: Type.Optional(Type.String()),
  as: Type.Optional(Type.String({ description: 'Of a reference: what the value becomes, a resource of its own that the reference leads to (Practitioner, PractitionerRole, Organization, Location …).' })),
  each: Type.Optional(Type.String({ description: 'Another field of the segment: the value is written once for every repetition of it, OBX-3 for each OBX-5.' })),
  after: Type.Optional(Type.String({ description: 'Of an amount of time: the time that it is added to, "SCH-11.4|/TQ1-7", or one with another amount and its unit, "SCH-11.4 + AIP-7 AIP-8".' })),
  units: Type.Optional(Type.String({ description: 'The field with the unit of an amount of time.' })),
  required: Type.Optional(Type.Boolean({ description: 'Without it the message is refused.' })),
  oneWay: Type.Optional(Type.Boolean({ description: 'Not read backwards, from FHIR to HL7 v2.' })),
}, { additionalProperties: false })

/** The content of a segment map. A row: field or segment, FHIR path, datatype (or options with a fixed value), options. */
export const SegmentMapFile = Type.Object({
  to: Type.String({ description: 'The resource that the rows make.' }),
  rows: Type.Array(Type.Array(Type.Union([Type.String(), RowOptions]), { minItems: 3, maxItems: 4 }), { minItems: 1 }),
}, { additionalProperties: false })

export interface Row {
  readonly field: FieldPath
  readonly element: ElementPath
  readonly datatype: Datatype | null // null: a fixed value
  readonly fixed: Draft | undefined
  readonly fill: Readonly<Record<string, Draft>>
  readonly when: Condition | null
  readonly table: CodeTable | undefined
  readonly as: string | null // the resource that the value of a reference becomes
  readonly each: FieldPath | null
  readonly span: SpanPaths | null // of an amount of time: what it is added to, and its unit
  readonly required: boolean
  readonly oneWay: boolean
}

export interface SegmentMap {
  readonly to: string
  readonly segment: string
  readonly rows: readonly Row[]
}

const OPTIONS = Object.keys(RowOptions.properties)

/** Reads a segment map. Throws a sentence with file:line:column, what is wrong and what is allowed. */
export const segmentMap = madeOnce((file, tools): SegmentMap => {
  const { to, rows } = check(SegmentMapFile, file, (value) => checkRows(value, file))
  if (!isResource(to)) throw new Error(`${file.place('to')}: FHIR R4 has no resource "${to}"${didYouMean(to, resourceTypes())}.`)
  const read = rows.map((cells, index) => row(cells, to, tools.table, (cell, key) => file.place('rows', index, cell, ...(key ? [key] : []))))
  const first = read.find(({ field }) => field.segment !== 'MSH') ?? read[0]
  const segment = first?.field.segment ?? ''
  const odd = read.findIndex(({ field }) => field.segment !== segment && field.segment !== 'MSH')
  if (odd >= 0) throw new Error(`${file.place('rows', odd, 0)}: this file maps ${segment}; a row of ${read[odd]?.field.segment} belongs in a file of its own.`)
  return { to, segment, rows: read }
})

/** Says which word of a row is not known: the schema would only say that the row matches nothing. */
const checkRows = (value: unknown, file: MappingDocument): void => {
  const { rows } = (value ?? {}) as { rows?: unknown }
  if (!Array.isArray(rows)) return
  rows.forEach((cells: unknown, index) => {
    if (!Array.isArray(cells)) return
    cells.forEach((cell: unknown, at) => {
      if (typeof cell !== 'object' || cell === null) return
      for (const key of Object.keys(cell)) {
        if (!OPTIONS.includes(key)) throw new Error(`${file.place('rows', index, at, key)}: a row has no option "${key}"; allowed are ${OPTIONS.join(', ')}${didYouMean(key, OPTIONS)}.`)
      }
    })
  })
}

const row = (cells: readonly (string | Static<typeof RowOptions>)[], to: string, table: (name: string) => CodeTable, place: (cell: number, key?: string) => string): Row => {
  const [fieldText, pathText, third, fourth] = cells
  const at = <T>(cell: number, key: string | undefined, read: () => T): T => {
    try {
      return read()
    } catch (error) {
      throw new Error(`${place(cell, key)}: ${error instanceof Error ? error.message : error}.`)
    }
  }
  const field = at(0, undefined, () => fieldOf(fieldText))
  const element = at(1, undefined, () => elementPath(typeof pathText === 'string' ? pathText : '', to))
  const options: Static<typeof RowOptions> = typeof third === 'object' ? third : typeof fourth === 'object' ? fourth : {}
  const optionsAt = typeof third === 'object' ? 2 : 3
  const fixed = options.coding === undefined ? (options.value as Draft | undefined) : at(optionsAt, 'coding', () => coded(options.coding ?? '', element.type))
  const thirdText = typeof third === 'string' ? third : ''
  const datatype = typeof third === 'string' ? at(2, undefined, () => datatypeFor(third, element)) : null
  if (!datatype && fixed === undefined) throw new Error(`${place(2)}: the row needs a datatype (${Object.keys(DATATYPES).join(', ')}) or { value: … } or { coding: system|code }.`)
  if (datatype && field.field === null) throw new Error(`${place(0)}: a datatype needs a field, like ${field.segment}-3.`)
  return {
    field, element, datatype, fixed,
    fill: fillOf(options, element.type),
    when: options.when === undefined ? null : at(optionsAt, 'when', () => condition(options.when ?? '')),
    table: options.table === undefined ? undefined : at(optionsAt, 'table', () => table(options.table ?? '')),
    as: options.as === undefined ? null : at(optionsAt, 'as', () => resourceFor(options.as ?? '', thirdText, datatype, element)),
    span: at(optionsAt, options.after === undefined ? 'units' : 'after', () => spanPaths(options.after, options.units)),
    each: options.each === undefined ? null : at(optionsAt, 'each', () => sibling(options.each, field)),
    required: options.required ?? false,
    oneWay: options.oneWay ?? false,
  }
}

const fieldOf = (text: unknown): FieldPath => {
  const path = typeof text === 'string' ? fieldPath(text) : null
  if (!path) throw new Error('the first cell is a field, like PID-5 or PID-18.1, or a segment')
  return path
}

const sibling = (text: unknown, { segment }: FieldPath): FieldPath => {
  const path = typeof text === 'string' ? fieldPath(text) : null
  if (path?.segment === segment && path.field !== null && path.component === null) return path
  throw new Error(`"${text}" is not a field of ${segment}, like ${segment}-5`)
}

const datatypeFor = (name: string, element: ElementPath): Datatype => {
  const datatype = DATATYPES[name]
  if (!datatype) throw new Error(`there is no datatype "${name}"; allowed are ${Object.keys(DATATYPES).join(', ')}${didYouMean(name, Object.keys(DATATYPES))}`)
  if (datatype.makes.includes(element.type)) return datatype
  throw new Error(`${name} cannot become ${element.text}, which is a ${element.type}; it becomes ${datatype.makes.join(', ')}`)
}

/** A role is made of whoever makes a practitioner. */
const resourceFor = (as: string, name: string, datatype: Datatype | null, element: ElementPath): string => {
  if (element.type !== 'Reference') throw new Error(`${element.text} is a ${element.type}; only what a reference leads to can be a resource of its own`)
  if (datatype?.makes.includes(as === 'PractitionerRole' ? 'Practitioner' : as) && isResource(as)) return as
  throw new Error(`${name || 'a fixed value'} cannot become a resource ${as}; it becomes ${(datatype?.makes ?? []).filter(isResource).join(', ') || 'none'}`)
}

/** `system|code` or `system|code|words` as the element wants it. */
const coded = (text: string, type: string): Draft => {
  const [, system, code, words] = /^([^|\s]+)\|([^|\s]+)(?:\|([^|]+))?$/.exec(text) ?? []
  if (!system || !code) throw new Error(`"${text}" is not a code with its system; write system|code, or system|code|words`)
  const display = words === undefined ? {} : { display: words }
  if (type === 'CodeableConcept') return { coding: [{ system, code, ...display }], ...(words === undefined ? {} : { text: words }) }
  if (type === 'Coding') return { system, code, ...display }
  throw new Error(`a coding cannot be written to a ${type}; use { value: … }`)
}

const fillOf = ({ use, type, system, display, text }: Static<typeof RowOptions>, target: string): Readonly<Record<string, Draft>> => ({
  ...(use === undefined ? {} : { use }),
  ...(type === undefined ? {} : { type: target === 'Identifier' ? { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: type }], ...(text === undefined ? {} : { text }) } : type }),
  ...(system === undefined ? {} : { system }),
  ...(display === undefined ? {} : { display }),
  ...(text === undefined || target === 'Identifier' ? {} : { text }),
})
