/** What a mail's header says of who wrote it, and what a winmail.dat holds; neither can be made to crash, hang or grow. */
import t from 'tap'
import { automatic } from '../../../engine/formats/mime/automatic.js'
import { MessageFault } from '../../../engine/errors.js'
import { readFields } from '../../../engine/formats/mime/fields.js'
import mime from '../../../engine/formats/mime/index.js'
import { pretended } from '../../../engine/formats/mime/pretended.js'
import { openTnef } from '../../../engine/formats/mime/tnef.js'
import { decompressedRtf } from '../../../engine/formats/mime/rtf.js'
import { random } from '../../referrals/any-referral.js'
import { connectorTools } from '../../conformance/connectors.js'
import { attribute, attachment, filled, properties, property, tnef, u16, u32, wide } from './tnef-maker.js'

t.test('an automatic mail is known by its header', async (t) => {
  const kind = (header: string): string => automatic(readFields(Buffer.from(`${header}\r\nSubject: x\r\n\r\nx`))).kind
  const expected: Readonly<Record<string, readonly string[]>> = {
    no: ['From: Bell <bell@meadow.example>', 'Auto-Submitted: no', 'Return-Path: <bell@meadow.example>', 'Precedence: first-class', 'X-Auto-Response-Suppress: None', 'From: "postmaster@x" <bell@meadow.example>'],
    report: ['Content-Type: multipart/report; report-type=disposition-notification; boundary=x', 'Return-Path: <>\r\nContent-Type: MULTIPART/Report; boundary=x'],
    bounce: ['Return-Path: <>', 'From: MAILER-DAEMON@mx.meadow.example', 'From: Mail System <Postmaster@meadow.example>', 'X-Failed-Recipients: a@b.example'],
    reply: ['Auto-Submitted: auto-replied', 'auto-submitted: Auto-Replied (vacation)', 'X-Autoreply: yes', 'Precedence: auto_reply', 'X-Autorespond:'],
    list: ['List-Id: <news.meadow.example>', 'List-Unsubscribe: <mailto:x@meadow.example>', 'Precedence: list'],
    bulk: ['Precedence: bulk', 'Precedence: Junk'],
    generated: ['Auto-Submitted: auto-generated', 'X-Auto-Response-Suppress: All'],
  }
  for (const [word, headers] of Object.entries(expected)) for (const header of headers) t.equal(kind(header), word, header)
  const about = (subject: string): string => automatic(readFields(Buffer.from(`From: bell@meadow.example\r\nSubject: ${subject}\r\n\r\nx`))).kind
  for (const subject of ['Automatic reply: We have your referral', 'Auto: away', 'Out of office until March 9', 'AUTO-REPLY', 'Respuesta automática: hola', 'Fuera de la oficina', 'Réponse automatique : x', '=?utf-8?Q?R=C3=A9ponse_automatique?=', 'Abwesenheitsnotiz: x', 'Automatische Antwort: x', 'Automatisch antwoord: x', 'Risposta automatica: x', 'Resposta automática: x', 'Автоматический ответ: x', '自动回复: x']) t.equal(about(subject), 'reply', subject)
  for (const subject of ['Re: We have your referral', 'Automatic implantable defibrillator', 'Auto accident, neck pain', 'Seen out of office by Dr. Bell', 'Autoimmune hepatitis']) t.equal(about(subject), 'no', subject)
  const format = mime.create({}, connectorTools().tools)
  t.equal(format.checkPath('automatic'), null)
  t.same(format.read(format.parse(Buffer.from('Auto-Submitted: auto-replied\r\n\r\nI am away.')), 'automatic'), ['reply'])
  t.same(format.read(format.parse(Buffer.from('Subject: x\r\n\r\nx')), 'automatic'), ['no'])
  t.match(pretended(Buffer.from('X-Refero-Kind: fax\r\n\r\n')), /X-Refero-Kind/)
  t.match(pretended(Buffer.from('X-Refero-Kind: letter/x\r\nX-Refero-Fax: a:1\r\n\r\n')), /X-Refero/)
  t.equal(pretended(Buffer.from('X-Refero-Kind: letter/x\r\n\r\nX-Refero-Kind: fax')), null)
})

const named = Buffer.concat([u16(0x1003), u16(0x8001), Buffer.alloc(16), u32(1), filled(wide('odd')), u32(2), u32(7), u32(8)])
const rtf = (flags: number[], raw: number): Buffer => Buffer.concat([u32(flags.length + 12), u32(raw), u32(0x75465a4c), u32(0), Buffer.from(flags)])
/** The example of MS-OXRTFCP §4.1.1. */
const COMPRESSED = Buffer.from('2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af32068656c090020627705b06c647d0a800fa0'.replaceAll(' ', ''), 'hex')

const whole = (): Buffer => tnef(
  attribute(1, 0x00069007, Buffer.concat([u32(1252), u32(0)])),
  attribute(1, 0x00069003, properties(named, property(0x001f, 0x1000, wide('Please see Zoë.')), property(0x0102, 0x1009, COMPRESSED))),
  ...attachment('CHART~1.PDF', Buffer.from('%PDF-1')),
  attribute(2, 0x00069005, properties(property(0x001e, 0x3707, Buffer.from('..\\Caf\xe9 chart.pdf\0', 'latin1')), property(0x001f, 0x370e, wide('application/pdf')))),
  ...attachment('second', Buffer.from('two')),
  attribute(2, 0x00069002, Buffer.alloc(14)),
  attribute(2, 0x00069005, properties(property(0x000d, 0x3701, Buffer.concat([Buffer.from('0703020000000000c000000000000046', 'hex'), tnef(attribute(2, 0x00069002, Buffer.alloc(14)), attribute(2, 0x0006800f, Buffer.from('inside')))])))),
)

t.test('a winmail.dat gives its attachments and its text', async (t) => {
  t.same(openTnef(whole()).map(({ filename, type, content }) => [filename, type, content.toString()]), [
    ['Café chart.pdf', 'application/pdf', '%PDF-1'],
    ['second', 'application/octet-stream', 'two'],
    ['attachment-1', 'application/octet-stream', 'inside'],
    ['body.txt', 'text/plain', 'Please see Zoë.'],
    ['body.rtf', 'application/rtf', '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n'],
  ])
  t.same(openTnef(tnef(attribute(1, 0x0002800c, Buffer.from('old\0')))).map(({ filename, content }) => [filename, String(content)]), [['body.txt', 'old']])
  t.same(openTnef(tnef()), [])
})

t.test('what is no TNEF, cut off or too much is refused in a sentence', async (t) => {
  t.throws(() => openTnef(Buffer.from('PK')), /no TNEF/)
  t.throws(() => openTnef(Buffer.alloc(0)), MessageFault)
  t.throws(() => openTnef(whole().subarray(0, 300)), /cut off/)
  t.throws(() => openTnef(tnef(...Array.from({ length: 1001 }, () => attribute(2, 0x00069002, Buffer.alloc(0))))), /more than 1000 attachments/)
  t.throws(() => openTnef(tnef(...Array.from({ length: 10_001 }, () => attribute(2, 1, Buffer.alloc(0))))), /more than 10000 attributes/)
  t.throws(() => openTnef(tnef(attribute(1, 0x00069003, Buffer.concat([u32(4_000_000_000)])))), /cut off/)
  let deep = tnef()
  for (let n = 0; n < 7; n++) deep = tnef(attribute(2, 0x00069002, Buffer.alloc(14)), attribute(2, 0x00069005, properties(property(0x000d, 0x3701, Buffer.concat([Buffer.from('0703020000000000c000000000000046', 'hex'), deep])))))
  t.throws(() => openTnef(deep), /more than 5 deep/)
  t.throws(() => decompressedRtf(rtf([0], 0xffff_ffff)), /larger than/)
  t.ok(decompressedRtf(rtf([255, 0, 15], 19 * 1024 ** 2)).length <= 27, 'a promise of much costs nothing')
})

t.test('whatever bytes come, it ends: with attachments, or with a sentence', async (t) => {
  const { next } = random(7)
  const good = whole()
  let opened = 0
  for (let n = 0; n < 4000; n++) {
    const bytes = Buffer.from(good)
    for (let change = 0; change <= n % 4; change++) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256)
    try {
      const found = openTnef(n % 3 === 0 ? bytes.subarray(0, Math.floor(next() * bytes.length)) : bytes)
      opened += 1
      if (found.some(({ content }) => content.length > 50_000)) t.fail('more came out than was in it')
    } catch (error) {
      if (!(error instanceof MessageFault)) t.fail(`seed 7, round ${n}: ${String(error)}`)
    }
  }
  t.ok(opened > 100, `${opened} could be opened`)
})
