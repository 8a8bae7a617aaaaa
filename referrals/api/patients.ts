/** The index of patients over HTTP: FHIR Patient/$match, and a merge that is taken back. */
import type {} from '@fastify/swagger' // what a route's schema may say
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { answers, strict } from '../../engine/api/schemas.js'
import { unmerge } from '../decisions/merge.js'
import type { Desk } from '../desk.js'
import { matchOperation } from '../patients/match-operation.js'
import { commandOf } from './decisions.js'
import { ChartKey, Command, Keyed, Person, Reason } from './schemas.js'

const FHIR = 'application/fhir+json'
const Parameters = Type.Unknown({
  description: 'A FHIR Parameters resource with `resource` (a Patient: at least a name, a birthDate, an identifier, a telecom or an address), and, if wanted, `onlyCertainMatches` (valueBoolean) and `count` (valueInteger, 100 at most); or that Patient by itself.',
  examples: [{ resourceType: 'Parameters', parameter: [{ name: 'resource', resource: { resourceType: 'Patient', name: [{ family: 'Quillfeather', given: ['Odalys'] }], birthDate: '1961-04-09' } }, { name: 'onlyCertainMatches', valueBoolean: false }, { name: 'count', valueInteger: 5 }] }],
})
const Found = Type.Unknown({ description: 'A searchset Bundle of Patients, each with its score and match-grade; or an OperationOutcome.' })
const Unmerge = Type.Object({ by: Person, reason: Reason, command: Type.Optional(Command), survivor: ChartKey, merged: ChartKey }, strict)

export function patientRoutes(api: FastifyInstance, desk: Desk): void {
  for (const path of ['/fhir/Patient/$match', '/Patient/$match']) {
    api.post<{ Body: unknown }>(path, {
      schema: { summary: 'Finds the charts that a Patient may be (FHIR R4 Patient/$match): a searchset, the best first, each with its score and its match-grade.', consumes: [FHIR, 'application/json'], produces: [FHIR], body: Parameters, response: { ...answers(Found), 400: Found, 422: Found } },
    }, async (request, reply) => {
      const { status, body } = await matchOperation(desk.patients, request.body)
      return reply.code(status).type(`${FHIR}; charset=utf-8`).send(JSON.stringify(body))
    })
  }

  api.post<{ Body: Static<typeof Unmerge> }>('/patients/unmerge', {
    schema: { summary: 'Takes a merge of two charts back; their referrals say so, for a person to look at.', headers: Keyed, body: Unmerge, response: answers(Type.Object({ told: Type.Integer({ description: 'Referrals that say it in their history now.' }) })) },
  }, async (request) => {
    const { by, reason, survivor, merged, command } = request.body
    return desk.decide((parts) => unmerge(parts, { by, reason, command: commandOf(request, 'unmerge', `${merged.source}|${merged.id}`, command) }, { survivor, merged }))
  })
}
