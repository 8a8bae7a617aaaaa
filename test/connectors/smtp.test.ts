/** The smtp source against nodemailer, swaks and raw sockets: what is answered when, who may send, to whom, how much and how slowly; and that what was received is what is kept. */
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import t from 'tap'
import destination from '../../connectors/email/destination.js'
import source from '../../connectors/smtp/source.js'
import type { Inbound, Reply } from '../../engine/contracts.js'
import { connectorConformance } from '../conformance/connectors.js'
import { accepted, failing, makeCertificates, rejected, testTools } from './tools.js'

type Suite = Pick<typeof t, 'teardown' | 'testdir'>
type Settings = Parameters<typeof source.create>[0]

const MAIL = 'From: Bell <bell@meadow.example>\r\nTo: <referrals@heart.example>\r\nSubject: Referral\r\nMessage-ID: <m1@meadow.example>\r\n\r\nPlease see Quillfeather.\r\n'
const TRACE = 'Return-Path: <bell@meadow.example>\r\nDelivered-To: referrals@heart.example\r\n'

/** A listener that keeps what it takes; `reply` says what is answered. */
const listening = async (s: Suite, settings: Partial<Settings> = {}, reply: (inbound: Inbound) => Reply | Promise<Reply> = () => accepted) => {
  const tools = testTools('')
  const taken: Inbound[] = []
  const made = source.create({ port: 0, recipients: ['referrals@heart.example', 'direct.example'], ...settings }, tools)
  const at = await made.start(async (inbound) => {
    taken.push(inbound)
    return reply(inbound)
  })
  s.teardown(() => made.stop())
  return { tools, taken, made, at, port: Number(new URL(at).port) }
}

/** A conversation: `say` resolves with the last line of the answer, `closed` with everything that was said. */
const talking = async (s: Suite, port: number) => {
  const socket: Socket = connect(port, '127.0.0.1')
  s.teardown(() => {
    socket.destroy()
  })
  let heard = ''
  let seen = 0
  const waiting: ((line: string) => void)[] = []
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(heard)))
  socket.on('error', () => {})
  socket.on('data', (data) => {
    heard += data.toString('latin1')
    for (;;) {
      const line = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(heard.slice(seen))?.[0]
      if (line === undefined || waiting.length === 0) return
      seen += line.length
      waiting.shift()?.(line.trimEnd().split('\r\n').at(-1) ?? '')
    }
  })
  const hear = (): Promise<string> => new Promise((resolve) => {
    waiting.push(resolve)
    socket.emit('data', Buffer.alloc(0))
  })
  const say = (text: string): Promise<string> => {
    socket.write(text)
    return hear()
  }
  await hear()
  return { socket, say, hear, closed, heard: () => heard }
}

const begun = async (s: Suite, port: number, to = 'referrals@heart.example') => {
  const talk = await talking(s, port)
  await talk.say('EHLO meadow.example\r\n')
  await talk.say('MAIL FROM:<bell@meadow.example>\r\n')
  await talk.say(`RCPT TO:<${to}>\r\n`)
  await talk.say('DATA\r\n')
  return talk
}

t.test('a mail is kept byte for byte behind its envelope, and answered only then', async (t) => {
  let keep: (reply: Reply) => void = () => {}
  let arrived: () => void = () => {}
  const reached = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const { taken, port } = await listening(t, {}, () => {
    arrived()
    return new Promise((resolve) => {
      keep = resolve
    })
  })
  const { say, heard } = await begun(t, port)
  const answered = say(`${MAIL}..dot\r\n \tZo\xeb, \xff\r\nbare\nline\r\n.\r\n`)
  await reached
  t.notMatch(heard(), /^250 2\.6\.0|Kept/m, 'nothing is said before it is kept')
  keep(accepted)
  t.match(await answered, /^250 .*Kept/)
  t.equal(taken[0]?.bytes.toString('latin1'), Buffer.from(`${TRACE}${MAIL}.dot\r\n \tZo\xeb, \xff\r\nbare\nline\r\n`).toString('latin1'))
  t.match(taken[0]?.origin, /^127\.0\.0\.1:\d+$/)
  for (const [verdict, code] of [[rejected, /^554 .*PID-3: a value is required/], [failing, /^451 /], [accepted, /^250 /]] as const) {
    await say('MAIL FROM:<bell@meadow.example>\r\n')
    await say('RCPT TO:<referrals@heart.example>\r\n')
    await say('DATA\r\n')
    const later = say(`${MAIL}.\r\n`)
    while (taken.length < 2) await new Promise(setImmediate)
    keep(verdict)
    taken.length = 1
    t.match(await later, code)
  }
})

t.test('a mail that comes again is the same bytes; who it was for and that it is a bounce are not lost', async (t) => {
  const { taken, port } = await listening(t)
  const { say } = await talking(t, port)
  t.match(await say('EHLO meadow.example\r\n'), /^250 /)
  const send = async (from: string, to: readonly string[], text = MAIL): Promise<string> => {
    await say(`MAIL FROM:<${from}>\r\n`)
    for (const one of to) await say(`RCPT TO:${one}\r\n`)
    await say('DATA\r\n')
    return say(`${text}.\r\n`)
  }
  for (let n = 0; n < 2; n++) t.match(await send('bell@meadow.example', ['<referrals@heart.example>']), /^250/)
  t.ok(taken[0]?.bytes.equals(taken[1]?.bytes as Buffer))
  await send('', ['<a@direct.example> NOTIFY=SUCCESS ORCPT=rfc822;Old+2BName@heart.example'])
  t.match(taken[2]?.bytes.toString(), /^Return-Path: <>\r\nDelivered-To: a@direct\.example\r\nOriginal-Recipient: rfc822;Old\+Name@heart\.example\r\nFrom:/)
  await send('x@meadow.example', ['<a@direct.example>', '<REFERRALS@heart.EXAMPLE>'])
  t.match(taken[3]?.bytes.toString(), /Delivered-To: a@direct\.example\r\nDelivered-To: REFERRALS@heart\.example\r\nFrom/i)
  t.match(await send('x@meadow.example', ['<a@direct.example>'], ''), /^554 .*empty/)
  t.match(await send('x@meadow.example', ['<a@direct.example>'], 'no header\r\n'), /^250/)
  t.equal(taken[4]?.bytes.toString(), 'no header\r\n', 'what is no mail does not become one by its envelope')
  t.match(await send('x@meadow.example', ['<a@direct.example>'], `X-Refero-Kind: fax-status\r\n${MAIL}`), /^554 .*X-Refero-Kind/)
  t.match(await send('x@meadow.example', ['<a@direct.example>'], `X-Refero-Kind: letter/receipt\r\n${MAIL}`), /^250/)
  t.equal(taken.length, 6)
})

t.test('nothing is relayed, nothing too large is taken, nobody sends without end', async (t) => {
  const { taken, port, tools } = await listening(t, { maximum: '64kB', memory: '96kB', rate: { mails: 4, within: '1m' } })
  const { say, socket, heard } = await talking(t, port)
  await say('EHLO meadow.example\r\n')
  t.match(heard(), /250[- ]SIZE 65536/)
  await say('MAIL FROM:<bell@meadow.example>\r\n')
  for (const other of ['x@elsewhere.example', 'other@heart.example', 'referrals@heart.example.evil.example', 'referrals%heart.example@evil.example']) t.match(await say(`RCPT TO:<${other}>\r\n`), /^550 /, other)
  t.match(await say('DATA\r\n'), /^503 /)
  await say('RSET\r\n')
  t.match(await say('MAIL FROM:<bell@meadow.example> SIZE=70000\r\n'), /^552 /)
  await say('MAIL FROM:<bell@meadow.example>\r\n')
  await say('RCPT TO:<referrals@heart.example>\r\n')
  await say('DATA\r\n')
  t.match(await say(`${MAIL}${'Quillfeather\r\n'.repeat(6000)}.\r\n`), /^552 /)
  const other = await begun(t, port)
  other.socket.write(`${MAIL}${'x'.repeat(60_000)}\r\n`)
  await say('MAIL FROM:<bell@meadow.example>\r\n')
  await say('RCPT TO:<referrals@heart.example>\r\n')
  await say('DATA\r\n')
  socket.write(`${MAIL}${'x'.repeat(60_000)}\r\n`)
  const [one, two] = await Promise.all([say('.\r\n'), other.say('.\r\n')])
  t.same([one, two].map((said) => said.slice(0, 3)).filter((code) => code !== '250' && code !== '452'), [], 'together they are too much, or one was done before')
  t.match(await say('MAIL FROM:<BELL@meadow.example>\r\n'), /^450 /, 'by the address, as written or not')
  t.match(await say('MAIL FROM:<well@meadow.example>\r\n'), /^250 /, 'and others go on')
  t.ok(taken.length >= 1)
  t.notMatch(JSON.stringify(tools.events), /Quillfeather|bell@|meadow/i)
})

t.test('a sender that is too slow is closed, and others go on', async (t) => {
  const { tools, port, taken } = await listening(t, { within: '2m' })
  const slow = await begun(t, port)
  slow.socket.write('From: bell@meadow.example\r\nSub')
  const idle = await talking(t, port)
  await tools.clock.asleep(120_000)
  tools.clock.advance(120_000)
  t.match(await slow.closed, /421 .*not arrive in time/)
  t.match(await idle.closed, /421 /)
  t.equal(taken.length, 0, 'half a mail is none')
  const next = await begun(t, port)
  t.match(await next.say(`${MAIL}.\r\n`), /^250/)
  const gone = await begun(t, port)
  gone.socket.write(MAIL)
  gone.socket.destroy()
  await gone.closed
  t.match(await next.say('NOOP\r\n'), /^250/)
  t.equal(taken.length, 1)
})

t.test('who may send: a password over TLS, or an address that is allowed', async (t) => {
  const folder = t.testdir()
  makeCertificates(folder, ['server'])
  const shows = { cert: readFileSync(join(folder, 'server.pem'), 'utf8'), key: readFileSync(join(folder, 'server.key'), 'utf8') }
  const users = [{ user: 'hisp', password: 'right' }]
  for (const tls of ['required', 'implicit'] as const) {
    const { port, taken, at } = await listening(t, { ...shows, tls, users })
    t.match(at, tls === 'implicit' ? /^smtps:/ : /^smtp:/)
    const post = async (auth: { readonly user: string; readonly pass: string } | undefined, more: object = {}): Promise<string> => {
      const transport = createTransport({ host: '127.0.0.1', port, secure: tls === 'implicit', requireTLS: tls === 'required', tls: { ca: shows.cert }, ...(auth && { auth }), ...more })
      try {
        return (await transport.sendMail({ from: 'bell@meadow.example', to: 'referrals@heart.example', subject: 'Referral', text: 'Quillfeather' })).response
      } catch (error) {
        return String((error as { responseCode?: number }).responseCode ?? (error as { code?: string }).code)
      } finally {
        transport.close()
      }
    }
    t.match(await post({ user: 'hisp', pass: 'right' }), /^250/, tls)
    t.equal(await post({ user: 'hisp', pass: 'wrong' }), '535')
    t.equal(await post({ user: 'nobody', pass: 'right' }), '535')
    t.equal(await post(undefined), '530')
    if (tls === 'required') t.equal(await post({ user: 'hisp', pass: 'right' }, { requireTLS: false, ignoreTLS: true }), '538', 'no password in the clear')
    t.equal(taken.length, 1)
  }
  const plain = await listening(t, { ...shows, allow: ['127.0.0.0/8'] })
  const { say } = await talking(t, plain.port)
  await say('EHLO meadow.example\r\n')
  t.match(await say('MAIL FROM:<bell@meadow.example>\r\n'), /^530 .*STARTTLS/, 'TLS is required where there is a certificate')
  const stranger = await listening(t, { allow: ['10.0.0.0/8'] })
  const refused = connect(stranger.port, '127.0.0.1')
  t.match(String((await once(refused, 'data'))[0]), /^554 /)
  refused.destroy()
})

t.test('one connection too many, and a stop in the middle', async (t) => {
  const { port, made } = await listening(t, { connections: 1 })
  const { say, closed } = await talking(t, port)
  t.match(await say('EHLO meadow.example\r\n'), /^250/)
  const more = connect(port, '127.0.0.1')
  t.match(String((await once(more, 'data'))[0]), /^421 /)
  more.destroy()
  await made.stop()
  t.match(await closed, /421 .*come again later/)
  t.equal(made.connections?.(), 0)
})

t.test('swaks sends with a password and 8 MB attached, over STARTTLS where its Perl has TLS', spawnSync('swaks', ['--version']).status === 0 ? {} : { skip: 'swaks is not installed' }, async (t) => {
  const hasTls = spawnSync('perl', ['-MNet::SSLeay', '-e1']).status === 0
  const folder = t.testdir()
  makeCertificates(folder, ['server'])
  writeFileSync(join(folder, 'chart.bin'), Buffer.alloc(8 * 1024 ** 2, 'Quillfeather'))
  const shows = hasTls ? { cert: readFileSync(join(folder, 'server.pem'), 'utf8'), key: readFileSync(join(folder, 'server.key'), 'utf8') } : {}
  const { port, taken } = await listening(t, { ...shows, users: [{ user: 'hisp', password: 'right' }] })
  const swaks = (...more: string[]): Promise<{ readonly code: unknown; readonly said: string }> => new Promise((resolve) => {
    const always = ['--server', '127.0.0.1', '--port', String(port), '--from', 'bell@meadow.example', '--to', 'referrals@heart.example', '--helo', 'meadow.example', '--hide-all', ...(hasTls ? ['--tls'] : [])]
    execFile('swaks', [...always, ...more], (error, stdout, stderr) => resolve({ code: error?.code ?? 0, said: stdout + stderr }))
  })
  const login = ['--auth', 'PLAIN', '--auth-user', 'hisp', '--auth-password']
  const done = await swaks(...login, 'right', '--attach', `@${join(folder, 'chart.bin')}`)
  t.equal(done.code, 0, done.said)
  t.ok((taken[0]?.bytes.length ?? 0) > 8 * 1024 ** 2 * 4 / 3)
  t.not((await swaks(...login, 'wrong')).code, 0)
  t.not((await swaks()).code, 0)
  t.equal(taken.length, 1)
})

t.test('settings that contradict each other are refused in a sentence', async (t) => {
  const make = (settings: Partial<Settings>) => (): unknown => source.create({ port: 25, recipients: ['heart.example'], ...settings }, testTools(''))
  t.throws(make({ host: '0.0.0.0' }), /Anybody who reaches/)
  t.throws(make({ host: '0.0.0.0', users: [{ user: 'a', password: 'b' }] }), /in the clear/)
  t.throws(make({ tls: 'required' }), /needs `cert`/)
  t.throws(make({ cert: 'x.pem' }), /go together/)
  t.throws(make({ cert: 'x.pem', key: 'y', tls: 'none' }), /no use/)
  t.throws(make({ allow: ['nowhere'] }), /`allow` holds/)
  t.throws(make({ memory: '1MB' }), /less than one mail/)
  t.throws(make({ users: [{ user: 'a', password: 'b' }, { user: 'a', password: 'c' }] }), /twice/)
  await t.rejects(async () => source.create({ port: 0, recipients: ['heart.example'], cert: 'nowhere.pem', key: 'x.pem' }, testTools('')).start(async () => accepted), /`cert` is neither PEM/)
})

const payload = (more = ''): Buffer => Buffer.from(MAIL + more)

connectorConformance(t, 'smtp', {
  makeSource: (tools, at) => {
    const made = source.create({ port: Number(at ? new URL(at).port : 0), recipients: ['heart.example'], rate: { mails: 100_000, within: '1m' } }, tools)
    return { ...made, start: (receive) => made.start((inbound) => receive({ ...inbound, bytes: inbound.bytes.subarray(TRACE.length) })), stop: () => made.stop() }
  },
  makeDestination: (at, tools) => destination.create({ host: '127.0.0.1', port: Number(new URL(at).port), tls: 'none' }, tools),
  payloads: [payload(), payload('.\r\n..\r\n'), payload(`${'Quillfeather '.repeat(5)}\r\n`.repeat(75_000))],
  reply: (_inbound, verdict) => ({ verdict, reason: null, acknowledgements: [] }),
  hears: { rejected: 'refused', error: 'unavailable' },
  secrets: ['Quillfeather', 'bell@meadow.example'],
  through: (_at, port) => `smtp://127.0.0.1:${port}`,
})
