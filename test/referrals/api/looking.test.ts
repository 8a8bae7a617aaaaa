/** Referrals looked at: found, whole, with their evidence and documents; the worklist, strays, providers, patients and routing explained. */
import t from 'tap'
import { naming } from '../../../referrals/api/naming.js'
import { timelineOf } from '../../../referrals/api/timeline.js'
import type { ProviderDirectory } from '../../../referrals/providers/directory.js'
import { ADAM, bundleOf as bundleOfV2, EVE, mdm, type Person, RAO, ref } from '../desk-kit.js'
import { CHART, bundleOf, startWorld, UNSURE, WHO } from './kit.js'

const at = (id: string, what = ''): string => `/api/referrals/${id}${what && `/${what}`}`
const FHIR = { 'content-type': 'application/fhir+json' }
const NOT_YET = (): Date => new Date('2026-03-02T15:00:00.000Z')
const CHANNEL = { by: { kind: 'channel', name: 'siu' }, via: 'siu' } as const

t.test('a referral is found by what it says, page by page, and shown with everything it rests on', async (t) => {
  const world = await startWorld(t)
  const { ask } = world
  await world.chart()
  const id = await world.refer()
  world.later(60_000)
  const stomach = await world.refer({ icd: 'K21.9', words: 'Reflux, please see for gastroenterology', family: 'Thistle', birthDate: '1950-06-30', phone: null })
  world.later(60_000)
  const third = await world.refer({ family: 'Ravenscroft', given: 'Beatrix', birthDate: '1977-12-01', phone: '608-555-0151' })

  const found = async (query: string): Promise<string[]> => (await ask('GET', `/api/referrals${query}`)).body.referrals.map((one: { id: string }) => one.id)
  t.same(await found(''), [third, stomach, id])
  t.same(await found('?text=QUILL%20odal'), [id])
  t.same(await found('?stage=routed&stage=received&ehr=epic-main'), [third, id])
  for (const query of ['hold=any', 'hold=information', 'hold=patient', 'specialty=gastroenterology', 'ehr=ecw-north', 'location=North%20Clinic', 'direction=inbound&text=thistle']) t.same(await found(`?${query}`), [stomach], query)
  t.same(await found('?patient=epic-main%7CE1'), [id])
  t.same(await found('?since=2026-03-02T15:00:30Z&until=2026-03-02T15:01:30Z'), [stomach])
  t.same(await found('?overdue=true'), [])
  const first = (await ask('GET', '/api/referrals?limit=2')).body
  t.same(first.next, stomach)
  t.match((await ask('GET', `/api/referrals?limit=2&before=${first.next}`)).body, { referrals: [{ id }], next: null })
  for (const [query, says] of [['stage=lost', /stage/], ['hold=x', /hold/], ['patient=E1', /patient/], ['since=yesterday', /is not an instant/], ['before=nobody', /`before` is no referral/], ['text=%2D', /no word/], ['limit=1000', /limit/], ['colour=red', /`colour`/]] as const) {
    t.match(await ask('GET', `/api/referrals?${query}`), { status: 400, body: { code: 'USAGE', message: says } }, query)
  }

  const whole = (await ask('GET', at(id))).body
  t.match(whole, { id, stage: 'routed', patient: { status: 'matched' }, who: { says: { birthDate: '1961-04-09' }, chart: { id: 'E1' }, match: null }, routed: { by: 'desk', row: /default\.csv:2 \(row 2\)/ }, counterpart: { npi: '1234567893' } })
  t.ok(whole.owed.length > 0 && whole.owed.every((one: { due: string; says: string }) => one.due && one.says))
  t.same(whole.notices.map(({ kind, status }: { kind: string; status: string }) => [kind, status]), [['acknowledgement', 'open'], ['hand-off', 'open']])
  t.match((await ask('GET', at(whole.reference.toLowerCase()))).body, { id })
  t.match((await ask('GET', at(whole.reference.replaceAll('-', '')))).body, { id })
  for (const what of ['', 'timeline', 'evidence', 'documents', 'documents/x', 'bundle']) t.match(await ask('GET', at('nobody', what)), { status: 404, body: { code: 'NOT_FOUND' } })

  t.match(whole.next, [/^The acknowledgement goes to Maren Lindqvist/, /^The hand-off goes/, /the desk: Deliver the /], 'what is not due yet does not read as if it were')
  const [last, other] = [whole.reference.at(-1), whole.reference.endsWith('2') ? '3' : '2']
  t.match(await ask('GET', at(`${whole.reference.slice(0, -1)}${other}`)), { status: 404, body: { detail: `No referral has the number ${whole.reference.slice(0, -1)}${other}; did you mean ${whole.reference}?` } }, last)
  t.match(await ask('GET', at('R-2222-2223')), { status: 404, body: { detail: /its last character does not fit the others, so it was mistyped/ } })

  const { events } = (await ask('GET', at(id, 'timeline'))).body
  t.same(events.map(({ name }: { name: string }) => name), ['received', 'read', 'triaged', 'needs-information', 'matched', 'routed'])
  t.match(events[1].says, /^Read: (no|1) services?, 1 diagnosis, /, 'one is one')
  t.match(events[2], { says: 'Triaged: routine; cardiology.', by: { kind: 'desk' }, applied: true, because: null, why: [/routine is stated/, /I48\.91 is within .*“I48\.91” \(ServiceRequest\.reasonCode/] })
  t.match(events[3], { says: /^Information is missing: the patient's insurance/ })
  t.match(events[4], { says: /^Matched: chart E1 of epic-main/, why: [/chart E1 of epic-main, \d+ %: Same /] })
  t.match(events[5], { says: /^Routed: epic-main, Heart Center, cardiology-new; by .*\(row 2\)/ })

  const evidence = (await ask('GET', at(id, 'evidence'))).body
  const value = (fact: string) => evidence.values.find((one: { fact: string }) => one.fact === fact)
  t.match(value('patient.birthDate'), { value: '1961-04-09', at: 'Patient.birthDate', origins: [{ from: 'PID-7', confidence: 0.9, by: 'LAKESIDE', in: 'REF^I12' }] })
  t.match(value('patient.names[0]'), { origins: [{ path: 'name[0].family', from: 'PID-5[1].1.1', confidence: 1 }] }, 'of the parts of a value')
  t.match(value('diagnoses[0]'), { value: { code: 'I48.91' }, origins: [{ from: 'DG1-3' }] }, 'of what a value is a part of')
  t.match(evidence, { triage: { specialty: { value: 'cardiology', evidence: [{ quote: 'I48.91' }] } }, routing: { row: /row 2/, nearMisses: [{ because: /specialty is cardiology/ }] }, concluded: [{ name: 'triaged' }, { name: 'needs-information' }, { name: 'matched' }, { name: 'routed' }] })

  const [document] = (await ask('GET', at(id, 'documents'))).body.documents
  t.match(document, { role: 'intake', status: 'current', type: 'Progress note', parts: [{ part: 1, contentType: 'text/plain', size: 46 }] })
  const content = await ask('GET', at(id, `documents/${document.id}`))
  t.equal(content.text, 'The patient has had palpitations since spring.')
  t.match(Object.fromEntries(content.headers), { 'content-type': 'text/plain', 'content-disposition': /^attachment; filename="[A-Za-z0-9-]+\.txt"$/, 'x-content-type-options': 'nosniff', 'content-security-policy': "default-src 'none'; sandbox", 'cache-control': 'no-store' })
  t.match(await ask('GET', at(id, `documents/${document.id}?part=2`)), { status: 404, body: { message: /has 1 part/ } })
  t.match(await ask('GET', at(stomach, `documents/${document.id.slice(1)}0`)), { status: 404 })

  const bundle = await ask('GET', at(id, 'bundle'))
  t.match(bundle.headers.get('content-type'), /^application\/fhir\+json/)
  t.match(bundle.body, { resourceType: 'Bundle', type: 'collection' })
  t.notMatch(world.logged.join('\n'), /Quillfeather|555-0142|Lindqvist|palpitation/i, 'nothing of it is in the log')
})

t.test('the worklist has what waits for people, the most urgent and longest waiting first, and what fits no referral', async (t) => {
  const world = await startWorld(t)
  const { ask, desk } = world
  t.match((await ask('GET', '/api/referrals/worklist')).body, { groups: [], strays: { count: 0, oldest: null }, complete: true })
  await world.chart({ ...UNSURE, id: 'E1' })
  await world.chart({ ...UNSURE, id: 'E2' })
  const unsure = await world.refer()
  world.later(60_000)
  const wayless = await world.refer({ icd: 'Z99.9', words: 'Please see this patient', letter: 'As discussed.', email: null, npi: '1999999984', family: 'Ravenscroft', given: 'Beatrix', birthDate: '1977-12-01', phone: '608-555-0151' })
  const lacking = await world.refer({ phone: null, family: 'Thistle', given: 'Ida', birthDate: '1950-06-30' })
  world.later(1000)
  const urgent = await world.refer({ phone: null, family: 'Oakes', given: 'Jonas', birthDate: '1942-01-17', words: 'Atrial fibrillation, syncope with exertion this morning and chest pain at rest' })
  t.not((await desk.store.state(urgent))?.urgency, 'routine')
  world.later(60_000)
  const groups = async (): Promise<Record<string, { id: string; waits: number; because: string }[]>> =>
    Object.fromEntries((await ask('GET', '/api/referrals/worklist')).body.groups.map(({ group, referrals }: { group: string; referrals: [] }) => [group, referrals]))
  const waiting = await groups()
  t.same(Object.keys(waiting), ['information', 'patient', 'routing', 'way-back'])
  t.same(waiting.information?.map(({ id }) => id), [urgent, lacking], 'the urgent one first, though it came later')
  t.match(waiting.patient, [{ id: unsure, waits: 121, because: /more than one chart/i }])
  t.match([waiting.routing, waiting['way-back']], [[{ id: wayless }], [{ id: wayless, because: /no address is known/ }]], 'what waits for two things is in both groups')
  t.match((await ask('GET', '/api/referrals/worklist?ehr=ecw-north')).body, { groups: [] })
  world.later(86_400_000)
  await world.until(async () => (await groups()).overdue?.some(({ id, because }) => id === unsure && /Nobody has decided whose chart/.test(because)) ?? false)
  await ask('POST', at(unsure, 'patient'), { ...WHO, choose: { source: 'epic-main', id: 'E1' } })
  t.notOk((await groups()).overdue?.some(({ id, because }) => id === unsure && /whose chart/.test(because)), 'what was overdue and is done is no more to do')
  t.notOk(Object.keys((await desk.store.state(unsure))?.overdue ?? {}).some((duty) => duty.startsWith('patient-review')), 'nor is it found as overdue')

  const siu = { resourceType: 'Bundle', type: 'message', timestamp: '2026-03-03T16:00:00Z', entry: [
    { fullUrl: 'urn:uuid:1', resource: { resourceType: 'MessageHeader', eventCoding: { code: 'S12' }, source: { endpoint: 'x' } } },
    { fullUrl: 'urn:uuid:2', resource: { resourceType: 'Patient', identifier: [{ type: { coding: [{ code: 'MR' }] }, value: 'E1' }] } },
    { fullUrl: 'urn:uuid:3', resource: { resourceType: 'Appointment', status: 'booked', start: '2026-03-20T15:00:00Z', identifier: [{ value: 'A-18467' }], participant: [{ status: 'accepted', actor: { type: 'Patient', reference: 'urn:uuid:2' } }] } },
  ] }
  t.match(await desk.feedback({ command: 'siu/1', bundle: siu, ...CHANNEL, at: NOT_YET(), ehr: 'epic-main' }), { what: 'stray' })
  t.match(await desk.feedback({ command: 'siu/2', bundle: siu, ...CHANNEL, at: NOT_YET(), ehr: 'epic-main' }), { what: 'stray' })
  const { strays } = (await ask('GET', '/api/referrals/strays')).body
  t.match(strays, [{ what: /S12 A-18467/, reason: /Nothing but the patient/, candidates: [{ id: unsure }], settled: null }, {}])
  t.match(await desk.feedback({ command: 'siu/3', bundle: JSON.parse(JSON.stringify(siu).replace('"E1"', '"E99"')), ...CHANNEL, at: NOT_YET(), ehr: 'epic-main' }), { what: 'nothing' })
  t.match((await ask('GET', '/api/referrals/worklist')).body.strays, { count: 2, oldest: '2026-03-02T15:00:00.000Z', passedOver: { count: 1, channels: { siu: 1 } } })
  const give = (stray: number, referrals: string[], who: object = WHO) => ask('POST', `/api/referrals/strays/${stray}/give`, { ...who, referrals })
  const reference = (await desk.store.state(unsure))?.reference ?? ''
  t.match(await give(strays[0].id, ['R-2222-2222']), { status: 422, body: { message: /No referral has the number/ } })
  await ask('POST', at(lacking, 'close'), { ...WHO, words: 'Gone.' })
  t.match(await give(strays[0].id, [reference, lacking]), { status: 422, body: { message: /cannot take it: A referral that is closed cannot be scheduled/ } })
  t.equal((await desk.store.state(unsure))?.appointment, null, 'none was told where one cannot be')
  t.match(await give(strays[0].id, [reference]), { status: 200, body: { given: [{ id: unsure, stage: 'scheduled', repeated: false }] } })
  t.match((await desk.store.events(unsure)).at(-1), { name: 'scheduled', by: { kind: 'person', name: 'ada' }, reason: WHO.reason, facts: { evidence: [{ says: 'A person gave it to this referral.' }] } })
  t.match(await give(strays[0].id, [reference]), { status: 200, body: { given: [{ id: unsure, repeated: true }] } })
  t.match(await give(strays[0].id, [wayless], { by: 'bob', reason: 'mine' }), { status: 409, body: { message: /ada has settled it: given to R-/ } })
  t.match(await give(99, [reference]), { status: 404, body: { code: 'NOT_FOUND' } })
  const dismiss = (who: object) => ask('POST', `/api/referrals/strays/${strays[1].id}/dismiss`, who)
  t.match(await dismiss({ by: 'ada' }), { status: 400 })
  t.match(await dismiss(WHO), { status: 200, body: { dismissed: true } })
  t.match(await dismiss(WHO), { status: 200, body: { dismissed: false } })
  t.match(await dismiss({ by: 'bob', reason: 'no' }), { status: 409 })
  t.match((await ask('GET', '/api/referrals/strays?settled=true')).body.strays, [{ settled: { by: 'ada' } }, { settled: { by: 'ada' } }])
})

t.test('providers are found, put right, merged and read from files, each change with who and why', async (t) => {
  const world = await startWorld(t)
  const { ask } = world
  await world.chart()
  const id = await world.refer()
  const { provider } = (await world.desk.store.state(id)) ?? {}
  t.match((await ask('GET', `/api/providers/${provider}`)).body, { npi: '1234567893', ways: [{ way: 'email', address: 'office@lakeside.example', learned: 'referrals-hl7' }], history: [{ what: 'added' }], referrals: { counted: 1, open: 1, byStage: { routed: 1 } } })
  t.match(await ask('GET', '/api/providers/999'), { status: 404 })
  const changed = await ask('PATCH', `/api/providers/${provider}`, { ...WHO, practice: 'Lakeside Family Medicine', preferred: 'fax', learn: [{ way: 'fax', address: '608-555-0188' }], forget: [{ way: 'email', address: 'office@lakeside.example' }] })
  t.match(changed, { status: 200, body: { practice: 'Lakeside Family Medicine', preferred: 'fax', ways: [{ way: 'fax' }] } })
  t.ok(changed.body.history.filter(({ by }: { by: string }) => by === 'ada').every(({ why }: { why: string }) => why === WHO.reason))
  t.ok(changed.body.history.some(({ by, what }: { by: string; what: string }) => by === 'ada' && /fax 608-555-0188 learned/.test(what)))
  const { length } = changed.body.history
  t.equal((await ask('PATCH', `/api/providers/${provider}`, { ...WHO, practice: 'Lakeside Family Medicine' })).body.history.length, length, 'what is so already is no change')
  t.match(await ask('PATCH', `/api/providers/${provider}`, { ...WHO, npi: '1234567890' }), { status: 422, body: { message: /is no NPI/ } })
  t.match(await ask('PATCH', `/api/providers/${provider}`, { practice: 'x' }), { status: 400 })

  const practitioner = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: { resourceType: 'Practitioner', id: 'p', name: [{ family: 'Lindquist', given: ['Maren'] }], telecom: [{ system: 'fax', value: '608-555-0166' }] } }] }
  t.match(await ask('POST', `/api/providers/import?by=ada&reason=from%20the%20HIE`, practitioner, FHIR), { status: 200, body: { read: 1, added: 1 } })
  const npi = 'NPI,Entity Type Code,Provider Organization Name (Legal Business Name),Provider Last Name (Legal Name),Provider First Name,Provider Business Practice Location Address State Name\n1999999984,1,,OAKES,BEATRIX,WI\n1234567893,1,,LINDQVIST,MAREN,WI\n1000000004,1,,FAR,AWAY,TX\n'
  t.match(await ask('POST', '/api/providers/import?by=ada&reason=nppes&state=WI', npi, { 'content-type': 'text/csv' }), { status: 200, body: { read: 3, added: 1, known: 1, skipped: 1 } })
  const large = npi + `1000000012,1,,"${'X'.repeat(900)}",ANN,TX\n`.repeat(1000)
  t.match(await ask('POST', '/api/providers/import?by=ada&reason=nppes&state=WI', large, { 'content-type': 'text/csv' }), { status: 200, body: { read: 1003, known: 2 } }, 'a file larger than any message streams in')
  t.match(await ask('POST', '/api/providers/import?by=ada&reason=nppes', 'a,b\n1,2\n', { 'content-type': 'text/csv' }), { status: 422, body: { message: /no column `NPI`/ } })
  t.match(await ask('POST', '/api/providers/import?by=ada&reason=x', { resourceType: 'Patient' }, FHIR), { status: 422 })
  t.match(await ask('POST', '/api/providers/import?by=ada', npi, { 'content-type': 'text/csv' }), { status: 400, body: { message: /reason/ } })
  const [other] = (await ask('GET', '/api/providers?text=lindquist')).body.providers
  t.match((await ask('GET', '/api/providers?npi=1999999984')).body.providers, [{ name: { family: /oakes/i } }])
  t.match((await ask('GET', '/api/providers?way=fax&address=608-555-0166')).body.providers, [{ id: other.id }])
  t.match(await ask('GET', '/api/providers?address=608-555-0166'), { status: 400 })
  const merge = (survivor: string, merged: string) => ask('POST', '/api/providers/merge', { ...WHO, survivor, merged })
  t.match(await merge(String(provider), other.id), { status: 200, body: { id: provider, ways: [{ way: 'fax' }, { way: 'fax' }] } })
  t.match(await merge(String(provider), other.id), { status: 200, body: { id: provider } }, 'sent again it is done already')
  const [oakes] = (await ask('GET', '/api/providers?npi=1999999984')).body.providers
  t.match(await merge(String(provider), oakes.id), { status: 409, body: { message: /two NPIs/ } })
  t.match(await merge(String(provider), String(provider)), { status: 422 })
  t.match(await merge(String(provider), '999'), { status: 404 })
})

t.test('each measure is there as JSON and as a table; CMS50 counts whom the practice saw, referred out and heard of', async (t) => {
  const world = await startWorld(t)
  const { ask, desk } = world
  const out = async (person: Person, number: string, seen: boolean): Promise<string> => {
    const visit = seen ? ['PV1|1|O|CARD||||||||||||||||V1|||||||||||||||||||||||||20260302140000+0000|20260302143000+0000'] : []
    const bundle = bundleOfV2(ref({ number, patient: person, to: RAO, authority: '^^^HC^MR', more: visit }))
    return (await desk.open({ command: number, bundle, direction: 'outbound', by: { kind: 'channel', name: 'out' }, via: 'out', at: NOT_YET(), ehr: 'epic-main' })).state.id
  }
  const [met] = [await out(EVE, '=1+1', true), await out(ADAM, 'OUT-2', true), await out({ ...EVE, family: 'QUILL', birth: '19700101', mrn: 'Q1' }, 'OUT-3', false)]
  world.later(86_400_000)
  await desk.feedback({ command: 'note', bundle: bundleOfV2(mdm({ at: '2026-03-03T15:00:00Z', order: '=1+1' })), by: CHANNEL.by, via: 'specialists', at: desk.clock.now() })
  t.equal((await desk.store.state(met))?.stage, 'reported')
  const asked = '/api/measures/cms50?year=2026'
  t.match((await ask('GET', asked)).body, { measure: 'CMS50v14', population: 2, numerator: 1, rate: 0.5, withoutEncounter: 1 })
  const table = await ask('GET', `${asked}&format=csv`)
  t.match(Object.fromEntries(table.headers), { 'content-type': /^text\/csv/, 'content-disposition': 'attachment; filename="cms50-2026.csv"' })
  const [header = '', ...lines] = table.text.split('\r\n').map((line) => line.split(','))
  t.same(header, ['group', 'measure', 'from', 'to', 'referred until', 'zone', 'referral', 'population', 'numerator', 'rate', 'without encounter'])
  t.ok(lines.slice(0, -1).every(({ length }) => length === header.length))
  t.match(lines.filter(([group]) => group === 'patient').map((line) => line.slice(6)).sort((a, b) => Number(b[2]) - Number(a[2])), [[met, '1', '1', '', ''], [/./, '1', '0', '', '']])
  t.same(lines.at(-2), ['whole', 'CMS50v14', '2026-01-01', '2026-12-31', '2026-10-31', 'America/Chicago', '', '2', '1', '0.5', '1'])
  t.match((await ask('GET', `${asked}&format=csv&assumeEncounter=true`)).text, /,3,1,0\.3333,0\r\n$/)
  t.match((await ask('GET', '/api/measures/referrals?format=csv&by=direction')).text, /^group,direction,.*\r\ngroup,outbound,.*\r\nwhole,,.*\r\n$/)
  t.equal((await ask('GET', `${asked}&format=xml`)).status, 400)
})

t.test('a document of an HL7 v2 referral is listed once, and not once more as the report around it', async (t) => {
  const world = await startWorld(t)
  const pdf = Buffer.from('%PDF-1.7').toString('base64')
  const of = async (number: string, more: readonly string[]): Promise<{ title: string; parts: unknown[] }[]> => {
    const { state } = await world.desk.open({ command: number, bundle: bundleOfV2(ref({ number, patient: { ...EVE, mrn: number, birth: `19${number.slice(-2)}0101` }, more })), direction: 'inbound', ...CHANNEL, at: NOT_YET() })
    return (await world.ask('GET', at(state.id, 'documents'))).body.documents
  }
  const file = (n: number): readonly string[] => [`OBR|${n}|D-${n}^X||11488-4^Consult ${n}^LN|||20260227`, `OBX|1|ED|PDF^Letter ${n}^L||^application^pdf^Base64^${Buffer.from(`%PDF ${n}`).toString('base64')}||||||F`]
  t.match(await of('N-50', ['OBR|1|D-0^X||11488-4^Consult^LN|||20260227', `OBX|1|ED|PDF^Letter^L||^application^pdf^Base64^${pdf}||||||F`]), [{ title: 'Letter', parts: [{ contentType: 'application/pdf' }] }])
  const many = await of('N-51', Array.from({ length: 40 }, (_, n) => file(n + 1)).flat())
  t.equal(many.length, 40)
  t.ok(many.every(({ parts }) => parts.length === 1))
  t.match(await of('N-52', ['OBR|1|L-1^X||24323-8^Panel^LN|||20260227', 'OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|||||F']), [{ title: 'Panel', parts: [{ contentType: /text/ }] }], 'a result is a document of its own')
})

t.test('routing is explained without a trace; $match answers as FHIR wants it', async (t) => {
  const world = await startWorld(t)
  const { ask } = world
  await world.chart()
  const explained = await ask('POST', '/api/routing/explain', { bundle: bundleOf({}) })
  t.match(explained, { status: 200, body: { triage: { specialty: { value: 'cardiology' } }, routing: { route: { ehr: 'epic-main' }, row: /row 2/, reasons: [/Row 2 takes it/], nearMisses: [{ row: /row 3/ }] } } })
  t.same((await ask('GET', '/api/referrals')).body.referrals, [], 'nothing is kept')
  const id = await world.refer()
  t.match((await ask('POST', '/api/routing/explain', { referral: id })).body.routing, explained.body.routing)
  t.match(await ask('POST', '/api/routing/explain', { facts: { diagnoses: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'K21.9' }], patient: { birthDate: '1980-01-01' }, wanted: { name: { family: 'Rao' }, practice: 'Heart Center' } } }), { status: 200, body: { routing: { route: { ehr: 'ecw-north' }, disagreement: /Heart Center/ } } })
  for (const [body, status] of [[{}, 400], [{ referral: id, facts: {} }, 400], [{ referral: 'R-2222-2222' }, 404], [{ bundle: { resourceType: 'Bundle', type: 'collection' } }, 422], [{ bundle: 7 }, 422], [{ facts: { colour: 1 } }, 400]] as const) t.equal((await ask('POST', '/api/routing/explain', body)).status, status, JSON.stringify(body))

  const asked = { resourceType: 'Parameters', parameter: [{ name: 'resource', resource: { resourceType: 'Patient', name: [{ family: 'Quillfeather', given: ['Odalys'] }], birthDate: '1961-04-09', telecom: [{ system: 'phone', value: CHART.phones[0] }] } }] }
  for (const path of ['/api/fhir/Patient/$match', '/api/Patient/$match']) {
    const found = await ask('POST', path, asked, FHIR)
    t.match(found, { status: 200, body: { resourceType: 'Bundle', type: 'searchset', total: 1, entry: [{ resource: { resourceType: 'Patient', id: 'E1' }, search: { mode: 'match', extension: [{ valueCode: 'certain' }] } }] } })
    t.match(found.headers.get('content-type'), /^application\/fhir\+json/)
  }
  t.match(await ask('POST', '/api/Patient/$match', { resourceType: 'Parameters' }, FHIR), { status: 400, body: { resourceType: 'OperationOutcome' } })
  t.match(await ask('POST', '/api/Patient/$match', { resourceType: 'Patient' }, FHIR), { status: 422, body: { resourceType: 'OperationOutcome' } })

  const { paths } = (await ask('GET', '/docs/openapi.json')).body
  for (const path of ['/api/referrals', '/api/referrals/{id}/patient', '/api/referrals/{id}/notices/{notice}/retry', '/api/referrals/worklist', '/api/providers/import', '/api/routing/explain', '/api/Patient/$match']) t.ok(paths[path], `${path} is documented`)
  t.match(paths['/api/referrals/{id}/accept'].post.requestBody.content['application/json'].schema.required, ['by', 'reason'])
  t.equal((await ask('GET', '/docs')).status, 200)
})

t.test('a timeline names people, tells moments by the practice’s clocks, and says what was delivered rather than how it is called', async (t) => {
  const providers = { get: async (id: string) => (id === '7' ? { name: { family: 'Bell', given: ['Ines'] }, practice: 'Meadow Family Medicine' } : null) } as unknown as ProviderDirectory
  const name = await naming(providers, ['The status to provider 7 by fax', 'to provider 8'])
  t.equal(name('The status to provider 7 by fax was not delivered; the hand-off to ehr epic-main neither, nor that to provider 8.'), 'The status to Ines Bell, Meadow Family Medicine by fax was not delivered; the hand-off to the EHR epic-main neither, nor that to provider 8.')
  const notice = (kind: string, way: string | null) => ({ id: 1, kind, way })
  const says = (what: string, facts: object): string | undefined =>
    timelineOf([{ sequence: 1, at: '', recordedAt: '', name: what, by: { kind: 'desk', name: 'desk' }, reason: null, applied: true, because: null, facts }] as unknown as Parameters<typeof timelineOf>[0], 'America/Chicago', name)[0]?.says
  t.equal(says('acknowledged', { via: 'loop-email', notice: notice('acknowledgement', 'email') }), 'The referrer was told that it is here: through loop-email; by e-mail.')
  t.equal(says('noted', { notice: notice('withdrawal', null) }), 'Taken back from whoever had it.')
  t.equal(says('notice-failed', { notice: notice('status', 'fax'), reason: 'The status to provider 7 by fax was not delivered.' }), 'It could not be delivered, the news: by fax; The status to Ines Bell, Meadow Family Medicine by fax was not delivered.')
  t.equal(says('scheduled', { appointment: { id: 'A1', start: '2026-11-28T19:00:00Z', with: 'Dr Rao', at: 'Main St' } }), 'Scheduled: Saturday, November 28, 2026 at 1:00 PM CST with Dr Rao at Main St, number A1.')
  t.equal(says('unable-to-reach', { attempt: { number: 3, how: 'call' }, reason: '3 attempts: call, no answer.' }), 'Unable to reach the patient: 3 attempts: call, no answer.')
  t.equal(says('written-back', { receipt: { fields: [{ field: 'note', state: 'not-carried' }, { field: 'sex', state: 'written' }, { field: 'payer', state: 'not-there' }] } }), 'What the EHR made of it: 1 of 2 values did not go along or were changed (note).')
})
