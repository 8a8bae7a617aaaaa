/** S/MIME for Direct against openssl both ways, every refusal with its own reason, and a PKI that is made for the test. */
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import type { Message } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import type { Mail } from '../../engine/formats/mime/mail.js'
import { names, readCertificates } from '../../engine/smime/certificates.js'
import { decryptByOpenssl } from '../../engine/smime/openssl.js'
import { identityReader } from '../../engine/smime/identities.js'
import { encrypt } from '../../engine/smime/make.js'
import { type Opening, openMail } from '../../engine/smime/open.js'
import { Refused } from '../../engine/smime/refusals.js'
import { sealMail } from '../../engine/smime/seal.js'
import { anchorReader } from '../../engine/smime/trust.js'
import openSmime from '../../transforms/open-smime/index.js'
import writeMdn from '../../transforms/write-mdn/index.js'
import { messageOf } from '../conformance/transforms.js'
import { transformTools } from '../transforms/tools.js'
import { connectorTools } from '../conformance/connectors.js'
import { TestClock } from '../connectors/tools.js'
import { AUTHORITY, LEAF, mailOf, openssl, Pki } from './smime-pki.js'

const OURS = 'referrals@direct.heart.example'
const THEIRS = 'bell@direct.meadow.example'
const format = transformTools().format('mime')
const mail = (bytes: Buffer): Mail => format.parse(bytes) as Mail
const message = (more = '', header = ''): Buffer => Buffer.from(`From: "Bell, Ines" <${THEIRS}>\r\nTo: <${OURS}>\r\n${header}Subject: Referral of Quillfeather\r\nMessage-ID: <m1@meadow.example>\r\nDate: Mon, 02 Mar 2026 14:15:00 +0000\r\nX-Refero-Kind: fax\r\n\r\nPlease see Quillfeather.\r\n${more}`)

const pki = new Pki(t.testdir())
for (const name of ['root', 'other']) pki.root(name)
for (const name of ['heart', 'bell']) pki.key(name)
pki.issue('middle', 'other', 'root', AUTHORITY)
copyFileSync(pki.path('other.key'), pki.path('middle.key'))
pki.issue('heart', 'heart', 'root', LEAF('DNS:direct.heart.example'))
pki.issue('bell', 'bell', 'middle', LEAF(`email:${THEIRS}`))
const heart = pki.identity('direct.heart.example', 'heart')
const bell = pki.identity(THEIRS, 'bell', 'bell', ['middle'])
const opening: Opening = { identities: [heart], anchors: [pki.certificate('root')], at: new Date(Date.now() + 3_600_000), legacy: false }
const open = (bytes: Buffer, more: Partial<Opening> = {}) => openMail(mail(bytes), format, { ...opening, ...more })
const withMiddle = ['-certfile', pki.path('middle.pem')]

t.test('what openssl signs and encrypts is opened: PKCS#1 v1.5, OAEP with SHA-1, SHA-256 and two digests, AES of each length, BER of indefinite length', async (t) => {
  const signed = pki.signed(message(), 'bell', 'bell', withMiddle)
  const oaep = ['rsa_padding_mode:oaep']
  for (const [what, options] of [
    ['PKCS#1 v1.5', []], ['AES-128', ['-aes128']], ['AES-192', ['-aes192']], ['streamed', ['-stream']], ['by key identifier', ['-keyid']],
    ['OAEP SHA-1', oaep], ['OAEP SHA-256', [...oaep, 'rsa_oaep_md:sha256']], ['OAEP SHA-256, mask SHA-1', [...oaep, 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha1']],
  ] as const) {
    const { bytes, from, to, cipher } = await open(pki.encrypted(signed, 'heart', options))
    t.same([from, to, bytes.includes('Quillfeather.')], [THEIRS, [OURS], true], what)
    t.match(cipher, /^aes-(128|192|256)-cbc$/)
  }
  const opaqueNames = await open(pki.encrypted(pki.signed(message('é\r\n'), 'bell', 'bell', [...withMiddle, '-keyid']), 'heart', []))
  t.equal(opaqueNames.from, THEIRS, 'a signer named by key identifier')
})

t.test('what we seal, openssl opens and verifies, and so do we', async (t) => {
  for (const transport of ['rsa-oaep-sha256', 'rsa-oaep-sha1', 'rsa-pkcs1'] as const) {
    for (const cipher of ['aes-256-cbc', 'aes-128-cbc'] as const) {
      const sealed = sealMail(message('line\nwith LF\n', 'Bcc: hidden@direct.heart.example\r\n'), { identity: bell, recipients: [heart.certificate, bell.certificate], cipher, transport, at: new Date() })
      t.notMatch(sealed.toString(), /Quillfeather|Subject/, 'the subject is sealed too')
      writeFileSync(pki.path('sealed.eml'), sealed)
      const inside = openssl(['cms', '-decrypt', '-in', pki.path('sealed.eml'), '-recip', pki.path('heart.pem'), '-inkey', pki.path('heart.key')])
      const verified = openssl(['cms', '-verify', '-CAfile', pki.path('root.pem'), '-purpose', 'smimesign'], inside).toString()
      t.match(verified, /^Content-Type: message\/rfc822\r\n\r\nFrom: "Bell, Ines"/, `${transport} ${cipher}`)
      t.notMatch(verified, /hidden@/)
      t.equal((await open(sealed)).from, THEIRS)
    }
  }
  pki.key('curve', 'ec')
  pki.issue('curve', 'curve', 'root', LEAF(`email:${THEIRS}`, 'keyUsage=digitalSignature\n'))
  t.equal((await open(sealMail(message(), { identity: pki.identity(THEIRS, 'curve'), recipients: [heart.certificate], cipher: 'aes-192-cbc', transport: 'rsa-pkcs1', at: new Date() }))).from, THEIRS, 'signed by ECDSA')
})

t.test('every refusal has its own reason', async (t) => {
  const refused = async (what: string, refusal: string, bytes: Buffer, more: Partial<Opening> = {}): Promise<void> => {
    const error = await open(bytes, more).then(() => null, (thrown: unknown) => thrown)
    t.ok(error instanceof Refused && error instanceof MessageFault, `${what}: ${String(error)}`)
    t.equal((error as Refused | null)?.refusal, refusal, what)
    t.notMatch(String((error as Error | null)?.message), /Quillfeather|meadow\.example/, 'without content')
  }
  const seal = (name: string, key = name, chain: readonly string[] = ['middle']): Buffer => sealMail(message(), { identity: pki.identity(THEIRS, name, key, chain), recipients: [heart.certificate], cipher: 'aes-256-cbc', transport: 'rsa-oaep-sha256', at: new Date() })
  const good = seal('bell')
  t.equal((await open(good)).from, THEIRS)
  const around = (entity: Buffer | string): Buffer => pki.encrypted(Buffer.from(entity as Buffer), 'heart', ['rsa_padding_mode:oaep'])
  const signed = pki.signed(message(), 'bell', 'bell', withMiddle)

  await refused('plain', 'not-encrypted', message())
  await refused('signed only', 'not-encrypted', signed)
  await refused('encrypted only', 'not-signed', around(message()))
  await refused('for somebody else', 'wrong-recipient', good, { identities: [bell] })
  await refused('rubbish', 'malformed', mailOf(Buffer.from('rubbish')))
  await refused('empty', 'malformed', mailOf(Buffer.alloc(0)))
  await refused('cut off', 'malformed', mailOf(Buffer.from(good.toString().split('\r\n\r\n')[1] ?? '', 'base64').subarray(0, -400)))
  await refused('the content changed', 'tampered', around(signed.toString('latin1').replace('see Quillfeather', 'pay Quillfeather')))
  const lines = signed.toString('latin1').split(/\r?\n/)
  const last = lines.findLastIndex((line) => /^[A-Za-z0-9+/=]{4,}$/.test(line))
  const before = lines[last - 1] ?? ''
  lines[last - 1] = before[0] === 'A' ? `B${before.slice(1)}` : `A${before.slice(1)}`
  await refused('the signature changed', 'bad-signature', around(Buffer.from(lines.join('\r\n'), 'latin1')))
  await refused('under an anchor of others', 'not-trusted', good, { anchors: [pki.certificate('other')] })
  await refused('without those between', 'not-trusted', seal('bell', 'bell', []))
  await refused('expired', 'expired', good, { at: new Date(Date.now() + 5 * 86_400_000) })
  await refused('not yet valid', 'not-yet-valid', good, { at: new Date(Date.now() - 5 * 86_400_000) })
  pki.issue('stranger', 'bell', 'root', LEAF('email:stranger@direct.meadow.example'))
  await refused('another address', 'wrong-name', seal('stranger', 'bell'))
  pki.issue('nameless', 'bell', 'root', 'keyUsage=digitalSignature\n')
  await refused('no subjectAltName', 'no-name', seal('nameless', 'bell'))
  pki.issue('old', 'bell', 'root', LEAF(`email:${THEIRS}`), { digest: 'sha1' })
  await refused('a certificate signed with SHA-1', 'weak', seal('old', 'bell'))
  pki.key('small', 'weak')
  pki.issue('small', 'small', 'root', LEAF(`email:${THEIRS}`))
  await refused('RSA of 1024 bits', 'weak', seal('small'))
  await refused('a digest of SHA-1', 'weak', around(pki.signed(message(), 'bell', 'bell', [...withMiddle, '-md', 'sha1'])))
  await refused('3DES', 'weak', pki.encrypted(signed, 'heart', ['-des3']))
  t.equal((await open(pki.encrypted(signed, 'heart', ['-des3']), { legacy: true })).cipher, 'des-ede3-cbc')
  await refused('AES-GCM', 'weak', pki.encrypted(signed, 'heart', ['-aes-256-gcm']))
  pki.issue('forger', 'bell', 'heart', LEAF(`email:${THEIRS}`))
  await refused('issued by a certificate that is no authority', 'not-for-this', seal('forger', 'bell', ['heart']))
  pki.issue('server', 'bell', 'root', `extendedKeyUsage=serverAuth\nsubjectAltName=email:${THEIRS}\n`)
  await refused('a certificate of a web server', 'not-for-this', seal('server', 'bell'))
  pki.issue('enciphering', 'bell', 'root', LEAF(`email:${THEIRS}`, 'keyUsage=keyEncipherment\n'))
  await refused('a key that may not sign', 'not-for-this', seal('enciphering', 'bell'))
  pki.issue('bound', 'other', 'root', `${AUTHORITY}nameConstraints=critical,permitted;email:elsewhere.example\n`)
  pki.issue('under-bound', 'bell', 'bound', LEAF(`email:${THEIRS}`), { byKey: 'other' })
  await refused('constraints that are not understood', 'not-for-this', seal('under-bound', 'bell', ['bound']))
  const two = (from: string): Buffer => sealMail(Buffer.from(message().toString().replace(/^From.*$/m, from)), { identity: bell, recipients: [heart.certificate], cipher: 'aes-256-cbc', transport: 'rsa-oaep-sha256', at: new Date() })
  await refused('two senders', 'no-sender', two(`From: ${THEIRS}, a@evil.example`))
  await refused('From twice', 'no-sender', two(`From: ${THEIRS}\r\nFrom: a@evil.example`))
  await refused('another sender within', 'wrong-name', two('From: mallory@direct.meadow.example'))
})

t.test('names: the whole address, whose domain is written in any case, or the domain', async (t) => {
  t.ok(names(bell.certificate, 'bell@DIRECT.Meadow.example'))
  for (const wrong of ['Bell@direct.meadow.example', 'x@direct.meadow.example', 'direct.meadow.example', 'bell@meadow.example']) t.notOk(names(bell.certificate, wrong), wrong)
  t.ok(names(heart.certificate, 'anybody@Direct.Heart.Example'))
  t.notOk(names(heart.certificate, 'a@sub.direct.heart.example'))
})

t.test('RSA PKCS#1 v1.5 without openssl: a sentence says what is missing; nothing of the key is left behind', async (t) => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('refero-smime-')).length
  await t.rejects(decryptByOpenssl(Buffer.from('x'), heart.certificate.x509.toString(), heart.key, '/nowhere/openssl'), /install it/)
  t.equal(await decryptByOpenssl(Buffer.from('x'), heart.certificate.x509.toString(), heart.key), null)
  t.ok(readdirSync(tmpdir()).filter((name) => name.startsWith('refero-smime-')).length <= before)
  const [major = 0] = process.versions.node.split('.').map(Number)
  if (major < 22) await t.rejects(open(pki.encrypted(pki.signed(message(), 'bell', 'bell'), 'heart'), { openssl: '/nowhere/openssl' }), /PKCS#1 v1\.5.*install it/)
})

t.test('identities and anchors: PEM, DER, PKCS#12, bundles certs-only and signed; read anew when they change', async (t) => {
  const folder = t.testdir()
  const beside = (name: string) => ({ file: pki.path(name), text: pki.read(name).toString('utf8') })
  openssl(['x509', '-in', pki.path('heart.pem'), '-outform', 'DER', '-out', pki.path('heart.der')])
  openssl(['pkcs8', '-topk8', '-in', pki.path('heart.key'), '-passout', 'pass:opens', '-v2', 'aes256', '-out', pki.path('heart.locked')])
  openssl(['pkcs12', '-export', '-in', pki.path('heart.pem'), '-inkey', pki.path('heart.key'), '-passout', 'pass:opens', '-out', pki.path('heart.p12')])
  const address = 'direct.heart.example'
  for (const settings of [{ certificate: 'heart.pem', key: 'heart.key' }, { certificate: 'heart.der', key: 'heart.locked', passphrase: 'opens' }, { certificate: 'heart.p12', passphrase: 'opens' }, { certificate: pki.read('heart.pem').toString(), key: pki.read('heart.key').toString() }]) {
    const [one] = await identityReader([{ address, ...settings }], { beside })()
    t.ok(one?.certificate.der.equals(heart.certificate.der), settings.certificate.slice(0, 20))
  }
  await t.rejects(identityReader([{ address, certificate: 'heart.p12', passphrase: 'wrong' }], { beside })(), /passphrase/)
  await t.rejects(identityReader([{ address, certificate: 'heart.pem', key: 'bell.key' }], { beside })(), /belongs to none/)
  await t.rejects(identityReader([{ address: 'direct.meadow.example', certificate: 'heart.pem', key: 'heart.key' }], { beside })(), /another address/)
  await t.rejects(identityReader([{ address, certificate: 'nowhere.pem', key: 'x' }], { beside })(), /ENOENT/)

  openssl(['crl2pkcs7', '-nocrl', '-certfile', pki.path('root.pem'), '-certfile', pki.path('other.pem'), '-outform', 'DER', '-out', pki.path('bundle.p7b')])
  openssl(['cms', '-sign', '-binary', '-nodetach', '-in', pki.path('bundle.p7b'), '-outform', 'DER', '-signer', pki.path('heart.pem'), '-inkey', pki.path('heart.key'), '-out', pki.path('signed.p7b')])
  for (const name of ['bundle.p7b', 'signed.p7b']) t.equal(readCertificates(pki.read(name)).length, 2, name)
  t.throws(() => readCertificates(Buffer.from('no')), /neither/)

  const clock = new TestClock()
  const { tools, lines } = connectorTools({ beside, clock, dataFolder: folder })
  let serves = pki.read('signed.p7b')
  let down = false
  let fetched = 0
  const get = async (): Promise<Buffer> => {
    fetched += 1
    if (down) throw new Error('down')
    return serves
  }
  copyFileSync(pki.path('root.pem'), pki.path('anchors.pem'))
  const read = anchorReader({ anchors: ['anchors.pem'], bundles: [{ url: 'https://bundles.example/all.p7b', every: '12h', signer: 'heart.pem' }] }, tools, get)
  t.equal((await read()).length, 3)
  copyFileSync(pki.path('bundle.p7b'), pki.path('anchors.pem'))
  t.equal((await read()).length, 4, 'a file that changed is read again')
  t.equal(fetched, 1, 'a bundle is fetched once')
  down = true
  clock.advance(13 * 3_600_000)
  t.equal((await read()).length, 4, 'a bundle that cannot be fetched stays')
  t.match(lines, [{ level: 'warn', event: /cannot be fetched/ }])
  await read()
  t.equal(fetched, 2, 'and is not asked for at each message')
  down = false
  serves = pki.read('bundle.p7b')
  clock.advance(11 * 60_000)
  t.equal((await read()).length, 4, 'one that its signer did not sign does not take its place')
  t.equal(fetched, 3)
  t.equal(lines.length, 2)
  await t.rejects(anchorReader({ bundles: [{ url: 'https://never.example/x.p7b' }] }, tools, () => Promise.reject(new Error('down')))(), /never been fetched/)
})

const step = (definition: typeof openSmime, settings: Partial<Parameters<typeof openSmime.create>[0]>) => definition.create({ identities: [{ address: 'direct.heart.example', certificate: pki.read('heart.pem').toString(), key: pki.read('heart.key').toString() }], anchors: [pki.read('root.pem').toString()], ...settings }, transformTools())
const arrived = (bytes: Buffer): Message => ({ ...messageOf(format, bytes), receivedAt: new Date() })
const values = (one: Message | undefined, path: string): readonly string[] => (one ? format.read(one.body, path) : [])

t.test('open-smime gives the protected message with who signed it, and nothing that the outside says of that', async (t) => {
  const opener = step(openSmime, {})
  const [opened] = (await opener(arrived(pki.encrypted(pki.signed(message('', 'X-Refero-Signed-By: forged@evil.example\r\nX-Refero-Opened-For: forged@evil.example\r\n'), 'bell', 'bell', withMiddle), 'heart')))) as readonly Message[]
  t.same(values(opened, 'X-Refero-Signed-By'), [THEIRS])
  t.same(values(opened, 'X-Refero-Opened-For'), [OURS])
  t.same(values(opened, 'Subject'), ['Referral of Quillfeather'], 'the inner header wins')
  t.same(values(opened, 'X-Refero-Kind'), [], 'what only we say is not taken from within')
  t.same(values(opened, 'Received'), ['from relay.example'])
  await t.rejects(async () => opener(arrived(message())), /not encrypted/)
  const [plain] = (await step(openSmime, { plain: 'pass' })(arrived(message('', 'X-Refero-Signed-By: forged@evil.example\r\n')))) as readonly Message[]
  t.same(values(plain, 'X-Refero-Signed-By'), [])
  t.throws(() => openSmime.create({ identities: [] }, transformTools()), /nobody is trusted/)
})

t.test('write-mdn answers what was opened, once for each of our addresses, and never a notification or an automatic reply', async (t) => {
  const opened = (header: string, more = ''): Message => arrived(message(more, `X-Refero-Signed-By: ${THEIRS}\r\nX-Refero-Opened-For: ${OURS}, second@direct.heart.example\r\n${header}`))
  const write = (header: string, settings: Parameters<typeof writeMdn.create>[0] = {}) => writeMdn.create(settings, transformTools())(opened(header))
  const made = (await write('')) as readonly Message[]
  t.equal(made.length, 2)
  const text = ((made[0] as Message).body as Mail).raw.toString()
  for (const wanted of [`From: <${OURS}>`, `To: <${THEIRS}>`, 'In-Reply-To: <m1@meadow.example>', `Final-Recipient: rfc822; ${OURS}`, 'Original-Message-ID: <m1@meadow.example>', 'Disposition: automatic-action/MDN-sent-automatically; processed', 'Reporting-UA: direct.heart.example; Refero', 'report-type=disposition-notification']) t.ok(text.includes(`${wanted}`), wanted)
  t.notMatch(text, /Quillfeather|Disposition-Notification-To/)
  t.match(await write('', { disposition: 'dispatched' }), { filtered: /does not ask/ })
  const asks = 'Disposition-Notification-Options: X-DIRECT-FINAL-DESTINATION-DELIVERY=optional, TRUE\r\n'
  t.match(((await write(asks, { disposition: 'dispatched' })) as readonly Message[]).map(({ body }) => (body as Mail).raw.toString()), [/; dispatched\r\nX-DIRECT-FINAL-DESTINATION-DELIVERY/, /dispatched/])
  for (const header of ['Content-Type: multipart/report; boundary=b\r\n', 'Auto-Submitted: auto-replied\r\n', 'Precedence: bulk\r\n', 'List-Id: <x>\r\n', 'Return-Path: <>\r\n']) t.ok('filtered' in (await write(header)), header)
  t.equal(((await write('Auto-Submitted: auto-generated\r\n')) as readonly Message[]).length, 2, 'Direct owes every message of a trusted signer a notification')
  t.ok('filtered' in (await writeMdn.create({ recipient: OURS }, transformTools())(arrived(message('', 'Auto-Submitted: auto-generated\r\n')))))
  const again = await writeMdn.create({}, transformTools())(made[0] as Message)
  t.ok('filtered' in again, 'no answer to an answer')
})

t.test('whatever is done to a message, it is opened or refused with a fault', async (t) => {
  const good = sealMail(message(), { identity: bell, recipients: [heart.certificate], cipher: 'aes-256-cbc', transport: 'rsa-oaep-sha256', at: new Date() })
  const der = Buffer.from(good.toString().split('\r\n\r\n')[1] ?? '', 'base64')
  const signed = pki.signed(message(), 'bell', 'bell', withMiddle)
  let seed = 4711
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % below
  }
  const spoil = (bytes: Buffer): Buffer => {
    const copy = Buffer.from(bytes)
    for (let n = 1 + random(4); n > 0; n -= 1) copy[random(copy.length)] = random(256)
    return random(5) === 0 ? copy.subarray(0, random(copy.length)) : copy
  }
  for (let n = 0; n < 400; n += 1) {
    const bytes = n % 2 === 0 ? mailOf(spoil(der)) : mailOf(encrypt(spoil(signed), [heart.certificate], 'aes-256-cbc', 'rsa-oaep-sha256'))
    const error = await open(bytes).then(() => null, (thrown: unknown) => thrown)
    if (error !== null && !(error instanceof MessageFault)) t.fail(`round ${n}: ${String(error)}`)
  }
  const deep = Buffer.concat([...Array.from({ length: 200_000 }, () => Buffer.from([0x30, 0x80])), Buffer.alloc(400_000)])
  await t.rejects(open(mailOf(deep)), /malformed/, 'nested without end')
  t.pass('all were')
})
