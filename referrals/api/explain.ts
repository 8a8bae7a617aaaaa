/** Triage and routing as they would be, with why; nothing is changed. */
import type { Bundle } from 'fhir/r4.js'
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { answers, orNull, strict } from '../../engine/api/schemas.js'
import { ReferoError } from '../../engine/errors.js'
import { canonical } from '../canonical/canonical.js'
import { factsOf } from '../canonical/facts.js'
import type { ReferralFacts } from '../contracts.js'
import { unfit } from '../decisions/decide.js'
import { theReferral } from './find.js'
import { Route, URGENCIES } from './schemas.js'
import type { Looking } from './view.js'

const word = Type.Optional(orNull(Type.String({ maxLength: 2000 })))
const words = Type.Array(Type.String({ maxLength: 20_000 }), { maxItems: 200, default: [] })
const coded = Type.Object({ system: word, code: word, text: word }, strict)
const many = Type.Array(coded, { maxItems: 200, default: [] })
const some = Type.Optional(Type.Array(Type.String({ maxLength: 2000 }), { maxItems: 20 })) // what may also be null is filled in by nobody
const address = Type.Object({ lines: some, city: word, state: word, postalCode: word }, strict)
const name = Type.Object({ family: Type.String({ maxLength: 200 }), given: some, suffix: word, use: word }, strict)
const provider = Type.Optional(orNull(Type.Object({ npi: word, name: Type.Optional(orNull(name)), practice: word, specialty: Type.Optional(orNull(coded)), address: Type.Optional(orNull(address)) }, strict)))

/** What routing and triage look at, said by hand; what is not said is not known. */
const Facts = Type.Object({
  priority: Type.Optional(orNull(Type.Enum([...URGENCIES]))), authoredOn: word, services: many, diagnoses: many, reasons: words, notes: words, referrer: provider, wanted: provider,
  patient: Type.Optional(Type.Object({ birthDate: word, sex: Type.Optional(orNull(Type.Enum(['male', 'female', 'other', 'unknown']))), language: word, addresses: Type.Array(address, { maxItems: 10, default: [] }), phones: words }, strict)),
  coverage: Type.Array(Type.Object({ payer: word, payerId: word, plan: word, memberId: word, group: word, authorization: word }, strict), { maxItems: 20, default: [] }),
}, strict)
const Asked = Type.Object({
  bundle: Type.Optional(Type.Unknown({ description: 'A referral as FHIR: a Bundle, or a ServiceRequest.' })),
  referral: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'One that is here: its id or its reference number.' })),
  facts: Type.Optional(Facts),
}, { ...strict, description: 'One of the three.' })
const Explained = Type.Object({
  facts: Type.Unknown({ description: 'What triage and routing were given.' }), triage: Type.Unknown({ description: 'Missing items, urgency, specialty and kind, each with its confidence and evidence.' }),
  routing: Type.Object({
    route: orNull(Route), row: orNull(Type.String({ examples: ['mappings/routing/default.csv:3 (row 2)'] })), reasons: Type.Array(Type.String()),
    nearMisses: Type.Array(Type.Object({ row: Type.String(), because: Type.String() })), disagreement: orNull(Type.String({ description: 'With whom the form names.' })),
  }),
  problems: Type.Array(Type.String(), { description: 'Of the bundle.' }),
})

export function explainRoutes(api: FastifyInstance, { store, rules }: Looking): void {
  api.post<{ Body: Static<typeof Asked> }>('/routing/explain', {
    schema: { summary: 'What triage and routing make of a referral, with the row, the near misses and why; nothing is changed.', body: Asked, response: answers(Explained) },
  }, async ({ body }) => {
    if (Object.keys(body).length !== 1) throw new ReferoError('USAGE', 'Say one of `bundle`, `referral` and `facts`.')
    const { facts, problems } = await asked(body)
    const triage = rules().triage(facts)
    return { facts, triage, routing: rules().route(facts, triage), problems }
  })

  const asked = async ({ bundle, referral, facts }: Static<typeof Asked>): Promise<{ readonly facts: ReferralFacts; readonly problems: readonly string[] }> => {
    if (facts) return { facts: filled(facts), problems: [] }
    if (referral !== undefined) return { facts: factsOf(JSON.parse((await store.bundle((await theReferral(store, referral)).id)) ?? '{}') as Bundle), problems: [] }
    const read = canonical(bundle)
    if (!read.bundle) throw unfit(read.problems.join(' '))
    return { facts: factsOf(read.bundle), problems: read.problems }
  }
}

function filled({ priority = null, authoredOn = null, services, diagnoses, reasons, notes, referrer, wanted, patient, coverage }: Static<typeof Facts>): ReferralFacts {
  const codes = (list: Static<typeof many>) => list.map((one) => ({ system: one.system ?? null, code: one.code ?? null, text: one.text ?? null }))
  const addresses = (list: readonly Static<typeof address>[]) => list.map(({ lines = [], city = null, state = null, postalCode = null }) => ({ lines, city, state, postalCode }))
  const person = (given: Static<typeof provider> | undefined): ReferralFacts['referrer'] => (given ? {
    npi: given.npi ?? null, identifiers: [], name: given.name ? { family: given.name.family, given: given.name.given ?? [], suffix: given.name.suffix ?? null, use: given.name.use ?? null } : null, practice: given.practice ?? null,
    specialty: codes(given.specialty ? [given.specialty] : [])[0] ?? null, address: addresses(given.address ? [given.address] : [])[0] ?? null, phones: [], faxes: [], emails: [], directAddresses: [],
  } : null)
  return {
    placer: null, reference: null, authoredOn, priority, revoked: false, services: codes(services), diagnoses: codes(diagnoses), reasons, notes, findings: [], documents: [], referrer: person(referrer), wanted: person(wanted),
    patient: {
      identifiers: [], names: [], birthDate: patient?.birthDate ?? null, sex: patient?.sex ?? null, addresses: addresses(patient?.addresses ?? []), phones: patient?.phones ?? [], emails: [], memberIds: [], birthOrder: null, deceased: false,
      language: patient?.language ?? null,
    },
    coverage: coverage.map((one) => ({ payer: one.payer ?? null, payerId: one.payerId ?? null, plan: one.plan ?? null, memberId: one.memberId ?? null, group: one.group ?? null, authorization: one.authorization ?? null })), paths: {},
  }
}
