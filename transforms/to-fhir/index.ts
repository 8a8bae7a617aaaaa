/** The step `to-fhir`: an HL7 v2 or X12 message becomes a FHIR Bundle, as a message map says. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { checkZone } from '../../engine/units.js'
import { mendedBody } from '../../engine/formats/fhir/made.js'
import { FORMS } from '../../engine/v2-to-fhir/forms.js'
import { messageMap } from '../../engine/v2-to-fhir/message-map.js'
import { toFhir } from '../../engine/v2-to-fhir/to-fhir.js'

const settings = Type.Object({
  with: Type.String({ pattern: '^[a-z0-9][a-z0-9/-]*$', description: 'The message map, a file of mappings/fields/ without `.yaml`.' }),
  timezone: Type.Optional(Type.String({ description: 'The time zone (IANA) of times that name none. Without it only their date is taken: a FHIR time needs an offset.' })),
}, { additionalProperties: false })

export default defineTransform({
  name: 'to-fhir',
  summary: 'Turns an HL7 v2 or X12 message into a FHIR Bundle, with where every value came from.',
  settings,
  examples: [{ with: 'referral' }, { with: 'referral', timezone: 'America/New_York' }, { with: 'referral-278' }],
  produces: 'fhir',
  create({ with: name, timezone }, tools) {
    if (timezone !== undefined) checkZone(timezone)
    const map = messageMap(name, tools)
    return (message) => {
      if (message.format !== map.format) throw new MessageFault({ kind: 'unsupported', reason: `the mapping ${name} takes ${FORMS[map.format].called} messages, and this one is ${message.format}` })
      return [{ ...message, format: 'fhir', body: mendedBody((mend) => toFhir(message, map, { lookup: (table) => tools.table(table), timezone, mend })) }]
    }
  },
})
