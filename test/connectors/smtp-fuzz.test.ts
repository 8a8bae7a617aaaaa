/** Whatever strangers say to the SMTP door: it answers in SMTP or closes, never crashes or hangs, keeps nothing that was not a whole mail, and serves others meanwhile. */
import { connect } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import source from '../../connectors/smtp/source.js'
import type { Inbound } from '../../engine/contracts.js'
import { accepted, testTools } from './tools.js'

const SEED = 20_261_124
const MAIL = 'From: bell@meadow.example\r\nSubject: Referral\r\n\r\nPlease see Quillfeather.\r\n'
const RECIPIENT = 'referrals@heart.example'

const said: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(
    'EHLO meadow.example\r\n', 'HELO meadow.example\r\n', 'MAIL FROM:<bell@meadow.example>\r\n', 'MAIL FROM:<> SIZE=10 BODY=8BITMIME\r\n', `RCPT TO:<${RECIPIENT}>\r\n`, `RCPT TO:<${RECIPIENT}> NOTIFY=NEVER ORCPT=rfc822;x\r\n`,
    'DATA\r\n', `${MAIL}.\r\n`, '.\r\n', '..\r\n', 'RSET\r\n', 'NOOP\r\n', 'VRFY bell\r\n', 'EXPN x\r\n', 'HELP\r\n', 'STARTTLS\r\n', 'AUTH PLAIN AGJlbGwAeA==\r\n', 'AUTH LOGIN\r\n', 'YmVsbA==\r\n', '*\r\n', 'BDAT 10 LAST\r\n', 'QUIT\r\n',
    'MAIL FROM:<bell@meadow.example> SIZE=99999999999999999999\r\n', 'MAIL FROM:bell\r\n', 'RCPT TO:<\r\n', 'RCPT TO:<@a,@b:referrals@heart.example>\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'XCLIENT ADDR=1.2.3.4\r\n', 'XFORWARD ADDR=1.2.3.4\r\n',
  ) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('MAIL FROM:', 'RCPT TO:', 'EHLO ', 'AUTH ', 'DATA', ''), fc.string({ maxLength: 60, unit: 'binary' }), fc.constantFrom('\r\n', '\n', '\r', '')).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('EHLO ', 'MAIL FROM:<', 'NOOP ', ''), fc.constantFrom('a', '<', '\0', ' ', '\x80', '"'), fc.integer({ min: 500, max: 70_000 })).map(([verb, letter, many]) => `${verb}${letter.repeat(many)}\r\n`) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')) },
)
const rarely = fc.integer({ min: 0, max: 9 }).map((n) => n === 0)
/** A conversation; whether its sender is gone in the middle (else its end is told, by a half-closed socket), and speaks before it is greeted. */
const conversation = fc.record({ greeted: fc.boolean(), pieces: fc.array(said, { minLength: 1, maxLength: 14 }), gone: rarely, soon: rarely })

t.test('whatever is said to the door is answered in SMTP or closed, and others are served meanwhile', async (t) => {
  const tools = testTools('')
  const taken: Inbound[] = []
  const made = source.create({ port: 0, recipients: [RECIPIENT], maximum: '64kB', memory: '1MB', connections: 20, rate: { mails: 1_000_000, within: '1m' }, users: [{ user: 'bell', password: 'x' }] }, tools)
  const port = Number(new URL(await made.start(async (inbound) => {
    taken.push(inbound)
    return accepted
  })).port)
  t.teardown(() => made.stop())

  const talk = (text: string, { gone, soon } = { gone: false, soon: false }): Promise<string> => new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let heard = ''
    socket.on('error', (error: NodeJS.ErrnoException) => (['ECONNRESET', 'EPIPE'].includes(error.code ?? '') ? resolve(heard) : reject(error)))
    const say = (): void => void socket.write(text, 'latin1', () => (gone ? socket.destroy() : socket.end()))
    socket.on('data', (bytes) => { heard += bytes.toString('latin1') })
    if (soon) say()
    else socket.once('data', say)
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(heard))
  })
  const good = `EHLO meadow.example\r\nAUTH PLAIN AGJlbGwAeA==\r\nMAIL FROM:<bell@meadow.example>\r\nRCPT TO:<${RECIPIENT}>\r\nDATA\r\n`

  let kept = 0
  await fc.assert(fc.asyncProperty(fc.array(conversation, { minLength: 8, maxLength: 8 }), async (strangers) => {
    const before = taken.length
    const talks = strangers.map(({ greeted, pieces, ...manners }) => talk(`${greeted ? good : ''}${pieces.join('')}`, manners))
    const other = await talk(`${good}${MAIL}.\r\nQUIT\r\n`)
    if (!/^250 .*Kept\r\n221 /m.test(other)) throw new Error(`others are not served: ${other}`)
    const heard = (await Promise.all(talks)).map((one) => one.split('\r\n').slice(0, -1))
    for (const line of heard.flat()) {
      if (!/^[245]\d\d[ -]|^334 |^354 /.test(line)) throw new Error(`this is no answer of SMTP: ${line}`)
      if (/Quillfeather|at .*\.js:|TypeError/.test(line)) throw new Error(`an answer quotes what was sent, or the program: ${line}`)
    }
    const told = heard.flat().filter((line) => /^250 .*Kept$/.test(line)).length
    const more = taken.length - before - 1
    if (more < told || more > told + strangers.filter(({ gone }) => gone).length) throw new Error(`${more} mails were kept, and ${told} were said to be`)
    if (taken.slice(before).some(({ bytes }) => bytes.length > 70_000)) throw new Error('more was kept than one mail may have')
    kept += more
  }), { numRuns: 60, seed: SEED, endOnFailure: true })
  t.ok(kept > 20, `${kept} of what was said were mails`)
  const counted = (): number => made.connections?.() ?? 0
  while (counted() > 0) await new Promise(setImmediate)
  t.equal(counted(), 0, 'no connection is left behind')
  t.notMatch(JSON.stringify(tools.events), /Quillfeather/)
})
