/** What a payer answers by FHIR (Da Vinci PAS): read by the step from-pas, and told of the referral that it names, of nobody else's, and of none by guessing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, ClaimResponse, FhirResource, Identifier, ServiceRequest } from 'fhir/r4.js'
import t from 'tap'
import { MessageFault } from '../../engine/errors.js'
import { factsOf } from '../../referrals/canonical/facts.js'
import { canonical } from '../../referrals/canonical/canonical.js'
import { give } from '../../referrals/decisions/strays.js'
import { nothingNew } from '../../referrals/decisions/reading.js'
import { messageOf } from '../conformance/transforms.js'
import { pieces, ROOT, transformTools } from '../transforms/tools.js'
import { ADAM, DAY, events, feed, open, ref, state, strays, type World, world } from './desk-kit.js'
import { randomOf } from './routing/made.js'

type Json = Record<string, unknown>
const tools = transformTools()
const step = pieces.transforms.get('from-pas')?.create({}, tools) as unknown as (message: unknown) => { body: Bundle<FhirResource> }[]
const read = (name: string): Json => JSON.parse(readFileSync(join(ROOT, 'fixtures/fhir', `${name}.json`), 'utf8')) as Json
const all = (body: object, id = 1): readonly Bundle<FhirResource>[] => step({ ...messageOf(tools.format('fhir'), Buffer.from(JSON.stringify(body))), id }).map((one) => one.body)
const made = (body: object, id = 1): Bundle<FhirResource> => all(body, id)[0] as Bundle<FhirResource>
const of = <Kind extends FhirResource>(bundle: Bundle<FhirResource>, type: Kind['resourceType']): readonly Kind[] => (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === type ? [resource as Kind] : []))
const toFhir = pieces.transforms.get('to-fhir')?.create({ with: 'referral-278' }, tools) as unknown as (message: unknown) => { body: Bundle<FhirResource> }[]
/** A 278 of the fixtures with some words changed, as the step to-fhir makes a Bundle of it. */
const x12 = (name: string, ...changes: readonly (readonly [string, string])[]): Bundle<FhirResource> => {
  const text = changes.reduce((all, [from, to]) => all.replaceAll(from, to), readFileSync(join(ROOT, 'fixtures/x12', `${name}.x12`), 'utf8'))
  const { messages } = { messages: toFhir(messageOf(tools.format('x12'), Buffer.from(text))) }
  return (messages[0] as { body: Bundle<FhirResource> }).body
}
const responseIn = (body: Json): Json => ((body.entry as { resource: Json }[])[0] as { resource: Json }).resource
/** The answer with changes in its ClaimResponse, and its patient's family name. */
const changed = (name: string, more: Json, family?: string): Json => {
  const body = structuredClone(read(name))
  Object.assign(responseIn(body), more)
  return family ? JSON.parse(JSON.stringify(body).replaceAll('EVERYWOMAN', family)) as Json : body
}
const asked = { number: 'R2026-00117^LFM^1.3.6.1.4.1.99999.1.7^ISO' }
let commands = 0
const tell = (w: World, body: object) => feed(w, made(body, ++commands), null)
const coverage = async (w: World, id: string) => factsOf(JSON.parse((await w.desk.store.bundle(id)) ?? '{}') as Bundle).coverage

t.test('a certified authorization is what a 278 response is: request, patient, payer, number, visits and dates, each with where it stood', async (t) => {
  const bundle = made(read('pas-certified'))
  const { bundle: whole, problems } = canonical(bundle)
  t.same(problems, [])
  t.match(of<ServiceRequest>(bundle, 'ServiceRequest')[0]?.identifier, [{ type: { coding: [{ code: 'PLAC' }] }, value: 'R2026-00117' }])
  t.match(of<ClaimResponse>(bundle, 'ClaimResponse'), [{ outcome: 'complete', disposition: 'modified', preAuthRef: 'GLA990127', preAuthPeriod: { start: '2026-03-05', end: '2026-06-05' }, item: [{ adjudication: [{ reason: { coding: [{ code: 'A6' }] } }, { category: { text: 'visits authorized' }, value: 3 }] }] }])
  t.match(factsOf(whole as Bundle).coverage, [{ payer: 'GREAT LAKES HEALTH PLAN', payerId: 'GLHP01', memberId: 'GLH551920034', authorization: 'GLA990127', decided: { decision: 'modified', visits: 3, from: '2026-03-05', until: '2026-06-05' } }])
  t.match(JSON.stringify(of(bundle, 'Provenance')), /preAuthRef Bundle\.entry\[0\]\.resource\.item\[0\]/)
  t.same(made(read('pas-certified')), bundle, 'and the same each time')
})

t.test('a payer may say it in each form that the guide has had: alone, contained, at the item, in `code`, added by itself, with the Claim beside it', async (t) => {
  const response = responseIn(read('pas-certified'))
  const entries = (read('pas-certified').entry as { resource: Json }[]).map(({ resource }) => resource).slice(1)
  const alone = made({ ...response, contained: entries, patient: { reference: '#member-1' }, insurer: { reference: '#payer' } })
  t.match(of<ClaimResponse>(alone, 'ClaimResponse'), [{ preAuthRef: 'GLA990127' }])
  t.equal(of(alone, 'Patient').length, 1)
  const [item] = response.item as { extension: object[]; adjudication: { extension: { extension: { url: string }[] }[]; category: object }[] }[]
  const review = item?.adjudication[0]?.extension[0]?.extension.map((one) => (one.url === 'number' ? one : { ...one, url: 'code' }))
  const atItem = { ...item, extension: [...(item?.extension ?? []), { url: 'http://example.test/extension-reviewAction', extension: review }], adjudication: [{ category: item?.adjudication[0]?.category }] }
  t.match(of<ClaimResponse>(made(changed('pas-certified', { item: [atItem] })), 'ClaimResponse'), [{ preAuthRef: 'GLA990127', disposition: 'modified' }])
  t.match(of<ClaimResponse>(made(changed('pas-certified', { item: undefined, addItem: [{ ...item, itemSequence: [1], productOrService: { text: 'visit' } }] })), 'ClaimResponse'), [{ preAuthRef: 'GLA990127' }])
  t.match(of<ClaimResponse>(made(changed('pas-certified', { item: undefined, preAuthRef: 'GLA1', preAuthPeriod: { start: '2026-03-05' } })), 'ClaimResponse'), [{ preAuthRef: 'GLA1', preAuthPeriod: { start: '2026-03-05' } }])
  const claim = { resourceType: 'Claim', id: 'asked', identifier: [{ system: 'urn:x', value: 'E-1' }], status: 'active', type: { text: 'p' }, use: 'preauthorization', patient: { reference: 'Patient/member-1' }, created: '2026-03-02', provider: { display: 'x' }, priority: { text: 'n' }, insurance: [{ sequence: 1, focal: true, coverage: { display: 'x' } }], item: ['T-1', 'T-2'].map((value, index) => ({ sequence: index + 1, productOrService: { text: 'x' }, extension: [{ url: 'http://example.test/extension-itemTraceNumber', valueIdentifier: { value } }] })) }
  const two = changed('pas-certified', { identifier: [{ value: 'P-9' }], item: [{ adjudication: item?.adjudication, itemSequence: 1 }, { adjudication: item?.adjudication, itemSequence: 2 }] })
  ;(two.entry as object[]).push({ fullUrl: 'https://payer.example/fhir/Claim/asked', resource: claim })
  const split = all(two)
  t.same(split.map((one) => of<ServiceRequest>(one, 'ServiceRequest')[0]?.identifier?.map(({ value, type }: Identifier) => `${type?.coding?.[0]?.code} ${value}`)), [['PLAC T-1', 'FILL P-9'], ['PLAC T-2', 'FILL P-9']], 'items with numbers of their own are referrals of their own')
  t.match(split.map((one) => of<ServiceRequest>(one, 'ServiceRequest')[0]?.requisition?.value), ['E-1', 'E-1'])
  const none = made(changed('pas-certified', { item: [{ ...item, adjudication: [{ category: { text: 'submitted' } }] }] }))
  t.notOk(of<ClaimResponse>(none, 'ClaimResponse')[0]?.preAuthRef, 'an item without a decision authorizes nothing')
})

t.test('what is no answer of a payer is refused', async (t) => {
  t.throws(() => all(read('referral-bundle')), new MessageFault({ kind: 'unsupported', reason: 'there is no ClaimResponse; a payer’s answer is one', location: 'ClaimResponse' }))
  t.throws(() => all(changed('pas-certified', { use: 'claim' })), /is of a claim/)
  t.throws(() => all({ resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'informational' }] }), /there is no ClaimResponse/)
})

t.test('pended, then certified: the number, the visits and the dates reach the referral that the trace number names, once', async (t) => {
  const w = world(t)
  const { state: { id, reference } } = await open(w, ref(asked))
  t.match(await tell(w, read('pas-pended')), { what: 'told', strays: [] })
  t.match(await coverage(w, id), [{ authorization: null, decided: { decision: 'pended' } }])
  t.notOk((await state(w, id)).holds.reading, 'what is pended waits for the payer, not for a person')
  await w.clock.pass(DAY)
  const certified = made(read('pas-certified'), ++commands)
  t.match(await feed(w, certified, null, 'certified'), { what: 'told' })
  t.match(await feed(w, certified, null, 'certified'), { told: [{ repeated: true }] }, 'a repeated delivery is done once')
  const paid = await coverage(w, id)
  t.match(paid, [{ payer: 'Great Lakes Health Plan', authorization: 'GLA990127', decided: { decision: 'modified', visits: 3, from: '2026-03-05', until: '2026-06-05' } }])
  const told = (await events(w, id)).filter(({ name }) => name === 'information-added')
  t.equal(told.length, 2)
  t.match(told[1]?.facts.words, /^A payer’s answer: authorization modified, number GLA990127, 3 visits, 2026-03-05 – 2026-06-05\. Added: /)
  t.match((await w.desk.store.find([{ kind: 'reference', value: reference }])).length, 1)
  await tell(w, read('pas-certified'))
  t.same(await coverage(w, id), paid, 'the same answer again adds nothing')
})

t.test('not certified, and what the payer could not read, waits for a person with the reason, until the payer says otherwise or the person has looked', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref(asked))
  await tell(w, read('pas-denied'))
  t.match((await state(w, id)).holds.reading?.reason, /^The payer answers “not certified”: Requires medical review; An echocardiogram of the last 12 months is needed\. Ask/)
  t.match(await coverage(w, id), [{ authorization: null, decided: { decision: 'not certified' } }])
  await tell(w, changed('pas-certified', { created: '2026-03-04T10:00:00-06:00' }))
  t.notOk((await state(w, id)).holds.reading, 'it has decided otherwise')
  await tell(w, changed('pas-error', { created: '2026-03-05T10:00:00-06:00' }))
  t.match((await state(w, id)).holds.reading?.reason, /^The payer could not decide about the authorization: Invalid\/Missing Subscriber\/Insured ID\. /)
  await w.desk.decide(async (parts) => nothingNew(parts, { command: 'look', referral: id, by: 'ana', reason: 'Asked again.' } as never))
  t.notOk((await state(w, id)).holds.reading)
  t.match(await coverage(w, id), [{ authorization: 'GLA990127' }])
})

t.test('a reference number of ours finds it too; somebody else’s patient, an unknown number and an answer without one wait for a person, who gives it to a referral', async (t) => {
  const w = world(t)
  const eve = await open(w, ref(asked))
  const adam = await open(w, ref({ number: 'R-2^LFM', patient: ADAM, diagnosis: 'I10^Hypertension^I10', reason: 'Pressure' }))
  const ours = JSON.parse(JSON.stringify(read('pas-certified')).replaceAll('R2026-00117', eve.state.reference)) as Json
  t.match(await tell(w, ours), { what: 'told', told: [{ state: { id: eve.state.id } }] })
  t.match(await tell(w, changed('pas-certified', {}, 'ABERNATHY')), { what: 'stray', told: [] })
  t.match(await tell(w, JSON.parse(JSON.stringify(read('pas-denied')).replaceAll('R2026-00117', 'R2026-99999')) as Json), { what: 'stray' })
  t.match(await tell(w, read('pas-outcome')), { what: 'stray' })
  t.match((await coverage(w, adam.state.id)).filter(({ authorization, decided }) => authorization ?? decided), [], 'nothing is guessed')
  const waiting = await strays(w)
  t.equal(waiting.length, 3)
  const denied = waiting.find(({ what }) => what.includes('not certified'))
  await w.desk.decide((parts) => give(parts, denied?.id ?? 0, [adam.state], { by: 'ana', reason: 'By telephone.' }))
  t.match((await state(w, adam.state.id)).holds.reading?.reason, /not certified/)
  t.match(await coverage(w, adam.state.id), [{ decided: { decision: 'not certified' } }])
})

t.test('a 278 response says the same as FHIR: what is not certified and what could not be decided waits for a person, and the last decision holds whatever comes when', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, x12('278-request'))
  const answer = async (name: string) => open(w, x12(name))
  t.match(await answer('278-response-rejected'), { what: 'added', state: { id } })
  t.match((await state(w, id)).holds.reading?.reason, /^The payer could not decide about the authorization: Invalid or missing diagnosis codes\. .*: Requires medical review\./)
  t.match(await answer('278-response-denied'), { what: 'added', state: { id } })
  t.match((await state(w, id)).holds.reading?.reason, /^The payer answers “not certified”/)
  t.match((await coverage(w, id)).at(0), { decided: { decision: 'not certified' } })
  t.match(await answer('278-response'), { what: 'added', state: { id } })
  t.match((await coverage(w, id)).at(0), { decided: { decision: 'not certified' } }, 'the one of the day before')
  t.match((await state(w, id)).holds.reading?.reason, /not certified/)
  t.match((await events(w, id)).at(-1)?.facts.words ?? (await events(w, id)).filter(({ name }) => name === 'information-added').at(-1)?.facts.words, /^A payer’s answer: authorization modified, number GLA990127, 3 visits, .*\. It was given before the last one, which holds\. Added: /)
  await open(w, x12('278-response', ['20260302*0915', '20260304*1000'], ['HCR*A6', 'HCR*A1']))
  t.match((await coverage(w, id)).map(({ authorization, decided }) => [authorization, decided?.decision ?? null, decided?.visits ?? null]), [['A7730041', null, null], ['GLA990127', 'certified in full', 3]], 'with the number that it had before')
  t.notOk((await state(w, id)).holds.reading, 'it has decided otherwise')
  const seen = (await events(w, id)).length
  await open(w, x12('278-response', ['20260302*0915', '20260304*1000'], ['HCR*A6', 'HCR*A1']))
  t.match((await events(w, id)).slice(seen).map(({ facts }) => facts.words), [/^Nothing new\./])
})

t.test('the same answer twice at once is told once', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, x12('278-request'))
  await Promise.all([1, 2, 3].map(() => open(w, x12('278-response-denied'))))
  t.equal((await events(w, id)).filter(({ facts }) => facts.words?.startsWith('A payer’s answer')).length, 1)
  t.equal((await events(w, id)).filter(({ name, facts }) => name === 'read' && facts.waits !== undefined).length, 1)
})

t.test('an answer to a request that is not here is a referral of its own, and one that is refused waits for a person', async (t) => {
  const w = world(t)
  t.match(await open(w, x12('278-response')), { what: 'opened' })
  const denied = await open(w, x12('278-response-denied', ['R2026-00117', 'R2026-00999'], ['EVERYWOMAN*EVE', 'QUILLFEATHER*ADA'], ['GL-88-4417', 'GL-88-9999'], ['GLH551920034', 'GLH551920999']))
  t.match(denied, { what: 'opened', state: { holds: { reading: { reason: /The payer answers “not certified”/ } } } })
})

t.test('an answer that comes after the referral has ended is kept with it, for a person', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, ref(asked))
  await w.desk.tell({ command: 'end', referral: id, news: [{ name: 'closed', at: w.clock.now().toISOString(), by: { kind: 'person', name: 'ana' }, facts: { reason: 'done' } }] })
  t.match(await tell(w, read('pas-certified')), { what: 'told' })
  t.match(await state(w, id), { stage: 'closed', holds: { late: {} } })
  t.match(await coverage(w, id), [{ authorization: 'GLA990127' }])
})

t.test('whatever is in an answer, the step makes a Bundle of it or says what is wrong', async (t) => {
  const random = randomOf(20260302)
  const spoil = (value: unknown): unknown => {
    if (random() < 0.05) return [null, '', 0, [], {}, 'x'.repeat(50)][Math.floor(random() * 6)]
    if (Array.isArray(value)) return value.map(spoil)
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).filter(() => random() > 0.03).map(([key, one]) => [key, spoil(one)])) : value
  }
  let taken = 0
  for (let round = 0; round < 600; round++) {
    const body = spoil(read(['pas-certified', 'pas-denied', 'pas-error', 'pas-outcome'][round % 4] ?? ''))
    try {
      taken += all(body as object).length
    } catch (error) {
      t.ok(error instanceof MessageFault, `${round}: ${error instanceof Error ? error.stack : error}`)
    }
  }
  t.ok(taken > 20, `${taken} were taken`)
})
