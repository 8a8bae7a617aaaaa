/** How soon the fax webhook answers at 50 faxes of 1 MB a second, and whether each is received once: `node dist/test/bench/fax-webhook.js [seconds]`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')
const SECONDS = Number(process.argv[2] ?? 10)
const RATE = 50 // faxes a second
const PATIENCE = 60_000 // milliseconds for the last one
const TICK = 10 // milliseconds in which Linux counts processor time

const port = await new Promise<number>((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resolve(port))
  })
})
const data = mkdtempSync(join(tmpdir(), 'refero-fax-'))
const engine = spawn(process.execPath, [...process.execArgv, join(ROOT, 'bin/refero.js'), 'serve', '--channels', join(ROOT, 'test/bench/channels/fax'), '--data', data], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, REFERO_HTTP_PORT: String(port), REFERO_LOG_LEVEL: 'warn', REFERO_SECRET_FAX: 'bench', REFERO_REFERRALS_OPEN: 'false' } })
const agent = new http.Agent({ keepAlive: true })
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

const fax = Buffer.concat([Buffer.from('II*\0\x08\0\0\0\0\0\0\0\0\0', 'latin1'), Buffer.alloc(1024 ** 2, 7)])
const send = (id: string): Promise<{ status: number; took: number }> =>
  new Promise((resolve, reject) => {
    const began = performance.now()
    const body = Buffer.concat([Buffer.from(`--xx\r\nContent-Disposition: form-data; name="event"\r\n\r\nreceived\r\n--xx\r\nContent-Disposition: form-data; name="faxId"\r\n\r\n${id}\r\n--xx\r\nContent-Disposition: form-data; name="file"; filename="f.tif"\r\nContent-Type: image/tiff\r\n\r\n`), fax, Buffer.from('\r\n--xx--\r\n')])
    const request = http.request({ host: '127.0.0.1', port, path: '/hooks/fax', method: 'POST', agent, headers: { authorization: 'Bearer bench', 'content-type': 'multipart/form-data; boundary=xx', 'content-length': body.length } }, (response) => {
      response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, took: performance.now() - began }))
    })
    request.on('error', reject)
    request.end(body)
  })

const ready = (): Promise<boolean> => fetch(`http://127.0.0.1:${port}/ready`).then(({ ok }) => ok, () => false)
while (!(await ready())) if (engine.exitCode === null) await wait(100); else throw new Error('The engine does not run.')
for (let n = 0; n < 20; n++) await send(`warm-${n}`)

/** Milliseconds of processor time that the engine has taken: all of its threads, and the one that answers. Null where the system does not tell. */
const taken = (): { readonly all: number; readonly main: number } | null => {
  const ticks = (file: string): number => readFileSync(file, 'utf8').split(') ')[1]?.split(' ').slice(11, 13).reduce((sum, one) => sum + Number(one) * TICK, 0) ?? 0
  const [process, thread] = [`/proc/${engine.pid}/stat`, `/proc/${engine.pid}/task/${engine.pid}/stat`]
  return existsSync(thread) ? { all: ticks(process), main: ticks(thread) } : null
}
const before = taken()
const began = performance.now()
const answers: Promise<{ status: number; took: number }>[] = []
for (let n = 0; n < RATE * SECONDS; n++) {
  await wait(Math.max(0, began + (n * 1000) / RATE - performance.now()))
  answers.push(send(`fax-${n}`))
}
const all = await Promise.all(answers)
const times = all.map(({ took }) => took).sort((one, other) => one - other)
const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(1)
const waiting = join(data, 'fax', 'received', 'bench-fax', 'waiting')
const files = (): string[] => readdirSync(join(data, 'faxes')).filter((name) => !name.startsWith('.'))
for (const until = performance.now() + PATIENCE; performance.now() < until && (readdirSync(waiting).length > 0 || files().length < 20 + all.length); ) await wait(200)
const after = taken()
const counts = new Map<string, number>()
for (const name of files()) {
  const id = /^X-Refero-Fax: \S+:(\S+)/m.exec(readFileSync(join(data, 'faxes', name)).toString('latin1', 0, 4000))?.[1] ?? '?'
  counts.set(id, (counts.get(id) ?? 0) + 1)
}
const lost = all.filter((_, n) => !counts.has(`fax-${n}`)).length
const twice = [...counts.values()].filter((count) => count > 1).length
process.stdout.write(`${all.length} faxes of 1 MB at ${RATE}/s: answered p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${times.at(-1)?.toFixed(1)} ms; not 200: ${all.filter(({ status }) => status !== 200).length}; lost ${lost}, twice ${twice}; all delivered ${((performance.now() - began) / 1000).toFixed(1)} s after the first\n`)
if (before && after) process.stdout.write(`processor time a fax: ${((after.all - before.all) / all.length).toFixed(1)} ms, ${((after.main - before.main) / all.length).toFixed(1)} ms of it in the thread that answers\n`)
agent.destroy()
engine.kill('SIGTERM')
await once(engine, 'exit')
rmSync(data, { recursive: true, force: true })
