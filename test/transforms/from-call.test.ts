/** The step `from-call`: what a call's form says is the referral, and what was said is kept for somebody to read. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, DocumentReference } from 'fhir/r4.js'
import t from 'tap'
import { canonical } from '../../referrals/canonical/canonical.js'
import { factsOf } from '../../referrals/canonical/facts.js'
import { messageOf } from '../conformance/transforms.js'
import { randomOf } from '../referrals/routing/made.js'
import { pieces, ROOT, transformTools } from './tools.js'

const tools = transformTools()
const step = pieces.transforms.get('from-call')?.create({}, tools) as unknown as (message: unknown) => { body: unknown }[]
const made = (bytes: Buffer | string | object, format = 'json'): Bundle => {
  const raw = Buffer.isBuffer(bytes) ? bytes : Buffer.from(typeof bytes === 'string' ? bytes : JSON.stringify(bytes))
  return step(messageOf(tools.format(format), raw))[0]?.body as Bundle
}
const factsFrom = (bundle: Bundle) => factsOf(canonical(bundle).bundle as Bundle)
const documents = ({ entry }: Bundle): readonly DocumentReference[] => (entry ?? []).flatMap(({ resource }) => (resource?.resourceType === 'DocumentReference' ? [resource as DocumentReference] : []))
const textOf = (one: DocumentReference | undefined): string => Buffer.from(one?.content[0]?.attachment.data ?? '', 'base64').toString()
const file = (path: string): Buffer => readFileSync(join(ROOT, 'fixtures', path))

t.test('a form is a referral whose referrer can be called back, and the transcript waits to be read', async (t) => {
  const bundle = made(file('json/call.json'))
  const facts = factsFrom(bundle)
  t.match(facts.patient, { names: [{ family: 'Quillfeather' }], birthDate: '1961-06-15' })
  t.ok(JSON.stringify(facts.referrer).includes('+16085550142'), 'the number that called is a way back')
  t.ok(JSON.stringify(facts.referrer).includes('Meadow Family Medicine'))
  t.match(bundle.entry?.find(({ resource }) => resource?.resourceType === 'Organization' && JSON.stringify(resource).includes('Meadow'))?.resource, { contact: [{ name: { text: 'Dana Whitlock' } }] })
  t.match(facts.documents, [{ unread: true, title: 'Transcript of the call' }])
  const [document] = documents(bundle)
  t.equal(textOf(document), '[00:00:00] Agent: Heart Center, referrals line.\n[00:00:04] Caller: This is Dana from Meadow Family Medicine. I have a referral for Orla Quillfeather.')
  t.match(document, { author: [{ display: 'Front desk line' }], context: { period: { start: '2026-03-02T09:14:05-06:00', end: '2026-03-02T09:17:41-06:00' } } })
  t.equal(document?.content[1]?.attachment.url, 'https://calls.heart.example/recordings/0007')
  t.strictSame(made(file('json/call.json')), bundle, 'and the same each time')
})

t.test('a call without a form is a referral of which nothing is known yet', async (t) => {
  for (const [format, content, type] of [['text', file('text/call.vtt'), 'text/vtt'], ['text', Buffer.from('1\r\n00:00:01,000 --> 00:00:02,000\r\nCaller: Grüße\r\n', 'latin1'), 'text/plain'], ['text', Buffer.from('Caller: I call about Orla.\n'), 'text/plain']] as const) {
    const bundle = made(content, format)
    const [document] = documents(bundle)
    t.equal(document?.content[0]?.attachment.contentType, type)
    t.strictSame(Buffer.from(document?.content[0]?.attachment.data ?? '', 'base64'), content, 'byte for byte')
    const facts = factsFrom(bundle)
    t.match([facts.patient.names, facts.documents], [[], [{ unread: true }]])
  }
  t.match(documents(made({ recording: { id: 'REC 12/7' } })), [{ content: [{ attachment: { url: 'urn:refero:recording:REC%2012%2F7', title: 'Recording of the call' } }] }])
  t.match(documents(made({ recording: 'javascript:alert(1)' }))[0]?.content[0]?.attachment.url, /^urn:refero:recording:/, 'what is no address of the web is only a name')
  t.match(documents(made('\ufeff{"transcript":"Caller: hello"}', 'text')).map(textOf), ['Caller: hello'], 'JSON in a file is read as JSON')
})

t.test('what cannot be a call is refused with where and why', async (t) => {
  const cases: [unknown, object][] = [
    [{}, { message: /neither a transcript, nor a recording, nor a form/ }], [{ transcript: [] }, { message: /neither a transcript/ }], [[], { message: /neither a transcript/ }],
    [{ transcript: [{ speaker: 'Caller' }] }, { message: /transcript\[0\]: has no `text`/ }],
    [{ patient: { lastName: 'Bell', dob: '15 June' } }, { message: /patient.birthDate: is not a date of the form YYYY-MM-DD/ }],
    [{ patient: { lastName: 'Bell' }, diagnosis: 'heart' }, { message: /referral.diagnosis: does not have the form/ }],
    [{ patient: { lastName: 'Bell' }, urgency: 'soonish' }, { message: /referral.urgency: is not a code of codes\/payer-priority/ }],
  ]
  for (const [call, error] of cases) t.throws(() => made(call as object), { name: 'MessageFault', ...error })
  t.throws(() => made(' \n', 'text'), { message: /the transcript is empty/ })
  t.throws(() => step(messageOf(tools.format('mime'), file('mime/referral-ccda.eml'))), { message: /takes messages of format json or text/ })
})

t.test('whatever arrives is a referral or a fault, and never anything else', async (t) => {
  const random = randomOf(20_260_302)
  const whole = file('json/call.json')
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const value = (depth: number): unknown => pick([() => null, () => 7, () => '', () => 'x\u0000', () => true, () => [], () => (depth > 0 ? [value(depth - 1)] : {}), () => (depth > 0 ? { [pick(['text', 'url', 'name', 'lastName'])]: value(depth - 1) } : '')])()
  for (let n = 0; n < 400; n++) {
    const call = JSON.parse(whole.toString()) as Record<string, unknown>
    for (let times = 1 + Math.floor(random() * 4); times > 0; times--) call[pick(Object.keys(call))] = value(3)
    try {
      t.equal(made(call).resourceType, 'Bundle')
    } catch (error) {
      t.equal((error as Error).name, 'MessageFault', (error as Error).message)
    }
  }
})
