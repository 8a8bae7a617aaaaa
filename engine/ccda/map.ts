/** The map of C-CDA to FHIR, mappings/ccda/to-fhir.yaml, and its rows, mappings/ccda/rows/<name>.yaml: read, and checked to the last path. */
import { type Static, Type } from 'typebox'
import type { CodeTable, MappingDocument } from '../contracts.js'
import { type MapTools, madeOnce } from '../v2-to-fhir/made-once.js'
import { type Path, relativePath, xmlPath } from '../formats/xml/path.js'
import type { Draft } from '../v2-to-fhir/draft.js'
import { type ElementPath, elementPath } from '../v2-to-fhir/element-path.js'
import { check, didYouMean } from '../v2-to-fhir/mapping-errors.js'
import { isResource, resourceTypes } from '../v2-to-fhir/r4.js'
import type { Datatype } from './datatype.js'
import { PEOPLE_TYPES } from './people.js'
import { VALUES } from './values.js'

const Words = Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })])
const Oid = Type.String({ pattern: '^\\d+(\\.\\d+)+$' })
const Kind = Type.Enum(['referral', 'answer'], { description: 'What a document of the kind is to the desk: a referral, or what comes back for one.' })

export const CcdaMapFile = Type.Object({
  documents: Type.Record(Type.String(), Type.Object({ template: Oid, loinc: Words, as: Kind }, { additionalProperties: false }), { description: 'Kinds of documents, told by their template first, by their LOINC code second.' }),
  otherwise: Kind,
  sections: Type.Record(Type.String({ pattern: '^[a-z][a-z-]*$' }), Type.Object({ templates: Type.Array(Oid, { minItems: 1 }), loinc: Words }, { additionalProperties: false })),
  resources: Type.Record(Type.String(), Type.Object({
    at: Words, // selectors: ClinicalDocument/…, or $section/…
    as: Type.Optional(Kind), // only in documents of that kind
    each: Type.Optional(Type.Boolean()), // one resource for every such element, not only the first
    to: Type.Optional(Type.String()),
    rows: Type.Optional(Type.Record(Type.String(), Words)), // selector (seen from `at`, or $section/…): rows
    set: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }, { additionalProperties: Words })),
}, { additionalProperties: false })

const RowOptions = Type.Object({
  table: Type.Optional(Type.String({ description: 'A code table of mappings/codes/.' })),
  value: Type.Optional(Type.Unknown({ description: 'A fixed value, written where the path leads to something.' })),
  type: Type.Optional(Type.String({ description: 'Of an identifier: its type, a code of table 0203.' })),
  use: Type.Optional(Type.String()),
  confidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'How sure the value is, where it is not certain.' })),
}, { additionalProperties: false })

export const CcdaRowsFile = Type.Object({
  to: Type.String({ description: 'The resource that the rows make.' }),
  rows: Type.Array(Type.Array(Type.Union([Type.String(), RowOptions]), { minItems: 3, maxItems: 4 }), { minItems: 1, description: 'Path from the element, FHIR path, datatype (or options with a fixed value), options.' }),
}, { additionalProperties: false })

export type DocumentKind = 'referral' | 'answer'

/** A place to look: in a section by its name, else from the document's root or from the element at hand. */
export interface Selector { readonly section: string | null; readonly path: Path | null; readonly fromRoot: boolean }
export interface Row {
  readonly path: Path
  readonly element: ElementPath
  readonly datatype: Datatype | null
  readonly fixed: Draft | undefined
  readonly table: CodeTable | undefined
  readonly options: Static<typeof RowOptions>
}
export interface ResourceMap {
  readonly name: string
  readonly type: string
  readonly at: readonly Selector[]
  readonly as: DocumentKind | null
  readonly each: boolean
  readonly rows: readonly { readonly selector: Selector; readonly rows: readonly Row[] }[]
  readonly set: readonly { readonly element: ElementPath; readonly value: unknown }[]
  readonly links: readonly { readonly element: ElementPath; readonly to: readonly string[] }[]
}
export interface CcdaMap {
  readonly documents: readonly { readonly name: string; readonly template: string; readonly loinc: readonly string[]; readonly as: DocumentKind }[]
  readonly otherwise: DocumentKind
  readonly sections: readonly { readonly name: string; readonly templates: readonly string[]; readonly loinc: readonly string[] }[]
  readonly resources: readonly ResourceMap[]
}

const DATATYPES: Readonly<Record<string, Datatype>> = { ...VALUES, ...PEOPLE_TYPES }
const RESERVED = ['at', 'as', 'each', 'to', 'rows', 'set']

/** Reads `mappings/ccda/to-fhir.yaml` and the rows it names. Throws a sentence with file:line:column. */
export const ccdaMap = (tools: MapTools): CcdaMap => read(tools.mapping('ccda/to-fhir'), tools)

const read = madeOnce((file, tools): CcdaMap => {
  const value = check(CcdaMapFile, file)
  const [sections, names] = [Object.keys(value.sections), Object.keys(value.resources)]
  const known = new Map<string, { readonly to: string; readonly rows: readonly Row[] }>()
  const load = (name: string) => {
    const loaded = known.get(name) ?? rowsOf(tools.mapping(`ccda/rows/${name}`), (table) => tools.table(table))
    known.set(name, loaded)
    return loaded
  }
  const resources = Object.entries(value.resources).map(([name, entry]): ResourceMap => {
    const at = placed(file, ['resources', name])
    const rows = Object.entries(entry.rows ?? {}).flatMap(([selector, files]) => list(files).map((one) => ({ selector: at(['rows', selector], () => selectorOf(selector, sections)), ...at(['rows', selector], () => load(one)) })))
    const types = [...new Set([...(entry.to ? [entry.to] : []), ...rows.map(({ to }) => to)])]
    const [type = ''] = types
    if (types.length !== 1 || !isResource(type)) throw new Error(`${file.place('resources', name)}: ${types.length > 1 ? `the rows make ${types.join(' and ')}; one resource is of one type` : `the resource needs rows, or \`to:\` with the name of a FHIR resource${didYouMean(type, resourceTypes())}`}.`)
    const links = Object.entries(entry).filter(([key]) => !RESERVED.includes(key)).map(([key, to]) => ({
      element: at([key], () => linkPath(key, type)),
      to: list(to as string | string[]).map((wanted) => at([key], () => oneOf(wanted, names, 'resource here'))),
    }))
    return {
      name, type, rows, links, each: entry.each ?? false, as: entry.as ?? null,
      at: list(entry.at).map((one) => at(['at'], () => selectorOf(one, sections))),
      set: Object.entries(entry.set ?? {}).map(([path, fixed]) => ({ element: at(['set', path], () => elementPath(path, type)), value: fixed })),
    }
  })
  return {
    documents: Object.entries(value.documents).map(([name, { template, loinc, as }]) => ({ name, template, loinc: list(loinc), as })), otherwise: value.otherwise,
    sections: Object.entries(value.sections).map(([name, { templates, loinc }]) => ({ name, templates, loinc: list(loinc) })), resources,
  }
})

const placed = (file: MappingDocument, before: readonly (string | number)[]) => <Value>(keys: readonly (string | number)[], read: () => Value): Value => {
  try {
    return read()
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error)
    throw /^\S+:\d+:\d+: /.test(sentence) ? error : new Error(`${file.place(...before, ...keys)}: ${sentence.replace(/\.$/, '')}.`)
  }
}

const rowsOf = (file: MappingDocument, table: (name: string) => CodeTable): { readonly to: string; readonly rows: readonly Row[] } => {
  const { to, rows } = check(CcdaRowsFile, file)
  if (!isResource(to)) throw new Error(`${file.place('to')}: FHIR R4 has no resource "${to}"${didYouMean(to, resourceTypes())}.`)
  return { to, rows: rows.map((cells, index): Row => {
    const at = placed(file, ['rows', index])
    const [pathText, elementText, third, fourth] = cells
    const options = typeof third === 'object' ? third : typeof fourth === 'object' ? fourth : {}
    const element = at([1], () => elementPath(typeof elementText === 'string' ? elementText : '', to))
    const datatype = typeof third === 'string' ? at([2], () => datatypeOf(third, element)) : null
    if (!datatype && options.value === undefined) throw new Error(`${file.place('rows', index, 2)}: the row needs a datatype (${Object.keys(DATATYPES).join(', ')}) or { value: … }.`)
    return { path: at([0], () => pathOf(String(pathText))), element, datatype, fixed: options.value as Draft | undefined, options, table: options.table === undefined ? undefined : at([typeof third === 'object' ? 2 : 3, 'table'], () => table(options.table ?? '')) }
  }) }
}

const list = (words: string | readonly string[]): readonly string[] => (typeof words === 'string' ? [words] : words)

const oneOf = (wanted: string, names: readonly string[], what: string): string => {
  if (names.includes(wanted)) return wanted
  throw new Error(`no ${what} is called "${wanted}"; there are ${names.join(', ')}${didYouMean(wanted, names)}`)
}

const pathOf = (text: string, read = relativePath): Path => {
  const path = read(text)
  if (typeof path === 'string') throw new Error(path)
  return path
}

const selectorOf = (text: string, sections: readonly string[]): Selector => {
  const [, section, rest] = /^\$([a-z-]+)(?:\/(.+))?$/.exec(text) ?? []
  if (section !== undefined) return { section: oneOf(section, sections, 'section'), path: rest === undefined ? null : pathOf(rest), fromRoot: false }
  const fromRoot = text.startsWith('ClinicalDocument')
  return { section: null, path: pathOf(text, fromRoot ? xmlPath : relativePath), fromRoot }
}

const datatypeOf = (name: string, element: ElementPath): Datatype => {
  const datatype = DATATYPES[name]
  if (!datatype) throw new Error(`there is no datatype "${name}"; allowed are ${Object.keys(DATATYPES).join(', ')}${didYouMean(name, Object.keys(DATATYPES))}`)
  if (datatype.makes.includes(element.type)) return datatype
  throw new Error(`${name} cannot become ${element.text}, which is a ${element.type}; it becomes ${datatype.makes.join(', ')}`)
}

const linkPath = (key: string, type: string): ElementPath => {
  const element = elementPath(key, type)
  if (element.type === 'Reference') return element
  throw new Error(`${key} is a ${element.type} and cannot point at a resource`)
}
