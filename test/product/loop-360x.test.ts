/** A referral by 360X between two running engines, each with its own EHR, over a HISP: what each sends is looked at on the wire, and where each stands at its API. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { field, segment } from '../demo/hl7.js'
import { person, type Person } from '../demo/people.js'
import { referral } from '../demo/referral.js'
import { openScene, type Scene } from '../demo/scene.js'
import { type Carried, openHisp, PASSWORD } from './hisp-relay.js'
import { freePort, ROOT, until } from './product.js'

const MEADOW = { address: 'referrals@direct.meadow.example', oid: '1.3.6.1.4.1.99999.7', name: 'Meadow Family Medicine' }
const HEART = { address: 'referrals@direct.heart.example', oid: '1.3.6.1.4.1.99999.1', name: 'Heart Center' }
const doors = { 'direct.meadow.example': await freePort(), 'direct.heart.example': await freePort() }
const hisp = await openHisp(t, doors)

/** An engine with the shipped channels; as their comments say, those that send to the HISP have its password and authority. */
const engine = async (name: string, { address, oid, name: called }: typeof MEADOW, env: NodeJS.ProcessEnv): Promise<Scene> => {
  const folder = mkdtempSync(join(tmpdir(), `refero-360x-${name}-`))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(ROOT, 'channels'), join(folder, 'channels'), { recursive: true })
  for (const file of readdirSync(join(folder, 'channels'))) {
    const path = join(folder, 'channels', file)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('tls: "${REFERO_DIRECT_TLS:none}"', `tls: required, user: ${name}, password: "\${secret:hisp}", ca: ${JSON.stringify(hisp.certificate)}, servername: hisp`))
  }
  mkdirSync(join(folder, 'mappings/providers'), { recursive: true })
  writeFileSync(join(folder, 'mappings/providers/ways.yaml'), readFileSync(join(ROOT, 'mappings/providers/ways.yaml'), 'utf8').replace('360x: { confirms: { by: processed, within: 60m } }', '360x: { confirms: { by: processed, within: 10s } }'))
  return openScene(t, { folder, env: {
    REFERO_DIRECT_FROM: `${called} <${address}>`, REFERO_DIRECT_ADDRESS: address, REFERO_DIRECT_PORT: String(doors[address.slice(address.indexOf('@') + 1) as keyof typeof doors]), REFERO_DIRECT_SEND_PORT: String(hisp.port),
    REFERO_OID: oid, REFERO_SECRET_HISP: PASSWORD, REFERO_DATA: join(folder, 'data'), REFERO_MAPPINGS: join(folder, 'mappings'), ...env,
  } })
}
const meadow = await engine('meadow', MEADOW, { REFERO_OUTBOUND_DIRECT: 'true' })
const heart = await engine('heart', HEART, { REFERO_LOOP_DIRECT: 'true' })
await Promise.all([meadow.load(), heart.load()])
await meadow.product.api('/api/providers', { by: 'dana', reason: 'they take 360X', npi: '1234567893', name: { family: 'Rao', given: ['Anita'] }, practice: HEART.name, ways: [{ way: '360x', address: HEART.address }] })

const PRD = segment('PRD', { 1: 'RT^Referred to Provider^HL70286', 2: 'RAO^ANITA^^^DR^MD', 4: '^^^HEART CENTER^^^^^HEART CENTER', 7: '1234567893^NPI' })
/** Meadow's EHR orders; resolves with both engines' numbers, the request on the wire, and the item in the specialist's work queue. */
const order = async (number: string, patient: Person) => {
  const ours = await sent(number, patient)
  const request = await wire(v2Of(MEADOW, number, 'OMG'), `the request of ${number}`)
  const item = await heart.inQueue(number)
  const theirs = /R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(item.other)?.[0] ?? ''
  return { ours, theirs, request, item }
}
/** An order that may never arrive; resolves with the engine's own number. */
const sent = async (number: string, patient: Person, wanted = PRD): Promise<string> => {
  await meadow.ehr.order(referral({ number, patient, wanted }), meadow.outboundPort)
  return /R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec((await wire(v2Of(MEADOW, number, 'OMG'), `the request of ${number}`)).subject)?.[0] ?? ''
}
const wire = async (fits: (mail: Carried) => boolean, what: string): Promise<Carried> => {
  await until(() => hisp.carried.some(fits), () => `not on the wire: ${what}; there are ${hisp.carried.map(({ from, subject, disposition, v2 }) => `${from} ${disposition ?? subject} ${v2 === null ? '' : field(v2, 'MSH-9')}`).join('\n')}\n${meadow.product.output()}\n${heart.product.output()}`)
  return hisp.carried.find(fits) as Carried
}
const inDays = (days: number): Date => new Date(Math.floor(Date.now() / 60_000) * 60_000 + days * 86_400_000)

const v2Of = (from: typeof MEADOW, number: string, type: string) => ({ from: sender, v2 }: Carried): boolean => sender === from.address && v2 !== null && v2.includes(number) && field(v2, 'MSH-9').startsWith(type)
const names = async (scene: Scene, reference: string): Promise<readonly string[]> => (await scene.timeline(reference)).filter(({ applied }) => applied).map(({ name }) => name)

t.test('a practice that sends a document alone is answered by Direct; it is answered by 360X once it has sent that', async (t) => {
  const note = readFileSync(join(ROOT, 'fixtures/mime/referral-ccda.eml'), 'latin1').replaceAll('ines.bell@direct.meadow.example', MEADOW.address)
  await hisp.relay(HEART.address, Buffer.from(note, 'latin1'), MEADOW.address)
  const acknowledged = await wire(({ from, subject }) => from === HEART.address && subject.startsWith('We have your referral'), 'an answer to the note')
  t.equal(acknowledged.v2, null)
  const way = async (reference: string): Promise<string> => (await heart.product.api(`/api/referrals/${reference}`)).body.notices[0].way
  t.equal(await way(/R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(acknowledged.subject)?.[0] ?? ''), 'direct')
  t.equal(await way((await order('MF-36000', person('HC1014'))).theirs), '360x')
})

t.test('a request by 360X is accepted, booked, moved, seen and answered, and both know it', async (t) => {
  const { ours, theirs, request, item } = await order('MF-36001', person('HC1001'))
  const { v2, files } = request
  t.match([field(v2 ?? '', 'MSH-4'), field(v2 ?? '', 'MSH-9'), field(v2 ?? '', 'MSH-21'), field(v2 ?? '', 'ORC-1'), field(v2 ?? '', 'ORC-2')], [`^${MEADOW.oid}^ISO`, 'OMG^O19^OMG_O19', /360X/, 'NW', 'MF-36001^MEADOW^1.3.6.1.4.1.99999.3.7^ISO'])
  t.match([...files.keys()], ['INDEX.HTM', 'README.TXT', 'IHE_XDM/SUBSET01/METADATA.XML', 'IHE_XDM/SUBSET01/DOC00001.HL7', 'IHE_XDM/SUBSET01/DOC00002.XML'])
  t.match(files.get('IHE_XDM/SUBSET01/METADATA.XML'), /referenceIdList[\s\S]*MF-36001\^\^\^&amp;1\.3\.6\.1\.4\.1\.99999\.3\.7&amp;ISO/)
  t.equal(request.receiptTo, MEADOW.address)
  await wire(({ to, disposition }) => to === MEADOW.address && disposition === 'dispatched', 'that it was delivered')
  await meadow.reached(ours, 'delivered')

  await heart.ehr.answer(item, 'A')
  const accepted = await wire(v2Of(HEART, 'MF-36001', 'OSU'), 'the acceptance')
  t.match([field(accepted.v2 ?? '', 'ORC-1'), field(accepted.v2 ?? '', 'ORC-5')], ['OK', 'IP'])
  await meadow.reached(ours, 'accepted')
  const booking = await heart.ehr.book(item, inDays(5))
  await wire(v2Of(HEART, 'MF-36001', 'SIU^S12'), 'the appointment')
  t.match((await meadow.reached(ours, 'scheduled')).facts.appointment, { start: booking.start.toISOString() })
  await heart.ehr.tell(booking, 'S13', { start: inDays(6) })
  await wire(v2Of(HEART, 'MF-36001', 'SIU^S13'), 'the new time')
  t.match((await meadow.reached(ours, 'rescheduled')).facts.appointment, { start: inDays(6).toISOString() })
  await heart.ehr.arrive(booking)
  await heart.reached(theirs, 'seen')
  await heart.ehr.write([item], 'Persistent atrial fibrillation.\nPlan: apixaban 5 mg twice daily.')
  const outcome = await wire(v2Of(HEART, 'MF-36001', 'OMG'), 'the outcome')
  t.match([field(outcome.v2 ?? '', 'ORC-5')], ['CM'])
  const note = [...outcome.files.values()].find((one) => one.includes('<ClinicalDocument')) ?? ''
  t.match(note, /<inFulfillmentOf[\s\S]*extension="MF-36001"/)
  t.match(note, /apixaban 5 mg/)
  await meadow.reached(ours, 'report-received')
  await meadow.reached(ours, 'closed')
  await heart.reached(theirs, 'closed')
  await until(() => meadow.documents.length > 0, meadow.product.output)
  t.match(meadow.documents[0], /MF-36001/, 'the note is in the EHR that asked')

  const all = hisp.carried.filter(({ v2: text }) => text?.includes('MF-36001'))
  for (const { v2: text, subject } of all) t.equal(field(text ?? '', 'MSH-9').startsWith('SIU') ? field(text ?? '', 'SCH-26') || field(text ?? '', 'SCH-1') : field(text ?? '', 'ORC-2'), 'MF-36001^MEADOW^1.3.6.1.4.1.99999.3.7^ISO', `${subject}: the number is unchanged`)
  for (const { v2: text, from } of all) if (from === HEART.address) t.match(field(text ?? '', 'PID-3'), /MF6001\^\^\^MEADOW&1\.3\.6\.1\.4\.1\.99999\.3\.5&ISO/, 'the patient has the number of who asked')
  for (const { v2: text, from } of all) if (from === HEART.address) t.match(field(text ?? '', 'PID-3'), /HC1001\^\^\^[^^]*&1\.3\.6\.1\.4\.1\.99999\.2\.5&ISO/, 'and the number of who answers')
  t.match((await meadow.product.api(`/api/referrals/${ours}`)).body.notices, [{ kind: 'referral', way: '360x', status: 'sent', proof: { stage: /processed|dispatched/ } }])
})

t.test('a request that is declined comes back with the reason', async (t) => {
  const { ours, theirs, item } = await order('MF-36002', person('HC1003'))
  await heart.ehr.answer(item, 'R', 'We do not see this condition')
  await heart.reached(theirs, 'declined')
  const declined = await wire(v2Of(HEART, 'MF-36002', 'OSU'), 'the refusal')
  t.match([field(declined.v2 ?? '', 'ORC-1'), field(declined.v2 ?? '', 'ORC-5')], ['UA', 'CA'])
  const event = await meadow.reached(ours, 'declined')
  t.match(JSON.stringify(event), /We do not see this condition/)
})

t.test('a request that is taken back is cancelled on both sides, and confirmed', async (t) => {
  const { ours, theirs, item } = await order('MF-36003', person('HC1006'))
  await meadow.ehr.order(referral({ number: 'MF-36003', patient: person('HC1006'), wanted: PRD, type: 'I14' }), meadow.outboundPort)
  await meadow.reached(ours, 'cancelled')
  const taken = await wire(v2Of(MEADOW, 'MF-36003', 'OSU'), 'the cancellation')
  t.match([field(taken.v2 ?? '', 'ORC-1')], ['CA'])
  await heart.reached(theirs, 'cancelled')
  await until(() => heart.ehr.queue.some(({ filler, state }) => filler === item.filler && state === 'cancelled'), heart.product.output)
  const confirmed = await wire(v2Of(HEART, 'MF-36003', 'OSU'), 'that it is cancelled')
  t.match([field(confirmed.v2 ?? '', 'ORC-1'), field(confirmed.v2 ?? '', 'ORC-5')], ['CR', 'CA'])
  t.equal((await meadow.referral(ours)).stage, 'cancelled')
})

t.test('an appointment that is cancelled, a patient who does not come, and a note in between', async (t) => {
  const { ours, theirs, item } = await order('MF-36004', person('HC1007'))
  const booking = await heart.ehr.book(item, inDays(3))
  await meadow.reached(ours, 'scheduled')
  await heart.ehr.tell(booking, 'S26', { reason: 'Did not come' })
  await heart.reached(theirs, 'no-show')
  await wire(v2Of(HEART, 'MF-36004', 'SIU^S26'), 'that the patient did not come')
  await meadow.reached(ours, 'no-show')
  const second = await heart.ehr.book(item, inDays(9))
  await until(async () => (await names(meadow, ours)).filter((name) => name === 'scheduled').length === 2, meadow.product.output)
  await heart.ehr.tell(second, 'S15', { reason: 'Moved away' })
  await heart.reached(theirs, 'appointment-cancelled')
  await heart.ehr.arrive(await heart.ehr.book(item, inDays(11)))
  await heart.reached(theirs, 'seen')
  await heart.ehr.write([item], 'Echo is pending.', { trigger: 'T02', signed: true })
  await until(async () => hisp.carried.some(v2Of(HEART, 'MF-36004', 'OMG')), heart.product.output)
  t.match([...(await wire(v2Of(HEART, 'MF-36004', 'OMG'), 'the note')).files.values()].join(''), /Echo is pending/)
})


t.test('what comes twice is taken once; what the HISP cannot deliver is failed, and what nobody confirms is uncertain and not sent again', async (t) => {
  hisp.times = () => 2
  const { ours, theirs, item } = await order('MF-36005', person('HC1009'))
  await heart.ehr.book(item, inDays(4))
  await meadow.reached(ours, 'scheduled')
  hisp.times = () => 1
  t.equal((await heart.product.api('/api/referrals?limit=200')).body.referrals.filter(({ reference }: { reference: string }) => reference === theirs).length, 1)
  t.equal((await names(meadow, ours)).filter((name) => name === 'scheduled').length, 1)
  t.equal((await names(heart, theirs)).filter((name) => name === 'received').length, 1)

  hisp.times = () => 0
  hisp.says = () => null
  const silent = await sent('MF-36007', person('HC1011'))
  await until(async () => (await meadow.product.api(`/api/referrals/${silent}`)).body.notices[0]?.proof?.stage === 'uncertain', meadow.product.output)
  t.match(await meadow.referral(silent), { stage: 'sent', holds: [{ hold: 'hand-off', reason: /may or may not have\s+arrived/ }] }, 'a person is told')
  t.notOk((await names(meadow, silent)).includes('delivered'), 'what nobody has confirmed was not delivered')
  t.equal(hisp.carried.filter(({ v2 }) => v2?.includes('MF-36007')).length, 1)

  hisp.says = () => 'failed'
  await meadow.product.api('/api/providers', { by: 'dana', reason: 'as they say', npi: '1990000030', name: { family: 'Lindqvist', given: ['Alex'] }, ways: [{ way: '360x', address: 'nobody@direct.heart.example' }] })
  const lost = await sent('MF-36006', person('HC1010'), segment('PRD', { 1: 'RT^Referred to Provider^HL70286', 2: 'LINDQVIST^ALEX^^^DR^MD', 7: '1990000030^NPI' }))
  await until(async () => (await meadow.referral(lost)).holds.some(({ reason }: { reason: string }) => /5\.1\.1 the recipient is not known to this HISP/.test(reason)), meadow.product.output)
  t.notOk((await names(meadow, lost)).includes('delivered'))
  hisp.says = () => 'processed'
  hisp.times = () => 1
})

t.test('an answer of somebody else, or to a number that is not here, moves nothing and waits for a person', async (t) => {
  const { ours, theirs, item } = await order('MF-36008', person('HC1012'))
  hisp.times = ({ v2 }) => (v2 !== null && field(v2, 'MSH-9').startsWith('OSU') ? 0 : 1)
  await heart.ehr.answer(item, 'R', 'Not for us')
  await heart.reached(theirs, 'declined')
  const declined = await wire(v2Of(HEART, 'MF-36008', 'OSU'), 'the refusal')
  hisp.times = () => 1
  const strays = async (): Promise<readonly { says: string }[]> => (await meadow.product.api('/api/referrals/strays')).body.strays
  const before = (await strays()).length
  const forged = Buffer.from(declined.bytes.toString('latin1').replace(HEART.address, 'mallory@direct.elsewhere.example').replace(declined.id, '<forged@direct.elsewhere.example>'), 'latin1')
  await hisp.relay(MEADOW.address, forged, 'mallory@direct.elsewhere.example')
  await until(async () => (await strays()).length === before + 1 || (await names(meadow, ours)).includes('declined'), meadow.product.output)
  t.notOk((await names(meadow, ours)).includes('declined'), 'whoever knows the number is not the specialist for it')
  t.equal((await strays()).length, before + 1)
  await hisp.relay(MEADOW.address, readFileSync(join(ROOT, 'fixtures/mime/360x-accepted.eml')), HEART.address)
  await until(async () => (await strays()).length === before + 2, meadow.product.output)
  await hisp.relay(MEADOW.address, declined.bytes, HEART.address)
  await meadow.reached(ours, 'declined')
})
