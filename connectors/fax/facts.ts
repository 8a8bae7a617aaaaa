/** What is known of a fax service, as an analyst may change it: mappings/fax/<provider>.yaml. */
import { type Static, type TSchema, Type } from 'typebox'
import { Errors } from 'typebox/value'
import type { MappingDocument } from '../../engine/contracts.js'

const closed = { additionalProperties: false }
const Taken = Type.Object({
  at: Type.String({ minLength: 1, maxLength: 300, description: 'The place.' }),
  take: Type.String({ minLength: 1, maxLength: 300, description: 'A regular expression; what its first group finds in the value is taken.' }),
}, closed)
const Place = Type.Union([Type.String({ minLength: 1, maxLength: 300 }), Taken])
/** Where a value stands: a JSON pointer (`/data/id`), a form field (`faxId`), `header:name` or `query:name`; of a list, the first that has one. */
const Places = Type.Union([Place, Type.Array(Place, { minItems: 1 })])
const Words = Type.Record(Type.String(), Type.String())

const REQUEST = {
  method: Type.Optional(Type.Enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])),
  path: Type.String({ description: 'Behind `base`, with `{placeholders}`.' }),
  as: Type.Optional(Type.Enum(['json', 'form', 'multipart'], { description: 'How `fields` are written.' })),
  headers: Type.Optional(Words),
  fields: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'The body: texts with `{placeholders}`; one without a value is left out.' })),
  good: Type.Optional(Type.Object({ at: Type.String(), is: Type.Array(Type.String(), { minItems: 1 }) }, { ...closed, description: 'What the answer must say, beside a status of 2xx.' })),
}
const RequestShape = Type.Object(REQUEST, closed)
const FIELDS = ['event', 'id', 'direction', 'from', 'to', 'name', 'pages', 'status', 'reason', 'at', 'tag', 'file'] as const
const FieldPlaces = Type.Object(Object.fromEntries(FIELDS.map((name) => [name, Type.Optional(Places)])) as Record<typeof FIELDS[number], ReturnType<typeof Type.Optional<typeof Places>>>, closed)

const STAGES = ['received', 'queued', 'sending', 'delivered', 'failed', 'uncertain'] as const
const MEANINGS = ['ignored', 'inbound', 'outbound', ...STAGES, 'inbound failed', 'outbound failed'] as const

export const FactsFile = Type.Object({
  title: Type.String({ description: 'What the service is called.' }),
  base: Type.Optional(Type.String({ pattern: '^https?://', description: 'The address of its API.' })),
  authorization: Type.Optional(Type.String({ description: 'The Authorization header of requests to it: `Bearer {key}`, `Basic {basic}`.' })),
  hosts: Type.Optional(Type.Array(Type.String(), { description: 'Other hosts that files may be fetched from: `media.example`, or `.example` for all below it.' })),
  json: Type.Optional(Type.Array(Type.String(), { description: 'Form fields that hold JSON.' })),
  fields: FieldPlaces,
  directions: Type.Optional(Type.Record(Type.String(), Type.Enum(['in', 'out']))),
  events: Type.Optional(Type.Record(Type.String(), Type.Enum([...MEANINGS]))),
  statuses: Type.Optional(Type.Record(Type.String(), Type.Enum([...STAGES]))),
  reasons: Type.Optional(Type.Array(Type.Object({ match: Type.String(), says: Type.String(), again: Type.Boolean({ description: 'Whether it may be sent again.' }) }, closed))),
  fetch: Type.Optional(Type.Object({ ...REQUEST, file: Type.Optional(Places) }, closed)),
  list: Type.Optional(Type.Object({ ...REQUEST, items: Type.String({ description: 'The JSON pointer of the list, or of the one item.' }), one: Type.Optional(Type.Boolean({ description: 'Gives one item a time, until there is none.' })) }, closed)),
  acknowledge: Type.Optional(RequestShape),
  upload: Type.Optional(RequestShape),
  send: Type.Optional(Type.Object({ ...REQUEST, id: Places }, closed)),
  status: Type.Optional(Type.Object({ ...REQUEST, item: Type.Optional(Type.String()) }, closed)),
}, closed)

export type Facts = Static<typeof FactsFile>
export type RequestFacts = Static<typeof RequestShape>
export type Stage = typeof STAGES[number]
export type Where = Static<typeof Places>
export type FieldName = typeof FIELDS[number]

/** Reads a file of facts. Throws a sentence with file:line:column, what is wrong and what is allowed. */
export const readFacts = (file: MappingDocument): Facts => {
  checkShape(file, FactsFile)
  const facts = file.value as Facts
  const patterns = [
    ...(facts.reasons ?? []).map(({ match }, n) => [match, ['reasons', n, 'match']] as const),
    ...FIELDS.flatMap((name) => [facts.fields[name] ?? []].flat().flatMap((place) => (typeof place === 'string' ? [] : [[place.take, ['fields', name]] as const]))),
  ]
  for (const [pattern, keys] of patterns) {
    try {
      new RegExp(pattern, 'i')
    } catch {
      throw new Error(`${file.place(...keys)}: \`${pattern}\` is no regular expression.`)
    }
  }
  return facts
}

const checkShape = (file: MappingDocument, schema: TSchema): void => {
  const [error] = Errors(schema, file.value)
  if (!error) return
  const keys = error.instancePath.split('/').slice(1)
  const unknown = 'additionalProperties' in error.params ? ` (${String(error.params.additionalProperties)}); the file may have ${Object.keys(FactsFile.properties).join(', ')}, its \`fields\` ${FIELDS.join(', ')}` : ''
  const allowed = 'allowedValues' in error.params && Array.isArray(error.params.allowedValues) ? `: ${error.params.allowedValues.join(', ')}` : ''
  throw new Error(`${file.place(...keys)}: ${keys.join('.') || 'the file'} ${error.message}${unknown}${allowed}.`)
}
