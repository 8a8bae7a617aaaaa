/** The fhir destination over real sockets: what is written, once however often it is repeated, and what each answer means. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Evidence } from '../../connectors/fhir/evidence.js'
import fhirDestination from '../../connectors/fhir/destination.js'
import type { Outcome } from '../../engine/contracts.js'
import toFhir from '../../transforms/to-fhir/index.js'
import { transformTools, fixture, ROOT } from '../transforms/tools.js'
import { fhirServer, type Resource, type TestServer } from './fhir-server.js'
import { deliveryOf, never, testTools } from './tools.js'

type Settings = Parameters<typeof fhirDestination.create>[0]
interface Bundle { readonly resourceType: string; readonly entry: { readonly fullUrl?: string; readonly resource: Resource }[] }

const CHARTS = 'urn:oid:1.3.6.1.4.1.99999.2.5'
const OURS = 'urn:refero:referral'

const canonical = async (path: string): Promise<Bundle> => {
  const step = toFhir.create({ with: 'referral' }, transformTools())
  const [made] = (await step(fixture(path))) as readonly { readonly body: unknown }[]
  return made?.body as Bundle
}
const CARDIOLOGY = await canonical('hl7v2/ref-i12-cardiology.hl7')

const resourceOf = (bundle: Bundle, type: string): Resource => bundle.entry.find(({ resource }) => resource.resourceType === type)?.resource ?? { resourceType: type }
const identifiersOf = (bundle: Bundle, type: string): unknown[] => resourceOf(bundle, type).identifier as unknown[]

/** The referral as the desk hands it over: with our number, and the chart of this EHR where there is one. */
const referral = (chart: string | null = 'M-100', edit: (bundle: Bundle) => void = () => {}): Buffer => {
  const bundle = structuredClone(CARDIOLOGY)
  identifiersOf(bundle, 'ServiceRequest').push({ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'FILL' }] }, system: OURS, value: 'R-7K3M-9QX4' })
  if (chart) identifiersOf(bundle, 'Patient').push({ system: CHARTS, value: chart })
  edit(bundle)
  return Buffer.from(JSON.stringify(bundle))
}

const EVE: Resource = { resourceType: 'Patient', id: 'eve', identifier: [{ system: CHARTS, value: 'M-100' }], name: [{ family: 'Everywoman', given: ['Eve'] }], birthDate: '1961-06-15' }
const ALL: Settings['write'] = ['coverage', 'document', 'serviceRequest', 'task', 'appointment', 'communication']

const opened = async (t: Test, server: TestServer, settings: Partial<Settings> = {}, tools = testTools('')) => {
  const destination = fhirDestination.create({ base: server.base, auth: 'none', patient: { system: CHARTS }, ...settings }, tools)
  await destination.open()
  t.teardown(() => destination.close())
  return (payload: Buffer, signal = never) => destination.deliver(deliveryOf(payload), signal)
}
const practice = async (t: Test, settings: Partial<Settings> = {}, patients: readonly Resource[] = [EVE]) => {
  const server = await fhirServer(t)
  server.resources.push(...structuredClone(patients))
  const tools = testTools('')
  return { server, tools, deliver: await opened(t, server, settings, tools) }
}
const evidenceOf = (outcome: Outcome): Evidence => JSON.parse(('response' in outcome ? outcome.response : undefined)?.toString() ?? 'null') as Evidence
const census = ({ resources }: TestServer): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { resourceType } of resources) counts[resourceType] = (counts[resourceType] ?? 0) + 1
  return counts
}
const reasonOf = (outcome: Outcome): string => ('reason' in outcome ? outcome.reason : '')

t.test('a referral becomes a request, a task, a summary and what else is wanted, all about the chart that was matched', async (t) => {
  const { server, deliver } = await practice(t, { write: ALL, task: { owner: 'Organization/9' }, document: { as: 'text' } })
  const outcome = await deliver(referral())
  t.equal(outcome.kind, 'sent', reasonOf(outcome))
  t.strictSame(census(server), { Patient: 1, Coverage: 1, DocumentReference: 1, ServiceRequest: 1, Task: 1, Appointment: 1, Communication: 1 })
  const [request] = server.of('ServiceRequest')
  t.match(request, { status: 'active', intent: 'order', priority: 'urgent', subject: { reference: 'Patient/eve' }, requester: { identifier: { value: '1548291735' }, display: /OKAFOR/ }, code: { text: 'Cardiology consultation' } })
  t.match(JSON.stringify(request?.reasonCode), /I48\.91.*I10/, 'the diagnoses stand in the request')
  t.match(JSON.stringify(request?.supportingInfo), /Potassium.*4\.1/, 'what came along is told in words')
  t.match(request?.identifier, [{ value: 'R2026-00117' }, { value: 'R-7K3M-9QX4' }, { system: OURS, value: 'R-7K3M-9QX4/service-request' }])
  t.match(server.of('Task')[0], { status: 'requested', for: { reference: 'Patient/eve' }, focus: { reference: `ServiceRequest/${request?.id}` }, owner: { reference: 'Organization/9' } })
  t.match(server.of('Appointment')[0], { status: 'proposed', participant: [{ actor: { reference: 'Patient/eve' }, status: 'needs-action' }], requestedPeriod: [{ start: '2026-03-02' }] })
  const [document] = server.of('DocumentReference') as unknown as [{ content: [{ attachment: { contentType: string; data: string } }] }]
  const words = Buffer.from(document.content[0].attachment.data, 'base64').toString()
  for (const said of ['EVERYWOMAN, EVE E', '1548291735', '(608) 5550143', 'GLH551920034', 'A7730041', 'Not on anticoagulation', 'I48.91']) t.match(words, said)
  t.notMatch(words, '999-71-4321', 'but not the social security number')
  t.notMatch(JSON.stringify(server.resources), /urn:uuid/, 'nothing points into the bundle')
  t.notMatch(JSON.stringify(server.resources), /urn:refero:(diagnosis|value)/, 'and nothing is for us alone, but our number')
  const evidence = evidenceOf(outcome)
  t.match(evidence, { kind: 'fhir-hand-off', number: 'R-7K3M-9QX4', patient: 'Patient/eve', ended: null })
  t.strictSame(evidence.writes.map(({ type, how }) => `${type} ${how}`), ['Patient found', 'Coverage created', 'DocumentReference created', 'ServiceRequest created', 'Task created', 'Appointment created', 'Communication created'])
  t.match(evidence.writes[2]?.returned, { content: [{ attachment: { size: Buffer.byteLength(words), data: undefined } }] }, 'the content itself is not kept twice')
})

t.test('a server that dies between or within any two requests has exactly one of each once it is back', async (t) => {
  for (const ignoresCondition of [false, true]) for (const dies of ['dies before', 'dies after'] as const) {
    for (let number = 1; ; number++) {
      const { server, deliver } = await practice(t, { write: ALL, document: { as: 'text' }, patient: { system: CHARTS, create: 'conditional' } }, [])
      server.ignoresCondition = ignoresCondition
      server.fault = (_, at) => (at === number ? dies : null)
      const first = await deliver(referral(null))
      if (first.kind === 'sent') {
        t.ok(number > 14, 'every request was tried')
        break
      }
      const writing = server.requests.at(-1)?.method === 'POST'
      t.equal(first.kind, writing ? 'unknown' : 'unavailable', `request ${number}`)
      const again = await deliver(referral(null))
      t.equal(again.kind, 'sent', reasonOf(again))
      t.strictSame(census(server), { Patient: 1, Coverage: 1, DocumentReference: 1, ServiceRequest: 1, Task: 1, Appointment: 1, Communication: 1 }, `${dies} the answer to request ${number}`)
    }
  }
})

t.test('two that hand the same referral over at once make one of each where the server heeds If-None-Exist', async (t) => {
  const { server, deliver } = await practice(t)
  const other = await opened(t, server)
  for (const { kind } of await Promise.all([deliver(referral()), other(referral())])) t.equal(kind, 'sent')
  t.strictSame(census(server), { Patient: 1, DocumentReference: 1, ServiceRequest: 1, Task: 1 })
  const blind = await opened(t, server, { search: false })
  t.strictSame(evidenceOf(await blind(referral())).writes.map(({ how }) => how), ['found', 'found', 'found', 'found'], 'also without a search')
})

t.test('nothing is written for a patient that is uncertain', async (t) => {
  const cases: [string, readonly Resource[], Partial<Settings>, Buffer, RegExp][] = [
    ['two charts', [EVE, { ...EVE, id: 'eva' }], {}, referral(), /^two patients have this identifier$/],
    ['no such chart', [], { patient: { system: CHARTS, create: 'conditional' } }, referral(), /no patient there has the chart number/],
    ['no chart named', [EVE], {}, referral(null), /names no chart of this EHR.*may not be created/],
    ['two charts named', [EVE], {}, referral('M-100', (bundle) => { identifiersOf(bundle, 'Patient').push({ system: CHARTS, value: 'M-101' }) }), /names two charts/],
    ['a merged chart', [{ ...EVE, active: false }], {}, referral(), /inactive or merged/],
    ['another person', [{ ...EVE, name: [{ family: 'Other' }], birthDate: '1980-01-01' }], {}, referral(), /another name and another birth date/],
    ['a shared number', [{ ...EVE, identifier: [{ system: 'urn:oid:1.3.6.1.4.1.99999.1.5', value: '774411' }], birthDate: '1990-01-01' }], { patient: { system: CHARTS, create: 'conditional' } }, referral(null), /another birth date/],
  ]
  for (const [name, patients, settings, payload, sentence] of cases) {
    const { server, deliver } = await practice(t, settings, patients)
    const outcome = await deliver(payload)
    t.equal(outcome.kind, 'refused', name)
    t.match(reasonOf(outcome), sentence)
    t.notOk(server.requests.some(({ method }) => method === 'POST'), 'nothing was written')
  }
  const { server, deliver } = await practice(t)
  server.ignoresSearch = true
  server.resources.splice(0, 1, { ...EVE, identifier: [{ system: CHARTS, value: 'M-7' }] })
  t.match(await deliver(referral()), { kind: 'refused', reason: /patients that do not have it/ }, 'a server that ignores the search is not believed')
})

t.test('a married name or a corrected birth date does not stand in the way of a chart that was matched', async (t) => {
  for (const more of [{ name: [{ family: 'Newname' }] }, { birthDate: '1961-06-16' }, { name: undefined, birthDate: '1961' }]) {
    const { deliver } = await practice(t, {}, [{ ...EVE, ...more } as Resource])
    t.equal((await deliver(referral())).kind, 'sent')
  }
})

t.test('a patient is created where that is permitted, and known by name, birth date and number the next time', async (t) => {
  const { server, deliver } = await practice(t, { patient: { system: CHARTS, create: 'conditional' } }, [])
  t.equal((await deliver(referral(null))).kind, 'sent')
  t.match(server.of('Patient')[0], { name: [{ family: 'EVERYWOMAN' }], birthDate: '1961-06-15' })
  const header = server.requests.find(({ method, path }) => method === 'POST' && path === 'Patient')?.headers['if-none-exist']
  t.equal(header, 'identifier=urn:refero:referral|R-7K3M-9QX4/patient,urn:oid:1.3.6.1.4.1.99999.1.5|774411,http://hl7.org/fhir/sid/us-ssn|999-71-4321,http://hl7.org/fhir/sid/us-medicare|1EG4TE5MK73')
  const second = referral(null, (bundle) => { identifiersOf(bundle, 'ServiceRequest').splice(1, 1, { type: { coding: [{ code: 'FILL' }] }, value: 'R-OTHER' }) })
  t.equal((await deliver(second)).kind, 'sent')
  t.strictSame(census(server), { Patient: 1, DocumentReference: 2, ServiceRequest: 2, Task: 2 }, 'another referral of theirs is another')
})

t.test('our number at another patient’s resource is not taken for ours', async (t) => {
  const { server, deliver } = await practice(t)
  server.resources.push({ resourceType: 'ServiceRequest', id: 's', identifier: [{ system: OURS, value: 'R-7K3M-9QX4/service-request' }], subject: { reference: 'Patient/adam' } })
  t.match(await deliver(referral()), { kind: 'refused', reason: /about another patient/ })
})

t.test('each answer has its meaning', async (t) => {
  const table: [number, string, Outcome['kind'], Outcome['kind']][] = [ // status, words, for a search, for a creation
    [400, 'Bad Request', 'refused', 'refused'], [401, 'Unauthorized: our credentials', 'unavailable', 'unavailable'], [403, 'Forbidden', 'refused', 'refused'], [404, 'Not Found', 'refused', 'refused'], [409, 'Conflict', 'refused', 'refused'],
    [412, 'a person must look', 'refused', 'refused'], [422, 'Unprocessable', 'refused', 'refused'], [429, 'Too Many', 'unavailable', 'unavailable'], [500, 'Internal', 'unavailable', 'unknown'], [501, 'Not Implemented', 'refused', 'refused'],
    [502, 'Bad Gateway', 'unavailable', 'unknown'], [503, 'Service', 'unavailable', 'unavailable'], [504, 'Gateway', 'unavailable', 'unknown'], [302, 'redirects are not followed', 'refused', 'refused'],
  ]
  const { server, deliver } = await practice(t)
  for (const [status, words, searching, writing] of table) for (const [method, kind] of [['GET', searching], ['POST', writing]] as const) {
    server.fault = (seen) => (seen.method === method ? { status, headers: { location: 'http://127.0.0.1:1/' } } : null)
    const outcome = await deliver(referral())
    t.equal(outcome.kind, kind, `${status} to ${method}`)
    t.match(reasonOf(outcome), words)
  }
  server.fault = (seen) => (seen.method === 'POST' ? { status: 201, body: '<html>' } : null)
  t.match(await deliver(referral()), { kind: 'unknown', reason: /no FHIR/ })
})

t.test('a refusal says what the server says, where, and nothing of the patient', async (t) => {
  const { server, deliver } = await practice(t, { patient: { system: CHARTS, create: 'conditional' } }, [])
  const outcomes: [string, RegExp][] = [
    ['Patient.name.family is required', /^Patient was answered 422 Unprocessable Entity: Patient\.name\[0\]: Patient\.name\.family is required$/],
    ["Duplicate of 'EVERYWOMAN, EVE', born 1961-06-15, MRN 774411", /: Duplicate of …,? born …,? MRN …$/i],
    ['Everywoman of 14 Elm Street cannot be registered: metoprolol', /: … of … Street cannot be registered: …$/],
  ]
  for (const [diagnostics, sentence] of outcomes) {
    server.fault = (seen) => (seen.method === 'POST' ? { status: 422, body: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', diagnostics: 'beware' }, { severity: 'error', code: 'invalid', diagnostics, expression: ['Patient.name[0]'] }] } } : null)
    const outcome = await deliver(referral(null))
    t.match(reasonOf(outcome), sentence)
    t.notMatch(reasonOf(outcome), /everywoman|774411|1961|elm|metoprolol|beware/i)
    t.match(evidenceOf(outcome).ended?.answer, { resourceType: 'OperationOutcome' }, 'a person can read it whole in the answer')
  }
})

t.test('what a server asks for with Retry-After is heeded', async (t) => {
  const { server, deliver, tools } = await practice(t)
  server.fault = () => ({ status: 429, headers: { 'retry-after': '30' } })
  t.match(await deliver(referral()), { kind: 'unavailable', reason: /ask again in 30 s/, code: '429' })
  server.fault = () => null
  const before = server.requests.length
  t.match(await deliver(referral()), { kind: 'unavailable', reason: /another 30 s/ })
  t.equal(server.requests.length, before, 'it is not even asked')
  tools.clock.advance(30_000)
  t.equal((await deliver(referral())).kind, 'sent')
})

t.test('without an answer: unavailable while nothing can have been written, unknown afterwards', async (t) => {
  const { server, deliver } = await practice(t)
  for (const [method, kind] of [['GET', 'unavailable'], ['POST', 'unknown']] as const) {
    const over = new AbortController()
    server.fault = (seen) => {
      if (seen.method === method) over.abort()
      return null
    }
    t.match(await deliver(referral(), over.signal), { kind, reason: /no answer in time/ })
  }
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  await new Promise((resolve) => closed.close(resolve))
  const nobody = await opened(t, { ...server, base: `http://127.0.0.1:${port}/fhir` })
  t.match(await nobody(referral()), { kind: 'unavailable', reason: /ECONNREFUSED/ })
})

t.test('a server that shows nothing, or drops our number, is read back and told of', async (t) => {
  const { server, deliver } = await practice(t)
  server.showsNothing = true
  server.changes = ({ identifier: _, ...rest }) => rest
  const { writes } = evidenceOf(await deliver(referral()))
  t.match(writes[2], { type: 'ServiceRequest', returned: { resourceType: 'ServiceRequest', identifier: undefined }, note: /did not keep our number/ })
})

t.test('documents go along with what is in them, but only those that the server takes', async (t) => {
  const bundle = await canonical('hl7v2/ref-i12-document.hl7')
  const chart = resourceOf(bundle, 'Patient')
  chart.identifier = [{ system: CHARTS, value: 'M-100' }]
  delete chart.birthDate
  const { server, deliver } = await practice(t, { document: { accepts: ['application/pdf'] } })
  const outcome = await deliver(Buffer.from(JSON.stringify(bundle)))
  t.equal(outcome.kind, 'sent', reasonOf(outcome))
  const [summary, pdf] = server.of('DocumentReference') as unknown as { content: { attachment: { data: string; contentType: string } }[] }[]
  t.match(Buffer.from(summary?.content[0]?.attachment.data ?? '', 'base64').toString('latin1'), /^%PDF-/)
  t.match(Buffer.from(pdf?.content[0]?.attachment.data ?? '', 'base64').toString('latin1'), /^%PDF-1\.4\n1 0 obj/)
  t.equal(server.of('DocumentReference').length, 2)
  t.match(evidenceOf(outcome).leftOut, [{ why: 'the server takes no image/jpeg' }])
  t.match(JSON.stringify(server.of('Task')[0]?.input), /DocumentReference\/\d+.*DocumentReference\/\d+/)
})

t.test('what cannot be shown in a PDF is written as text, never left out', async (t) => {
  const { server, deliver } = await practice(t)
  const outcome = await deliver(referral('M-100', (bundle) => { resourceOf(bundle, 'ServiceRequest').note = [{ text: 'Wołk 李' }] }))
  t.match(server.of('DocumentReference')[0], { content: [{ attachment: { contentType: 'text/plain; charset=utf-8' } }] })
  t.match(evidenceOf(outcome).writes[1], { note: /written as text/, words: /Wołk 李/ })
})

t.test('what is no referral, or one taken back, is refused before anything is written', async (t) => {
  const { server, deliver } = await practice(t)
  const cases: [Buffer, RegExp][] = [
    [Buffer.from('MSH|'), /no JSON/], [Buffer.from('null'), /no ServiceRequest/], [Buffer.from('{"resourceType":"Bundle"}'), /no ServiceRequest/],
    [referral('M-100', (bundle) => { resourceOf(bundle, 'ServiceRequest').subject = {} }), /leads to no Patient/],
    [referral('M-100', (bundle) => { resourceOf(bundle, 'ServiceRequest').identifier = [{ type: { coding: [{ code: 'PLAC' }] }, value: '17' }] }), /no number of ours/],
    [referral('M-100', (bundle) => { resourceOf(bundle, 'ServiceRequest').status = 'revoked' }), /taken back/],
  ]
  for (const [payload, sentence] of cases) {
    const outcome = await deliver(payload)
    t.match(outcome, { kind: 'refused', reason: sentence })
    t.notOk(server.requests.some(({ method }) => method === 'POST'))
  }
})

t.test('settings that cannot work are said in a sentence', async (t) => {
  const wrong: [Partial<Settings>, RegExp][] = [
    [{ base: 'http://u:p@a/' }, /use `auth`/], [{ headers: { 'a b': 'c' } }, /`a b` cannot be sent/], [{ headers: { Authorization: 'x' } }, /set by the connector/], [{ write: ['task'], document: {} }, /`document` says how something is written/],
    [{ document: { accepts: ['image/tiff'] } }, /does not hold what the summary itself is/],
  ]
  for (const [settings, sentence] of wrong) t.throws(() => fhirDestination.create({ base: 'http://a/', auth: 'none', patient: { system: CHARTS }, ...settings }, testTools('')), sentence)
})

t.test('nothing that the connector could say of a referral is in its code as a log line', async (t) => {
  t.notMatch(['destination', 'exchange', 'hand-off', 'patient', 'smart'].map((name) => readFileSync(join(ROOT, 'connectors/fhir', `${name}.ts`), 'utf8')).join(), /tools\.log|console\./)
})
