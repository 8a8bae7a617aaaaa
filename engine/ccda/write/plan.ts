/** What a document is made of, mappings/ccda/write/<name>.yaml, and what its templates require, mappings/ccda/required/<name>.yaml. */
import { type Static, Type } from 'typebox'
import type { Tools } from '../../contracts.js'
import { type Path, xmlPath } from '../../formats/xml/path.js'
import { placesIn } from '../../formats/xml/select.js'
import type { XmlDocument } from '../../formats/xml/tree.js'
import { check } from '../../v2-to-fhir/mapping-errors.js'

const Oid = Type.String({ pattern: '^\\d+(\\.\\d+)+$' })

export const DocumentPlanFile = Type.Object({
  template: Oid,
  extension: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
  loinc: Type.String({ pattern: '^\\d{1,5}-\\d$' }),
  title: Type.String({ minLength: 1 }),
  author: Type.Enum(['requester', 'performer'], { description: 'Of the request: who writes. The other is whom it is for, where the notice names nobody.' }),
  encounter: Type.Optional(Type.Boolean({ description: 'Whether the visit that it tells of is named (componentOf).' })),
  sections: Type.Array(Type.Object({
    template: Oid,
    extension: Type.Optional(Type.String()),
    loinc: Type.String({ pattern: '^\\d{1,5}-\\d$' }),
    title: Type.String({ minLength: 1 }),
    text: Type.Optional(Type.Array(Type.String(), { description: 'FHIRPath of what the narrative says, line by line; `$documents` is the text of the documents that are enclosed.' })),
    entries: Type.Optional(Type.Enum(['problems', 'allergies', 'medications', 'results', 'referral'])),
    optional: Type.Optional(Type.Boolean({ description: 'Left out where there is nothing; others say that there is no information.' })),
  }, { additionalProperties: false }), { minItems: 1 }),
}, { additionalProperties: false })

export const RequiredFile = Type.Object({
  includes: Type.Optional(Type.Array(Type.String(), { description: 'Other tables that hold too.' })),
  rows: Type.Array(Type.Array(Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })]), { minItems: 2, maxItems: 2 }), { minItems: 1, description: 'A path (or several, of which one must be there), and what is missing where it is not.' }),
}, { additionalProperties: false })

export type DocumentPlan = Static<typeof DocumentPlanFile>
export type Requirement = { readonly paths: readonly Path[]; readonly at: string; readonly says: string }

export const documentPlan = (name: string, tools: Pick<Tools, 'mapping'>): DocumentPlan => check(DocumentPlanFile, tools.mapping(`ccda/write/${name}`))

/** The table of a document and those that it includes. Throws a sentence with file:line:column. */
export const requirements = (name: string, tools: Pick<Tools, 'mapping'>): readonly Requirement[] => {
  const file = tools.mapping(`ccda/required/${name}`)
  const { includes = [], rows } = check(RequiredFile, file)
  const own = rows.map(([where = '', says], index): Requirement => {
    const texts = [where].flat()
    const paths = texts.map((one) => {
      const path = xmlPath(one)
      if (typeof path === 'string') throw new Error(`${file.place('rows', index, 0)}: ${path}.`)
      return path
    })
    return { paths, at: texts[0] ?? '', says: String(says) }
  })
  return [...includes.flatMap((one) => requirements(one, tools)), ...own]
}

/** Which requirements a document does not meet. */
export const lacking = (document: XmlDocument, all: readonly Requirement[]): readonly Requirement[] =>
  all.filter(({ paths }) => !paths.some((path) => placesIn(document, path).some(({ element }) => path.attribute === null || element.attributes.has(path.attribute))))
