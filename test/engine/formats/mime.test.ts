/** MIME messages: read as mailparser reads them, kept byte for byte, changed one header field at a time, and never able to crash or hold up the engine. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { simpleParser } from 'mailparser'
import t from 'tap'
import { MessageFault } from '../../../engine/errors.js'
import mime from '../../../engine/formats/mime/index.js'
import { withBase64 } from '../../../engine/formats/mime/base64-lines.js'
import { composeMail, isAddress, parseAddress } from '../../../engine/formats/mime/compose.js'
import { attachmentsOf, contentOf, type Mail } from '../../../engine/formats/mime/mail.js'
import { connectorTools } from '../../conformance/connectors.js'

const FIXTURES = join(import.meta.dirname, '../../../../fixtures/mime')
const format = mime.create({}, connectorTools().tools)
const fixture = (name: string): Buffer => readFileSync(join(FIXTURES, name))
const parse = (text: string | Buffer): Mail => format.parse(Buffer.from(text)) as Mail
const values = (mail: Mail, path: string): readonly string[] => format.read(mail, path)
const REFERRAL = parse(fixture('referral-with-pdf.eml'))

t.test('mailparser reads the same: subject, addresses, texts, and every attachment to the byte', async (t) => {
  for (const name of readdirSync(FIXTURES)) {
    if (name === 'signed.eml') continue // mailparser wants no trailing spaces where a signature does
    if (/^(?:fax-status|fax-not-received|email-bounce)/.test(name)) continue // it takes the parts of reports for text
    const theirs = await simpleParser(fixture(name))
    const ours = parse(fixture(name))
    t.same(values(ours, 'Subject'), theirs.subject === undefined ? [] : [theirs.subject], name)
    t.same(values(ours, 'From.address'), theirs.from?.value.map(({ address }) => address), name)
    t.same(values(ours, 'From.name').join(), theirs.from?.value.map((one) => one.name).join(), name)
    const ourTexts = values(ours, 'text').map((text) => text.trim())
    if (name !== 'plain-latin1.eml' && name !== 'email-newsletter.eml') t.same(ourTexts, theirs.text ? [theirs.text.trim()] : [], name)
    t.same(values(ours, 'html').map((text) => text.trim()), theirs.html ? [theirs.html.trim()] : [], name)
    const attached = attachmentsOf(ours)
    t.equal(attached.length, theirs.attachments.length, name)
    theirs.attachments.forEach((one, n) => {
      t.equal(attached[n]?.type, one.contentType)
      t.ok(attached[n] && contentOf(attached[n].part).equals(one.content), `${name}: attachment ${n}`)
    })
  }
})

t.test('what a referral by e-mail says is found by its paths', async (t) => {
  const say = (path: string): readonly string[] => values(REFERRAL, path)
  t.same(say('Subject'), ['Referral: Odalys Quillfeather, palpitaciónes'])
  t.same(say('From.name'), ['Bell, Ines, MD'])
  t.same(say('To.address'), ['referrals@heart.example', 'records@heart.example'])
  t.same(say('X-Nothing'), [])
  t.match(say('text')[0], /Español preferred, and this line goes on\.\n\.A line/)
  t.same(say('attachment[*].filename'), ['Quillfeather Überweisung.pdf', 'medications.csv'], 'and no name of a file has a folder')
  t.same(say('attachment[0].id'), ['referral@meadow.example'])
  t.same(say('attachment[1].text'), ['drug,dose\nmetoprolol,25 mg'])
  t.same(say('attachment[0].text'), [], 'a PDF is no text')
  t.same(say('attachment[7].filename'), [])
  t.same(format.readHeader(fixture('referral-with-pdf.eml')), { controlId: '<20260302091500.4711@meadow.example>', type: 'multipart/mixed' })
  t.same(format.readHeader(fixture('fax.eml')), { controlId: '<fax-20260302-0007@fax.example>', type: 'fax' })
  t.match(values(parse(fixture('plain-latin1.eml')), 'text')[0], /^Señora/, 'a wrong charset is read all the same')
  t.match(format.checkPath('attachment[0].file'), /an attachment has `filename`/)
  t.match(format.checkPath('Subject.address'), /holds no addresses/)
  t.match(format.checkPath('txt'), /a path is the name of a header field/)
})

t.test('character sets and encodings are read as they are declared', async (t) => {
  const text = (charset: string, encoding: string, body: Buffer | string): string | undefined =>
    values(parse(Buffer.concat([Buffer.from(`From: a@b.example\r\nContent-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`), Buffer.from(body)])), 'text')[0]
  t.equal(text('iso-2022-jp', '7bit', Buffer.from('\x1b$B4V;T\x1b(B', 'latin1')), '間市')
  t.equal(text('gb18030', 'base64', 'wO7P/s7E'), '李晓文')
  t.equal(text('"windows-1251"', 'quoted-printable', '=C8=E2=E0=ED'), 'Иван')
  t.equal(text('no-such-set', '8bit', 'Zoë'), 'Zoë')
  t.equal(text('us-ascii', '8bit', 'Zoë'), 'Zoë', 'what is no ASCII is what its bytes say')
  t.equal(text('US-ASCII', '8bit', Buffer.from('Zo\xeb', 'latin1')), 'Zoë')
  t.equal(text('us-ascii', 'x-unknown', 'plain =41'), 'plain =41')
  t.equal(text('utf-8', 'quoted-printable', '=ZZ =4'), '=ZZ =4', 'what is no code stays')
})

t.test('a part that is signed is had byte for byte, without the break that belongs to the boundary', async (t) => {
  const [signed] = parse(fixture('signed.eml')).parts
  t.equal(signed?.raw.toString(), 'Content-Type: text/plain\r\n\r\nFor Quillfeather.  \r\nTrailing spaces are part of what is signed.\r\n')
})

t.test('a header field is changed in its place, encoded, and what it is given can begin no other field', async (t) => {
  const set = (path: string, value: string | null): Mail => format.write(REFERRAL, path, value) as Mail
  const evil = set('Subject', 'Hello\r\nBcc: thief@evil.example\r\n\r\nA new body')
  t.same(values(evil, 'Bcc'), [])
  t.same(values(evil, 'Subject'), ['Hello Bcc: thief@evil.example A new body'])
  t.equal(evil.fields.length, REFERRAL.fields.length)
  t.ok(evil.content.equals(REFERRAL.content), 'the body is the same bytes')
  const long = `Überweisung ${'für eine Patientin '.repeat(30)}`.trim()
  t.same(values(set('Subject', long), 'Subject'), [long])
  t.ok(set('Subject', long).raw.toString('latin1').split('\r\n').slice(0, 20).every((line) => line.length <= 78))
  t.same(values(set('From.name', 'Zoë "Z" Bell'), 'From'), ['Zoë Z Bell <ines.bell@meadow.example>'])
  t.same(values(set('To', null), 'To'), [])
  t.throws(() => set('text', 'x'), MessageFault)
  t.throws(() => set('attachment[0].filename', 'x'), /cannot be written/)
  const twice = parse('Received: a\nreceived: b\nSubject: s\n\nx')
  t.same(values(format.write(twice, 'Received', 'c') as Mail, 'Received'), ['c'], 'several become one')
})

t.test('what is malformed is read as far as it can be, or refused in a sentence; it never hangs', async (t) => {
  const nested = (depth: number): string => (depth === 0 ? 'Content-Type: text/plain\r\n\r\nin the middle' : `Content-Type: multipart/mixed; boundary=b${depth}\r\n\r\n--b${depth}\r\n${nested(depth - 1)}\r\n--b${depth}--\r\n`)
  const many = (parts: number): string => `From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n${'--x\r\n\r\npart\r\n'.repeat(parts)}--x--`
  t.match(values(parse(nested(20)), 'text')[0], /in the middle/)
  t.throws(() => parse(nested(100)), /nested more than 30 deep/)
  t.equal(values(parse(many(900)), 'text').length, 900)
  t.throws(() => parse(many(10_000)), /more than 1000 parts/)
  t.throws(() => parse(`Subject: ${'x'.repeat(300_000)}\r\n\r\n`), /header longer/)
  t.match(format.readHeader(Buffer.from(`Message-ID: <1@x.example>\r\nSubject: ${'=?utf-8?Q?x?= '.repeat(500_000)}`)), { controlId: '<1@x.example>' })
  t.throws(() => mime.create({ size: '1kB' }, connectorTools().tools).parse(Buffer.alloc(2000, 'a: b\n')), /at most 1024/)
  t.same(values(parse('Content-Type: multipart/mixed\n\n--x\n\nno boundary is declared'), 'text').length, 1)
  t.same(values(parse('From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nnever closed'), 'text'), ['never closed'])
  t.same(values(parse('From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x--'), 'text'), [])
  t.same(values(parse('From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--xy\n\nnot it\n--x\n\nit'), 'text'), ['it'], 'a longer boundary is another one')
  t.same(values(parse('From mbox Mon\nsubject: s\nno field here\nTo: a@b.example\n\nbody'), 'To.address'), ['a@b.example'])
  t.throws(() => parse('no header at all'), MessageFault)
  for (const nasty of ['=?utf-8?B?////?=', '=?x?Q?=ZZ?=', '=?utf-8?Q?', '"unclosed <a@b', 'a@b, <<<>>>, ;:group:;', '('.repeat(50_000), '"\\'.repeat(20_000), '=?'.repeat(40_000), ' ;a*0*='.repeat(10_000)]) {
    const mail = parse(`Subject: ${nasty}\r\nFrom: ${nasty}\r\nContent-Type: text/plain; name=${nasty}\r\n\r\nbody`)
    t.ok([...values(mail, 'Subject'), ...values(mail, 'From.address'), ...values(mail, 'text'), ...values(mail, 'attachment[0].filename')].length > 0, nasty.slice(0, 20))
  }
})

t.test('base64 in lines is what it should be, whatever the length', async (t) => {
  const all = Buffer.from(Array.from({ length: 60_000 }, (_, n) => (n * 7 + (n >> 8)) & 0xff))
  for (const length of [0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 1000, all.length]) {
    const content = all.subarray(0, length)
    t.equal(withBase64(Buffer.from('X: y\r\n\r\n'), content).toString('latin1'), `X: y\r\n\r\n${content.toString('base64').replace(/.{1,76}/g, '$&\r\n')}`, `${length} bytes`)
  }
})

t.test('a mail that is composed says the same each time, and nothing that it is given gets out of its place', async (t) => {
  const evil = '\r\nBcc: thief@evil.example\r\n\r\n<b>'
  const mail = {
    messageId: '<1@heart.example>', date: new Date('2026-03-02T14:15:00Z'), from: { name: `Heart${evil}`, address: 'referrals@heart.example' }, to: [{ name: `Bell${evil}`, address: 'ines.bell@meadow.example' }],
    subject: `Überweisung${evil}`, inReplyTo: `<orig@meadow.example>${evil}`, headers: { 'X-Refero-Reference': `R-1${evil}` }, text: 'Überall\n.\nFrom here', html: '<p>x</p>',
    attachments: [{ filename: `note${evil}".pdf`, type: 'application/pdf', content: Buffer.from('%PDF') }],
  }
  const bytes = await composeMail(mail)
  t.ok((await composeMail(mail)).equals(bytes))
  const read = parse(bytes)
  t.same([...values(read, 'Bcc'), ...values(read, 'Cc')], [])
  t.same(values(read, 'To.address'), ['ines.bell@meadow.example'])
  t.same(read.fields.map(({ name }) => name).sort(), ['Content-Type', 'Date', 'From', 'In-Reply-To', 'MIME-Version', 'Message-ID', 'References', 'Subject', 'To', 'X-Refero-Reference'])
  t.same(values(read, 'text')[0]?.trim(), 'Überall\n.\nFrom here')
  t.equal(attachmentsOf(read).length, 1)
  t.ok(bytes.toString('latin1').split('\r\n').every((line) => line.length <= 78 && !/[\x80-\xff\n\r]/.test(line)), 'short lines of ASCII')
  t.same(parseAddress('Heart Center <referrals@heart.example>'), { name: 'Heart Center', address: 'referrals@heart.example' })
  for (const wrong of ['', 'nobody', 'a@b, c@d', 'a b@c', 'a@b\r\nBcc: c@d', '<a@b>', 'a@b@c']) t.notOk(isAddress(wrong), JSON.stringify(wrong))
})
