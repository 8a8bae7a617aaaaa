/** The step `to-ccda`: a canonical referral or a notice becomes a C-CDA document, checked for what its templates require. */
import type { Bundle } from 'fhir/r4.js'
import { Type } from 'typebox'
import { writeDocument } from '../../engine/ccda/write/document.js'
import { documentPlan, lacking, requirements } from '../../engine/ccda/write/plan.js'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import type { XmlDocument } from '../../engine/formats/xml/tree.js'

const settings = Type.Object({
  document: Type.String({ pattern: '^[a-z][a-z0-9-]*$', description: 'A file of mappings/ccda/write/ without `.yaml`: `consultation-note`, `referral-note`.' }),
  practice: Type.Object({
    oid: Type.String({ pattern: '^[0-2](\\.(0|[1-9]\\d*))+$', maxLength: 64, description: 'Its OID: of the custodian, and of numbers that have none.' }),
    name: Type.String({ minLength: 1, maxLength: 200 }),
    phone: Type.Optional(Type.String({ maxLength: 50 })),
    address: Type.Optional(Type.Object({ line: Type.String(), city: Type.String(), state: Type.String(), postalCode: Type.String() }, { additionalProperties: false })),
  }, { additionalProperties: false, description: 'Who writes and keeps the document.' }),
}, { additionalProperties: false })

const PRACTICE = { oid: '1.3.6.1.4.1.99999.1', name: 'Heart Center', phone: '555-555-0100', address: { line: '1 Main St', city: 'Springfield', state: 'OH', postalCode: '44001' } }

export default defineTransform({
  name: 'to-ccda',
  summary: 'Writes a C-CDA document: a Consultation Note that answers a referral, or a Referral Note.',
  settings,
  examples: [{ document: 'consultation-note', practice: PRACTICE }, { document: 'referral-note', practice: PRACTICE }],
  produces: 'xml',
  create({ document: name, practice }, tools) {
    const plan = documentPlan(name, tools)
    const required = requirements(name, tools)
    return (message) => {
      if (message.format !== 'fhir') throw new MessageFault({ kind: 'unsupported', reason: `to-ccda takes FHIR, and this is ${message.format}` })
      const fhir = tools.format('fhir')
      const bytes = writeDocument(message.body as Bundle, plan, {
        practice, at: message.receivedAt.toISOString(), number: `${message.channel} ${message.header.controlId ?? message.id}`,
        lookup: (table) => tools.table(table), read: (path) => fhir.read(message.body, path),
      })
      const body = tools.format('xml').parse(bytes) as XmlDocument
      const [missing] = lacking(body, required)
      if (missing) throw new MessageFault({ kind: 'required', reason: missing.says, location: missing.at })
      return [{ ...message, format: 'xml', body }]
    }
  },
})
