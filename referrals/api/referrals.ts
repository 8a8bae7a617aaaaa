/** Referrals over HTTP, to be looked at: found, one whole, its timeline, evidence, documents and bundle. */
import type { Bundle } from 'fhir/r4.js'
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { toQuery } from '../../engine/api/message-schemas.js'
import { answers, Failure, Instant, orNull, strict } from '../../engine/api/schemas.js'
import { ReferoError } from '../../engine/errors.js'
import type { ChartKey as Chart } from '../contracts.js'
import type { ReferralQuery } from '../desk-contracts.js'
import { contentOf, documentsIn } from './documents.js'
import { evidenceOf } from './evidence.js'
import { theReferral } from './find.js'
import { Event, Hold, Named, Stage, Summary, Urgency, Whole } from './schemas.js'
import { naming } from './naming.js'
import { timelineOf } from './timeline.js'
import { type Looking, summaryOf, wholeOf } from './view.js'
import { hasAddress } from '../way-back.js'

const word = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 200, description }))
const Query = Type.Object({
  text: Type.Optional(Type.String({ maxLength: 1000, description: 'Words of the referral, or beginnings of words, in any order; or its reference number.', examples: ['EVERY cardiology'] })),
  stage: Type.Optional(Type.Array(Stage, { maxItems: 20, description: 'Any of these.' })),
  direction: Type.Optional(Type.Enum(['inbound', 'outbound'])),
  hold: Type.Optional(Type.Union([Hold, Type.Literal('any')], { description: 'Waits for a person.' })),
  provider: word('Id of the referrer; outbound: of the specialist.'), specialty: word('As triage calls it.'), ehr: word('Where it goes.'), location: word('Where it goes.'), payer: word('Its name as the referral says it.'),
  urgency: Type.Optional(Urgency),
  patient: Type.Optional(Type.String({ maxLength: 200, pattern: '^[^|]+\\|.+$', description: 'A chart, as `source|id`.', examples: ['epic-main|E1042'] })),
  overdue: Type.Optional(Type.Boolean()),
  since: Type.Optional(Type.String({ description: 'Received from then on: an instant, ISO 8601.' })),
  until: Type.Optional(Type.String({ description: 'Received before: an instant, ISO 8601.' })),
  before: Type.Optional(Type.String({ maxLength: 64, description: 'Goes on below this referral: `next` of the page before.' })),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
}, strict)

const By = Type.Object({ kind: Type.Enum(['channel', 'person', 'desk']), name: Type.String() })
const happened = {
  sequence: Type.Integer(), at: Instant, name: Event, says: Type.String({ description: 'In a sentence.' }), by: By, reason: orNull(Type.String({ description: 'Why a person did it.' })),
  applied: Type.Boolean({ description: 'False: it could not be, and changed nothing.' }), why: Type.Array(Type.String(), { description: 'What it rests on, with the very words of the referral.' }),
}
const Timeline = Type.Object({ events: Type.Array(Type.Object({ ...happened, recordedAt: Instant, because: orNull(Type.String({ description: 'Why it could not be.' })), facts: Type.Unknown() })) })
const Origin = Type.Object({ path: Type.String(), from: Type.String({ examples: ['PID-5[1].1.1', 'person'] }), confidence: Type.Number(), by: orNull(Type.String()), in: orNull(Type.String()), recorded: orNull(Type.String()) })
const Evidence = Type.Object({
  values: Type.Array(Type.Object({ fact: Type.String({ examples: ['patient.birthDate'] }), value: Type.Unknown(), at: Type.String({ description: 'FHIRPath in the bundle.' }), origins: Type.Array(Origin) })),
  triage: Type.Unknown({ description: 'What the tables say now, each finding with its confidence and the words it rests on.' }),
  routing: Type.Unknown({ description: 'What the table says now: the row, the near misses, and what the form itself asks for.' }),
  concluded: Type.Array(Type.Object(happened), { description: 'What was concluded, and when.' }),
})
const Documents = Type.Object({
  documents: Type.Array(Type.Object({
    id: Type.String(), number: Type.String({ description: 'As its author calls it.' }), role: Type.Enum(['intake', 'answer', 'interim', 'outcome']), status: Type.Enum(['current', 'superseded', 'withdrawn']),
    title: orNull(Type.String()), type: orNull(Type.String()), date: orNull(Type.String()), addedAt: orNull(Instant),
    parts: Type.Array(Type.Object({ part: Type.Integer({ minimum: 1 }), title: orNull(Type.String()), contentType: Type.String(), size: Type.Integer({ description: 'Bytes.' }), url: orNull(Type.String({ description: 'Where it is, if it was not sent along.' })) })),
  })),
})
const Document = Type.Object({ ...Named.properties, document: Type.String({ minLength: 1, maxLength: 64 }) })
const Part = Type.Object({ part: Type.Integer({ minimum: 1, maximum: 1000, default: 1 }) }, strict)

type One = { Params: Static<typeof Named> }

export function lookingRoutes(api: FastifyInstance, desk: Looking): void {
  const { store, clock, rules } = desk

  api.get<{ Querystring: Static<typeof Query> }>('/referrals', {
    schema: { summary: 'Referrals, the last received first.', querystring: Query, response: answers(Type.Object({ referrals: Type.Array(Summary), next: orNull(Type.String({ description: '`before` of the next page.' })) })) },
  }, async ({ query }) => {
    if (query.before !== undefined && !(await store.state(query.before))) throw new ReferoError('USAGE', '`before` is no referral that is here; it is the `next` of the page before.')
    const found = await store.search(queryOf(query))
    return { referrals: found.map((state) => summaryOf(state, clock.now())), next: found.length === query.limit ? (found.at(-1)?.id ?? null) : null }
  })

  api.get<One>('/referrals/:id', { schema: { summary: 'One referral: where it stands, what is owed, who it may be about, and what happens next.', params: Named, response: answers(Whole) } }, async ({ params }) =>
    wholeOf(desk, await theReferral(store, params.id)))

  api.get<One>('/referrals/:id/timeline', { schema: { summary: 'What happened to a referral, with who and why.', params: Named, response: answers(Timeline) } }, async ({ params }) => {
    const events = await store.events((await theReferral(store, params.id)).id)
    const name = await naming(desk.providers, events.flatMap(({ facts: { reason, words, waits, evidence = [] } }) => [reason, words, waits, ...evidence.map(({ says }) => says)]))
    return { events: timelineOf(events, desk.rules().zone, name) }
  })

  api.get<One>('/referrals/:id/evidence', { schema: { summary: 'Where each value of a referral came from, and what was concluded from which words.', params: Named, response: answers(Evidence) } }, async ({ params }) => {
    const { id, direction, provider } = await theReferral(store, params.id)
    const referrer = direction === 'inbound' && provider !== null ? await desk.providers.get(provider) : null
    return evidenceOf(JSON.parse(await bundleOf(id)) as Bundle, await store.events(id), rules(), { reachable: hasAddress(referrer) })
  })

  api.get<One>('/referrals/:id/documents', { schema: { summary: 'The documents of a referral: those that came with it, and those that came back.', params: Named, response: answers(Documents) } }, async ({ params }) => {
    const documents = await documentsIn(store, (await theReferral(store, params.id)).id)
    return { documents: documents.map(({ parts, ...document }) => ({ ...document, parts: parts.map(({ title, contentType, size, url }, n) => ({ part: n + 1, title, contentType, size, url })) })) }
  })

  api.get<{ Params: Static<typeof Document>; Querystring: Static<typeof Part> }>('/referrals/:id/documents/:document', {
    schema: {
      summary: 'The content of a document, to be kept as a file.', params: Document, querystring: Part,
      response: { 200: { description: 'Its bytes, with their type.', content: { 'application/octet-stream': { schema: Type.String({ format: 'binary' }) } } }, '4xx': Failure, '5xx': Failure },
    },
  }, async ({ params, query }, reply) => {
    const { bytes, contentType, name } = await contentOf(store, (await theReferral(store, params.id)).id, params.document, query.part)
    return reply.type(contentType).header('content-disposition', `attachment; filename="${name}"`).header('x-content-type-options', 'nosniff').header('content-security-policy', "default-src 'none'; sandbox").header('cache-control', 'no-store').send(bytes)
  })

  api.get<One>('/referrals/:id/bundle', {
    schema: { summary: 'The referral itself: a FHIR R4 Bundle around one ServiceRequest.', params: Named, produces: ['application/fhir+json'], response: answers(Type.Unknown()) },
  }, async ({ params }, reply) => reply.type('application/fhir+json; charset=utf-8').send(await bundleOf((await theReferral(store, params.id)).id)))

  const bundleOf = async (id: string): Promise<string> => {
    const text = await store.bundle(id)
    if (text === null) throw new ReferoError('NOT_FOUND', 'The referral has no bundle.')
    return text
  }
}

/** Throws USAGE where a time is none. */
function queryOf({ patient, since, until, ...rest }: Static<typeof Query>): ReferralQuery {
  const times = toQuery({ ...(since !== undefined && { since }), ...(until !== undefined && { until }) })
  const chart: Chart | null = patient === undefined ? null : { source: patient.slice(0, patient.indexOf('|')), id: patient.slice(patient.indexOf('|') + 1) }
  return { ...rest, ...(chart && { patient: chart }), ...(times.since && { since: times.since.toISOString() }), ...(times.until && { until: times.until.toISOString() }) } as ReferralQuery
}
