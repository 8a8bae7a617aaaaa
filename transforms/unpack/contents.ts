/** mappings/intake/contents.yaml: what HL7 v2 messages that come as documents are, and by which map they are read. */
import { type Static, Type } from 'typebox'
import type { Message, Tools } from '../../engine/contracts.js'
import { check } from '../../engine/v2-to-fhir/mapping-errors.js'
import { type MessageMap, messageMap } from '../../engine/v2-to-fhir/message-map.js'

const Kind = Type.Enum(['referral', 'answer'], { description: '`referral`: asks us for something, changes or withdraws that. `answer`: says what became of one of ours.' })
export type ContentKind = Static<typeof Kind>

export const ContentsFile = Type.Object({
  hl7v2: Type.Array(Type.Object({
    types: Type.Array(Type.String({ pattern: '^[A-Z0-9]{3}\\^[A-Z0-9]{3}$' }), { minItems: 1, description: 'Message types (MSH-9), `OMG^O19`.' }),
    with: Type.String({ pattern: '^[a-z0-9][a-z0-9/-]*$', description: 'The message map, a file of mappings/fields/ without `.yaml`.' }),
    is: Kind,
  }, { additionalProperties: false })),
}, { additionalProperties: false })

/** The map and the kind of a message of a type; undefined where the file does not name it. Throws a sentence with file:line:column where the file is wrong. */
export type Contents = (type: Message['header']['type']) => { readonly map: MessageMap; readonly kind: ContentKind } | undefined

export const contentsOf = (tools: Tools): Contents => {
  const { hl7v2 } = check(ContentsFile, tools.mapping('intake/contents'))
  const maps = new Map(hl7v2.map((row) => [row.with, messageMap(row.with, tools)]))
  return (type) => {
    const row = hl7v2.find(({ types }) => type !== null && types.includes(type))
    const map = row && maps.get(row.with)
    return row && map && { map, kind: row.is }
  }
}
