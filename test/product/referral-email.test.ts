/** Referrals by e-mail, over real sockets: mails of practices come in, letters go out through their mail server, and what comes back - replies, bounces, absence notes - finds its referral or ends. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { createTransport, type SendMailOptions } from 'nodemailer'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import t from 'tap'
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
const door = await freePort()
const product = await startProduct(t, { env: {
  REFERO_MAIL_PORT: String(door), REFERO_LOOP_EMAIL: 'true', REFERO_EMAIL_PORT: String((server.server.address() as AddressInfo).port), REFERO_EMAIL_REPLY: 'plus', REFERO_LOG_LEVEL: 'warn',
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

const swaks = await promisify(execFile)('swaks', ['--version']).then(() => true, () => false)
t.test('swaks is a sender like any other', { skip: swaks ? false : 'swaks is not installed' }, async (t) => {
  await promisify(execFile)('swaks', ['--server', '127.0.0.1', '--port', String(door), '--from', 'swaks@field.example', '--to', 'referrals@heart.example', '--header', 'Subject: A patient', '--body', 'Please see her.', '--attach', `@${fixture('mime/referral-with-pdf.eml')}`])
  const letter = await found('its acknowledgement', () => to('swaks@field.example')[0])
  t.match(referenceOf(letter), /^R-/)
})
