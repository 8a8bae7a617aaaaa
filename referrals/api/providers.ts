/** Providers over HTTP: found, one with its history and its referrals, put right, merged, and read from files. */
import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { answers, Instant, orNull, strict } from '../../engine/api/schemas.js'
import { ReferoError, sentence } from '../../engine/errors.js'
import { notNow, unfit } from '../decisions/decide.js'
import type { Desk } from '../desk.js'
import type { ReferralState } from '../desk-contracts.js'
import { ENDS } from '../life-cycle.js'
import type { Changed, KnownProvider } from '../providers/directory.js'
import { importFhir, importNppes } from '../providers/import.js'
import { isNpi } from '../providers/npi.js'
import { Person, Reason, Stage, text, Way } from './schemas.js'

const MOST_REFERRALS = 1000 // that are counted
const LARGEST_FILE = 1024 ** 3 // of a CSV, in bytes
const LARGEST_BUNDLE = 64 * 1024 ** 2
const ZERO = { read: 0, added: 0, known: 0, skipped: 0 }

const Provider = Type.Object({
  id: Type.String(), kind: Type.Enum(['person', 'practice']), npi: orNull(Type.String()), name: Type.Unknown(), practice: orNull(Type.String()), practiceId: orNull(Type.String()), specialty: Type.Unknown(), address: Type.Unknown(),
  ways: Type.Array(Type.Object({ way: Way, address: Type.String(), learned: Type.String({ description: 'From what.' }), failed: Type.Optional(orNull(Type.Object({ at: Instant, reason: Type.String() }, { description: 'It failed for good, and is not tried first any more.' }))) }), { description: 'Back to them, the best first.' }), preferred: orNull(Way),
  aliases: Type.Array(Type.String()), uncertain: Type.Array(Type.String(), { description: 'What does not fit, until a person has looked at it.' }), firstSeen: Instant, lastSeen: Instant,
})
const Whole = Type.Object({
  ...Provider.properties,
  history: Type.Array(Type.Object({ at: Instant, by: Type.String(), what: Type.String(), why: Type.String() })),
  referrals: Type.Object({ counted: Type.Integer(), more: Type.Boolean({ description: `Only the last ${MOST_REFERRALS} are counted.` }), open: Type.Integer(), byStage: Type.Record(Stage, Type.Integer()) }),
})
const Query = Type.Object({
  text: Type.Optional(Type.String({ maxLength: 200, description: 'Words of a name, or beginnings of words.' })), npi: Type.Optional(Type.String({ maxLength: 20 })),
  way: Type.Optional(Way), address: Type.Optional(Type.String({ maxLength: 320, description: 'With `way`.' })),
  uncertain: Type.Optional(Type.Boolean({ description: 'Only those of whom something does not fit.' })), limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
}, strict)
const Id = Type.Object({ id: Type.String({ minLength: 1, maxLength: 20 }) })
const maybe = (longest: number) => Type.Optional(orNull(Type.String({ minLength: 1, maxLength: longest, pattern: '\\S' })))
const Reachable = Type.Object({ way: Way, address: text(320, 'A number or an address of that kind.') }, strict)
const Changes = Type.Object({
  by: Person, reason: Reason, npi: maybe(20), practice: maybe(200), preferred: Type.Optional(orNull(Way)),
  name: Type.Optional(orNull(Type.Object({ family: text(100, 'Family name.'), given: Type.Array(text(100, 'Given name.'), { maxItems: 10 }), suffix: orNull(Type.String({ maxLength: 50 })) }, strict))),
  specialty: Type.Optional(orNull(Type.Object({ system: orNull(Type.String({ maxLength: 200 })), code: orNull(Type.String({ maxLength: 50 })), text: orNull(Type.String({ maxLength: 200 })) }, strict))),
  address: Type.Optional(orNull(Type.Object({ lines: Type.Array(text(200, 'A line.'), { maxItems: 5 }), city: orNull(Type.String({ maxLength: 100 })), state: orNull(Type.String({ maxLength: 50 })), postalCode: orNull(Type.String({ maxLength: 20 })) }, strict))),
  learn: Type.Array(Reachable, { maxItems: 20, default: [], description: 'Ways back to them that are new.' }), forget: Type.Array(Reachable, { maxItems: 50, default: [], description: 'Ways that are none.' }),
  reset: Type.Array(Reachable, { maxItems: 20, default: [], description: 'Ways that failed, and may be tried first again.' }),
  settled: Type.Optional(Type.Literal(true, { description: 'What was uncertain has been looked at.' })),
}, { ...strict, description: 'What is not said stays.' })
const FullName = Type.Object({ family: text(100, 'Family name.'), given: Type.Array(text(100, 'Given name.'), { maxItems: 10, default: [] }), suffix: Type.Optional(orNull(Type.String({ maxLength: 50 }))) }, strict)
const New = Type.Object({
  by: Person, reason: Reason, npi: Type.Optional(text(20, 'Ten digits.')), name: Type.Optional(FullName), practice: Type.Optional(text(200, 'Of a person, or by itself.')),
  ways: Type.Array(Reachable, { maxItems: 20, default: [], description: 'How they can be reached.' }),
}, { ...strict, description: 'A person by `name`, a practice by `practice`.' })
const Added = Type.Object({ ...Whole.properties, isNew: Type.Boolean({ description: 'False: they were known, and what was said of them is kept with them.' }), how: Type.String({ description: 'How they were known.', examples: ['by NPI'] }) })
const Merge = Type.Object({ by: Person, reason: Reason, survivor: Type.String({ minLength: 1, maxLength: 20 }), merged: Type.String({ minLength: 1, maxLength: 20 }) }, strict)
const list = (description: string) => Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 20 }), { maxItems: 200, description }))
const ImportQuery = Type.Object({ by: Person, reason: Reason, state: list('Of an NPPES file: only these states.'), zip: list('Only postal codes that begin so.'), taxonomy: list('Only NUCC codes that begin so.') }, strict)
const Imported = Type.Object({ read: Type.Integer(), added: Type.Integer(), known: Type.Integer(), skipped: Type.Integer() })
const File = Type.Unknown({ description: 'A Bundle of Practitioner, PractitionerRole and Organization.' })

export function providerRoutes(api: FastifyInstance, desk: Desk): void {
  const { providers, clock } = desk

  api.get<{ Querystring: Static<typeof Query> }>('/providers', {
    schema: { summary: 'Providers, the last seen first.', querystring: Query, response: answers(Type.Object({ providers: Type.Array(Provider) })) },
  }, async ({ query: { uncertain, address, ...rest } }) => {
    if (address !== undefined && rest.way === undefined) throw new ReferoError('USAGE', '`address` needs `way`: a fax number and a Direct address are looked for in different places.')
    return { providers: await providers.search({ ...rest, ...(address !== undefined && { address }), ...(uncertain && { uncertain: true as const }) }) }
  })

  api.get<{ Params: Static<typeof Id> }>('/providers/:id', { schema: { summary: 'One provider, with their history and their referrals.', params: Id, response: answers(Whole) } }, async ({ params }) => whole(desk, await one(desk, params.id)))

  api.post<{ Body: Static<typeof New> }>('/providers', {
    schema: { summary: 'Adds a provider, or finds the one that is meant.', body: New, response: answers(Added) },
  }, async ({ body: { by, reason, npi = null, name, practice = null, ways } }) => {
    if (!name && practice === null) throw new ReferoError('USAGE', 'Say the `name` of a person, or the `practice`.')
    if (npi !== null && !isNpi(npi)) throw unfit(`${npi} is no NPI: ten digits, the first 1 or 2, the last the check digit.`)
    const of = (wanted: Static<typeof Way>): readonly string[] => ways.filter(({ way }) => way === wanted).map(({ address }) => address)
    const person = { name: by, why: reason }
    const facts = {
      npi, identifiers: [], name: name ? { family: name.family, given: name.given, suffix: name.suffix ?? null, use: null } : null, practice, specialty: null, address: null,
      phones: of('phone'), faxes: of('fax'), emails: of('email'), directAddresses: of('direct'),
    }
    const { provider, isNew, how } = await desk.decide(() => providers.recognise(facts, { at: clock.now(), via: `${by}: ${reason}`, by: person }))
    for (const { way, address } of ways) await desk.decide(() => providers.learn(provider.id, way, address, `${by}: ${reason}`, person))
    return { ...(await whole(desk, await one(desk, provider.id))), isNew, how }
  })

  api.patch<{ Params: Static<typeof Id>; Body: Static<typeof Changes> }>('/providers/:id', {
    schema: { summary: 'Puts right what is known of a provider.', params: Id, body: Changes, response: answers(Whole) },
  }, async ({ params, body: { by, reason, learn, reset, name, ...given } }) => {
    const before = await one(desk, params.id)
    const changes = { ...given, ...(name !== undefined && { name: name && { ...name, use: null } }) }
    const changed = Object.fromEntries(Object.entries(changes).filter(([field, value]) => field === 'forget' || JSON.stringify(value) !== JSON.stringify(before[field as keyof KnownProvider])))
    const after = taken(await providers.update(before.id, changed, by, reason), unfit)
    for (const { way, address } of learn) await desk.decide(() => providers.learn(after.id, way, address, `${by}: ${reason}`, { name: by, why: reason }))
    for (const { way, address } of reset) await desk.decide(() => providers.failing(after.id, way, address, null, { name: by, why: reason }))
    return whole(desk, await one(desk, after.id))
  })

  api.post<{ Body: Static<typeof Merge> }>('/providers/merge', { schema: { summary: 'Makes two providers one.', body: Merge, response: answers(Whole) } }, async ({ body: { survivor, merged, by, reason } }) => {
    const [kept, gone] = [await one(desk, survivor), await one(desk, merged)]
    if (survivor === merged) throw unfit('It is one provider.')
    return whole(desk, kept.id === gone.id ? kept : taken(await providers.merge(survivor, merged, by, reason), notNow)) // sent again, it is done already
  })

  api.register(async (files) => {
    files.addContentTypeParser('text/csv', (_request, payload, done) => done(null, payload))
    files.post<{ Querystring: Static<typeof ImportQuery>; Body: unknown }>('/providers/import', {
      bodyLimit: LARGEST_BUNDLE,
      schema: {
        summary: 'Reads providers from a FHIR Bundle, or from an NPPES file or its endpoints (text/csv, as it streams in).', querystring: ImportQuery, consumes: ['application/fhir+json', 'application/json', 'text/csv'],
        body: { content: { 'application/fhir+json': { schema: File }, 'application/json': { schema: File }, 'text/csv': { schema: Type.Unknown({ description: 'npidata_pfile_….csv or endpoint_pfile_….csv' }) } } }, response: answers(Imported),
      },
    }, async (request) => {
      const { by, reason, state, zip, taxonomy } = request.query
      const options = { file: `${by}: ${reason}`, at: clock.now(), by: { name: by, why: reason }, ...(state && { states: state }), ...(zip && { zips: zip }), ...(taxonomy && { taxonomies: taxonomy }) }
      const body = request.body
      if (request.headers['content-type']?.startsWith('text/csv')) return readCsv(desk, body as Readable, options)
      if ((body as { resourceType?: unknown } | null)?.resourceType !== 'Bundle') throw unfit('Providers are read from a FHIR Bundle, or from CSV (content-type text/csv).')
      return importFhir(body as Parameters<typeof importFhir>[0], providers, options)
    })
  })
}

async function readCsv({ providers }: Desk, stream: Readable, options: Parameters<typeof importNppes>[2]): Promise<Static<typeof Imported>> {
  let [size, soFar] = [0, ZERO]
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > LARGEST_FILE) stream.destroy(new ReferoError('TOO_LARGE', `A file of providers has ${LARGEST_FILE} bytes at most; send it in parts, each with its header.`))
  })
  try {
    return await importNppes(stream, providers, { ...options, progress: (progress) => { soFar = progress } })
  } catch (error) {
    if (error instanceof ReferoError) throw error
    throw unfit(`${sentence(error)} ${soFar.read} records were read before; those are kept.`)
  }
}

/** Through merges. Rejects with NOT_FOUND. */
async function one({ providers }: Pick<Desk, 'providers'>, id: string): Promise<KnownProvider> {
  const found = await providers.get(id)
  if (!found) throw new ReferoError('NOT_FOUND', `No provider has the number ${id}.`)
  return found
}

const taken = (changed: Changed, refuse: (because: string) => ReferoError): KnownProvider => {
  if (!changed.done) throw refuse(changed.because)
  return changed.provider
}

async function whole({ providers, store }: Desk, provider: KnownProvider): Promise<object> {
  const [history, referrals] = await Promise.all([providers.history(provider.id), store.search({ provider: provider.id, limit: MOST_REFERRALS })])
  const byStage: Partial<Record<ReferralState['stage'], number>> = {}
  for (const { stage } of referrals) byStage[stage] = (byStage[stage] ?? 0) + 1
  return { ...provider, history, referrals: { counted: referrals.length, more: referrals.length === MOST_REFERRALS, open: referrals.filter(({ stage }) => !ENDS.includes(stage)).length, byStage } }
}
