/** `npm run bench:referral`: structured referrals over MLLP → desk → the EHR's work queue, at a given rate and as fast as they go. Options: --seconds n, --rate 50, --json. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { acknowledgement, deframe } from './frames.js'
import { chartMessage, referralMessage } from './referral-messages.js'

const ROOT = join(import.meta.dirname, '../../..')
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' }, rate: { type: 'string', default: '50' }, json: { type: 'boolean', default: false } } })
const [seconds, rate] = [Number(values.seconds), Number(values.rate)]
const WARM_UP = 200
/** One for each referral: a second one of the same patient, referrer and reason would be an addition. */
const charts = WARM_UP + 2 * seconds * rate

/** When each referral was given, by its placer number, and when it stood in the work queue. */
const given = new Map<string, number>()
const arrived = new Map<string, number>()
let twice = 0

const folder = mkdtempSync(join(tmpdir(), 'refero-bench-'))
const queue = createServer((socket) => {
  socket.on('error', () => socket.destroy())
  socket.on('data', deframe((frame) => {
    const text = frame.toString('latin1')
    const placer = /\rRF1(?:\|[^|\r]*){5}\|([^|^\r]*)/.exec(text)?.[1] ?? ''
    if (arrived.has(placer)) twice++
    arrived.set(placer, performance.now())
    socket.write(acknowledgement(text.split('|')[9] ?? ''))
  }))
})
const out = await listening(queue)
const [intake, index, http] = [await freePort(), await freePort(), await freePort()]
const product = spawn(process.execPath, [join(ROOT, 'bin/refero.js'), 'serve', '--channels', join(ROOT, 'test/bench/channels/referral'), '--data', folder], {
  env: { ...process.env, REFERO_BENCH_IN: String(intake), REFERO_BENCH_CHARTS: String(index), REFERO_BENCH_OUT: String(out), REFERO_HTTP_PORT: String(http), REFERO_LOG_LEVEL: 'error' }, stdio: ['ignore', 'pipe', 'inherit'],
})
await new Promise<void>((ready) => product.stdout.on('data', (text) => String(text).includes('channels ready') && ready()))

process.stderr.write(`${charts} charts …\n`)
await fast(index, charts, 16, chartMessage)
process.stderr.write('warming up …\n')
await fast(intake, WARM_UP, 4, (number) => referral(`W${number}`))
await all()
process.stderr.write(`${rate} a second for ${seconds} s …\n`)
const before = processorTime(product)
const paced = await atRate(seconds * rate, rate)
await all()
const processor = processorTime(product) - before
const waits = paced.map((serial) => (arrived.get(serial) ?? Number.NaN) - (given.get(serial) ?? 0)).sort((a, b) => a - b)
process.stderr.write('as fast as they go …\n')
const many = seconds * rate
const began = performance.now()
await fast(intake, many, 16, (number) => referral(`F${number}`))
await all()
const perSecond = many / ((performance.now() - began) / 1000)
const result = {
  rate, sent: paced.length, p50: at(0.5), p99: at(0.99), slowest: at(1), processorPerReferral: (processor / paced.length) * 1000, fastest: perSecond,
  lost: given.size - arrived.size, twice, resident: residentOf(product), cores: cpus().length, load: loadavg()[0],
}
product.kill('SIGTERM')
await new Promise((ended) => product.once('exit', ended))
queue.close()
rmSync(folder, { recursive: true })
if (values.json) console.log(JSON.stringify(result))
else {
  console.log(`intake to the EHR's work queue at ${rate} referrals a second: median ${ms(result.p50)}, p99 ${ms(result.p99)}, slowest ${ms(result.slowest)} (${result.sent} referrals, ${result.cores} cores, load ${result.load?.toFixed(1)})`)
  console.log(`as fast as they go: ${result.fastest.toFixed(0)} referrals a second; processor ${result.processorPerReferral.toFixed(1)} ms a referral; resident ${(result.resident / 1024 ** 2).toFixed(0)} MB`)
  console.log(`lost ${result.lost}, handed off twice ${result.twice}`)
}
process.exitCode = result.lost > 0 ? 1 : 0

function referral(serial: string): string {
  const number = given.size
  given.set(serial, performance.now())
  return referralMessage(serial, number)
}

/** Open loop: each leaves at its time, whether or not those before it were answered. */
async function atRate(count: number, perSecond: number): Promise<readonly string[]> {
  const serials = Array.from({ length: count }, (_, number) => `P${number}`)
  const socket = await open(intake)
  const start = performance.now()
  for (const [number, serial] of serials.entries()) {
    const due = start + (number * 1000) / perSecond
    if (due > performance.now()) await new Promise((next) => setTimeout(next, due - performance.now()))
    socket.write(`\x0b${referral(serial)}\x1c\r`)
  }
  socket.end()
  return serials
}

/** Closed loop over several connections. */
async function fast(port: number, count: number, connections: number, make: (number: number) => string): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: connections }, async () => {
    const socket = await open(port)
    for (let number = next++; number < count; number = next++) {
      const answered = new Promise<void>((done) => socket.once('data', () => done()))
      socket.write(`\x0b${make(number)}\x1c\r`)
      await answered
    }
    socket.end()
  }))
}

async function all(): Promise<void> {
  for (const end = Date.now() + 300_000; arrived.size < given.size && Date.now() < end; ) await new Promise((next) => setTimeout(next, 20))
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
    socket.setNoDelay(true)
    socket.resume()
  })
}

function listening(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  await new Promise((closed) => server.close(closed))
  return port
}

function at(share: number): number {
  return waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? Number.NaN
}

function ms(time: number): string {
  return `${time.toFixed(0)} ms`
}

/** Seconds of processor time that a process has used; 0 where the system does not say. */
function processorTime({ pid }: ChildProcess): number {
  try {
    const [, , ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(rest[9]) + Number(rest[10])) / 100
  } catch {
    return 0
  }
}

function residentOf({ pid }: ChildProcess): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
