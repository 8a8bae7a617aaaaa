/** SIGKILL at chance moments of the whole product while referrals and appointments come in: one of each, told once, or marked where it may have been twice. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer } from 'smtp-server'
import t from 'tap'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { openSqliteDeskStore } from '../../referrals/store/desk-store.js'
import { acknowledgement, deframe } from '../bench/frames.js'
import { framed, freePort, REFERO, until, writeChannels } from '../product/product.js'
import { type Arrived, kept } from './referral-judge.js'
import { booked, keyOnWire, placerOf, referral } from './referral-messages.js'
import { CHANNELS } from './referral-world.js'

const KILLS = 15
const A_LIFE = 14 // referrals that each life gets to see, at most
const REFERRALS = KILLS * A_LIFE
const SENDERS = 4

t.test('killed again and again while referrals come in, the product opens each once, acknowledges it once and hands it off once, or says that it may have been twice', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'refero-sigkill-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const arrived: Arrived[] = []
  const [intake, feedback, http] = [await freePort(), await freePort(), await freePort()]
  const ehr = await ehrThat((message) => arrived.push({ channel: 'hand-off', key: keyOnWire(message), payload: message.toString('latin1') }))
  const mailbox = await mailboxThat((mail) => arrived.push({ channel: 'loop', key: keyOnWire(mail), payload: mail.toString('latin1') }))
  t.teardown(() => {
    ehr.close()
    mailbox.close()
  })
  writeChannels(folder, {
    'intake': `${CHANNELS.intake}`.replace('hand: {}', `mllp: { port: ${intake} }`),
    'feedback': `${CHANNELS.feedback}`.replace('hand: {}', `mllp: { port: ${feedback} }`),
    'hand-off': `${CHANNELS['hand-off']}`.replace('wire: {}', `mllp: { host: 127.0.0.1, port: ${ehr.port} }`),
    'loop': `${CHANNELS.loop}`.replace('wire: {}', `email: { host: 127.0.0.1, port: ${mailbox.port}, tls: none }`),
  })

  let allowed = 0
  const handedOff = (n: number): boolean => arrived.some(({ channel, payload }) => channel === 'hand-off' && payload.includes(placerOf(n)))
  const taken = new Set<string>()
  const stops = Array.from({ length: SENDERS }, (_, first) => {
    const own = Array.from({ length: REFERRALS }, (_, n) => n).filter((n) => n % SENDERS === first)
    return [sender(intake, own.map((n) => ({ text: referral(n), when: () => n < allowed })), taken), sender(feedback, own.map((n) => ({ text: booked(n), when: () => handedOff(n) })), taken)]
  }).flat()
  t.teardown(() => {
    for (const stop of stops) stop()
  })

  for (let kills = 0; kills < KILLS; kills++) {
    const engine = await started(folder, http)
    const before = taken.size
    allowed += A_LIFE
    await until(() => taken.size > before + Math.random() * A_LIFE, () => `${taken.size} taken`)
    await new Promise((next) => setTimeout(next, Math.random() * 400))
    engine.kill('SIGKILL')
    await once(engine, 'exit')
  }

  const letters = (): number => new Set(arrived.filter(({ channel }) => channel === 'loop').map(({ key }) => key)).size
  let left = -1
  for (let lives = 0; lives < 5 && left !== 0; lives++) {
    const engine = await started(folder, http)
    await whileItMoves(() => taken.size === 2 * REFERRALS && letters() >= 2 * REFERRALS, () => `${taken.size} taken, ${letters()} letters`)
    engine.kill('SIGTERM')
    await once(engine, 'exit')
    left = (await ends(folder)).filter(({ state }) => Object.keys(state.toTell).length > 0).length
  }
  t.equal(left, 0, 'nothing is left to tell')

  const referrals = await ends(folder)
  t.equal(referrals.length, REFERRALS, 'as many referrals as were sent')
  t.equal(new Set(referrals.map(({ state }) => state.reference)).size, REFERRALS, 'each with a number of its own')
  t.same(await shared(folder), [], 'each placer number is of one referral')
  const expected = ['received', 'acknowledged', 'handed-off', 'written-back', 'scheduled', 'status-sent']
  t.same(referrals.flatMap(({ state, events }) => expected.filter((name) => events.filter((event) => event.name === name && event.applied).length !== 1).map((name) => `${state.reference} ${name}`)), [], 'each thing happened once')
  t.same(referrals.filter(({ events }) => events.some(({ sequence }, n) => sequence !== n + 1)).map(({ state }) => state.reference), [], 'without gaps')
  const told = referrals.flatMap((one) => one.told)
  const keys = new Set(told.map(({ key }) => key))
  t.equal(keys.size, 3 * REFERRALS, 'one hand-off and two letters each')
  t.same([...new Set(arrived.map(({ key }) => key))].sort(), [...keys].sort(), 'what was received is what was told')
  const twice = [...keys].filter((key) => arrived.filter((one) => one.key === key).length > 1)
  const marked = new Set(told.filter(({ doubtful, words }) => doubtful && words?.includes('may have been sent twice')).map(({ key }) => key))
  t.comment(`${twice.length} received twice, ${marked.size} say that they may have been`)
  t.same(twice.filter((key) => !marked.has(key)), [], 'what was received twice says so')
  t.same(twice.filter((key) => new Set(arrived.filter((one) => one.key === key).map(({ channel, payload }) => (channel === 'loop' ? payload.replace(/^Received:.*$/gm, '') : payload))).size > 1), [], 'and was the same both times')
})

/** Resolves once it holds; rejects where nothing has moved for a while. */
async function whileItMoves(holds: () => boolean, state: () => string): Promise<void> {
  while (!holds()) {
    const before = state()
    await until(() => holds() || state() !== before, state)
  }
}

/** Sends one message after the other, each as soon as it may be, and again until it is acknowledged. */
function sender(port: number, messages: readonly { readonly text: string; readonly when: () => boolean }[], taken: Set<string>): () => void {
  let stopped = false
  const exchange = (text: string): Promise<boolean> => new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(framed(text)))
    socket.on('error', () => {})
    socket.on('close', () => resolve(false))
    socket.on('data', deframe((frame) => {
      resolve(/\rMSA\|AA\|/.test(frame.toString('latin1')))
      socket.destroy()
    }))
  })
  void (async () => {
    for (const { text, when } of messages) {
      while (!stopped && !(when() && (await exchange(text)))) await new Promise((next) => setTimeout(next, 20))
      if (stopped) return
      taken.add(text)
    }
  })()
  return () => { stopped = true }
}

async function ehrThat(takes: (message: Buffer) => void): Promise<{ port: number; close(): void }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', deframe((frame) => {
      const message = Buffer.from(frame)
      takes(message)
      socket.write(acknowledgement(keyOnWire(message)))
    }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}

async function mailboxThat(takes: (mail: Buffer) => void): Promise<{ port: number; close(): void }> {
  const server = new SMTPServer({
    authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, _session, done) => {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => {
        takes(Buffer.concat(pieces))
        done()
      })
    },
  })
  server.on('error', () => {}) // a sender that was killed
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return { port: (server.server.address() as AddressInfo).port, close: () => server.close(() => {}) }
}

async function started(folder: string, http: number): Promise<ChildProcess> {
  const engine = spawn(process.execPath, [REFERO, 'serve', '--channels', join(folder, 'channels'), '--data', join(folder, 'data')], {
    cwd: folder, env: { ...process.env, REFERO_HTTP_PORT: String(http), REFERO_LOG_LEVEL: 'silent' }, stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((ready, failed) => {
    engine.stdout?.on('data', (text) => / channels ready\./.test(String(text)) && ready())
    engine.once('exit', () => failed(new Error('the product did not start')))
  })
  return engine
}

async function ends(folder: string): ReturnType<typeof kept> {
  const [referrals, store] = [openSqliteDeskStore(join(folder, 'data/referrals.db')), openSqliteStore(join(folder, 'data/messages.db'))]
  try {
    return await kept({ referrals, store })
  } finally {
    await Promise.all([referrals.close(), store.close()])
  }
}

/** Numbers of the referrer under which there is no referral, or more than one. */
async function shared(folder: string): Promise<readonly string[]> {
  const store = openSqliteDeskStore(join(folder, 'data/referrals.db'))
  const found = await store.find(Array.from({ length: REFERRALS }, (_, n) => ({ kind: 'number' as const, value: placerOf(n) })))
  await store.close()
  return Array.from({ length: REFERRALS }, (_, n) => placerOf(n)).filter((number) => found.filter(({ key }) => key.value === number).length !== 1)
}
