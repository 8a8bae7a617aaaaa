/** Appointments (SIU), documents (MDM) and answers to referrals (RRI) to FHIR: what each event, time, piece and status becomes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle } from 'fhir/r4.js'
import t from 'tap'
import { MessageFault } from '../../engine/errors.js'
import toFhir from '../../transforms/to-fhir/index.js'
import toHl7v2 from '../../transforms/to-hl7v2/index.js'
import type { Message } from '../../engine/contracts.js'
import { all, at, fhir, fixture, hl7v2, lines, message, one, ROOT, tools } from '../engine/v2-to-fhir/kit.js'

const STEPS = Object.fromEntries(['appointment', 'document', 'referral-answer'].map((name) => [name, toFhir.create({ with: name, timezone: 'America/Chicago' }, tools)]))
const mapped = (name: string, bytes: Buffer): Message => {
  const result = STEPS[name]?.(message(bytes))
  if (!Array.isArray(result) || !result[0]) throw new Error('the step makes one message')
  return result[0] as Message
}
const bundleOf = (name: string, bytes: Buffer): Bundle => mapped(name, bytes).body as Bundle
const told = (bundle: Bundle, severity: string): string =>
  all(bundle, 'OperationOutcome').flatMap(({ issue }) => issue.filter((each) => each.severity === severity).map(({ diagnostics }) => diagnostics)).join(' ')

const header = (type: string): string => `MSH|^~\\&|SCHED|HEART|EHR|LFM|20260302120000-0600||${type}|M-1|P|2.5.1`
const PID = 'PID|1||P-1^^^HC^MR||DOE^JANE||19800229|F'
const appointment = (event: string, ...segments: readonly string[]): Bundle => bundleOf('appointment', lines(header(`SIU^${event}^SIU_S12`), ...segments))
const text = (bundle: Bundle, nth = 0): string => Buffer.from(one(bundle, 'DocumentReference').content[nth]?.attachment.data ?? '', 'base64').toString()

t.test('the event decides an appointment’s status, then SCH-25, then AIS-10; without any it is booked', async (t) => {
  const cases: readonly (readonly [event: string, filler: string, status: string])[] = [
    ['S12', '', 'booked'], ['S12', 'Pending^Pending^HL70278', 'pending'], ['S12', 'BOOKED', 'booked'], ['S13', 'Booked', 'booked'], ['S14', 'Complete', 'fulfilled'], ['S14', 'Started', 'checked-in'], ['S14', 'waitlist', 'waitlist'],
    ['S15', 'Booked', 'cancelled'], ['S15', '', 'cancelled'], ['S16', '', 'cancelled'], ['S17', 'Booked', 'entered-in-error'], ['S26', '', 'noshow'], ['S26', 'Noshow', 'noshow'], ['S12', '""', 'booked'],
  ]
  for (const [event, filler, status] of cases) {
    const bundle = appointment(event, `SCH|1|2${'|'.repeat(23)}${filler}`, PID)
    t.match(one(bundle, 'Appointment'), { status, meta: { tag: [{ code: event }] } }, `${event} ${filler}`)
  }
  t.equal(one(appointment('S12', 'SCH|1', PID, 'RGS|1', 'AIS|1||X|||||||Pending'), 'Appointment').status, 'pending')
  const local = appointment('S12', `SCH|1|2${'|'.repeat(23)}SCHEDULED`, PID)
  t.match(one(local, 'Appointment'), { status: 'booked', _status: { extension: [{ valueString: 'SCHEDULED' }] } }, 'a local code is kept as text')
  t.match(told(local, 'warning'), /SCH-25/)
  t.notMatch(told(local, 'warning'), /SCHEDULED/)
  t.match(one(appointment('S15', 'SCH|1|2||||RX^Patient is ill^L', PID), 'Appointment').cancelationReason, { coding: [{ display: 'Patient is ill' }] })
})

t.test('when: TQ1 before SCH-11 before the resources, an end from a duration in any unit, offsets from the start', async (t) => {
  const when = (...segments: readonly string[]): readonly (string | undefined)[] => {
    const { start, end } = one(appointment('S12', ...segments), 'Appointment')
    return [start, end]
  }
  const sch = (length: string, unit: string, timing: string): string => `SCH|1|2|||||||${length}|${unit}|${timing}`
  t.same(when(sch('30', 'min', '^^^20260309090000-0500^20260309093000-0500'), PID), ['2026-03-09T09:00:00-05:00', '2026-03-09T09:30:00-05:00'])
  t.same(when(sch('30', 'MIN', '^^^20260309090000-0500'), PID), ['2026-03-09T09:00:00-05:00', '2026-03-09T09:30:00-05:00'])
  t.same(when(sch('2', 'hr^hours', '^^^202603092330-0500'), PID), ['2026-03-09T23:30:00-05:00', '2026-03-10T01:30:00-05:00'])
  t.same(when(sch('', '', '^^M45^20260309090000+0100'), PID), ['2026-03-09T09:00:00+01:00', '2026-03-09T09:45:00+01:00'])
  t.same(when(sch('', '', '^^^20260309090000'), PID), ['2026-03-09T09:00:00-05:00', undefined], 'in the step’s time zone, in summer')
  t.same(when(sch('', '', '^^^20270101000000-0500'), 'TQ1|1||||||20260309100000-0500|20260309103000-0500', PID), ['2026-03-09T10:00:00-05:00', '2026-03-09T10:30:00-05:00'], 'TQ1 took the place of SCH-11')
  t.same(when('SCH|1', PID, 'RGS|1', 'AIL|1||CARD^^^HC|||20260309100000-0500|||20|min', 'RGS|2', 'AIL|1||ECHO^^^HC|||20260309093000-0500|||1|h'),
    ['2026-03-09T09:30:00-05:00', '2026-03-09T10:30:00-05:00'], 'of several rooms the first start and the last end')
  const minutes = (length: string, unit: string): unknown => one(appointment('S12', sch(length, unit, ''), PID), 'Appointment').minutesDuration
  t.same([['30', 'min'], ['1800', 's'], ['1.5', 'h^hour^ISO+'], ['1', 'd'], ['30', ''], ['1800', ''], ['90', 's'], ['30', 'fortnights'], ['soon', 'min'], ['0', 'min'], ['""', 'min']].map(([length = '', unit = '']) => minutes(length, unit)),
    [30, 30, 90, 1440, 30, 30, undefined, undefined, undefined, undefined, undefined])
  t.match(told(appointment('S12', sch('30', '', ''), PID), 'warning'), /SCH-9 has no unit: it is taken as minutes/)
  t.match(told(appointment('S12', sch('30', 'fortnights', ''), PID), 'warning'), /SCH-10 is a unit of time that the table/)
  const offset = appointment('S12', sch('30', 'min', '^^^20260309090000-0500'), PID, 'RGS|1', 'AIP|1||771^KIM^SU||||15|min|10|min', 'AIP|2||772^LEE^BO|||20260309091000-0500|||20|min', 'AIG|1||ECG|EQ|||||1|h')
  t.match(one(offset, 'Appointment').participant.map(({ period }) => period), [{ start: '2026-03-09T10:00:00-05:00' }, { start: '2026-03-09T09:15:00-05:00', end: '2026-03-09T09:25:00-05:00' }, { start: '2026-03-09T09:10:00-05:00', end: '2026-03-09T09:30:00-05:00' }, undefined])
})

t.test('who and what takes part, over all resource groups, and the order it is for', async (t) => {
  const bundle = bundleOf('appointment', fixture('hl7v2/siu-s13-two-services.hl7'))
  const booked = one(bundle, 'Appointment')
  const taking = booked.participant.map(({ actor, type, status }) => `${at(bundle, actor?.reference).resourceType} ${type?.[0]?.text ?? type?.[0]?.coding?.[0]?.code ?? '-'} ${status}`)
  t.same(taking.sort(), ['Device EQ accepted', 'HealthcareService service accepted', 'HealthcareService service accepted', 'Location - accepted', 'Location C accepted', 'Location ROOM accepted', 'Patient - accepted',
    'Practitioner D accepted', 'Practitioner D needs-action', 'Practitioner enterer accepted', 'Practitioner filler contact accepted', 'Practitioner placer contact accepted'])
  t.match(booked, {
    identifier: [{ type: { coding: [{ code: 'PLAC' }] }, value: 'PL-1' }, { type: { coding: [{ code: 'FILL' }] }, value: 'FI-9', system: 'urn:oid:1.3.6.1.4.1.99999.2.9' }], serviceType: [{ coding: [{ code: '99204' }] }, { coding: [{ code: '93306' }] }],
    reasonCode: [{ coding: [{ system: 'http://snomed.info/sct', code: '185389009' }, { code: 'FOLLOWUP' }] }], appointmentType: { coding: [{ code: 'Normal' }] }, comment: 'Please bring\nthe insurance card.',
    extension: [{ valueAnnotation: { text: 'Interpreter needed', time: '2026-03-02T11:00:00-06:00' } }, { valueAnnotation: { text: 'Only mornings' } }],
  })
  t.match(at(bundle, booked.basedOn?.[0]?.reference), { resourceType: 'ServiceRequest', identifier: [{ value: 'R2026-00117' }, { value: 'F-77' }], intent: 'order', code: { coding: [{ code: '99204' }] } })
  const entered = all(bundle, 'Provenance').find(({ entity }) => !entity)
  t.equal(at(bundle, entered?.target[0]?.reference), booked)
  t.equal(told(bundle, 'warning'), '')
  t.throws(() => appointment('S12', PID), { message: /^SCH: the mapping needs it/ })
  t.same(all(appointment('S12', 'SCH|1', PID), 'ServiceRequest'), [], 'no order and no service: no request')
  const several = one(appointment('S12', 'SCH|1|""|||||||30|min', PID, 'RGS|1', 'AIL|1||""', 'AIP|1||1^A^B~2^C^D|ATT||20260302130000-0600|||20|min'), 'Appointment')
  t.same(several.participant.map(({ actor }) => actor?.display), ['A, B', 'C, D', undefined], 'each repetition takes part, what is deleted does not')
  t.equal(several.end, '2026-03-02T13:30:00-06:00', 'from the first resource’s start, as long as SCH-9 says')
})

const document = (event: string, txa: string, ...segments: readonly string[]): Bundle => bundleOf('document', lines(header(`MDM^${event}^MDM_T02`), `EVN|${event}|20260302`, PID, txa, ...segments))

t.test('a document’s status by event, completion and availability; what it adds to or replaces', async (t) => {
  const txa = (parent: string, completion: string, availability: string): string => `TXA|1|CN|TX|||20260310093000-0500||||||D-9^HC|${parent}||||${completion}||${availability}`
  const facts = (event: string, parent = '', completion = '', availability = ''): readonly unknown[] => {
    const { status, docStatus, relatesTo } = one(document(event, txa(parent, completion, availability)), 'DocumentReference')
    return [status, docStatus, relatesTo?.map(({ code, target }) => `${code} ${target.identifier?.value}`).join()]
  }
  t.same(facts('T01'), ['current', undefined, undefined])
  t.same(['AU', 'LA', 'IP', 'DI', 'DO', 'IN', 'PA'].map((code) => facts('T02', '', code)[1]), ['final', 'final', ...Array(5).fill('preliminary')])
  t.same(['AV', 'UN', 'OB', 'CA', '""'].map((code) => facts('T04', '', 'AU', code)[0]), ['current', 'current', 'superseded', 'entered-in-error', 'current'])
  for (const event of ['T05', 'T06']) t.same(facts(event, 'D-8^HC', 'AU', 'AV'), ['current', 'final', 'appends D-8'], event)
  for (const event of ['T09', 'T10']) t.same(facts(event, 'D-8^HC', 'AU', 'AV'), ['current', 'final', 'replaces D-8'], event)
  t.same(facts('T11', '', 'AU', 'AV'), ['entered-in-error', 'entered-in-error', undefined], 'cancelled, whatever else it says')
  t.match(one(document('T04', txa('', 'ZZ', 'UN')), 'DocumentReference'), { _docStatus: { extension: [{ valueString: 'ZZ' }] }, _status: { extension: [{ valueCodeableConcept: { coding: [{ code: 'UN' }] } }] }, content: [{ attachment: { contentType: 'text/plain' } }] })
  t.match(one(document('T01', 'TXA|1|DS'), 'DocumentReference'), { content: [{ attachment: { title: 'not sent' } }], type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0270', code: 'DS' }] } })
  t.match(one(document('T02', 'TXA|1|DS||||20260310'), 'DocumentReference').extension, [{ url: 'http://hl7.org/fhir/6.0/StructureDefinition/extension-date', valueDate: '2026-03-10' }])
})

t.test('pieces of text are one attachment with its lines; a PDF keeps its bytes, a pointer its address', async (t) => {
  const bundle = bundleOf('document', fixture('hl7v2/mdm-t02-consult.hl7'))
  const letter = one(bundle, 'DocumentReference')
  t.equal(text(bundle), 'Seen for palpitations.\nECG: sinus rhythm.\nPlan: metoprolol.\nReturn in 3 months.')
  t.match(letter, { docStatus: 'final', masterIdentifier: { value: 'DOC-9' }, date: '2026-03-10T09:30:00-05:00', context: { period: { start: '2026-03-10T09:00:00-05:00' }, related: [{ identifier: { value: 'R2026-00117' } }, { identifier: { value: 'F-77' } }, {}] },
    securityLabel: [{ coding: [{ code: 'R' }] }], description: 'Consult note for Jane', content: [{ attachment: { contentType: 'text/plain' } }, { attachment: { contentType: 'application/pdf' } }] })
  t.match(at(bundle, letter.content[1]?.attachment.url), { resourceType: 'Binary', data: 'JVBERi0xLjQK', contentType: 'application/pdf' })
  t.match(one(bundle, 'Observation').valueQuantity, { value: 72 })
  t.match(all(bundle, 'Provenance').find(({ entity }) => !entity), { recorded: '2026-03-10T11:00:00-05:00', reason: [{ text: 'Corrected dose' }] })
  const other = document('T02', 'TXA|1|CN', 'OBX|1|RP|18748-4^Imaging^LN||https://images.example/5512^HC^image^JPEG', 'OBX|2|ED|X||^TEXT^HTML^A^<p>5 \\T\\ 6</p>||||||P')
  t.match(one(other, 'DocumentReference'), { docStatus: 'preliminary', content: [{ attachment: { url: 'https://images.example/5512', contentType: 'image/jpeg' } }, { attachment: { contentType: 'text/html' } }] })
  t.equal(Buffer.from(one(other, 'Binary').data ?? '', 'base64').toString(), '<p>5 & 6</p>')
})

t.test('an answer says whether the referral is accepted, which message it answers, and how many visits were granted', async (t) => {
  const status = (...segments: readonly string[]): unknown => one(bundleOf('referral-answer', lines(header('RRI^I12^RRI_I12'), ...segments)), 'Task').status
  t.same(['A', 'P', 'R', 'E', ''].map((code) => status('MSA|AA|1', `RF1|${code}`, PID)), ['accepted', 'received', 'rejected', 'cancelled', 'received'])
  t.same(['AA', 'AE', 'AR'].map((code) => status(`MSA|${code}|1|No such patient`, PID)), ['received', 'failed', 'rejected'])
  const partly = bundleOf('referral-answer', lines(header('RRI^I12^RRI_I12'), 'MSA|AA|1', 'RF1|PA^Partially accepted^L', PID))
  t.match(one(partly, 'Task'), { status: 'received', _status: { extension: [{ valueString: 'PA' }] }, businessStatus: { coding: [{ code: 'PA', display: 'Partially accepted' }] } })
  const bundle = bundleOf('referral-answer', fixture('hl7v2/rri-i12-rejected.hl7'))
  t.match(one(bundle, 'Task'), { status: 'rejected', statusReason: { coding: [{ display: 'No capacity before June' }] } })
  t.match(one(bundle, 'MessageHeader'), { response: { code: 'ok', identifier: 'LFM20260302000117' } })
  t.same(one(bundle, 'ClaimResponse').item?.[0]?.adjudication.map(({ value }) => value), [6, 4])
})

t.test('other people’s appointments and documents are mapped or refused for a reason, and what is mapped is valid', async (t) => {
  const corpora = join(ROOT, '../shared/corpora')
  const folders = ['hl7v2/SIU-SRM', 'hl7v2/MDM', 'v2-to-fhir/microsoft/msg'].map((folder) => join(corpora, folder)).filter(existsSync)
  if (folders.length === 0) return t.comment('skipped: there are no corpora beside the project')
  let count = 0
  for (const file of folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name))).filter((each) => !each.includes('/msg/') || /\/(SIU|MDM)/.test(each))) {
    const bytes = readFileSync(file)
    try {
      const name = /SIU\^/.test(bytes.toString('latin1').slice(0, 600)) ? 'appointment' : 'document'
      const bundle = bundleOf(name, bytes)
      t.ok(all(bundle, name === 'appointment' ? 'Appointment' : 'DocumentReference').length === 1, file)
      count += 1
    } catch (error) {
      if (!(error instanceof MessageFault) || error.fault.location === undefined || error.fault.location.startsWith('Bundle')) t.fail(`${file}: ${error instanceof Error ? error.message : error}`)
    }
  }
  t.ok(count >= 30, `${count} mapped and valid`)
})

t.test('an appointment, a document and an answer of somebody else’s making become messages', async (t) => {
  const send = (name: string, ...resources: readonly object[]): string => {
    const body = { resourceType: 'Bundle', type: 'collection', entry: resources.map((resource, index) => ({ fullUrl: `urn:uuid:6f1c2ac4-8d3e-4b11-9a55-2f3d0b1f5c0${index}`, resource })) }
    const [sent] = toHl7v2.create({ with: name }, tools)({ ...message(fixture('hl7v2/ref-i13.hl7')), format: 'fhir', body: fhir.parse(Buffer.from(JSON.stringify(body))) }) as readonly Message[]
    return hl7v2.serialize(sent?.body).toString()
  }
  const url = (index: number): object => ({ reference: `urn:uuid:6f1c2ac4-8d3e-4b11-9a55-2f3d0b1f5c0${index}` })
  const booked = { resourceType: 'Appointment', status: 'noshow', start: '2026-03-09T14:00:00Z', end: '2026-03-09T14:30:00Z', minutesDuration: 30, serviceType: [{ text: 'Echo' }], participant: [{ actor: url(1), status: 'accepted' }, { actor: url(2), status: 'accepted' }] }
  const siu = send('siu', booked, { resourceType: 'Patient', name: [{ family: 'Doe' }] }, { resourceType: 'Practitioner', name: [{ family: 'Rao' }], identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }] })
  for (const part of [/SIU\^S26/, /\rSCH\|.*\|30\|min.*20260309140000\+0000\^20260309143000\+0000/, /\|Noshow\r/, /\rPID\|1\|\|\|\|Doe/, /\rRGS\|1\rAIS\|1\|\|\^Echo/, /\rAIP\|1\|\|1234567893\^Rao/]) t.match(siu, part)
  t.notMatch(siu, /\rAI[GL]\|/)
  for (const [status, tag, event] of [['cancelled', '', 'S15'], ['cancelled', 'S16', 'S16'], ['booked', 'S13', 'S13'], ['booked', 'S14', 'S14'], ['booked', '', 'S12'], ['entered-in-error', 'S12', 'S17']]) {
    t.match(send('siu', { ...booked, status, ...(tag ? { meta: { tag: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0003', code: tag }] } } : {}) }), `SIU^${event}^SIU_S12`)
  }
  t.match(send('mdm-t02', { resourceType: 'DocumentReference', status: 'current', content: [{ attachment: { contentType: 'text/plain', data: Buffer.from('a\nb').toString('base64') } }] }), /MDM\^T02\^MDM_T02.*\rTXA\|1\|.*\rOBX\|1\|TX\|\|\|a\\\.br\\b/s)
  const request = { resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { display: 'x' } }
  for (const [status, code] of [['accepted', 'A'], ['rejected', 'R'], ['received', 'P']]) t.match(send('rri', request, { resourceType: 'Task', status, intent: 'order' }), `\rRF1|${code}`)
})
