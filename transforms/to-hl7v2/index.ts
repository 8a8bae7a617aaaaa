/** The step `to-hl7v2`: a FHIR bundle becomes an HL7 v2 message, as an outgoing map says. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { outgoingMap } from '../../engine/v2-to-fhir/outgoing-map.js'
import { toHl7v2 } from '../../engine/v2-to-fhir/to-hl7v2.js'

const settings = Type.Object({
  with: Type.String({ pattern: '^[a-z0-9][a-z0-9/-]*$', description: 'The outgoing map, a file of mappings/fields/ without `.yaml`.' }),
  version: Type.Optional(Type.String({ default: '2.5.1', pattern: '^2\\.\\d(\\.\\d)?$', description: 'The version of HL7 v2 that the message names (MSH-12).' })),
}, { additionalProperties: false })

export default defineTransform({
  name: 'to-hl7v2',
  summary: 'Turns a FHIR bundle into an HL7 v2 message.',
  settings,
  examples: [{ with: 'ref-i12', version: '2.5.1' }, { with: 'orm-o01', version: '2.3.1' }],
  produces: 'hl7v2',
  create({ with: name, version = '2.5.1' }, tools) {
    const map = outgoingMap(name, tools)
    return (message) => {
      if (message.format !== 'fhir') throw new MessageFault({ kind: 'unsupported', reason: `to-hl7v2 takes FHIR messages, and this one is ${message.format}` })
      return [{ ...message, format: 'hl7v2', body: toHl7v2(message, map, { lookup: (table) => tools.table(table), version }) }]
    }
  },
})
