/** The email destination as a Direct agent of its own: recipients' certificates from files, a DNS server and an LDAP directory, and mail that openssl opens. */
import { execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { SMTPServer } from 'smtp-server'
import t from 'tap'
import destination from '../../connectors/email/destination.js'
import type { SealSettings } from '../../engine/smime/settings.js'
import { connectorTools, deliveryOf } from '../conformance/connectors.js'
import { LEAF, openssl, Pki } from '../engine/smime-pki.js'
import { never, TestClock } from './tools.js'

type Suite = Pick<typeof t, 'teardown'>
type Seal = Partial<SealSettings>

const OURS = 'referrals@direct.heart.example'
const BELL = 'bell@direct.meadow.example'
const mail = (...to: readonly string[]): Buffer => Buffer.from(`From: Heart Center <${OURS}>\r\nTo: ${to.join(', ')}\r\nSubject: Referral of Quillfeather\r\nMessage-ID: <m1@heart.example>\r\n\r\nPlease see Quillfeather.\r\n`)

const pki = new Pki(t.testdir())
for (const name of ['root', 'other']) pki.root(name)
for (const name of ['heart', 'bell']) pki.key(name)
pki.issue('heart', 'heart', 'root', LEAF('DNS:direct.heart.example'))
pki.issue('bell', 'bell', 'root', LEAF(`email:${BELL}`))
pki.issue('meadow', 'bell', 'root', LEAF('DNS:direct.meadow.example'))
pki.issue('signing', 'bell', 'root', LEAF(`email:${BELL}`, 'keyUsage=digitalSignature\n'))
pki.issue('stranger', 'bell', 'other', LEAF(`email:${BELL}`))
const text = (name: string): string => pki.read(name).toString()
const der = (name: string): Buffer => pki.certificate(name).der

/** A DNS server: records by "type name"; what does not fit into 512 bytes comes over TCP. Names without an entry do not exist; null answers SERVFAIL. */
const dnsServer = async (s: Suite, records: Record<string, readonly Buffer[] | null>, seconds = 3600) => {
  const asked: string[] = []
  const answerTo = (query: Buffer): Buffer => {
    let at = 12
    const labels: string[] = []
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += length + 1
    }
    const name = `${query.readUInt16BE(at + 1)} ${labels.join('.')}`
    asked.push(name)
    const found = records[name]
    const answers = (found ?? []).map((data) => {
      const head = Buffer.alloc(12)
      head.writeUInt16BE(0xc00c, 0) // the name of the question
      head.writeUInt16BE(query.readUInt16BE(at + 1), 2)
      head.writeUInt16BE(1, 4)
      head.writeUInt32BE(seconds, 6)
      head.writeUInt16BE(data.length, 10)
      return Buffer.concat([head, data])
    })
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(0x8180 | (found === undefined ? 3 : found === null ? 2 : 0), 2)
    header.writeUInt16BE(answers.length, 6)
    return Buffer.concat([header, query.subarray(12, at + 5), ...answers])
  }
  const udp = createSocket('udp4')
  udp.on('message', (query, from) => {
    const whole = answerTo(query)
    const short = Buffer.from(whole.length > 512 ? whole.subarray(0, query.length) : whole)
    if (whole.length > 512) short[2] = (short[2] as number) | 0x02
    udp.send(short, from.port, from.address)
  })
  const tcp = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      const answer = answerTo(bytes.subarray(2))
      for (const piece of [Buffer.from([answer.length >> 8]), Buffer.from([answer.length & 0xff]), answer]) socket.write(piece)
    })
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const { port } = tcp.address() as AddressInfo
  udp.bind(port, '127.0.0.1')
  await once(udp, 'listening')
  s.teardown(() => {
    udp.close()
    tcp.close()
  })
  return { at: `127.0.0.1:${port}`, asked }
}

const cert = (name: string): Buffer => Buffer.concat([Buffer.from([0, 1, 0, 0, 8]), der(name)])
const srv = (host: string, port: number): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 0, port >> 8, port & 0xff]), ...host.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]), Buffer.from([0])])

const sending = async (s: Suite, seal: Seal, more: object = {}) => {
  const taken: string[] = []
  const server = new SMTPServer({
    authOptional: true, disabledCommands: ['STARTTLS'], logger: false,
    onData: (stream, _session, done) => {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => {
        taken.push(Buffer.concat(pieces).toString())
        done()
      })
    },
  })
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const clock = new TestClock()
  clock.advance(Date.now() + 3_600_000 - clock.now().getTime()) // the certificates are of today
  const { tools } = connectorTools({ clock, dataFolder: pki.folder })
  const sender = destination.create({ host: '127.0.0.1', port: (listening.address() as AddressInfo).port, tls: 'none', smime: { identities: [{ address: 'direct.heart.example', certificate: text('heart.pem'), key: text('heart.key') }], anchors: [text('root.pem')], discover: [], ...seal }, ...more }, tools)
  s.teardown(async () => {
    await sender.close()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return { taken, clock, send: (bytes: Buffer) => sender.deliver(deliveryOf(bytes), never) }
}

const opened = (sealed: string): string => openssl(['cms', '-decrypt', '-recip', pki.path('bell.pem'), '-inkey', pki.path('bell.key')], sealed).toString()

t.test('a mail is sealed for a recipient whose certificate lies beside the channel', async (t) => {
  const { send, taken } = await sending(t, { certificates: [text('bell.pem')] })
  t.equal((await send(mail(BELL))).kind, 'sent')
  const [sealed = ''] = taken
  t.match(sealed, /Content-Type: application\/pkcs7-mime; smime-type=enveloped-data; name=smime\.p7m\r\n/)
  t.match(sealed, /Message-ID: <m1@heart\.example>\r\n/)
  t.notMatch(sealed, /Quillfeather/)
  t.match(openssl(['cms', '-verify', '-CAfile', pki.path('root.pem')], opened(sealed)).toString(), /Subject: Referral of Quillfeather/)
  t.match(await send(mail('nobody@direct.meadow.example')), { kind: 'refused', reason: /no certificate of the recipient was found/ })
  t.match(await send(mail(BELL, 'nobody@direct.meadow.example')), { kind: 'refused', reason: /recipient 2 of 2/ }, 'all of them, or nobody')
  t.match(await send(Buffer.from(mail(BELL).toString().replace(OURS, 'x@elsewhere.example'))), { kind: 'refused', reason: /none of `identities`/ })
  t.equal(taken.length, 1)
  const made = (seal: Seal) => (): unknown => destination.create({ host: 'mail.heart.example', smime: { identities: [], ...seal } }, connectorTools().tools)
  t.throws(made({}), /no recipient is trusted/)
  t.throws(made({ anchors: ['x.pem'], resolvers: ['resolver.example'] }), /no resolver/)
})

t.test('receipts are asked for within the seal, where whoever opens the mail reads it', async (t) => {
  const { send, taken } = await sending(t, { certificates: [text('bell.pem')] }, { receipts: { direct: true } })
  t.match(await send(mail(BELL)), { kind: 'sent', response: Buffer.from('{"tracking":"<m1@heart.example>","stage":"accepted"}') })
  t.notMatch(taken[0], /Disposition-Notification/, 'not outside')
  const inner = openssl(['cms', '-verify', '-CAfile', pki.path('root.pem')], opened(taken[0] ?? '')).toString()
  t.match(inner, /^Disposition-Notification-To: referrals@direct\.heart\.example\r$/m)
  t.match(inner, /^Disposition-Notification-Options:\s+X-DIRECT-FINAL-DESTINATION-DELIVERY=optional,true\r$/m)
})

t.test('only a certificate that is trusted, valid and may encrypt is used', async (t) => {
  for (const [name, reason] of [['stranger', /does not lead to any of our trust anchors/], ['signing', /no keyEncipherment/]] as const) {
    const { send } = await sending(t, { certificates: [text(`${name}.pem`)] })
    t.match(await send(mail(BELL)), { kind: 'refused', reason }, name)
  }
  const { send, clock } = await sending(t, { certificates: [text('bell.pem')] })
  clock.advance(5 * 86_400_000)
  t.match(await send(mail(BELL)), { kind: 'unavailable', reason: /our own certificate.*expired/ })
})

t.test('DNS: the address before its domain, large answers over TCP, kept as long as DNS says; no answer is unavailable', async (t) => {
  const at = { address: '37 bell.direct.meadow.example', domain: '37 direct.meadow.example' }
  const records: Record<string, readonly Buffer[] | null> = { [at.address]: [cert('stranger'), cert('bell'), Buffer.from([0, 1]), Buffer.from('\0\x01\0\0\x08rubbish')], [at.domain]: [cert('meadow')] }
  const server = await dnsServer(t, records, 600)
  const { send, taken, clock } = await sending(t, { discover: ['dns'], resolvers: [server.at] })
  t.equal((await send(mail(BELL))).kind, 'sent')
  t.match(opened(taken[0] ?? ''), /multipart\/signed/)
  t.same(server.asked, [at.address, at.address], 'once over UDP, once over TCP')
  t.equal((await send(mail(BELL))).kind, 'sent')
  t.equal(server.asked.length, 2, 'what was found is kept')
  clock.advance(601_000)
  delete records[at.address]
  t.equal((await send(mail(BELL))).kind, 'sent', 'of the domain')
  t.ok(server.asked.includes(at.domain))
  t.match(await send(mail('x@none.example')), { kind: 'refused', reason: /published/ })
  records['37 x.down.example'] = null
  t.match(await send(mail('x@down.example')), { kind: 'unavailable', reason: /cannot be looked up/ })
})

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

t.test('a directory that does not answer as one is unavailable; one in a private network is not asked unless that is allowed', async (t) => {
  let spoke = 0
  const broken = createServer((socket) => {
    spoke += 1
    socket.on('error', () => {})
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  }).listen(0, '127.0.0.1')
  await once(broken, 'listening')
  t.teardown(() => void broken.close())
  const { at } = await dnsServer(t, { '33 _ldap._tcp.direct.meadow.example': [srv('localhost', (broken.address() as AddressInfo).port)] })
  const closed = await sending(t, { discover: ['ldap'], resolvers: [at] })
  t.match(await closed.send(mail(BELL)), { kind: 'refused' })
  t.equal(spoke, 0)
  const { send } = await sending(t, { discover: ['ldap'], resolvers: [at], privateDirectories: true })
  t.match(await send(mail(BELL)), { kind: 'unavailable', reason: /does not answer as one/ })
})

t.test('LDAP: userCertificate by mail, of the directory that the domain names', existsSync('/usr/sbin/slapd') ? {} : { skip: 'slapd is not installed' }, async (t) => {
  const folder = t.testdir()
  mkdirSync(`${folder}/data`)
  const line = (name: string): string => der(name).toString('base64')
  writeFileSync(`${folder}/slapd.conf`, `${['core', 'cosine', 'inetorgperson'].map((one) => `include /etc/ldap/schema/${one}.schema\n`).join('')}modulepath /usr/lib/ldap\nmoduleload back_ldif\npidfile ${folder}/pid\ndatabase ldif\nsuffix "dc=example"\nrootdn "cn=admin,dc=example"\ndirectory ${folder}/data\naccess to * by * read\n`)
  writeFileSync(`${folder}/entries.ldif`, `dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n\ndn: cn=Bell,dc=example\nobjectClass: inetOrgPerson\ncn: Bell\nsn: Bell\nmail: ${BELL}\nuserCertificate;binary:: ${line('stranger')}\nuserCertificate;binary:: ${line('bell')}\n\ndn: cn=Other,dc=example\nobjectClass: inetOrgPerson\ncn: Other\nsn: Other\nmail: other@direct.meadow.example\nuserCertificate;binary:: ${line('meadow')}\n`)
  execFileSync('/usr/sbin/slapadd', ['-f', `${folder}/slapd.conf`, '-l', `${folder}/entries.ldif`], { stdio: 'pipe' })
  const port = await freePort()
  const slapd = spawn('/usr/sbin/slapd', ['-f', `${folder}/slapd.conf`, '-h', `ldap://127.0.0.1:${port}`, '-d', '0'], { stdio: 'ignore' })
  t.teardown(async () => {
    slapd.kill()
    await once(slapd, 'exit')
  })
  for (let up = false; !up && slapd.exitCode === null; ) {
    up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false)).on('connect', () => socket.destroy())
    })
  }
  const { at } = await dnsServer(t, { '33 _ldap._tcp.direct.meadow.example': [srv('127.0.0.1', port)] })
  const { send, taken } = await sending(t, { resolvers: [at], privateDirectories: true, discover: ['dns', 'ldap'] })
  t.match(await send(mail(BELL)), { kind: 'sent' })
  t.match(opened(taken[0] ?? ''), /multipart\/signed/)
  t.match(await send(mail('other@direct.meadow.example')), { kind: 'sent' })
  t.match(await send(mail('nobody@direct.meadow.example')), { kind: 'refused', reason: /LDAP/ })
})
