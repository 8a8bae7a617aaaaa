/** The measures of referrals over HTTP: rates and times by whatever is asked for, CMS50, and what each of them counts. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import Type, { type Static } from 'typebox'
import { answers, strict } from '../../engine/api/schemas.js'
import { cms50 } from '../measures/cms50-desk.js'
import { cms50Csv, toCsv } from '../measures/csv.js'
import { daysIn } from '../measures/days.js'
import { definitions, DIMENSIONS } from '../measures/definitions.js'
import { measuresQuery } from '../measures/query.js'
import { measures } from '../measures/report.js'
import type { Looking } from './view.js'

const text = (description: string) => Type.Optional(Type.String({ maxLength: 200, description }))
const format = Type.Optional(Type.Enum(['json', 'csv'], { default: 'json' }))
const Asked = Type.Object({
  by: text(`Grouped by up to three of ${DIMENSIONS.join(', ')}, with commas between.`), from: text('The first day of receipt, YYYY-MM-DD.'), to: text('The last day.'),
  provider: text('An id.'), specialty: text('Such as cardiology.'), payer: text('Its name.'), location: text('Its name.'), ehr: text('As desk.yaml calls it.'), via: text('A channel.'),
  direction: text('inbound or outbound.'), urgency: text('routine, urgent, asap or stat.'), format,
}, strict)
const Year = Type.Object({ year: Type.Integer({ minimum: 2000, maximum: 2100 }), assumeEncounter: Type.Optional(Type.Boolean({ default: false, description: 'Takes it that the practice has seen whom it refers, where no encounter is known; the published logic does not.' })), format }, strict)
const Answer = Type.Unknown({ description: 'See /api/measures/referrals/definitions for what each counts.' })

export function measureRoutes(api: FastifyInstance, { store, providers, rules, clock }: Looking): void {
  api.get<{ Querystring: Static<typeof Asked> }>('/measures/referrals', {
    schema: { summary: 'Rates and times of referrals: by referrer, specialty, payer, location, EHR, door, month or direction; JSON or CSV.', querystring: Asked, response: answers(Answer) },
  }, async ({ query: { format, ...asked } }, reply) => {
    const counted = await measures({ store, providers, settings: rules().measures, zone: rules().zone, now: clock.now() }, measuresQuery(asked))
    return format === 'csv' ? sendCsv(reply, 'referrals', toCsv(counted)) : counted
  })
  api.get('/measures/referrals/definitions', { schema: { summary: 'What each measure counts, from when to when, and what it leaves out.', response: answers(Answer) } }, async () => definitions())
  api.get<{ Querystring: Static<typeof Year> }>('/measures/cms50', {
    schema: { summary: 'CMS50v14, closing the referral loop: of the patients referred out until 31 October, whose report was received; JSON or CSV.', querystring: Year, response: answers(Answer) },
  }, async ({ query: { year, assumeEncounter = false, format } }, reply) => {
    const counted = await cms50(store, { year, assumeEncounter, days: daysIn(rules().zone) })
    return format === 'csv' ? sendCsv(reply, `cms50-${year}`, cms50Csv(counted)) : counted
  })
}

const sendCsv = (reply: FastifyReply, name: string, csv: string): FastifyReply =>
  reply.type('text/csv; charset=utf-8').header('content-disposition', `attachment; filename="${name}.csv"`).serializer((text: string) => text).send(csv)
