/** Troubles of mail with the whole product, over real sockets: what a sender hears and what is kept when the store fails, a sender is slow, a mail is too large or a password is wrong. */
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createTransport } from 'nodemailer'
import { SMTPServer } from 'smtp-server'
import t from 'tap'
import { Dovecot, options as withDovecot } from '../connectors/dovecot.js'
import { makeCertificates } from '../connectors/tools.js'
import { attachment, attribute, tnef } from '../engine/formats/tnef-maker.js'
import { type Answer, fixture, freePort, ROOT, startProduct, until } from './product.js'

const folder = mkdtempSync(join(tmpdir(), 'refero-mail-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

/** A mail server of the practices that wants a password: counts who tries, and takes the letters of who knows it. */
makeCertificates(folder, ['mail'])
let password = 'right'
let tries = 0
const letters: string[] = []
const server = new SMTPServer({
  key: readFileSync(join(folder, 'mail.key')), cert: readFileSync(join(folder, 'mail.pem')), logger: false,
  onAuth: (given, _session, done) => {
    tries += 1
    done(given.password === password ? null : new Error('wrong'), { user: given.username })
  },
  onRcptTo: ({ address }, _session, done) => {
    letters.push(address)
    done()
  },
  onData: (stream, _session, done) => {
    stream.resume()
    stream.on('end', () => done())
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

/** The shipped channels; the door with small limits, letters with a password, and what waits is told of soon. */
mkdirSync(join(folder, 'channels'))
const edited = (name: string, ...edits: readonly (readonly [string, string])[]): void => {
  const text = edits.reduce((all, [from, to]) => {
    if (!all.includes(from)) throw new Error(`${name} does not say ${from} any more`)
    return all.replace(from, to)
  }, readFileSync(join(ROOT, 'channels', `${name}.yaml`), 'utf8'))
  writeFileSync(join(folder, 'channels', `${name}.yaml`), text)
}
edited('referrals-email', ['recipients:', 'maximum: 200kB, within: 3s, recipients:'])
edited('loop-email', ['tls: "${REFERO_EMAIL_TLS:none}" }', `tls: required, ca: ${JSON.stringify(join(folder, 'mail.pem'))}, servername: mail, user: desk, password: "\${secret:mail}" }`], ['every: 5s, growth: 2, longest: 10m', 'every: 200ms, growth: 2, longest: 1m'], ['oldest: 15m', 'oldest: 1s'])
edited('referrals-mailbox', ['disconnected: 15m', 'disconnected: 1s'])
copyFileSync(join(ROOT, 'channels/loop-file.yaml'), join(folder, 'channels/loop-file.yaml'))
const door = await freePort()
const product = await startProduct(t, { folder, env: {
  REFERO_EMAIL_IN_PORT: String(door), REFERO_LOOP_EMAIL: 'true', REFERO_EMAIL_PORT: String((server.server.address() as AddressInfo).port), REFERO_SECRET_MAIL: 'right', REFERO_WATCH_EVERY: '100ms', REFERO_WATCH_DISK: '0%', REFERO_WATCH_GRACE: '200ms',
  ...(!withDovecot.skip && { REFERO_MAILBOX: 'true', REFERO_MAILBOX_PORT: String(dovecot.port), REFERO_MAILBOX_TLS: 'none', REFERO_MAILBOX_USER: 'desk', REFERO_MAILBOX_PASSWORD: 'right' }),
} })
const transport = createTransport({ host: '127.0.0.1', port: door, ignoreTLS: true })
t.teardown(() => transport.close())

const mail = (id: string, text = 'Please see Marnie Tarr.'): string => `From: Elm Office <${id}@elm.example>\r\nTo: referrals@heart.example\r\nSubject: patient\r\nMessage-ID: <${id}@elm.example>\r\n\r\n${text}\r\n`
const send = (id: string, raw: string | Buffer = mail(id)): Promise<unknown> => transport.sendMail({ envelope: { from: `${id}@elm.example`, to: 'referrals@heart.example' }, raw })
const messages = async (id: string): Promise<readonly Answer[]> => (await product.api('/api/messages?channel=referrals-email&limit=200')).body.messages.filter(({ header }: Answer) => header.controlId === `<${id}@elm.example>`)
const referrals = async (): Promise<readonly Answer[]> => (await product.api('/api/referrals?limit=200')).body.referrals
const incidents = async (channel: string, state = 'open'): Promise<readonly Answer[]> => (await product.api('/api/incidents?limit=500')).body.incidents.filter((one: Answer) => one.channel === channel && one.state === state)
/** What is heard on a connection until it is closed. */
const talk = (text: string, end: boolean): Promise<string> => new Promise((resolve) => {
  const socket = connect(door, '127.0.0.1')
  let heard = ''
  socket.on('error', () => {})
  socket.on('close', () => resolve(heard))
  socket.on('data', (bytes) => { heard += bytes.toString('latin1') })
  socket.once('data', () => (end ? socket.end(text) : socket.write(text)))
})
const begin = (id: string, parameters = ''): string => `EHLO elm.example\r\nMAIL FROM:<${id}@elm.example>${parameters}\r\nRCPT TO:<referrals@heart.example>\r\nDATA\r\n`

t.test('a mail that arrives while the store fails is answered 451 and kept nowhere; sent again it is one referral', async (t) => {
  const store = new Database(join(folder, 'data/messages.db'), { fileMustExist: true })
  store.exec('begin immediate')
  await t.rejects(send('locked'), /^.*451/)
  store.exec('rollback')
  store.close()
  t.same(await messages('locked'), [])
  const before = (await referrals()).length
  await send('locked')
  await send('locked')
  await until(async () => (await referrals()).length > before, product.output)
  await until(() => letters.includes('locked@elm.example'), product.output)
  t.equal((await messages('locked')).length, 1)
  t.equal((await referrals()).length, before + 1)
})

t.test('a sender that stops in the middle is told 421, half a mail is none, and others go on', async (t) => {
  const slow = talk(`${begin('slow')}${mail('slow').slice(0, 90)}`, false)
  const silent = talk('', false)
  await send('quick')
  t.match(await slow, /^354 .*\r\n421 [^\r]*not arrive in time/m)
  t.match(await silent, /^421 /m)
  t.same(await messages('slow'), [])
  t.equal((await messages('quick')).length, 1)
})

t.test('a mail that says that it is too large, or is, is answered 552 and not kept; one that lies about its size is counted', async (t) => {
  t.match(await talk(`${begin('announced', ' SIZE=300000')}QUIT\r\n`, true), /^552 /m)
  const large = mail('large', 'Quillfeather\r\n'.repeat(20_000))
  t.match(await talk(`${begin('large', ' SIZE=100')}${large}.\r\nQUIT\r\n`, true), /^552 [^\r]*\r\n221 /m)
  await t.rejects(send('large', large), /552/)
  t.same([...(await messages('large')), ...(await messages('announced'))], [])
  await send('small')
  t.equal((await messages('small')).length, 1)
  t.notMatch(product.output(), /Quillfeather/)
})

t.test('a winmail.dat is opened: its C-CDA document is the referral, and its picture is kept with it', async (t) => {
  const ccda = readFileSync(fixture('xml/referral-note.xml'))
  const pdf = Buffer.from('%PDF-1.4\n%%EOF\n')
  const winmail = tnef(attribute(1, 0x00069007, Buffer.from([0xe4, 0x04, 0, 0, 0, 0, 0, 0])), attribute(1, 0x0002800c, Buffer.from('Please see the note.\0')), ...attachment('note.xml', ccda), ...attachment('ecg.pdf', pdf))
  const before = new Set((await referrals()).map(({ reference }) => reference))
  await transport.sendMail({ from: 'outlook@elm.example', to: 'referrals@heart.example', subject: 'patient', attachments: [{ filename: 'winmail.dat', contentType: 'application/ms-tnef', content: winmail }] })
  let found: readonly Answer[] = []
  await until(async () => {
    found = (await referrals()).filter(({ reference }) => !before.has(reference))
    return found.length > 0
  }, product.output)
  t.equal(found.length, 1)
  const { entry = [] } = (await product.api(`/api/referrals/${found[0].reference}/bundle`)).body
  t.equal(entry.find(({ resource }: Answer) => resource.resourceType === 'Patient')?.resource.name[0].family, 'Quillfeather')
  const documents = entry.flatMap(({ resource }: Answer) => (resource.resourceType === 'DocumentReference' ? resource.content.map(({ attachment: one }: Answer) => [one.contentType, one.title]) : []))
  t.match(documents.find(([type]: Answer) => type === 'application/pdf'), ['application/pdf', 'ecg.pdf'])
  t.ok(documents.some(([type]: Answer) => /text\/plain/.test(type)), 'and its text')
})

t.test('a mailbox whose password is changed is an incident that says so, tried seldom, and goes on with the right one', withDovecot, async (t) => {
  dovecot.password = 'other'
  await dovecot.kill()
  await dovecot.start()
  await until(async () => (await incidents('referrals-mailbox')).some(({ because }) => /our user and password or token are not accepted there/.test(because ?? '')), product.output)
  t.equal(product.output().split('\n').filter((line) => line.includes('a mailbox cannot be read')).length, 1, 'it is said once')
  t.match((await product.api('/api/channels')).body.channels.find(({ name }: Answer) => name === 'referrals-mailbox').trouble, /not accepted there/)
  dovecot.password = 'right'
  await dovecot.kill()
  await dovecot.start()
  dovecot.deliver(mail('mailbox'))
  await until(async () => (await messages('mailbox')).length === 1, product.output)
  await until(async () => (await incidents('referrals-mailbox')).length === 0, product.output)
})

t.test('a mail server that does not know our password is an incident that says so; the letters wait, and are sent once it does', async (t) => {
  password = 'changed'
  for (const connection of [...server.connections]) connection.send(421, 'Come again') // one that is open needs no password
  const before = tries
  await send('waits', mail('waits', 'Chest pain; please see Berta Holm, who is new to us.').replace('Elm Office', 'Elm Street Office'))
  await until(async () => (await incidents('loop-email')).some(({ kind, because }) => kind === 'oldest' && /our user and password are not accepted there/.test(because ?? '')), () => `${tries - before} tries, letters to ${letters.join(' ')}\n${product.output()}`)
  t.ok(tries - before <= 8, `it was tried ${tries - before} times, later each time`)
  t.notOk(letters.includes('waits@elm.example'))
  password = 'right'
  await until(() => letters.includes('waits@elm.example'), product.output)
  t.equal(letters.filter((one) => one === 'waits@elm.example').length, 1)
})
