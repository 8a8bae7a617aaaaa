/** The step `from-ccda`: a C-CDA document becomes a FHIR Bundle, a referral or the answer to one. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { checkZone } from '../../engine/units.js'
import { ccdaMap } from '../../engine/ccda/map.js'
import { ccdaToFhir } from '../../engine/ccda/to-fhir.js'
import { mendedBody } from '../../engine/formats/fhir/made.js'

const settings = Type.Object({
  as: Type.Optional(Type.Enum(['referral', 'answer'], { description: 'What every document is. Without it, what mappings/ccda/to-fhir.yaml says of its kind: a Referral Note is a referral, a Consultation Note answers one.' })),
  timezone: Type.Optional(Type.String({ description: 'The time zone (IANA) of times that name none. Without it only their date is taken: a FHIR time needs an offset.' })),
}, { additionalProperties: false })

export default defineTransform({
  name: 'from-ccda',
  summary: 'Turns a C-CDA document into a FHIR Bundle, with the XPath of every value and the whole document in it.',
  settings,
  examples: [{}, { as: 'answer', timezone: 'America/New_York' }],
  produces: 'fhir',
  create({ as, timezone }, tools) {
    if (timezone !== undefined) checkZone(timezone)
    const map = ccdaMap(tools)
    return (message) => {
      if (message.format !== 'xml') throw new MessageFault({ kind: 'unsupported', reason: `from-ccda takes documents of format xml, and this is ${message.format}` })
      return [{ ...message, format: 'fhir', body: mendedBody((mend) => ccdaToFhir(message, map, { lookup: (table) => tools.table(table), timezone, as, mend })) }]
    }
  },
})
