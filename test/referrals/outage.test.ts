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

const GIVEN_UP = 'retry: { every: 10s, growth: 1, longest: 1m, attempts: 3 }'
const BY_FAX = `${CHANNELS.loop}`.replace('name: loop', 'name: fax').replace('by: [email]', 'by: [fax]').replace(/retry: .*/, GIVEN_UP)
/** Who sends it has a fax, which is tried first, and an address. */
const withFax = (n: number): string => referral(n).replace('~^NET^Internet^', '~^WPN^FX^^^608^5550143~^NET^Internet^')

/** A practice that writes by fax and by e-mail, where each is down until it is mended; `faults` are to happen to the desk's store. */
async function letters(t: Test, faults: string[] = []) {
  const folder = folderFor(t)
  const clock = passingClock(MONDAY)
  const down = new Set<string>()
  const sent: string[] = []
  const channels = await channelsOf(folder, { ...CHANNELS, 'loop': `${CHANNELS.loop}`.replace(/retry: .*/, GIVEN_UP), 'fax': BY_FAX })
  const open = (...resting: readonly string[]): Promise<Practice> => openPractice({
    folder, clock, channels: channels.filter(({ definition }) => !resting.includes(definition.name)), wrap: (target) => clock.watched(failing(target, faults)),
    deliver: async (channel, payload) => {
      if (down.has(channel)) return { kind: 'unavailable', reason: 'nobody answers' }
      sent.push(`${channel} ${/^X-Refero-Kind: (\S+)/m.exec(payload.toString())?.[1] ?? 'referral'}`)
      return { kind: 'sent' }
    },
  })
  return { clock, down, sent, open, start: (practice: Practice): Promise<void> => practice.engine.apply(channels, []) }
}

/** Fails the next call that begins like a fault: its name and what it is given. */
const failing = <Target extends object>(target: Target, faults: string[]): Target => new Proxy(target, {
  get: (object, key) => {
    const value = Reflect.get(object, key) as unknown
    if (typeof value !== 'function') return value
    return (...given: unknown[]) => {
      const met = faults.findIndex((fault) => `${String(key)} ${JSON.stringify(given)}`.startsWith(fault))
      return met < 0 ? value.apply(object, given) : Promise.reject(new Error(`${faults.splice(met, 1)} failed`))
    }
  },
})

const only = async ({ referrals }: Practice) => {
  const [state] = await referrals.search({ limit: 1 })
  if (!state) throw new Error('there is no referral')
  return { state, names: (await referrals.events(state.id)).map(({ name }) => name) }
}

t.test('a letter whose way is down takes the next, and is told once when both are back', async (t) => {
  const { clock, down, sent, open } = await letters(t)
  down.add('fax')
  let practice = await open()
  await practice.send('intake', withFax(1))
  await clock.pass(5 * MINUTE)
  t.same([...sent].sort(), ['hand-off referral', 'loop letter/acknowledgement'], 'the acknowledgement went by e-mail')
  const { state, names } = await only(practice)
  t.same([state.toTell, state.holds], [{}, {}], 'and nothing waits for anybody')
  t.equal(names.filter((name) => name === 'acknowledged').length, 1)
  down.clear()
  await practice.close()
  practice = await open()
  await clock.pass(60 * MINUTE)
  t.equal(sent.length, 2, 'it is not told again, by fax or otherwise')
  await practice.close()
})

for (const restart of [false, true]) {
  t.test(`a letter whose every way is down waits for a person, and is told once when it is sent again${restart ? ', a restart in between' : ''}`, async (t) => {
    const { clock, down, sent, open } = await letters(t)
    for (const channel of ['fax', 'loop']) down.add(channel)
    let practice = await open()
    await practice.send('intake', withFax(1))
    await clock.pass(10 * MINUTE)
    const failed = await only(practice)
    t.match(failed.state.holds.notice?.reason, /acknowledgement .* by email was not delivered: .*nobody answers/, 'it is on the worklist, with the reason')
    t.not(Object.keys(failed.state.toTell).length, 0, 'and is owed still')
    t.same(sent, ['hand-off referral'])
    if (restart) {
      await practice.close()
      practice = await open()
      await clock.pass(5 * MINUTE)
    }
    down.clear()
    const [message] = await practice.store.search({ channel: 'loop', status: 'error', limit: 1 })
    t.equal(await practice.store.replay(message?.id ?? 0, 'deliveries', null, 'Rosa Alvarez', clock.now()), 1, 'a person sends it again')
    practice.engine.wake('loop', message?.id ?? 0)
    await clock.pass(5 * MINUTE)
    const { state, names } = await only(practice)
    t.same([state.toTell, state.holds], [{}, {}], 'the desk knows that it has arrived')
    t.same(names.filter((name) => name === 'acknowledged' || name === 'notice-failed'), ['notice-failed', 'acknowledged'])
    t.same(sent, ['hand-off referral', 'loop letter/acknowledgement'], 'it was told once')
    await practice.close()
  })
}

t.test('a channel that rests while its receiver is down loses nothing, and the desk hears what became of it', async (t) => {
  const { clock, down, sent, open } = await letters(t)
  down.add('hand-off')
  const practice = await open()
  await practice.send('intake', referral(1))
  await clock.pass(10 * MINUTE) // the channels have started long ago
  const channel = practice.engine.channel('hand-off')
  const others = ['intake', 'feedback', 'loop', 'fax'].flatMap((name) => practice.engine.channel(name) ?? [])
  await practice.engine.apply(others, [])
  await clock.pass(10 * MINUTE)
  down.clear()
  await practice.engine.apply([...others, ...(channel ? [channel] : [])], [])
  await clock.pass(10 * MINUTE)
  const { state, names } = await only(practice)
  t.equal(sent.filter((one) => one === 'hand-off referral').length, 1, 'the EHR has it once')
  t.equal(state.stage, 'handed-off')
  t.same([state.toTell, state.holds], [{}, {}])
  t.equal(names.filter((name) => name === 'handed-off').length, 1)
  await practice.close()
})

for (const [what, restarts] of [['', false], [', restarts in between', true]] as const) {
  t.test(`what was given to a channel before it rested for long waits for it, and what came meanwhile goes when it is back${what}`, async (t) => {
    const { clock, down, sent, open, start } = await letters(t)
    for (const channel of ['hand-off', 'loop']) down.add(channel)
    let practice = await open()
    await practice.send('intake', referral(1))
    await practice.send('intake', referral(2))
    await clock.pass(15_000)
    const rest = async (): Promise<void> => {
      await practice.close()
      practice = await open('hand-off', 'loop')
    }
    if (restarts) await rest()
    else await practice.engine.apply(['intake', 'feedback', 'fax'].flatMap((name) => practice.engine.channel(name) ?? []), [])
    await practice.send('intake', referral(3))
    await clock.pass(20 * MINUTE)
    if (restarts) {
      await rest()
      await clock.pass(20 * MINUTE)
    }
    const states = await practice.referrals.search({ limit: 10 })
    t.match(states[0]?.holds, { 'hand-off': { reason: /no channel hands on to epic-main/ }, 'notice': { reason: /no channel goes by email/ } }, 'a person sees that nobody carries what came meanwhile')
    t.same(sent, [], 'and nothing went')
    down.clear()
    await start(practice)
    await clock.pass(20 * MINUTE)
    const after = await practice.referrals.search({ limit: 10 })
    t.same(after.map(({ stage, toTell, holds }) => ({ stage, toTell, holds })), [1, 2, 3].map(() => ({ stage: 'handed-off', toTell: {}, holds: {} })), 'all has arrived, and nothing waits')
    t.same([...sent].sort(), [...[1, 2, 3].map(() => 'hand-off referral'), ...[1, 2, 3].map(() => 'loop letter/acknowledgement')], 'each once')
    await practice.close()
  })
}

t.test('a letter goes the next way while the channel of the first rests, and not by the first as well when it is back', async (t) => {
  const { clock, sent, open, start } = await letters(t)
  const practice = await open('fax')
  await practice.send('intake', withFax(1))
  await clock.pass(10 * MINUTE)
  t.same([...sent].sort(), ['hand-off referral', 'loop letter/acknowledgement'])
  await start(practice)
  await clock.pass(10 * MINUTE)
  t.equal(sent.length, 2)
  await practice.close()
})

t.test('a letter that nobody could carry goes by one way alone when two channels are switched on together', async (t) => {
  const { clock, sent, open, start } = await letters(t)
  const practice = await open('fax', 'loop')
  await practice.send('intake', withFax(1))
  await clock.pass(10 * MINUTE)
  t.match((await only(practice)).state.holds.notice?.reason, /no channel goes by email/)
  await start(practice)
  await clock.pass(10 * MINUTE)
  const { state, names } = await only(practice)
  t.equal(sent.filter((one) => one.endsWith('acknowledgement')).length, 1, sent.join())
  t.same([state.toTell, state.holds], [{}, {}])
  t.equal(names.filter((name) => name === 'acknowledged').length, 1)
  await practice.close()
})

for (const call of ['openNotices [["hand-off"', 'openNotices [["acknowledgement"', 'notice ', 'bundle ', 'state ', 'events ', 'commit ', 'gather ', 'due ']) {
  t.test(`the desk’s store fails once (${call.trim()}) while the EHR is down: what comes later is acknowledged and handed off all the same`, async (t) => {
    const faults: string[] = []
    const { clock, down, sent, open } = await letters(t, faults)
    down.add('hand-off')
    const practice = await open()
    await practice.send('intake', referral(1))
    await clock.pass(MINUTE)
    faults.push(call)
    await practice.send('intake', referral(2))
    await clock.pass(10 * MINUTE)
    t.same(faults, [], 'it failed')
    t.equal(sent.length, 2, 'both are acknowledged, though nothing is handed off')
    down.clear()
    await clock.pass(10 * MINUTE)
    const states = await practice.referrals.search({ limit: 10 })
    t.same(states.map(({ stage, toTell, holds }) => ({ stage, toTell, holds })), [1, 2].map(() => ({ stage: 'handed-off', toTell: {}, holds: {} })))
    t.equal(sent.length, 4, 'each is told once')
    await practice.close()
  })
}
