/** Referrals by e-mail, over real sockets: mails of practices come in, letters go out through their mail server, and what comes back - replies, bounces, absence notes - finds its referral or ends. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { createTransport, type SendMailOptions } from 'nodemailer'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import t from 'tap'
import { Dovecot, options as withDovecot } from '../connectors/dovecot.js'
import { type Answer, fixture, freePort, startProduct, until } from './product.js'

interface Letter { readonly to: string; readonly subject: string; readonly id: string; readonly replyTo: string; readonly bytes: string; readonly all: string; readonly automatic: string }

/** The practices' mail server: keeps each letter, and lets `then` answer it. */
const letters: Letter[] = []
const answering = new Map<string, (letter: Letter) => Promise<unknown>>()
const server = new SMTPServer({
  authOptional: true, disabledCommands: ['STARTTLS'], logger: false,
  onData: (stream, session, done) => {
    const pieces: Buffer[] = []
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.on('end', async () => {
      const bytes = Buffer.concat(pieces)
      const mail = await simpleParser(bytes)
      const to = session.envelope.rcptTo[0]?.address ?? ''
      const letter = { to, subject: mail.subject ?? '', id: mail.messageId ?? '', replyTo: mail.replyTo?.value[0]?.address ?? '', bytes: bytes.toString('latin1'), all: `${mail.subject} ${mail.text} ${mail.html}`, automatic: String(mail.headers.get('auto-submitted')) }
      letters.push(letter)
      done()
      await answering.get(to)?.(letter)
    })
  },
})
server.listen(0, '127.0.0.1')
await once(server.server, 'listening')
t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())))
const dovecot = new Dovecot()
if (!withDovecot.skip) await dovecot.start()
t.teardown(async () => {
  await dovecot.kill()
  rmSync(dovecot.folder, { recursive: true, force: true })
})
const door = await freePort()
const product = await startProduct(t, { env: {
  REFERO_EMAIL_IN_PORT: String(door), REFERO_LOOP_EMAIL: 'true', REFERO_EMAIL_PORT: String((server.server.address() as AddressInfo).port), REFERO_EMAIL_REPLY: 'plus', REFERO_PORTAL_URL: 'https://heart.example/portal',
  ...(!withDovecot.skip && { REFERO_MAILBOX: 'true', REFERO_MAILBOX_PORT: String(dovecot.port), REFERO_MAILBOX_TLS: 'none', REFERO_MAILBOX_USER: 'desk', REFERO_MAILBOX_PASSWORD: 'right' }),
  REFERO_LOG_LEVEL: 'warn',
} })
const transport = createTransport({ host: '127.0.0.1', port: door, ignoreTLS: true })
t.teardown(() => transport.close())

const send = (from: string, more: SendMailOptions) => transport.sendMail({ from, to: 'referrals@heart.example', ...more })
const PDF = { filename: 'referral.pdf', contentType: 'application/pdf', content: Buffer.from('%PDF-1.4\n%%EOF\n') }
const to = (address: string): readonly Letter[] => letters.filter((one) => one.to === address)
const found = async <Found>(what: string, look: () => Found | undefined | Promise<Found | undefined>): Promise<Found> => {
  let one: Found | undefined
  await until(async () => {
    one = await look()
    return one !== undefined
  }, () => `${what}: ${letters.map(({ to: who, subject }) => `${who} ${subject}`).join(', ')}\n${product.output()}`)
  return one as Found
}
const referenceOf = ({ subject }: Letter): string => /R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(subject)?.[0] ?? ''
const referral = async (reference: string): Promise<Answer> => (await product.api(`/api/referrals/${reference}`)).body
const held = async (reference: string, hold: string): Promise<string | undefined> => (await referral(reference)).holds?.find((one: Answer) => one.hold === hold)?.reason
const timeline = async (reference: string): Promise<readonly Answer[]> => (await product.api(`/api/referrals/${reference}/timeline`)).body.events
const count = async (): Promise<number> => (await product.api('/api/referrals?limit=200')).body.referrals.length
/** Sends a mail and waits until the engine is done with it: every destination has it, or none wants it. */
const done = async (from: string, more: SendMailOptions): Promise<string> => {
  const { messageId } = await send(from, more)
  return found(`what became of ${messageId}`, async () => {
    const { messages } = (await product.api('/api/messages?channel=referrals-email&limit=200')).body
    const one = messages.find(({ header }: Answer) => header.controlId === messageId)
    return one && one.status !== 'received' && (one.deliveries ?? []).every(({ status }: Answer) => ['sent', 'error'].includes(status)) ? one.status as string : undefined
  })
}
const refer = async (address: string, more: SendMailOptions = {}): Promise<{ reference: string; letter: Letter }> => {
  const before = to(address).length
  await send(address, { subject: 'New patient Odalys Quillfeather', text: 'Please see Odalys Quillfeather, born 1961-04-09, chest pain.', attachments: [PDF], ...more })
  const letter = await found(`the acknowledgement to ${address}`, () => to(address)[before])
  return { reference: referenceOf(letter), letter }
}

t.test('a mail is acknowledged without a word of the patient, read by a person, and its reply attaches', async (t) => {
  const { reference, letter } = await refer('ines.bell@meadow.example')
  t.match(letter, { subject: `We have your referral ${reference}`, automatic: 'auto-generated', replyTo: `referrals+${reference}@heart.example` })
  t.match(letter.all, /A person is reading what you sent/)
  t.notMatch(letter.all, /We will call the patient, and let you know/)
  for (const word of ['Quillfeather', 'Odalys', '1961', 'chest pain', 'referral.pdf']) {
    t.notMatch(letter.all, word)
    t.notOk(letter.bytes.includes(word) || letter.bytes.includes(Buffer.from(word).toString('base64').slice(0, -2)), `${word} is nowhere in the mail`)
  }
  t.match(await held(reference, 'reading'), /are to be read.*Its sender was not known/)
  const read = await product.api(`/api/referrals/${reference}/read`, { by: 'dana', reason: 'read the letter', values: { patient: { family: 'Quillfeather', given: 'Odalys', birthDate: '1961-04-09', sex: 'female' }, service: 'Cardiology consultation', diagnoses: [{ code: 'I10', text: 'Essential hypertension' }] } })
  t.equal(read.status, 200, JSON.stringify(read.body))
  const { urgency: before } = read.body
  const asked = await found('what is missing', () => to('ines.bell@meadow.example').find(({ subject }) => /Information is needed/.test(subject)))
  t.notMatch(asked.all, /Quillfeather|hypertension/i)
  t.equal(await done('ines.bell@meadow.example', { to: asked.replyTo, subject: 'ECG', text: `The ECG.\n\nOn Mon, Mar 2, 2026 at 9:16 AM Heart Center <referrals@heart.example> wrote:\n> ${asked.subject}\n> Is this an emergency? Call 911.`, attachments: [{ ...PDF, filename: 'ecg.pdf' }] }), 'transformed')
  const added = await found('the addition', async () => (await timeline(reference)).find(({ name }) => name === 'information-added'))
  t.match(added.facts.words, /^Added: /)
  t.notMatch(added.facts.words, /not the referrer/)
  const { urgency } = await referral(reference)
  t.equal(urgency, before, 'what our own letter says makes nothing more urgent')
})

t.test('a reply without our number is found by the letter that it answers, and only from whom the letter went to', async (t) => {
  const { reference, letter } = await refer('office@prairie.example')
  const before = await count()
  await done('office@prairie.example', { subject: 'the lab results', text: 'As promised.', inReplyTo: letter.id, references: letter.id, attachments: [{ ...PDF, filename: 'labs.pdf' }] })
  t.ok((await timeline(reference)).some(({ name }) => name === 'information-added'))
  t.equal(await count(), before)
  await done('somebody@elsewhere.example', { subject: 'hello', text: 'May I have the records?', inReplyTo: letter.id })
  t.equal(await count(), before + 1)
  const stranger = await found('the answer to a stranger', () => to('somebody@elsewhere.example')[0])
  t.not(referenceOf(stranger), reference)
  t.match(await held(referenceOf(stranger), 'reading'), new RegExp(`It answers a letter about ${reference} that went to somebody else`))
  t.notMatch(stranger.all, reference)
})

t.test('a letter that bounces is owed again, and a person is asked where no other way is known', async (t) => {
  const { reference, letter } = await refer('gone@valley.example')
  await until(async () => (await timeline(reference)).some(({ name, applied }) => name === 'acknowledged' && applied))
  t.equal(await done('MAILER-DAEMON@mx.heart.example', { envelope: { from: '', to: 'referrals@heart.example' }, subject: 'Undelivered Mail Returned to Sender', headers: { 'Auto-Submitted': 'auto-replied' },
    raw: [
      'From: MAILER-DAEMON@mx.heart.example', 'To: referrals@heart.example', 'Subject: Undelivered Mail Returned to Sender', 'Message-ID: <bounce-1@mx.heart.example>', 'MIME-Version: 1.0', 'Content-Type: multipart/report; report-type=delivery-status; boundary=b', '',
      '--b', 'Content-Type: text/plain', '', 'It came back.', '--b', 'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.heart.example', '', 'Final-Recipient: rfc822; gone@valley.example', 'Action: failed', 'Status: 5.1.1', 'Diagnostic-Code: smtp; 550 5.1.1 no such user', '',
      '--b', 'Content-Type: message/rfc822', '', letter.bytes, '--b--', '',
    ].join('\r\n'), messageId: '<bounce-1@mx.heart.example>' }), 'transformed')
  const now = await found('a person is asked', async () => {
    return (await held(reference, 'notice')) ?? (await held(reference, 'way-back'))
  })
  t.match(now, /no such user/)
  t.equal(to('gone@valley.example').length, 1, 'it is not sent there again')
})

t.test('three programs that answer our letters by themselves do not go on for ever: one says what it is, one does not, and one never says the same twice', async (t) => {
  const before = await count()
  answering.set('away@lake.example', ({ subject, id }) => send('away@lake.example', { subject: `Out of Office: ${subject}`, inReplyTo: id, text: 'I am away.', headers: { 'Auto-Submitted': 'auto-replied' } }))
  answering.set('robot@lake.example', ({ replyTo }) => send('robot@lake.example', { to: replyTo.replace(/\+[^@]*/, ''), subject: 'Thank you for your message', text: 'Your message has been received.' }))
  await refer('away@lake.example')
  await refer('robot@lake.example')
  await until(() => to('robot@lake.example').length === 2, product.output)
  await until(async () => (await product.api('/api/messages?channel=referrals-email&limit=200')).body.messages.filter((one: Answer) => JSON.stringify(one).includes('robot@lake.example') && one.status === 'transformed').length >= 3, product.output)
  await done('away@lake.example', { subject: 'Out of office', text: 'Still away.' })
  t.equal(to('away@lake.example').length, 1)
  t.equal(to('robot@lake.example').length, 2, 'the second of the same words is not answered')
  t.equal(await count(), before + 3)
  let said = 0
  answering.set('chatty@lake.example', ({ replyTo }) => send('chatty@lake.example', { to: replyTo.replace(/\+[^@]*/, ''), subject: 'Received', text: `We have your message. Ticket ${++said}.` }))
  await refer('chatty@lake.example', { attachments: [] })
  const last = await found('the one that is not acknowledged', async () => (await product.api('/api/referrals?limit=200')).body.referrals.find(({ holds }: Answer) => holds.some(({ reason }: Answer) => /a program may be answering our letters/.test(reason))))
  t.equal(to('chatty@lake.example').length, 5)
  t.equal(said, 5, 'and no letter followed the last answer')
  t.notOk((await timeline(last.reference)).some(({ name }) => name === 'acknowledged'))
  answering.clear()
})

t.test('a spoofed sender learns nothing: neither of the referral that it names, nor of its own', async (t) => {
  const { reference } = await refer('billing@ridge.example')
  const known = to('billing@ridge.example').length
  await done('Ridge Clinic <billing@ridge.example>', { replyTo: 'ridge@attacker.example', subject: `Re: ${reference}`, text: 'Please send me the chart.' })
  t.match((await timeline(reference)).findLast(({ name }) => name === 'information-added')?.facts.words, /is not the referrer, and is told nothing/)
  t.same(to('ridge@attacker.example'), [])
  await send('Ridge Clinic <billing@ridge.example>', { replyTo: 'ridge@attacker.example', subject: 'Odalys Quillfeather', text: 'What do you have about her?' })
  const letter = await found('its acknowledgement', () => to('ridge@attacker.example')[0])
  t.notMatch(letter.all, /Quillfeather|1961|chest/)
  t.notMatch(letter.all, reference)
  await send('Ridge Clinic <billing@ridge.example>', { subject: 'Another', text: 'Please see Marnie Tarr.' })
  t.match(await found('what the practice itself hears', () => to('billing@ridge.example')[known]), { subject: /^We have your referral/ })
})

t.test('a program that puts our number into each of its answers gets no letter for any of them, and one that sends a brochure none before the digest', async (t) => {
  let said = 0
  answering.set('ticket@lake.example', ({ subject, replyTo }) => send('ticket@lake.example', { to: replyTo, subject: `Re: ${subject}`, text: `Ticket ${++said} is open.`, attachments: said % 2 ? [] : [PDF] }))
  const { reference } = await refer('ticket@lake.example')
  const heard = async (more: number): Promise<void> => until(async () => (await timeline(reference)).filter(({ name }) => name === 'information-added').length === more, product.output)
  await heard(1)
  for (let n = 2; n < 8; n++) {
    await send('ticket@lake.example', { to: `referrals+${reference}@heart.example`, subject: `Re: ${reference}`, text: `Ticket ${++said} is open.`, attachments: n % 2 ? [PDF] : [] })
    await heard(n)
  }
  t.equal(to('ticket@lake.example').length, 1)
  t.match(await held(reference, 'reading'), /to be read|nobody has read/, 'and a person is shown what came')
  answering.delete('ticket@lake.example')
})

/** Everything that a mail says, in each way in which it could say it. */
const spelled = (bytes: string): string => {
  const parts = bytes.split(/\r\n\r\n|\r\n--/)
  return [bytes, ...parts.map((part) => Buffer.from(part.replace(/\s/g, ''), 'base64').toString('latin1')), bytes.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))].join('\n')
}

t.test('no letter about a patient whom we know says a word of them, in any header, part, name or encoding; it has the link of the portal', async (t) => {
  const file = readFileSync(fixture('xml/referral-note.xml'), 'utf8').replaceAll(/^.*telecom use="WP".*$|^.*telecom value="mailto:ines.*$/gm, '').replaceAll('MRN-40077', 'MRN-50088') // whoever wrote it has no fax and no Direct address
  const { letter, reference } = await refer('known@oak.example', { subject: 'Referral Quillfeather', text: 'Odalys Quillfeather, MRN-50088, 555-555-0133', attachments: [{ filename: 'Quillfeather-19610409.xml', content: file, contentType: 'text/xml' }] })
  t.match((await timeline(reference)).find(({ name }) => name === 'read')?.facts.words, /^[1-9]\d* services?, [1-9]/, 'it is known')
  const all = spelled(letter.bytes)
  t.match(all, reference)
  for (const word of ['Quillfeather', 'Odalys', 'Thistlewood', '19610409', '1961-04', 'April 9', '555-0133', '50088', 'Larkspur', 'Willowmere', 'odalys.q', 'chest']) t.notOk(all.toLowerCase().includes(word.toLowerCase()), `${word} is nowhere`)
  t.match(letter.all, /https:\/\/heart\.example\/portal/)
  t.equal(letter.automatic, 'auto-generated')
})

t.test('an order of HL7 v2 and a FHIR Bundle in mails are read', async (t) => {
  const references = async (): Promise<readonly string[]> => (await product.api('/api/referrals?limit=200')).body.referrals.map(({ reference }: Answer) => reference)
  for (const file of ['hl7v2/ref-i12-cardiology.hl7', 'fhir/referral-bundle.json']) {
    const before = new Set(await references())
    await done('structure@yew.example', { subject: 'Referral', text: '', attachments: [{ filename: `referral-${before.size}`, content: readFileSync(fixture(file)), contentType: 'application/octet-stream' }] })
    const [reference = '', ...others] = (await references()).filter((one) => !before.has(one))
    t.same(others, [])
    t.match((await timeline(reference)).find(({ name }) => name === 'read')?.facts.words, /[1-9]\d* diagnos[ei]s/, file)
    t.equal(await held(reference, 'reading'), undefined, file)
  }
})

t.test('what our staff pass on is acknowledged to who wrote it, inline or as a message in a message; nested deeper too', async (t) => {
  await send('desk@heart.example', { subject: 'FW: patient', text: 'Please open.\n\n-----Original Message-----\nFrom: Elm Office <office@elm.example>\nSent: Monday\nTo: desk@heart.example\nSubject: patient\n\nPlease see Marnie Tarr.', attachments: [PDF] })
  await found('the letter to who wrote the text', () => to('office@elm.example')[0])
  const inner = 'From: Ash Office <office@ash.example>\r\nTo: desk@heart.example\r\nSubject: patient\r\nContent-Type: text/plain\r\n\r\nPlease see Marnie Tarr.\r\n'
  const middle = `From: other@heart.example\r\nSubject: FW\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n${inner}`
  await send('desk@heart.example', { subject: 'FW: FW: patient', text: 'Twice forwarded.', attachments: [{ filename: 'patient.eml', contentType: 'message/rfc822', content: middle }] })
  const letter = await found('the letter to who wrote the innermost', () => to('office@ash.example')[0])
  t.match(referenceOf(letter), /^R-/)
  t.same(to('desk@heart.example'), [])
})

t.test('a character set that is unknown, or is not what it says, loses no word', async (t) => {
  for (const [n, [charset, body]] of ([['no-such-set', Buffer.from('Señora Zoë')], ['utf-8', Buffer.from('Se\xf1ora Zo\xeb', 'latin1')], ['us-ascii', Buffer.from('Señora Zoë')]] as const).entries()) {
    const id = `charset-${n}@birch.example`
    await transport.sendMail({ envelope: { from: `b${n}@birch.example`, to: 'referrals@heart.example' }, raw: Buffer.concat([Buffer.from(`From: b${n}@birch.example\r\nTo: referrals@heart.example\r\nSubject: patient\r\nMessage-ID: <${id}>\r\nContent-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n`), body, Buffer.from('\r\n')]) })
    const reference = referenceOf(await found(id, () => to(`b${n}@birch.example`)[0]))
    const bundle = await product.api(`/api/referrals/${reference}/bundle`)
    const [text] = (bundle.body.entry ?? []).flatMap(({ resource }: Answer) => (resource.resourceType === 'DocumentReference' ? [Buffer.from(resource.content[0].attachment.data ?? '', 'base64').toString()] : []))
    t.match(text, /Señora Zoë/, charset)
  }
})

t.test('what comes twice is acknowledged once; empty, without content and for somebody else are refused or shown, and others go on', async (t) => {
  const before = await count()
  const raw = readFileSync(fixture('mime/referral-with-pdf.eml'), 'latin1').replace(/^From: .*$/m, 'From: twice@fir.example').replace(/^Message-ID: .*$/im, 'Message-ID: <twice@fir.example>')
  const twice = { envelope: { from: 'twice@fir.example', to: 'referrals@heart.example' }, raw }
  await transport.sendMail(twice)
  await found('its acknowledgement', () => to('twice@fir.example')[0])
  await transport.sendMail(twice)
  await t.rejects(transport.sendMail({ envelope: twice.envelope, raw: Buffer.alloc(0) }), /^.*554/)
  await t.rejects(transport.sendMail({ envelope: { ...twice.envelope, to: 'other@heart.example' }, raw }), /550/)
  t.equal(await done('nothing@fir.example', { subject: 'nothing', text: '' }), 'error', 'it is kept, and a person is told')
  await refer('after@fir.example')
  t.equal(to('twice@fir.example').length, 1)
  t.equal(to('nothing@fir.example').length, 0)
  t.equal(await count(), before + 2)
})

t.test('a mailbox at dovecot is a door like the other, and a mail that is in both is one referral', withDovecot, async (t) => {
  const before = await count()
  const mail = `From: Pine Office <office@pine.example>\r\nTo: referrals@heart.example\r\nSubject: patient\r\nMessage-ID: <pine-1@pine.example>\r\n\r\nPlease see Marnie Tarr.\r\n`
  dovecot.deliver(mail)
  await found('its acknowledgement', () => to('office@pine.example')[0])
  dovecot.deliver(mail)
  await transport.sendMail({ envelope: { from: 'office@pine.example', to: 'referrals@heart.example' }, raw: mail })
  dovecot.deliver(mail.replaceAll('office@', 'after@').replace('pine-1', 'pine-2').replace('Pine Office', 'After').replace('Marnie', 'Berta'))
  await found('what came after it', () => to('after@pine.example')[0])
  t.equal(await count(), before + 2)
  t.equal(to('office@pine.example').length, 1)
})

const swaks = await promisify(execFile)('swaks', ['--version']).then(() => true, () => false)
t.test('swaks is a sender like any other', { skip: swaks ? false : 'swaks is not installed' }, async (t) => {
  await promisify(execFile)('swaks', ['--server', '127.0.0.1', '--port', String(door), '--from', 'swaks@field.example', '--to', 'referrals@heart.example', '--header', 'Subject: A patient', '--body', 'Please see her.', '--attach', `@${fixture('mime/referral-with-pdf.eml')}`])
  const letter = await found('its acknowledgement', () => to('swaks@field.example')[0])
  t.match(referenceOf(letter), /^R-/)
})
