/** The email destination against real SMTP servers: what each answer means, TLS, credentials, and that nothing a message says can reach the envelope or end it early. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import t from 'tap'
import destination from '../../connectors/email/destination.js'
import type { Outcome, Receive, SourceConnector } from '../../engine/contracts.js'
import { composeMail } from '../../engine/formats/mime/compose.js'
import { connectorConformance, connectorTools, deliveryOf } from '../conformance/connectors.js'
import { makeCertificates, never } from './tools.js'

type Suite = Pick<typeof t, 'teardown' | 'testdir'>
type Settings = Parameters<typeof destination.create>[0]

const mail = (more = 'Please call Quillfeather.\r\n', header = ''): Buffer =>
  Buffer.from(`From: Heart Center <referrals@heart.example>\r\nTo: "Bell, Ines" <bell@meadow.example>\r\n${header}Subject: Referral R-7K3M-9QX4\r\nMessage-ID: <m1@heart.example>\r\n\r\n${more}`)

const failing = (responseCode: number, message = 'no'): Error => Object.assign(new Error(message), { responseCode })

/** A server that keeps what it takes. */
const serving = async (s: Suite, options: SMTPServerOptions = {}) => {
  const taken: { readonly from: string; readonly to: readonly string[]; readonly bytes: Buffer }[] = []
  let connections = 0
  const server = new SMTPServer({
    authOptional: true, disabledCommands: options.secure || options.cert ? [] : ['STARTTLS'], hideDSN: false, logger: false,
    onConnect: (_session, done) => {
      connections += 1
      done()
    },
    onData: (stream, session, done) => {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        taken.push({ from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address), bytes: Buffer.concat(pieces) })
        done(null, 'queued as 4711')
      })
    },
    ...options,
  })
  server.on('error', () => {})
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  s.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { server, taken, port: (listening.address() as AddressInfo).port, connections: () => connections }
}

/** A server that says what it is told to, line for line: `answer` gives what to say to a line, null to hang up, or nothing at all. */
const scripted = async (s: Suite, answer: (line: string, socket: Socket) => string | null | undefined, greeting = '220 ready') => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write(`${greeting}\r\n`)
    let rest = ''
    socket.on('data', (data) => {
      const lines = (rest + data.toString('latin1')).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const said = answer(line, socket)
        if (said === null) socket.destroy()
        else if (said !== undefined) socket.write(`${said}\r\n`)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  s.teardown(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const sending = (s: Suite, port: number, settings: Partial<Settings> = {}, tools = connectorTools().tools) => {
  const made = destination.create({ host: '127.0.0.1', port, tls: 'none', ...settings }, tools)
  s.teardown(() => made.close())
  return (payload: Buffer, signal = never): Promise<Outcome> => made.deliver(deliveryOf(payload), signal)
}

t.test('a mail is sent to whom its header names, and the server’s line is kept', async (t) => {
  const { taken, port } = await serving(t)
  const send = sending(t, port)
  const outcome = await send(mail('x\r\n', 'Cc: a@meadow.example, Bell <bell@meadow.example>\r\nBcc: "Hidden" <hidden@meadow.example>\r\n'))
  t.same(outcome, { kind: 'sent', response: Buffer.from('250 queued as 4711') })
  t.equal(taken[0]?.from, 'referrals@heart.example')
  t.same(taken[0]?.to, ['bell@meadow.example', 'a@meadow.example', 'hidden@meadow.example'])
  t.notMatch(taken[0]?.bytes.toString(), /Bcc|hidden@/, 'and Bcc is seen by nobody')
})

t.test('what the server answers decides', async (t) => {
  const refuse = (stage: 'onMailFrom' | 'onRcptTo' | 'onData', code: number): SMTPServerOptions => (stage === 'onData'
    ? { onData: (stream, _session, done) => stream.on('end', () => done(failing(code, 'Quillfeather is not known here'))).resume() }
    : { [stage]: (_address: unknown, _session: unknown, done: (error: Error) => void) => done(failing(code, '<bell@meadow.example> is not known here')) })
  for (const stage of ['onMailFrom', 'onRcptTo', 'onData'] as const) {
    for (const [code, kind] of [[450, 'unavailable'], [452, 'unavailable'], [550, 'refused'], [554, 'refused'], [530, 'unavailable']] as const) {
      const { port } = await serving(t, refuse(stage, code))
      const outcome = await sending(t, port)(mail())
      t.match(outcome, { kind, code: String(code) }, `${stage} ${code}`)
      t.notMatch('reason' in outcome ? outcome.reason : '', /Quillfeather|bell@/, 'and the reason repeats no sentence')
    }
  }
  const { port } = await serving(t, { onConnect: (_session, done) => done(failing(554)) })
  t.match(await sending(t, port)(mail()), { kind: 'unavailable', code: '554' }, 'a greeting is not about the message')
  t.match(await sending(t, 1)(mail()), { kind: 'unavailable', reason: /ECONNREFUSED/ })
})

t.test('a mail for two that is taken for one is refused, and says so', async (t) => {
  const { port, taken } = await serving(t, { onRcptTo: ({ address }, _session, done) => done(address.startsWith('gone') ? failing(550) : null) })
  const { tools, lines } = connectorTools()
  t.match(await sending(t, port, {}, tools)(mail('x', 'Cc: gone@meadow.example\r\n')), { kind: 'refused', code: '550', reason: /took it for 1 of its 2 recipients/ })
  t.equal(taken.length, 1)
  t.match(lines, [{ level: 'warn' }])
  t.notMatch(JSON.stringify(lines), /meadow|Quillfeather/)
})

t.test('a connection that ends is unavailable before the message, and unknown once it has begun', async (t) => {
  const until = (stop: RegExp, then: string | null = null) => scripted(t, (line) => {
    if (stop.test(line)) return then
    if (/^EHLO/.test(line)) return '250-hello\r\n250 SIZE 1000000'
    if (/^(MAIL|RCPT|RSET)/.test(line)) return '250 ok'
    if (line === 'DATA') return '354 go on'
    return undefined
  })
  for (const before of [/^EHLO/, /^MAIL/, /^RCPT/, /^DATA/]) t.equal((await sending(t, await until(before))(mail())).kind, 'unavailable', String(before))
  t.match(await sending(t, await until(/^\.$/))(mail()), { kind: 'unknown', reason: /ended before the mail was answered/ })
  t.equal((await sending(t, await until(/^Subject/))(mail('x\r\n'.repeat(100_000)))).kind, 'unknown')
  t.match(await sending(t, await until(/^\.$/, '421 4.3.2 closing'))(mail()), { kind: 'unavailable', code: '421', reason: /421 4\.3\.2/ }, 'an answer is an answer')
  t.equal((await sending(t, await scripted(t, () => null, '554 go away'))(mail())).kind, 'unavailable')
  t.match(await sending(t, await until(/^never/))(Buffer.concat([mail(), Buffer.alloc(1_100_000, 'x\n')])), { kind: 'refused', code: '552' }, 'SIZE is heeded')
})

t.test('the time limit is unknown once the message has begun, and unavailable before', async (t) => {
  let reached: () => void = () => {}
  const at = (stop: RegExp) => scripted(t, (line) => {
    if (stop.test(line)) return void reached()
    return /^EHLO/.test(line) ? '250 hello' : /^(MAIL|RCPT)/.test(line) ? '250 ok' : line === 'DATA' ? '354 go on' : undefined
  })
  for (const [stop, kind] of [[/^\.$/, 'unknown'], [/^RCPT/, 'unavailable'], [/^EHLO/, 'unavailable']] as const) {
    const arrived = new Promise<void>((resolve) => {
      reached = resolve
    })
    const abort = new AbortController()
    const sent = sending(t, await at(stop))(mail(), abort.signal)
    await arrived
    abort.abort()
    t.equal((await sent).kind, kind, String(stop))
  }
})

t.test('many mails one after the other go over one connection, each with its own outcome; one that its server closed costs no attempt', async (t) => {
  const { port, taken, server, connections } = await serving(t, { onRcptTo: ({ address }, _session, done) => done(address.startsWith('gone') ? failing(550) : null) })
  const send = sending(t, port)
  const bodies = Array.from({ length: 20 }, (_, n) => Buffer.from(`From: a@heart.example\r\nTo: ${n % 5 === 4 ? 'gone' : 'bell'}@meadow.example\r\n\r\nmail ${n}\r\n.\r\n..\r\nQUIT\r\n`))
  for (const [n, body] of bodies.entries()) t.equal((await send(body)).kind, n % 5 === 4 ? 'refused' : 'sent')
  t.same(taken.map(({ bytes }) => bytes.toString()), bodies.filter((_, n) => n % 5 !== 4).map(String), 'dots and all')
  t.equal(connections(), 1)
  for (const connection of server.connections) (connection as unknown as { close(): void }).close()
  t.equal((await send(mail())).kind, 'sent')
  t.equal(connections(), 2)
  const both = [send(mail()), send(mail())]
  t.same((await Promise.all(both)).map(({ kind }) => kind), ['sent', 'unavailable'], 'a lane sends one thing at a time')
})

t.test('nothing that a message says can end it early, name a recipient, or give a command', async (t) => {
  const { port, taken } = await serving(t)
  const send = sending(t, port)
  const evil = '\r\n.\r\nMAIL FROM:<thief@evil.example>\r\nRCPT TO:<thief@evil.example>\r\nDATA\r\nstolen\r\n.\r\n'
  for (const body of [evil, evil.replaceAll('\r\n', '\n'), evil.replaceAll('\r\n', '\r'), evil.replace('\r\n.\r\n', '\n.\r\n'), evil.replace('\r\n.\r\n', '\r.\r\n')]) t.equal((await send(mail(body))).kind, 'sent')
  const composed = await composeMail({
    messageId: '<1@heart.example>', date: new Date(0), from: { name: 'Heart\r\nBcc: thief@evil.example', address: 'referrals@heart.example' }, to: [{ name: 'Bell\nBcc: thief@evil.example\n\n.\n', address: 'bell@meadow.example' }], subject: 'x\r\nTo: thief@evil.example', text: evil,
  })
  t.equal((await send(composed)).kind, 'sent')
  t.equal(taken.length, 6)
  t.ok(taken.every(({ from, to }) => from === 'referrals@heart.example' && to.join() === 'bell@meadow.example'))
  for (const wrong of ['To: <a b@c>', 'To: nobody', 'Subject: no one', 'Cc: a@b.example, <c d@e.example>', 'To: "a@b\r\n c"@d.example']) {
    t.equal((await send(Buffer.from(`From: a@heart.example\r\n${wrong}\r\n\r\nx`))).kind, 'refused', wrong)
  }
  t.match(await send(Buffer.from('Quillfeather, but no mail')), { kind: 'refused', reason: /no header/ })
  t.match(await send(Buffer.from('To: a@b.example\r\n\r\nx')), { kind: 'refused', reason: /no From/ })
})

t.test('notifications are asked for where the server has them, and 8-bit mails are announced', async (t) => {
  const lines: string[] = []
  const port = await scripted(t, (line) => {
    lines.push(line)
    return /^EHLO/.test(line) ? '250-hello\r\n250-8BITMIME\r\n250 DSN' : /^(MAIL|RCPT)/.test(line) ? '250 ok' : line === 'DATA' ? '354 go on' : line === '.' ? '250 taken' : undefined
  })
  t.equal((await sending(t, port, { from: 'bounces@heart.example' })(mail('Zoë\r\n'))).kind, 'sent')
  t.ok(lines.includes('MAIL FROM:<bounces@heart.example> BODY=8BITMIME RET=HDRS ENVID=<m1@heart.example>'), lines.join('; '))
  t.ok(lines.includes('RCPT TO:<bell@meadow.example> NOTIFY=FAILURE,DELAY'))
})

t.test('receipts and notifications are asked for as the channel says, and the response names the mail', async (t) => {
  const { port, taken } = await serving(t)
  const track = { kind: 'sent', response: Buffer.from('{"tracking":"<m1@heart.example>","stage":"accepted"}') }
  t.same(await sending(t, port, { receipts: { direct: true } })(mail()), track)
  const header = taken[0]?.bytes.toString() ?? ''
  t.match(header, /^Disposition-Notification-To: referrals@heart\.example\r$/m)
  t.match(header, /^Disposition-Notification-Options:\s+X-DIRECT-FINAL-DESTINATION-DELIVERY=optional,true\r$/m)
  t.ok(header.endsWith('\r\n\r\nPlease call Quillfeather.\r\n'))
  t.same(await sending(t, port, { receipts: {} })(mail('x\r\n', 'Disposition-Notification-To: <other@heart.example>\r\n')), track)
  t.equal(taken[1]?.bytes.toString().match(/Disposition-Notification/g)?.length, 1, 'what the mail asks for itself stays')
  const lines: string[] = []
  const offering = (features: string) => scripted(t, (line) => {
    lines.push(line)
    return /^EHLO/.test(line) ? features : /^(MAIL|RCPT)/.test(line) ? '250 ok' : line === 'DATA' ? '354 go on' : line === '.' ? '250 taken' : undefined
  })
  t.same(await sending(t, await offering('250-hello\r\n250 DSN'), { notify: ['success', 'failure'] })(mail()), track)
  t.ok(lines.includes('RCPT TO:<bell@meadow.example> NOTIFY=SUCCESS,FAILURE'), lines.join('; '))
  await sending(t, await offering('250-hello\r\n250 DSN'), { notify: 'never' })(mail())
  t.ok(lines.includes('RCPT TO:<bell@meadow.example> NOTIFY=NEVER'), lines.join('; '))
  lines.length = 0
  await sending(t, await offering('250 hello'), { notify: ['success'] })(mail())
  t.ok(lines.includes('RCPT TO:<bell@meadow.example>'), 'nothing is asked of a server that does not offer it')
})

t.test('over TLS: only to a server whose certificate is trusted, and only with a password that fits', async (t) => {
  const folder = t.testdir()
  makeCertificates(folder, ['server', 'stranger'])
  const pem = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const shows = { cert: pem('server.pem'), key: pem('server.key') }
  const onAuth: SMTPServerOptions['onAuth'] = ({ username, password }, _session, done) => (username === 'referrals' && password === 'right' ? done(null, { user: 'x' }) : done(failing(535)))
  for (const tls of ['required', 'implicit'] as const) {
    const { port, taken } = await serving(t, { ...shows, secure: tls === 'implicit', authOptional: false, onAuth })
    const settings = { tls, ca: pem('server.pem'), user: 'referrals', password: 'right' }
    t.equal((await sending(t, port, settings)(mail())).kind, 'sent', tls)
    t.match(await sending(t, port, { ...settings, password: 'wrong' })(mail()), { kind: 'unavailable', code: '535', reason: /password are not accepted/ })
    t.match(await sending(t, port, { tls, ca: pem('server.pem') })(mail()), { kind: 'unavailable', code: '530' })
    t.match(await sending(t, port, { ...settings, ca: pem('stranger.pem') })(mail()), { kind: 'unavailable', reason: /certificate is not trusted/ })
    t.match(await sending(t, port, { ...settings, servername: 'mail.heart.example' })(mail()), { kind: 'unavailable', reason: /certificate has another name/ })
    t.equal(taken.length, 1)
  }
  const plain = await serving(t)
  t.match(await sending(t, plain.port, { tls: 'required' })(mail()), { kind: 'unavailable', reason: /TLS/ }, 'a server without STARTTLS is given nothing')
  t.match(await sending(t, plain.port, { tls: 'implicit' })(mail()), { kind: 'unavailable', reason: /does not speak TLS/ })
  t.equal(plain.taken.length, 0)
  t.match(await sending(t, plain.port, { tls: 'required', ca: 'nowhere.pem' }, { ...connectorTools().tools, beside: () => { throw Object.assign(new Error(), { code: 'ENOENT' }) } })(mail()), { kind: 'unavailable', reason: /neither PEM text nor a file/ })
})

t.test('settings that contradict each other are refused in a sentence', async (t) => {
  const make = (settings: Partial<Settings>) => (): unknown => destination.create({ host: 'mail.heart.example', ...settings }, connectorTools().tools)
  t.throws(make({ user: 'x' }), /go together/)
  t.throws(make({ tls: 'none', user: 'x', password: 'y' }), /in the clear/)
  t.throws(make({ tls: 'none', ca: 'x.pem' }), /no use/)
  t.throws(make({ from: 'Heart <a@b>' }), /one e-mail address/)
})

/** smtp-server as a source, for the suite that every connector passes. */
const source = (at = 'smtp://127.0.0.1:0'): SourceConnector => {
  let server: SMTPServer | null = null
  const underWay = new Set<Promise<unknown>>()
  return {
    async start(receive: Receive) {
      const started = new SMTPServer({
        authOptional: true, disabledCommands: ['STARTTLS'], logger: false, closeTimeout: 100,
        onData: (stream, session, done) => {
          const pieces: Buffer[] = []
          stream.on('data', (piece: Buffer) => pieces.push(piece))
          stream.on('end', () => {
            const answered = receive({ bytes: Buffer.concat(pieces), origin: session.remoteAddress }).then(({ verdict }) => done(verdict === 'accepted' ? null : failing(verdict === 'error' ? 451 : 550)))
            underWay.add(answered)
            answered.finally(() => underWay.delete(answered)).catch(() => {})
          })
        },
      })
      started.on('error', () => {})
      server = started
      const listening = started.listen(Number(new URL(at).port), '127.0.0.1')
      await once(listening, 'listening')
      return `smtp://127.0.0.1:${(listening.address() as AddressInfo).port}`
    },
    async stop() {
      await Promise.all(underWay)
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
      server = null
    },
  }
}

connectorConformance(t, 'email', {
  makeSource: (_tools, at) => source(at),
  makeDestination: (at, tools) => destination.create({ host: '127.0.0.1', port: Number(new URL(at).port), tls: 'none' }, tools),
  payloads: [mail(), mail('.\r\n..\r\n'), mail(`${'Quillfeather '.repeat(5)}\r\n`.repeat(75_000))],
  reply: (_inbound, verdict) => ({ verdict, reason: null, acknowledgements: [] }),
  hears: { rejected: 'refused', error: 'unavailable' },
  secrets: ['Quillfeather', 'bell@meadow.example'],
  through: (_at, port) => `smtp://127.0.0.1:${port}`,
})
