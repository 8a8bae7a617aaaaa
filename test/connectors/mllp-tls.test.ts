/** MLLP over TLS, with certificates of the day, and senders that others wrote. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { Client, Message } from 'node-hl7-client'
import t from 'tap'
import destination from '../../connectors/mllp/destination.js'
import source from '../../connectors/mllp/source.js'
import { connectorConformance } from '../conformance/connectors.js'
import { block, calling, END, listening, message, Peer, replyOf, SECRETS, sender, type Suite, toolsWith, until } from './mllp-kit.js'

t.test('node-hl7-client gets its acknowledgements', async (s) => {
  const { port, ids } = await listening(s)
  const client = new Client({ host: '127.0.0.1' })
  const answers: string[] = []
  let answered: () => void = () => {}
  const outbound = client.createConnection({ port }, async (response) => {
    answers.push(response.getMessage().toString())
    answered()
  })
  s.teardown(() => outbound.close())
  for (const id of ['N1', 'N2', 'N3']) {
    const answer = new Promise<void>((resolve) => {
      answered = resolve
    })
    await outbound.sendMessage(new Message({ text: message(id) })) // one at a time: a second one before the first answer hangs this client
    await answer
  }
  s.same(ids(), ['N1', 'N2', 'N3'])
  s.equal(answers.length, 3)
  for (const [n, answer] of answers.entries()) s.match(answer, `MSA|AA|N${n + 1}`)
})

if (spawnSync('openssl', ['version']).status !== 0) t.comment('skipped: openssl is not installed, so there are no certificates to test TLS with')
else secure()

function secure(): void {
  const folder = t.testdir()
  const file = (name: string): string => join(folder, name)
  const pem = (name: string): string => readFileSync(file(name), 'utf8')
  const openssl = (...parts: string[]): void => {
    execFileSync('openssl', parts, { stdio: 'ignore', cwd: folder })
  }
  const authority = (name: string): void => openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`)
  const certificate = (name: string, from: string, names: string): void => {
    writeFileSync(file(`${name}.ext`), `subjectAltName=${names}`)
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${from}.pem`, '-CAkey', `${from}.key`, '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.pem`)
  }
  for (const name of ['ours', 'theirs']) authority(name)
  certificate('server', 'ours', 'IP:127.0.0.1,DNS:refero.test')
  certificate('renewed', 'ours', 'IP:127.0.0.1,DNS:renewed.test')
  certificate('elsewhere', 'ours', 'DNS:elsewhere.test')
  certificate('clinic', 'ours', 'DNS:clinic.test')
  certificate('stranger', 'theirs', 'DNS:clinic.test')
  openssl('ec', '-aes256', '-passout', 'pass:word', '-in', 'server.key', '-out', 'locked.key')

  const server = { cert: file('server.pem'), key: file('server.key') }
  const shows = (name: string): { cert: string; key: string } => ({ cert: file(`${name}.pem`), key: file(`${name}.key`) })

  /** A raw sender over TLS: resolves once the handshake is over for the sender. */
  const secureSender = async (s: Suite, port: number, options: ConnectionOptions = {}): Promise<Peer> => {
    const socket = connectTls({ host: '127.0.0.1', port, ca: pem('ours.pem'), ...options })
    s.teardown(() => {
      socket.destroy()
    })
    await once(socket, 'secureConnect')
    return new Peer(socket)
  }
  const asks = async (s: Suite, port: number, id: string, options: ConnectionOptions = {}): Promise<string | null> => {
    const peer = await secureSender(s, port, options)
    peer.write(block(message(id)))
    const answer = await peer.acknowledgement()
    peer.socket.end()
    return answer && `${answer.code} ${answer.controlId}`
  }

  connectorConformance(t, 'mllp over TLS', {
    makeSource: (tools, at) => source.create({ port: at ? Number(new URL(at).port) : 0, tls: { ...server, clients: file('ours.pem') } }, tools),
    makeDestination: (at, tools) => destination.create({ host: '127.0.0.1', port: Number(new URL(at).port), tls: { ca: file('ours.pem'), ...shows('clinic') } }, tools),
    payloads: [message('1'), message('2', 'Größe'), message('3', 'x'.repeat(5_000_000))].map((text) => Buffer.from(text)),
    reply: replyOf,
    hears: { rejected: 'refused', error: 'refused' },
    secrets: SECRETS,
    through: (_, port) => `mllps://127.0.0.1:${port}`,
  })

  t.test('openssl s_client gets its acknowledgement', async (s) => {
    const { port, at } = await listening(s, { tls: server })
    s.equal(at, `mllps://127.0.0.1:${port}`)
    const client = spawn('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`, '-CAfile', file('ours.pem'), '-verify_return_error'], { stdio: ['pipe', 'pipe', 'ignore'] })
    s.teardown(() => {
      client.kill()
    })
    client.stdin.write(block(message('OPENSSL')))
    let answer = ''
    for await (const piece of client.stdout) {
      answer += String(piece)
      if (answer.includes(END)) break
    }
    s.match(answer, 'MSA|AA|OPENSSL')
  })

  t.test('a sender that closes its half over TLS still gets its answer', async (s) => {
    const { port } = await listening(s, { tls: server }, async (inbound) => {
      await new Promise(setImmediate)
      return replyOf(inbound)
    })
    const peer = await secureSender(s, port, { allowHalfOpen: true } as ConnectionOptions)
    peer.write(block(message('1')))
    peer.socket.end()
    s.match(await peer.acknowledgement(), { code: 'AA', controlId: '1' })
  })

  t.test('PEM text does as well as files; a locked key is opened by its passphrase', async (s) => {
    const { port } = await listening(s, { tls: { cert: pem('server.pem'), key: pem('locked.key'), passphrase: 'word', minVersion: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384' } })
    s.equal(await asks(s, port, '1'), 'AA 1')
    await s.rejects(secureSender(s, port, { maxVersion: 'TLSv1.2' }))
    const beside = await listening(s, { tls: { cert: 'server.pem', key: 'server.key' } }, undefined, {
      beside: (name) => ({ file: isAbsolute(name) ? name : file(name), text: readFileSync(file(name), 'utf8') }),
    })
    s.equal(await asks(s, beside.port, '2'), 'AA 2')
  })

  t.test('without a certificate of the right authority and name nobody is heard', async (s) => {
    const { port, taken, lines } = await listening(s, { tls: { ...server, clients: file('ours.pem'), names: ['clinic.test'] } })
    const own = (name: string): ConnectionOptions => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`) })
    s.equal(await asks(s, port, 'IN', own('clinic')), 'AA IN')
    s.equal(await asks(s, port, 'NONE').catch(() => null), null)
    s.equal(await asks(s, port, 'THEIRS', own('stranger')).catch(() => null), null)
    s.equal(await asks(s, port, 'NAME', own('elsewhere')).catch(() => null), null)
    s.equal(taken.length, 1)
    await until(() => lines.filter(({ level }) => level === 'warn').length === 3)
    s.match(lines.filter(({ level }) => level === 'warn'), [/shows no certificate/, /not from an authority/, /none of the names/].map((event) => ({ event, facts: /127\.0\.0\.1/ })))
  })

  t.test('certificates can be asked for without being required', async (s) => {
    const { port, said } = await listening(s, { tls: { ...server, clients: file('ours.pem'), clientAuth: 'request' } })
    s.equal(await asks(s, port, 'NONE'), 'AA NONE')
    s.equal(await asks(s, port, 'GOOD', { cert: pem('clinic.pem'), key: pem('clinic.key') }), 'AA GOOD')
    s.equal(await asks(s, port, 'BAD', { cert: pem('stranger.pem'), key: pem('stranger.key') }).catch(() => null), null)
    s.match(said('warn'), [/not from an authority/])
    const none = await listening(s, { tls: { ...server, clients: file('ours.pem'), clientAuth: 'none' } })
    s.equal(await asks(s, none.port, 'BAD', { cert: pem('stranger.pem'), key: pem('stranger.key') }), 'AA BAD')
  })

  t.test('probes of a TLS port make no noise; a sender without TLS is named; addresses are checked first', async (s) => {
    const { port, said } = await listening(s, { tls: server })
    for (const end of ['end', 'resetAndDestroy'] as const) {
      const probe = await sender(s, port)
      probe.socket[end]()
      await probe.closed
    }
    s.equal(await asks(s, port, 'AFTER'), 'AA AFTER')
    s.same([...said('warn'), ...said('error')], [])
    const plain = await sender(s, port)
    plain.write(block(message('PLAIN')))
    await plain.closed
    await until(() => said('warn').length > 0)
    s.match(said('warn'), [/does not speak TLS/])
    const closed = await listening(s, { tls: server, allow: ['10.0.0.0/8'] })
    await s.rejects(secureSender(s, closed.port))
    s.match(closed.said('warn'), [/not allowed/])
  })

  t.test('a listener with a handshake under way stops at once', async (s) => {
    const { port, source: stopping } = await listening(s, { tls: server })
    const silent = await sender(s, port)
    await until(() => silent.socket.readyState === 'open')
    await new Promise(setImmediate)
    await stopping.stop()
    await silent.closed
  })

  t.test('new certificates are used without a restart, and connections stay; bad ones change nothing', async (s) => {
    for (const end of ['pem', 'key']) copyFileSync(file(`server.${end}`), file(`live.${end}`))
    copyFileSync(file('ours.pem'), file('live-clients.pem'))
    const clinic = { cert: pem('clinic.pem'), key: pem('clinic.key') }
    const { port, said } = await listening(s, { tls: { cert: file('live.pem'), key: file('live.key'), clients: file('live-clients.pem') } })
    const names = async (): Promise<string | undefined> => {
      const socket = connectTls({ host: '127.0.0.1', port, ca: pem('ours.pem'), ...clinic })
      await once(socket, 'secureConnect')
      const { subjectaltname } = socket.getPeerCertificate()
      socket.destroy()
      return subjectaltname
    }
    const peer = await secureSender(s, port, clinic)
    s.match(await names(), 'refero.test')

    writeFileSync(file('live.pem'), 'no certificate')
    await until(() => said('error').length === 1)
    s.match(said('error'), [/stay in use\. TLS cannot be used: the certificate in .*live\.pem cannot be read as PEM/])
    s.match(await names(), 'refero.test')

    for (const end of ['pem', 'key']) {
      copyFileSync(file(`renewed.${end}`), file(`next.${end}`))
      renameSync(file(`next.${end}`), file(`live.${end}`))
    }
    await until(() => said('info').length === 1)
    s.match(await names(), 'renewed.test')
    peer.write(block(message('STILL')))
    s.match(await peer.acknowledgement(), { code: 'AA', controlId: 'STILL' }, 'the connection of before goes on')

    copyFileSync(file('theirs.pem'), file('live-clients.pem'))
    await until(() => said('info').length === 2)
    s.equal(await asks(s, port, 'OLD', clinic).catch(() => null), null, 'the authority of before is no longer trusted')
    s.equal(await asks(s, port, 'NEW', { cert: pem('stranger.pem'), key: pem('stranger.key') }), 'AA NEW')
  })

  t.test('TLS that cannot work: start rejects with a sentence that quotes no key', async (s) => {
    const { tools } = toolsWith()
    const starting = (tls: Parameters<typeof source.create>[0]['tls'] & object) => source.create({ port: 0, tls }, tools).start(async (inbound) => replyOf(inbound))
    await s.rejects(starting({ ...server, key: file('clinic.key') }), { message: /the key does not belong to the certificate/ })
    await s.rejects(starting({ ...server, key: file('locked.key'), passphrase: 'wrong' }), { message: /the key is encrypted, and `passphrase` is missing or does not open it/ })
    await s.rejects(starting({ ...server, key: file('locked.key') }), { message: /`passphrase` is missing/ })
    await s.rejects(starting({ ...server, cert: file('absent.pem') }), { message: /the certificate in .*absent\.pem cannot be read \(ENOENT\)/ })
    await s.rejects(starting({ ...server, key: file('server.pem') }), { message: /TLS cannot be used/ })
    await s.rejects(starting({ ...server, clients: file('server.key') }), { message: /authorities.* cannot be read as PEM/ })
    await s.rejects(starting({ ...server, ciphers: 'NONSENSE' }), { message: /no cipher suite/ })
    const secret = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo='
    const error: unknown = await starting({ ...server, key: secret }).catch((thrown: unknown) => thrown)
    s.match(error, { message: /the key \(neither PEM text nor the name of a file\) cannot be read/ })
    s.notOk(String(error).includes(secret))
  })

  t.test('the destination trusts only whom it is told to, by name', async (s) => {
    const { port, taken } = await listening(s, { tls: server })
    const { port: other } = await listening(s, { tls: shows('elsewhere') })
    s.match(await calling(s, port, { tls: { ca: pem('ours.pem') } }).send(message('1')), { kind: 'sent' })
    s.match(await calling(s, port, { tls: { ca: file('ours.pem'), servername: 'refero.test' } }).send(message('2')), { kind: 'sent' })
    s.match(await calling(s, port, { tls: {} }).send(message('3')), { kind: 'unavailable', reason: /certificate that is not trusted/ })
    s.match(await calling(s, port, { tls: { ca: file('theirs.pem') } }).send(message('4')), { kind: 'unavailable', reason: /`tls\.ca` says which/ })
    s.match(await calling(s, other, { tls: { ca: file('ours.pem') } }).send(message('5')), { kind: 'unavailable', reason: /another name/ })
    s.match(await calling(s, other, { tls: { ca: file('ours.pem'), servername: 'elsewhere.test' } }).send(message('6')), { kind: 'sent' })
    s.match(await calling(s, port, { tls: { ca: file('absent.pem') } }).send(message('7')), { kind: 'unavailable', reason: /absent\.pem cannot be read/ })
    const { port: plain } = await listening(s)
    s.match(await calling(s, plain, { tls: { ca: file('ours.pem') } }).send(message('8')), { kind: 'unavailable', reason: /does not speak TLS|cannot be reached/ })
    s.equal(taken.length, 2)
  })

  t.test('a receiver that turns our certificate away has not taken the message', async (s) => {
    const { port, taken } = await listening(s, { tls: { ...server, clients: file('ours.pem') } })
    s.match(await calling(s, port, { tls: { ca: file('ours.pem'), ...shows('clinic') } }).send(message('1')), { kind: 'sent' })
    s.not((await calling(s, port, { tls: { ca: file('ours.pem') } }).send(message('2'))).kind, 'sent')
    s.equal(taken.length, 1)
    const strict = spawn('openssl', ['s_server', '-accept', '0', '-cert', file('server.pem'), '-key', file('server.key'), '-CAfile', file('ours.pem'), '-Verify', '1', '-verify_return_error'], { stdio: ['pipe', 'pipe', 'ignore'] })
    s.teardown(() => {
      strict.kill()
    })
    let said = ''
    for await (const piece of strict.stdout.iterator({ destroyOnReturn: false })) {
      said += String(piece)
      if (/^ACCEPT .*:[0-9]+\s/m.test(said)) break
    }
    const outcome = await calling(s, Number(/^ACCEPT .*:([0-9]+)/m.exec(said)?.[1]), { tls: { ca: file('ours.pem') } }).send(message('3'))
    s.match(outcome, { kind: 'unavailable', reason: /ends the TLS connection/ })
  })

  t.test('the destination reads its certificates anew for each connection', async (s) => {
    const { port } = await listening(s, { tls: { ...server, clients: file('ours.pem'), names: ['elsewhere.test'] } })
    for (const end of ['pem', 'key']) copyFileSync(file(`clinic.${end}`), file(`mine.${end}`))
    const { send } = calling(s, port, { tls: { ca: file('ours.pem'), ...shows('mine') } })
    s.not((await send(message('1'))).kind, 'sent')
    for (const end of ['pem', 'key']) copyFileSync(file(`elsewhere.${end}`), file(`mine.${end}`))
    s.match(await send(message('1')), { kind: 'sent' })
  })
}
