/** The same by the operating system’s hand: real SIGKILL at every contact of a channel, and at chance moments of the whole product under load. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { acknowledgement, deframe } from '../bench/frames.js'
import { controlId, headerField, makeMessage, PATIENTS } from '../bench/messages.js'
import { SENT } from '../small-world.js'

const ROOT = join(import.meta.dirname, '../../..')

t.test('wherever the engine is killed, every acknowledged message arrives, in order', async (t) => {
  let points = 0
  for (let killed = true; killed; points++) {
    const folder = mkdtempSync(join(tmpdir(), 'refero-sigkill-'))
    const life = (...crashAt: string[]): ReturnType<typeof spawnSync> => spawnSync(process.execPath, [join(import.meta.dirname, 'life.js'), folder, ...crashAt])
    killed = life(String(points)).signal === 'SIGKILL'
    const revived = life()
    t.equal(revived.status, 0, `revived after contact ${points}: ${String(revived.stderr)}`)
    const arrived = readFileSync(join(folder, 'arrived'), 'utf8').trim().split('\n')
    t.same([...new Set(arrived)], SENT, `contact ${points}: arrived ${arrived.join(' ')}`)
    rmSync(folder, { recursive: true })
  }
  t.ok(points > 20, `${points} crash points`)
})

t.test('the product killed again and again under load loses nothing that it acknowledged, and keeps the order of each patient', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'refero-sigkill-'))
  const arrived: string[] = []
  const sink = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', deframe((frame) => {
      const id = headerField(frame, 10)
      arrived.push(id)
      socket.write(acknowledgement(id))
    }))
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => sink.once('listening', listening))
  const [port, http] = [await freePort(), await freePort()]
  const environment = { ...process.env, REFERO_BENCH_IN: String(port), REFERO_BENCH_OUT: String((sink.address() as AddressInfo).port), REFERO_HTTP_PORT: String(http), REFERO_LOG_LEVEL: 'silent' }
  const acknowledged = new Set<string>()
  const senders = Array.from({ length: 8 }, (_, n) => sender(n, port, acknowledged))
  let engine: ChildProcess | null = null
  for (let kills = 0; kills < 12; kills++) {
    engine = await started(folder, environment)
    const before = acknowledged.size
    await until(() => acknowledged.size > before + 40)
    await new Promise((next) => setTimeout(next, Math.random() * 150))
    const gone = new Promise((next) => engine?.once('exit', next))
    engine.kill('SIGKILL')
    await gone
  }
  engine = await started(folder, environment)
  for (const { stop } of senders) stop()
  await until(() => senders.every(({ idle }) => idle()))
  await until(() => [...acknowledged].every((id) => arrived.includes(id)), 60_000)
  t.comment(`${acknowledged.size} acknowledged, ${arrived.length - new Set(arrived).size} arrived twice`)
  t.same([...acknowledged].filter((id) => !arrived.includes(id)), [], 'nothing acknowledged was lost')
  t.same(outOfOrder(arrived), [], 'first arrivals keep the order of each patient')
  engine.kill('SIGTERM')
  await new Promise((next) => engine?.once('exit', next))
  sink.close()
  rmSync(folder, { recursive: true })
})

/** A connection that sends one message after the other, and the same one again until it is acknowledged. */
function sender(number: number, port: number, acknowledged: Set<string>): { stop: () => void; idle: () => boolean } {
  let sequence = 1
  let stopping = false
  let idle = false
  const dial = (): void => {
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(makeMessage(number, sequence)))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (!idle) setTimeout(dial, 20)
    })
    socket.on('data', deframe((frame) => {
      const [, code, id] = /MSA\|(\w\w)\|([^|\r]*)/.exec(frame.toString('latin1')) ?? []
      if (id !== controlId(number, sequence) || code !== 'CA') return
      acknowledged.add(id)
      if (stopping) {
        idle = true
        socket.end()
      } else socket.write(makeMessage(number, ++sequence))
    }))
  }
  dial()
  return { stop: () => { stopping = true }, idle: () => idle }
}

function outOfOrder(arrived: readonly string[]): readonly string[] {
  const last = new Map<string, number>()
  return [...new Set(arrived)].filter((id) => {
    const sequence = Number(id.slice(5))
    const patient = `${id.slice(0, 4)}-${sequence % PATIENTS}`
    const early = sequence < (last.get(patient) ?? 0)
    last.set(patient, Math.max(sequence, last.get(patient) ?? 0))
    return early
  })
}

async function started(folder: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const engine = spawn(process.execPath, [join(ROOT, 'bin/refero.js'), 'serve', '--channels', join(ROOT, 'test/bench/channels/partitioned'), '--data', folder], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((ready, failed) => {
    engine.stdout?.on('data', (text) => String(text).includes('ready') && ready())
    engine.once('exit', () => failed(new Error('the engine did not start')))
  })
  return engine
}

async function until(holds: () => boolean, milliseconds = 30_000): Promise<void> {
  for (const end = Date.now() + milliseconds; !holds() && Date.now() < end; ) await new Promise((next) => setTimeout(next, 10))
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
