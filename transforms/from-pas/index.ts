/** The step `from-pas`: a payer's answer by FHIR (Da Vinci PAS) becomes what the answer to an X12 278 becomes. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { madeBody } from '../../engine/formats/fhir/made.js'
import { answersOf } from './answers.js'
import { bundleOf } from './bundle.js'

export default defineTransform({
  name: 'from-pas',
  summary: 'Turns a payer’s answer to a prior authorization (a ClaimResponse, alone or in a Da Vinci PAS response Bundle) into a FHIR Bundle around the request that it answers: a message for every item with a trace number of its own.',
  settings: Type.Object({
    actions: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9-]*$', default: 'x12-certification-action', description: 'The code table (mappings/codes/) of review actions: the outcome of each, and in the column `says` what a person reads.' })),
  }, { additionalProperties: false }),
  examples: [{}, { actions: 'x12-certification-action' }],
  produces: 'fhir',
  create({ actions = 'x12-certification-action' }, tools) {
    const table = tools.table(actions)
    return (message) => {
      if (message.format !== 'fhir') throw new MessageFault({ kind: 'unsupported', reason: `from-pas takes messages of format fhir, and this is ${message.format}` })
      return answersOf(message.body).map((answer) => ({ ...message, body: madeBody(bundleOf(answer, message, table)) }))
    }
  },
})
