/** mappings/intake/contents.yaml: what HL7 v2 messages that come as documents are, and by which map they are read. */
import { type Static, Type } from 'typebox'
import type { Tools } from '../../engine/contracts.js'
import { check } from '../../engine/v2-to-fhir/mapping-errors.js'
import { type MessageMap, messageMap } from '../../engine/v2-to-fhir/message-map.js'

const Kind = Type.Enum(['referral', 'answer', 'note', 'interim-note'], { description: '`referral`: asks us for something, changes or withdraws that. `answer`: says what became of one of ours. `note`, `interim-note`: says which order the documents beside it answer.' })
export type ContentKind = Static<typeof Kind>

const Row = Type.Object({
  types: Type.Array(Type.String({ pattern: '^[A-Z0-9]{3}\\^[A-Z0-9]{3}$' }), { minItems: 1, description: 'Message types (MSH-9), `OMG^O19`.' }),
  where: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Z][A-Z0-9]{2}-\\d{1,3}(\\.\\d{1,2})?$' }), Type.Array(Type.String(), { minItems: 1 }), { description: 'What stands in the first such field: one of these; `""` is that nothing does.' })),
  document: Type.Optional(Type.Boolean({ description: 'Whether a C-CDA document that answers comes with it.' })),
  with: Type.String({ pattern: '^[a-z0-9][a-z0-9/-]*$', description: 'The message map, a file of mappings/fields/ without `.yaml`.' }),
  is: Kind,
}, { additionalProperties: false })

export const ContentsFile = Type.Object({ hl7v2: Type.Array(Row) }, { additionalProperties: false })

/** Of a message's type and of what stands in a field: its map and what it is; undefined where no row fits. */
export type Contents = (type: string | null, read: (path: string) => string | undefined, withDocument: boolean) => { readonly map: MessageMap; readonly kind: ContentKind } | undefined

/** Throws a sentence with file:line:column where the file is wrong, or a map does not take a type that it is named for. */
export const contentsOf = (tools: Tools): Contents => {
  const file = tools.mapping('intake/contents')
  const { hl7v2 } = check(ContentsFile, file)
  const maps = new Map([...new Set(hl7v2.map((row) => row.with))].map((name) => [name, messageMap(name, tools)]))
  for (const [index, row] of hl7v2.entries()) {
    const not = row.types.find((type) => !maps.get(row.with)?.messages.includes(type))
    if (not !== undefined) throw new Error(`${file.place('hl7v2', index, 'types')}: the map ${row.with} does not take ${not}; it takes ${maps.get(row.with)?.messages.join(', ')}.`)
  }
  return (type, read, withDocument) => {
    const row = hl7v2.find((one) => type !== null && one.types.includes(type) && (one.document === undefined || one.document === withDocument) && Object.entries(one.where ?? {}).every(([path, values]) => values.includes(read(path) ?? '')))
    const map = row && maps.get(row.with)
    return row && map && { map, kind: row.is }
  }
}
