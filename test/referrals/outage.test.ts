/** Others are down for an hour: nothing is lost, nobody waits for an answer who can have one, and what is late is said once. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Watching } from '../../engine/watch/watching.js'
import { loadConfiguration } from '../../config/loader.js'
import { acknowledgement, deframe } from '../bench/frames.js'
import { passingClock } from '../crash/referral-clock.js'
import { keyOnWire, placerOf, referral } from '../crash/referral-messages.js'
import { CHANNELS, channelsOf, openPractice, type Practice } from '../crash/referral-world.js'
import { framed, freePort, sendRaw } from '../product/product.js'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const MONDAY = '2026-03-02T15:00:00.000Z' // 9:00 in Chicago
const RETRY = 'retry: { every: 2s, growth: 2, longest: 5m }'

const folderFor = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'refero-outage-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

t.test('the EHR is down for an hour in which a hundred referrals come: each is acknowledged in time, handed off in order, and said once to be late', async (t) => {
  const folder = folderFor(t)
  const [intake, ehr] = [await freePort(), await freePort()]
  const clock = passingClock(MONDAY)
  const mails: string[] = []
  let bundles = 0
  const counted = <Target extends object>(target: Target, name: string): Target => {
    const { bundle } = target as { readonly bundle?: (id: string) => Promise<string | null> }
    return clock.watched(name === 'desk' && bundle ? { ...target, bundle: (id: string) => { bundles++; return bundle(id) } } : target)
  }
  const channels = await channelsOf(folder, {
    ...CHANNELS,
    'intake': `${CHANNELS.intake}`.replace('hand: {}', `mllp: { port: ${intake} }`),
    'hand-off': `${CHANNELS['hand-off']}`.replace('wire: {}', `mllp: { host: 127.0.0.1, port: ${ehr} }`).replace(/retry: .*/, RETRY).concat('\nwatch: { oldest: 5m }'),
  })
  const { settings } = loadConfiguration({ environment: {} })
  const open = (): Promise<Practice> => openPractice({
    folder, clock, channels, wrap: counted, watching: new Watching({ ...settings.watch, disk: '0%', zone: 'UTC' }, folder, clock, () => {}),
    deliver: async (_channel, payload) => {
      mails.push(payload.toString())
      return { kind: 'sent' }
    },
  })

  let practice = await open()
  for (let n = 0; n < 100; n++) {
    t.match(await sendRaw(intake, framed(referral(n))), /\rMSA\|AA\|/, `referral ${n} is taken`)
    await clock.pass(36 * SECOND)
    if (n === 49) {
      await practice.close()
      practice = await open()
    }
  }
  const arrived: string[] = []
  const receiver = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', deframe((frame) => {
      arrived.push(frame.toString('latin1'))
      socket.write(acknowledgement(keyOnWire(frame)))
    }))
  }).listen(ehr, '127.0.0.1')
  await once(receiver, 'listening')
  t.teardown(() => receiver.close())
  await clock.pass(20 * MINUTE)

  const states = [...(await practice.referrals.search({ limit: 1000 }))].reverse()
  t.equal(states.length, 100, 'a hundred referrals')
  t.same(states.filter(({ stage, toTell }) => stage !== 'handed-off' || Object.keys(toTell).length > 0).map(({ reference, stage, toTell }) => ({ reference, stage, toTell })), [], 'each is handed off, and nothing is left to tell')
  t.same(arrived.map((message) => /\rRF1(?:\|[^|\r]*){5}\|([^|^\r]*)/.exec(message)?.[1]), Array.from({ length: 100 }, (_, n) => placerOf(n)), 'the EHR has each once, in the order in which they came')
  t.equal(new Set(mails.map((mail) => keyOnWire(Buffer.from(mail)))).size, 100, 'a hundred letters')
  t.equal(mails.length, 100, 'each sent once')

  const wrong: string[] = []
  for (const { id, reference, receivedAt, times } of states) {
    const events = await practice.referrals.events(id)
    const overdue = events.flatMap(({ name, facts: { duty } }) => (name === 'overdue' && duty ? [duty] : []))
    const late = Date.parse(times['handed-off'] ?? '') - Date.parse(receivedAt) > 15 * MINUTE
    if (overdue.some(({ kind }) => kind === 'acknowledgement')) wrong.push(`${reference} was acknowledged late`)
    if (overdue.filter(({ kind }) => kind === 'hand-off').length !== (late ? 1 : 0)) wrong.push(`${reference} was said ${overdue.length} times to be late, and it ${late ? 'was' : 'was not'}`)
    if (new Set(overdue.map(({ id: duty, level }) => `${duty} ${level}`)).size < overdue.length) wrong.push(`${reference} was said twice to be late`)
    if (events.some(({ facts }) => facts.notice?.doubtful)) wrong.push(`${reference} may have been sent twice, though nobody answered`)
  }
  t.same(wrong, [], 'what is late is said once, and nothing else')
  const moments = await practice.engine.world.watching?.incidents.moments.after(0, AbortSignal.timeout(1), () => ({ channel }) => channel === 'hand-off')
  t.same(moments?.map(({ moment, kind }) => `${kind} ${moment}`), ['oldest opened', 'oldest resolved'], 'people heard of it once, and that it is over')
  t.ok(bundles < 1_000, `what waits is not made again and again: ${bundles} bundles were read`)
  await practice.close()
})
