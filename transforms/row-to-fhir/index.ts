/** The step `row-to-fhir`: a row of a payer's list becomes a referral, as the list's profile says. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { madeBody } from '../../engine/formats/fhir/made.js'
import { rowMap } from '../../engine/v2-to-fhir/row-map.js'
import { rowToFhir } from '../../engine/v2-to-fhir/row-to-fhir.js'

export default defineTransform({
  name: 'row-to-fhir',
  summary: 'Turns a row of a list (`format: table`) into a FHIR Bundle around a referral, with the column that every value came from.',
  settings: Type.Object({
    with: Type.String({ pattern: '^[a-z0-9][a-z0-9/-]*$', description: 'The profile, a file of mappings/ without `.yaml`: the one that the format has, such as `payer/example`.' }),
  }, { additionalProperties: false }),
  examples: [{ with: 'payer/example' }],
  produces: 'fhir',
  create({ with: name }, tools) {
    const map = rowMap(name, tools)
    return (message) => {
      if (message.format !== 'table') throw new MessageFault({ kind: 'unsupported', reason: `row-to-fhir takes rows of lists, and this message is ${message.format}` })
      return [{ ...message, format: 'fhir', body: madeBody(rowToFhir(message, map)) }]
    }
  },
})
