/** `npm run bench`: MLLP → keep → set → MLLP beside the floor of the same run, as a table. Options: --seconds n, --connections 1,8,32, --json. */
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { LoadOrder, LoadReport } from './load.js'
import type { SinkReport } from './sink.js'

const HERE = import.meta.dirname
const ROOT = join(HERE, '../../..')
const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '8' }, connections: { type: 'string', default: '1,8,32' }, only: { type: 'string' }, json: { type: 'boolean', default: false } } })

interface Row {
  readonly what: string
  readonly connections: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly end?: { readonly ready: number; readonly drained: number; readonly resident: number; readonly processor: number } & SinkReport
}

const rows: Row[] = []
const SETUPS = ['group floor', 'in order', 'partitioned'] as const
for (const connections of options.connections.split(',').map(Number)) {
  for (const setup of SETUPS.filter((one) => options.only === undefined || one === options.only)) {
    process.stderr.write(`${setup}, ${connections} connections …\n`)
    rows.push(setup === 'group floor' ? await measureFloor(connections) : await measureEngine(setup, connections))
  }
}
if (options.json) console.log(JSON.stringify(rows))
else print()

async function measureFloor(connections: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'refero-bench-'))
  const floor = fork(join(HERE, 'floor.js'), [join(folder, 'floor.db')])
  const { port } = await said<{ port: number }>(floor)
  const { perSecond, p50, p99 } = await load({ port, connections, warmUp: 2, seconds: Number(options.seconds), first: 0 })
  await ended(floor)
  rmSync(folder, { recursive: true })
  return { what: 'group floor', connections, perSecond, p50, p99 }
}

async function measureEngine(setup: 'in order' | 'partitioned', connections: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'refero-bench-'))
  const sink = fork(join(HERE, 'sink.js'))
  const { port: out } = await said<{ port: number }>(sink)
  const [port, http] = [await freePort(), await freePort()]
  const started = performance.now()
  const channels = join(ROOT, 'test/bench/channels', setup.replace(' ', '-'))
  const engine = spawn(process.execPath, [join(ROOT, 'bin/refero.js'), 'serve', '--channels', channels, '--data', folder], {
    env: { ...process.env, REFERO_BENCH_IN: String(port), REFERO_BENCH_OUT: String(out), REFERO_HTTP_PORT: String(http), REFERO_LOG_LEVEL: 'error', REFERO_REFERRALS_OPEN: 'false' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((ready) => engine.stdout.on('data', (text) => String(text).includes('ready') && ready()))
  const ready = performance.now() - started
  const before = processorTime(engine.pid as number)
  const report = await load({ port, connections, warmUp: 2, seconds: Number(options.seconds), first: 0 })
  const stopped = performance.now()
  while ((await ask<{ count: number }>(sink, { count: true })).count < report.acknowledged.length && performance.now() - stopped < 120_000) await new Promise((next) => setTimeout(next, 20))
  const drained = performance.now() - stopped
  const verified = await ask<SinkReport>(sink, { verify: report.acknowledged })
  const resident = residentMegabytes(engine.pid as number)
  const processor = (processorTime(engine.pid as number) - before) / report.acknowledged.length
  await ended(engine)
  await ended(sink)
  rmSync(folder, { recursive: true })
  const { perSecond, p50, p99 } = report
  return { what: setup, connections, perSecond: endToEnd(report, drained), p50, p99, end: { ready, drained, resident, processor, ...verified } }

  /** What is acknowledged and not yet delivered when the load stops is not end to end: the rate counts the time to drain it. */
  function endToEnd({ acknowledged }: LoadReport, drain: number): number {
    const all = acknowledged.length / (Number(options.seconds) + 2 + drain / 1000)
    return Math.min(perSecond, all)
  }
}

async function load(order: LoadOrder): Promise<LoadReport> {
  const child = fork(join(HERE, 'load.js'), { serialization: 'advanced' })
  const report = await ask<LoadReport>(child, order)
  await ended(child)
  return report
}

function said<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve) => child.once('message', (answer) => resolve(answer as Answer)))
}

function ask<Answer>(child: ChildProcess, question: object): Promise<Answer> {
  const answer = said<Answer>(child)
  child.send(question)
  return answer
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    if (child.connected) child.disconnect()
    else child.kill('SIGTERM')
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? Number.NaN) / 1024
}

/** What a process has used of the processor, in microseconds, at 100 ticks a second. */
function processorTime(pid: number): number {
  const [, facts = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')
  const [user, system] = facts.split(' ').slice(11, 13).map(Number) as [number, number]
  return (user + system) * 10_000
}

function print(): void {
  const columns = ['setup', 'conn', 'msg/s', 'of floor', 'p50 ms', 'p99 ms', 'drain s', 'lost', 'twice', 'order', 'µs/msg', 'MB', 'ready s']
  const table = rows.map(({ what, connections, perSecond, p50, p99, end }) => {
    const floor = rows.find((row) => row.what === 'group floor' && row.connections === connections)?.perSecond
    const shared = [what, connections, Math.round(perSecond), floor ? (perSecond / floor).toFixed(2) : '–', p50.toFixed(1), p99.toFixed(1)]
    return [...shared, ...(end ? [(end.drained / 1000).toFixed(2), end.lost, end.twice, end.outOfOrder, Math.round(end.processor), Math.round(end.resident), (end.ready / 1000).toFixed(2)] : ['', '', '', '', '', '', ''])].map(String)
  })
  const widths = columns.map((column, n) => Math.max(column.length, ...table.map((row) => row[n]?.length ?? 0)))
  for (const row of [columns, ...table]) console.log(row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join('  '))
}
