/** The Bundles that loop and hand-off channels receive, and that the product's letters can say what is in them. */
import t from 'tap'
import type { Bundle, Communication } from 'fhir/r4.js'
import { documentsOf } from '../../../referrals/canonical/documents.js'
import { factsOf } from '../../../referrals/canonical/facts.js'
import { withPatient } from '../../../referrals/canonical/changes.js'
import { type DigestItem, type NoticeInput, type NoticePart, type Recipient, digestBundle, noticeBundle } from '../../../referrals/canonical/notice.js'
import type { NoticeKind } from '../../../referrals/desk-contracts.js'
import { evaluate } from '../../../engine/formats/fhir/expression.js'
import type { JsonObject } from '../../../engine/formats/json/json-text.js'
import { enclosures, readNotice } from '../../../transforms/render/notice.js'
import { tools } from '../../engine/v2-to-fhir/kit.js'
import { isSound, mapped, referral, resource, types, v2 } from './kit.js'

const STATUS = 'urn:refero:business-status'
const REFERENCE = 'R-7K3M-9QXB'
const bundle = referral('ref-i12-cardiology')
const { referrer } = factsOf(bundle)
const recipient: Recipient = { id: '17', facts: referrer, way: 'fax', address: '(608) 5550143', language: 'en' }
const [note] = documentsOf(mapped(v2('mdm-t02-consult'), 'document'))
const enclosed = { id: note?.id ?? '', title: 'Consultation note', resources: JSON.stringify(note?.resources) }

const notice = (kind: NoticeKind, id: number, name: NonNullable<NoticeInput['event']>['name'], sent: string, topic: string, task: Omit<NoticeInput['words']['task'], 'lastModified'>, parts: NoticeInput['parts'], more: Partial<NoticeInput> = {}): Bundle =>
  noticeBundle({ bundle, state: { reference: REFERENCE, urgency: 'urgent' }, event: { sequence: id, name, at: sent }, notice: { id, kind }, documents: [], recipient, words: { topic, sent, task: { ...task, lastModified: sent } }, parts, ...more })
const standing = (code: string, text: string): { system: string; code: string; text: string } => ({ system: STATUS, code, text })

const NOTICES: Readonly<Record<string, Bundle>> = {
  acknowledgement: notice('acknowledgement', 1, 'acknowledged', '2026-03-02T14:16:00.000Z', `Referral received: ${REFERENCE}`, { status: 'received', businessStatus: [standing('received', 'Received')], statusReason: null }, [
    { part: 'understood', text: 'EVE EVERYWOMAN, born 1961-06-15: cardiology consultation, urgent, for unspecified atrial fibrillation (I48.91).' }, { part: 'missing', text: 'the ECG' }, { part: 'missing', text: 'the medication list' },
    { part: 'how-to-answer', text: `Answer by fax to (608) 555-0191 and write ${REFERENCE} on it.` },
  ]),
  information: notice('information', 2, 'needs-information', '2026-03-02T14:30:00.000Z', `Missing information: ${REFERENCE}`, { status: 'received', businessStatus: [standing('awaiting-information', 'Awaiting information')], statusReason: 'The ECG is missing.' }, [
    { part: 'missing', text: 'the ECG' }, { part: 'how-to-answer', text: `Answer by fax to (608) 555-0191 and write ${REFERENCE} on it.` },
  ]),
  status: notice('status', 3, 'scheduled', '2026-03-03T15:00:00.000Z', `Scheduled: ${REFERENCE}`, { status: 'in-progress', businessStatus: [standing('scheduled', 'Scheduled')], statusReason: null }, [
    { part: 'status', text: 'The patient has an appointment.' }, { part: 'appointment', text: '9 March 2026, 10:30, Dr. Anita Rao, Heart Center Cardiology' }, { part: 'note', text: 'The patient prefers mornings.' },
  ], { appointment: { id: '18467', start: '2026-03-09T10:30:00-05:00', with: 'Dr. Anita Rao', at: 'Heart Center Cardiology' } }),
  outcome: notice('outcome', 4, 'outcome-sent', '2026-03-10T17:00:00.000Z', `Consult note: ${REFERENCE}`, { status: 'completed', businessStatus: [standing('completed', 'Completed')], statusReason: null }, [{ part: 'status', text: 'The patient was seen; the consult note is enclosed.' }], { documents: [enclosed], inResponseTo: '<20260302@lakesidefm.example>' }),
  'hand-off': notice('hand-off', 5, 'routed', '2026-03-02T14:17:00.000Z', `New referral: ${REFERENCE}`, { status: 'received', businessStatus: [standing('received', 'Received')], statusReason: null }, [{ part: 'note', text: 'To the cardiology work queue.' }], {
    recipient: { id: 'epic-main', facts: null, way: 'hl7', address: 'epic-main', language: null }, bundle: withPatient(bundle, { source: 'epic-main', id: 'E-100' }),
  }),
}
const items: readonly DigestItem[] = [['ref-i12-cardiology', REFERENCE, 'scheduled', 'Scheduled'], ['orm-o01-echo', 'R-3BCD-FGHG', 'unable-to-reach', 'Unable to reach']].map(([name = '', reference = '', code = '', text = '']) => ({
  bundle: referral(name), state: { reference }, task: { status: 'in-progress', businessStatus: [standing(code, text)], statusReason: null, lastModified: '2026-03-06T12:00:00.000Z' }, text: `${reference}: ${text}`,
}))
const DIGEST = digestBundle({ items, notice: { id: 6, kind: 'digest' }, recipient: { ...recipient, way: 'direct', address: 'nokafor@direct.lakesidefm.example' }, words: { topic: 'Your referrals this week', sent: '2026-03-06T22:00:00.000Z' } })
const ALL: Readonly<Record<string, Bundle>> = { ...NOTICES, digest: DIGEST }

const letter = (made: Bundle): Communication => made.entry?.[0]?.resource as Communication
const partsOf = (made: Bundle): readonly (readonly [NoticePart | undefined, string | undefined])[] =>
  (letter(made).payload ?? []).filter(({ contentString }) => contentString).map(({ extension, contentString }) => [extension?.find(({ url }) => url === 'urn:refero:notice-part')?.valueCode as NoticePart | undefined, contentString])

t.test('every notice begins with its Communication and is sound', async (t) => {
  for (const [kind, made] of Object.entries(ALL)) {
    isSound(t, made, kind)
    t.match(letter(made), { resourceType: 'Communication', status: 'preparation', category: [{ coding: [{ system: 'urn:refero:notice', code: kind }] }], topic: { text: String } }, kind)
    t.equal(made.type, 'collection')
    const role = resource(made, 'PractitionerRole', types(made).filter((type) => type === 'PractitionerRole').length - 1)
    t.equal(role.telecom?.[0]?.rank, 1)
    t.equal(made.entry?.find(({ fullUrl }) => fullUrl === letter(made).recipient?.[0]?.reference)?.resource, role, 'the recipient is in it')
  }
})

t.test('the referral follows with our number, the referrer’s, and the task as it is told', async (t) => {
  for (const [kind, made] of Object.entries(NOTICES)) {
    t.same(types(made).slice(0, 4), ['Communication', 'ServiceRequest', 'Task', 'Patient'], kind)
    t.match(resource(made, 'ServiceRequest').identifier?.map(({ value }) => value), ['R2026-00117', REFERENCE])
    t.equal(letter(made).about?.[0]?.reference, made.entry?.[1]?.fullUrl)
    t.equal(letter(made).subject?.reference, made.entry?.[3]?.fullUrl)
    t.same(factsOf(made).reference, REFERENCE, 'a reader of the canonical referral reads it too')
  }
  t.match(resource(NOTICES.information as Bundle, 'Task'), { status: 'received', businessStatus: { coding: [{ code: 'awaiting-information' }] }, statusReason: { text: 'The ECG is missing.' } })
  t.match(resource(NOTICES['hand-off'] as Bundle, 'Patient').identifier?.map(({ value }) => value).toString(), /^E-100,774411/)
})

t.test('each part of the letter is a payload that says which', async (t) => {
  t.same(partsOf(NOTICES.acknowledgement as Bundle).map(([part]) => part), ['understood', 'missing', 'missing', 'how-to-answer'])
  t.same(partsOf(NOTICES.status as Bundle).map(([part]) => part), ['status', 'appointment', 'note'])
  t.equal(letter(NOTICES.status as Bundle).language, 'en')
  t.equal(letter(NOTICES['hand-off'] as Bundle).language, undefined)
})

t.test('an enclosed document is a DocumentReference with its content in it, of this patient', async (t) => {
  const made = NOTICES.outcome as Bundle
  const [reference] = (letter(made).payload ?? []).flatMap(({ contentReference }) => contentReference ?? [])
  const document = made.entry?.find(({ fullUrl }) => fullUrl === reference?.reference)?.resource
  t.match(document, { resourceType: 'DocumentReference', docStatus: 'final', content: [{ attachment: { contentType: 'text/plain', data: String } }, { attachment: { contentType: 'application/pdf', data: 'JVBERi0xLjQK' } }], subject: { reference: letter(made).subject?.reference } })
})

t.test('the chosen way’s address is the first, whichever others there are', async (t) => {
  const told = (way: Recipient['way'], address: string | null): unknown => {
    const made = notice('status', 9, 'accepted', '2026-03-03T15:00:00.000Z', 'x', { status: 'accepted', businessStatus: [], statusReason: null }, [], { recipient: { ...recipient, way, address } })
    const role = made.entry?.find(({ fullUrl }) => fullUrl === letter(made).recipient?.[0]?.reference)?.resource as { telecom?: { system?: string; value?: string; rank?: number }[] }
    return role.telecom?.map(({ system, value, rank }) => `${rank} ${system} ${value}`)
  }
  t.same(told('fax', '(608) 5550143'), ['1 fax (608) 5550143', '2 email nokafor@direct.lakesidefm.example', '3 phone (608) 5550142'])
  t.same(told('direct', 'nokafor@direct.lakesidefm.example'), ['1 email nokafor@direct.lakesidefm.example', '2 fax (608) 5550143', '3 phone (608) 5550142'])
  t.same(told('portal', 'https://desk.example/p/1')?.toString().slice(0, 30), '1 url https://desk.example/p/1'.slice(0, 30))
  t.same((told(null, null) as string[]).length, 3)
})

t.test('a digest has request, task and patient of each, and a line that says which it is about', async (t) => {
  t.same(types(DIGEST), ['Communication', 'ServiceRequest', 'Task', 'Patient', 'ServiceRequest', 'Task', 'Patient', 'PractitionerRole', 'Practitioner', 'Organization'])
  t.same(partsOf(DIGEST), [['item', `${REFERENCE}: Scheduled`], ['item', 'R-3BCD-FGHG: Unable to reach']])
  const about = (letter(DIGEST).payload ?? []).map(({ extension }) => extension?.[1]?.valueReference?.reference)
  t.same(about, letter(DIGEST).about?.map(({ reference }) => reference))
  t.same(about.map((url) => (DIGEST.entry?.find(({ fullUrl }) => fullUrl === url)?.resource as { identifier?: { value?: string }[] } | undefined)?.identifier?.at(-1)?.value), [REFERENCE, 'R-3BCD-FGHG'])
  isSound(t, digestBundle({ items: [], notice: { id: 7, kind: 'digest' }, recipient: { id: '9', facts: null, way: null, address: null, language: null }, words: { topic: 'None', sent: '2026-03-06T22:00:00.000Z' } }), 'of nothing')
})

t.test('letters find in a notice what they say', async (t) => {
  const { values } = tools.mapping('letters/values').value as { readonly values: Readonly<Record<string, { readonly path?: string; readonly of?: 'recipient' | 'enclosed' }>> }
  const read = (made: Bundle, name: string): readonly string[] => {
    const asked = readNotice(JSON.parse(JSON.stringify(made)))
    const { path = '', of } = values[name] ?? {}
    return evaluate(asked[of ?? 'whole'], path).map(String)
  }
  for (const [kind, made] of Object.entries(NOTICES)) {
    t.equal(readNotice(JSON.parse(JSON.stringify(made))).kind, kind)
    t.same(read(made, 'reference'), [REFERENCE])
    t.same(read(made, 'their-number'), ['R2026-00117'])
    t.match(read(made, 'patient-name'), [/EVE E EVERYWOMAN/])
    t.match(read(made, 'diagnosis')[0], /I48\.91/)
    t.match(read(made, 'service'), ['Cardiology consultation'])
  }
  t.same(read(NOTICES.acknowledgement as Bundle, 'missing'), ['the ECG', 'the medication list'])
  t.match(read(NOTICES.acknowledgement as Bundle, 'recipient-name'), [/OKAFOR/])
  t.same(read(NOTICES.acknowledgement as Bundle, 'recipient-practice'), ['LAKESIDE FAMILY MEDICINE'])
  t.same(read(NOTICES.status as Bundle, 'appointment-time'), ['2026-03-09T10:30:00-05:00'])
  t.same([read(NOTICES.status as Bundle, 'appointment-with'), read(NOTICES.status as Bundle, 'appointment-where')], [['Dr. Anita Rao'], ['Heart Center Cardiology']])
  t.same(read(NOTICES.outcome as Bundle, 'enclosed'), ['Consultation note'])
  t.same(enclosures(readNotice(JSON.parse(JSON.stringify(NOTICES.outcome)) as JsonObject)).map(({ type }) => type), ['text/plain', 'application/pdf'])
  t.equal(readNotice(JSON.parse(JSON.stringify(NOTICES.outcome))).inReplyTo, '<20260302@lakesidefm.example>')
  t.same(read(DIGEST, 'item').length, 2)
})

t.test('how the referrer’s message was sent and read is told to nobody', async (t) => {
  for (const made of Object.values(ALL)) t.notMatch(types(made).join(' '), /MessageHeader|OperationOutcome|Provenance/)
})
