/** The imap source against dovecot: what has just arrived, what cannot be kept or read, where mails go, and that a crash neither loses nor doubles one. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import source from '../../connectors/imap/source.js'
import type { Inbound, Reply } from '../../engine/contracts.js'
import { Dovecot, options } from './dovecot.js'
import { accepted, failing, rejected, testTools } from './tools.js'

type Settings = Parameters<typeof source.create>[0]

const mail = (n: number, more = ''): string => `From: bell@meadow.example\r\nTo: referrals@heart.example\r\nSubject: Referral ${n}\r\nMessage-ID: <${n}@meadow.example>\r\n${more}\r\nPlease see Quillfeather ${n}.\r\n`

t.test('the imap source and dovecot', options, async (t) => {
  const dovecot = new Dovecot()
  await dovecot.start()
  t.teardown(async () => {
    await dovecot.kill()
    rmSync(dovecot.folder, { recursive: true, force: true })
  })

  const reading = (settings: Partial<Settings> = {}, reply: (inbound: Inbound) => Reply | Promise<Reply> = () => accepted, dataFolder = t.testdir()) => {
    const tools = testTools(dataFolder)
    const taken: Inbound[] = []
    const waiting: { readonly count: number; readonly done: () => void }[] = []
    const made = source.create({ host: '127.0.0.1', port: dovecot.port, tls: 'none', user: 'desk', password: 'right', ...settings }, tools)
    return {
      tools, taken, made, dataFolder,
      start: () => made.start(async (inbound) => {
        taken.push(inbound)
        const said = await reply(inbound)
        for (const one of waiting) if (taken.length >= one.count) one.done()
        return said
      }),
      took: (count: number): Promise<void> => (taken.length >= count ? Promise.resolve() : new Promise((done) => waiting.push({ count, done }))),
      waiting: (): Promise<void> => tools.clock.asleep(60_000),
    }
  }

  await t.test('a mail is taken when it arrives, by IDLE, once and as it is; a stop is clean', async (t) => {
    dovecot.clear()
    dovecot.deliver(mail(1))
    const { start, taken, took, made, waiting, tools } = reading()
    t.match(await start(), /^imap:\/\/127\.0\.0\.1:\d+\/INBOX$/)
    await took(1)
    await waiting()
    dovecot.deliver(mail(2))
    await took(2)
    t.equal(taken[1]?.bytes.toString(), mail(2))
    t.match(taken[1]?.key, /^imap:desk@127\.0\.0\.1:\d+\/INBOX;validity=\d+;uid=2$/)
    await made.stop()
    t.equal(made.connections?.(), 0)
    const again = reading()
    await again.start()
    await again.waiting()
    await again.made.stop()
    t.same(again.taken, [], 'what was marked as read is not taken again')
    t.notMatch(JSON.stringify(tools.events), /Quillfeather|bell@/)
  })

  await t.test('over STARTTLS with a certificate that is known, and only with the password', async (t) => {
    dovecot.clear()
    dovecot.deliver(mail(1))
    const ca = readFileSync(join(dovecot.folder, 'server.pem'), 'utf8')
    const { start, took, made } = reading({ tls: 'required', ca })
    await start()
    await took(1)
    await made.stop()
    await t.rejects(reading({ tls: 'required' }).start(), /certificate is not trusted/)
    await t.rejects(reading({ password: 'wrong' }).start(), /not accepted there/)
    await t.rejects(reading({ tls: 'implicit' }).start(), /does not speak TLS|cannot be reached/)
    await t.rejects(reading({ mailbox: 'Nowhere' }).start(), /cannot be opened/)
  })

  await t.test('a store that fails keeps the mail where it is, and the order', async (t) => {
    dovecot.clear()
    for (const n of [1, 2]) dovecot.deliver(mail(n))
    let works = false
    const { start, taken, took, made, tools } = reading({ after: 'delete' }, () => (works ? accepted : failing))
    await start()
    await took(1)
    await tools.clock.asleep(1000)
    t.equal(dovecot.count(), 2)
    works = true
    tools.clock.advance(1000)
    await took(3)
    await tools.clock.asleep(60_000)
    t.same(taken.map(({ bytes }) => /Referral (\d)/.exec(bytes.toString())?.[1]), ['1', '1', '2'])
    t.equal(dovecot.count(), 0, 'and what is kept is deleted')
    await made.stop()
  })

  await t.test('what is kept is moved; what is rejected, too large or pretends is moved elsewhere, and others go on', async (t) => {
    dovecot.clear()
    dovecot.deliver(mail(1))
    dovecot.deliver(mail(2, `X-Filler: ${'x'.repeat(9000)}\r\n`))
    dovecot.deliver(mail(3, 'X-Refero-Kind: fax-status\r\n'))
    dovecot.deliver(mail(4))
    const { start, took, made, waiting, tools } = reading({ after: 'move', done: 'Taken', failed: 'Failed', maximum: '8kB' }, ({ bytes }) => (bytes.includes('Referral 1') ? rejected : accepted))
    await start()
    await took(2)
    await waiting()
    await made.stop()
    t.same([dovecot.count(), dovecot.count('.Taken'), dovecot.count('.Failed')], [0, 1, 3])
    t.equal(tools.events.filter(({ level }) => level === 'warn').length, 3)
    dovecot.deliver(mail(5))
    const left = reading({}, () => rejected)
    await left.start()
    await left.took(1)
    await left.waiting()
    await left.made.stop()
    t.match(readdirSync(join(dovecot.folder, 'mail/Maildir/cur')).join(), /:2,FS/, 'without such a folder it is flagged')
  })

  await t.test('a crash after a mail was kept gives it again by the same key, and then goes on from there', async (t) => {
    dovecot.clear()
    for (const n of [1, 2, 3]) dovecot.deliver(mail(n))
    const folder = t.testdir()
    let crash: () => void = () => {}
    const first = reading({ take: 'all' }, ({ bytes }) => (bytes.includes('Referral 2') ? new Promise<Reply>((_, reject) => {
      crash = () => reject(new Error('gone'))
    }) : accepted), folder)
    await first.start()
    while (first.taken.length < 2) await new Promise(setImmediate)
    const stopped = first.made.stop()
    crash()
    await stopped
    const second = reading({ take: 'all' }, () => accepted, folder)
    await second.start()
    await second.took(2)
    await second.waiting()
    await second.made.stop()
    t.same(second.taken.map(({ key }) => key?.split('uid=')[1]), ['2', '3'])
    t.equal(second.taken[0]?.key, first.taken[1]?.key)
    const third = reading({ take: 'all' }, () => accepted, folder)
    await third.start()
    await third.waiting()
    await third.made.stop()
    t.same(third.taken, [])
  })

  await t.test('a server that dies is found again', async (t) => {
    dovecot.clear()
    const { start, took, made, waiting, tools } = reading()
    await start()
    await waiting()
    await dovecot.kill()
    await tools.clock.asleep(1000)
    tools.clock.advance(1000)
    await tools.clock.asleep(2000)
    await dovecot.start()
    dovecot.deliver(mail(1))
    tools.clock.advance(2000)
    await took(1)
    await waiting()
    t.match(tools.events.filter(({ level }) => level !== 'debug'), [{ level: 'warn' }, { level: 'info', event: 'a mailbox is read again' }])
    await made.stop()
  })
})

t.test('settings that contradict each other are refused in a sentence', async (t) => {
  const make = (settings: Partial<Settings>) => (): unknown => source.create({ host: 'mail.heart.example', user: 'desk', password: 'x', ...settings }, testTools(''))
  t.throws(make({ token: 'y' }), /either `password` or `token`/)
  t.throws(make({ tls: 'none' }), /in the clear/)
  t.throws(make({ after: 'move' }), /go together/)
  t.throws(make({ done: 'Taken' }), /go together/)
  t.throws(make({ failed: 'INBOX' }), /other folders/)
})
