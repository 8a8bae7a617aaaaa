/** Referrals that come as pictures and prose: opened at once, read by a person, and never guessed. */
import t from 'tap'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import { enter, notReferral, nothingNew } from '../../referrals/decisions/reading.js'
import { factsOf } from '../../referrals/canonical/facts.js'
import { ADAM, a28, carry, chart, EVE, events, happened, notices, OKAFOR, open, ref, state, TANAKA, type World, world } from './desk-kit.js'

let pages = 100
const UNREAD = { tag: [{ system: 'urn:refero:document', code: 'unread' }] }
/** As the step `unpack` makes it of a fax. */
const fax = ({ from = '+16085550143', reference, text }: { readonly from?: string; readonly reference?: string; readonly text?: string } = {}): Bundle<FhirResource> => ({
  resourceType: 'Bundle', type: 'collection', entry: [
    { fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000001', resource: {
      resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { display: 'not read yet' }, category: [{ coding: [{ system: 'http://snomed.info/sct', code: '3457005' }] }],
      requester: { reference: 'urn:uuid:00000000-0000-4000-8000-000000000002' }, ...(reference !== undefined && { identifier: [{ system: 'urn:refero:referral', value: reference }] }),
    } },
    { fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000002', resource: { resourceType: 'Organization', name: `Fax ${from}`, telecom: [{ system: 'fax', value: from }] } },
    { fullUrl: `urn:uuid:00000000-0000-4000-8000-${String(++pages).padStart(12, '0')}`, resource: {
      resourceType: 'DocumentReference', status: 'current', meta: UNREAD, content: [{ attachment: text === undefined ? { contentType: 'image/tiff', data: Buffer.from(`page ${pages}`).toString('base64'), title: 'fax.tif' } : { contentType: 'text/plain', data: Buffer.from(text).toString('base64') } }],
    } },
  ],
})
const says = (id: string, command = 'read') => ({ command: `person/${command}`, referral: id, by: 'dana', reason: 'read the fax' })
const VALUES = {
  patient: { family: 'EVERYWOMAN', given: 'EVE', birthDate: '1961-06-15', sex: 'female', phone: '608-555-0117', address: '14 ELM ST', city: 'MADISON', state: 'WI', postalCode: '53704' },
  referrer: { family: 'OKAFOR', given: 'NKECHI', npi: '1548291735', practice: 'LAKESIDE FAMILY MEDICINE' }, reason: 'New atrial fibrillation', diagnoses: [{ code: 'I48.91', text: 'Atrial fibrillation' }], service: 'Cardiology consultation',
  coverage: { payer: 'Great Lakes Health Plan', memberId: 'GLH551920034' }, urgency: 'urgent' as const,
} as const
const bundle = async (w: World, id: string): Promise<Bundle> => JSON.parse((await w.desk.store.bundle(id)) ?? '{}') as Bundle

t.test('a fax is opened and acknowledged, asks for nothing, goes nowhere, and waits for a person who reads it', async (t) => {
  for (const given of [fax(), fax({ text: 'Please see my patient for her heart. Urgent!' })]) {
    const w = world(t)
    const { what, state: opened } = await open(w, given)
    t.equal(what, 'opened')
    t.match(opened, { stage: 'received', missing: [], patient: { status: 'unmatched' }, holds: { reading: { reason: /^A document that came through intake is to be read/ } } })
    t.same(Object.keys(opened.holds), ['reading'])
    t.same(await happened(w, opened.id), ['received', 'read'])
    const [{ notice, bundle: letter } = { notice: null, bundle: null }] = await carry(w)
    t.match(notice, { kind: 'acknowledgement', way: 'fax' }, 'back to the number it came from')
    t.match(JSON.stringify(letter), /It is being read/)
    t.notMatch(JSON.stringify(letter), /"missing"|phone number|date of birth/)
    t.match(w.desk.rules().duties(await state(w, opened.id)).map(({ kind }) => kind), ['documents-read'])
  }
})

t.test('once a person has entered what it says it is matched, routed and handed on, and each value says who read it where', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const { state: { id } } = await open(w, fax())
  await carry(w)
  await w.desk.decide((parts) => enter(parts, says(id), VALUES, { page: 1, pages: { coverage: 2 } }))
  const now = await state(w, id)
  t.match(now, { stage: 'routed', patient: { status: 'matched' }, urgency: 'urgent', route: { ehr: 'epic-main' } })
  t.notOk(now.holds.reading)
  t.equal(now.holds.information, undefined, 'nothing that blocks is missing')
  const facts = factsOf(await bundle(w, id))
  t.match(facts, { patient: { birthDate: '1961-06-15', phones: ['608-555-0117'] }, referrer: { npi: '1548291735' }, coverage: [{ payer: 'Great Lakes Health Plan', memberId: 'GLH551920034' }], documents: [{ unread: false }] })
  const text = JSON.stringify(await bundle(w, id))
  t.match(text, /name\[0\]\.family person:page-1/)
  t.match(text, /subscriberId person:page-2/)
  const provider = await w.desk.providers.get(now.provider ?? '')
  t.match(provider, { npi: '1548291735', ways: [{ way: 'fax' }] }, 'answered by the number that the fax came from')
  const told = await carry(w)
  t.match(told.map(({ notice }) => notice.kind).sort(), ['hand-off', 'information'], 'what would be useful is asked for now')
  await t.rejects(w.desk.decide((parts) => enter(parts, says(id, 'again'), VALUES, { page: null, pages: {} })), { code: 'NOT_NOW' })
})

t.test('what a person could not find is asked for then', async (t) => {
  const w = world(t)
  const { state: { id } } = await open(w, fax())
  await w.desk.decide((parts) => enter(parts, says(id), { patient: { family: 'EVERYWOMAN', given: 'EVE' } }, { page: null, pages: {} }))
  t.match(await state(w, id), { holds: { information: { reason: /date of birth/ } } })
  t.match(await notices(w, id, 'information'), [{ status: 'open' }])
})

t.test('the same referral in a form that can be read takes it on by itself', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const { state: { id, reference } } = await open(w, fax())
  const whole = JSON.parse(JSON.stringify((await import('./desk-kit.js')).bundleOf(ref()))) as Bundle
  const request = whole.entry?.find(({ resource }) => resource?.resourceType === 'ServiceRequest')?.resource as { identifier?: object[] }
  request.identifier = [...(request.identifier ?? []), { system: 'urn:refero:referral', value: reference }]
  const added = await open(w, whole)
  t.match(added, { what: 'added', state: { id, stage: 'routed', patient: { status: 'matched' }, holds: {} } })
})

t.test('it is no referral: it ends, in silence or with words', async (t) => {
  const w = world(t)
  const [one, other] = [await open(w, fax()), await open(w, fax())]
  await carry(w)
  await w.desk.decide((parts) => notReferral(parts, says(one.state.id), 'an advertisement', null))
  t.match(await state(w, one.state.id), { stage: 'closed', holds: {} })
  t.same(await carry(w), [])
  await w.desk.decide((parts) => notReferral(parts, says(other.state.id, 'other'), 'records', 'These are records of a patient who is not ours.'))
  t.match((await carry(w)).map(({ notice }) => notice.kind), ['status'])
  await t.rejects(w.desk.decide((parts) => notReferral(parts, says(other.state.id, 'twice'), 'records', null)), { code: 'NOT_NOW' })
})

t.test('a fax with our number adds to its referral and is looked at; with a wrong number it is a new one, which says so', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const { state: { id, reference, provider } } = await open(w, ref())
  await carry(w)
  const added = await open(w, fax({ reference, from: `+1608${OKAFOR.fax}` }))
  t.match(added, { what: 'added', state: { id, holds: { reading: { reason: /came for it through intake/ } } } })
  t.notMatch((await events(w, id)).find(({ name }) => name === 'information-added')?.facts.words, /not the referrer/)
  await w.desk.decide((parts) => nothingNew(parts, says(id)))
  t.equal((await state(w, id)).holds.reading, undefined)

  const stranger = await open(w, fax({ reference, from: '+16085550188' }))
  t.match(stranger, { what: 'added', state: { id } })
  t.match((await events(w, id)).findLast(({ name }) => name === 'information-added')?.facts.words, /It came from .*who is not the referrer, and is told nothing/)
  t.ok((await notices(w, id)).every(({ to }) => to === `provider ${provider}` || to.startsWith('ehr')), 'nothing goes to whoever sent it')

  const wrong = `${reference.slice(0, -1)}${reference.endsWith('2') ? '3' : '2'}`
  for (const [number, words] of [['R-2222-2222', /gives R-2222-2222 as our reference number/], [wrong, new RegExp(`gives ${wrong} .*${reference} .*may be meant|gives ${wrong}`)]] as const) {
    const unknown = await open(w, fax({ reference: number }))
    t.equal(unknown.what, 'opened')
    t.match(unknown.state.holds.reading?.reason, words)
  }
  const other = await open(w, ref({ number: 'R-9', patient: ADAM, from: TANAKA, more: [`NTE|1|P|Your number ${reference}`] }))
  t.equal(other.what, 'opened', 'of another patient it is another')
})

t.test('a referral that can be read, with a picture beside it, is triaged as ever, and says how many are unread', async (t) => {
  const w = world(t)
  const whole = (await import('./desk-kit.js')).bundleOf(ref({ patient: { ...EVE, sex: '' } })) as Bundle<FhirResource>
  whole.entry?.push({ fullUrl: 'urn:uuid:00000000-0000-4000-8000-0000000000aa', resource: { resourceType: 'DocumentReference', status: 'current', meta: UNREAD, content: [{ attachment: { contentType: 'application/pdf', data: 'JVBERg==' } }] } })
  const { state: opened } = await open(w, whole)
  t.equal(opened.holds.reading, undefined)
  t.match((await events(w, opened.id))[1]?.facts.words, /1 document, 1 of them unread/)
  t.match(opened.missing.find(({ item }) => item === 'sex' || item === 'clinical-notes' || item === 'patient-phone')?.says, /could not be read yet/)
})
