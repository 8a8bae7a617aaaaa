/** Starts the built product as a user would, in an empty folder, and talks to it over its sockets. */
import { spawn, type ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { deframe } from '../bench/frames.js'

export const ROOT = join(import.meta.dirname, '../../..')
export const REFERO = join(ROOT, 'bin/refero.js')
export const fixture = (name: string): string => join(ROOT, 'fixtures', name)

export interface Product {
  readonly folder: string // where it was started; its data/ and channels/ lie here
  readonly mllp: number
  readonly http: number
  readonly token: string
  /** Everything that it printed, the log included. */
  output(): string
  /** Calls the operations API; the token is sent unless `headers` says otherwise. */
  api(path: string, body?: object, headers?: Record<string, string>, method?: string): Promise<{ status: number; body: Answer }>
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by assertions
export type Answer = any

/** With `channels`, those files and no others; else the shipped ones. */
export async function startProduct(t: Pick<Test, 'teardown'>, options: { channels?: Readonly<Record<string, string>>; env?: NodeJS.ProcessEnv; folder?: string } = {}): Promise<Product> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'refero-product-'))
  const [mllp, http] = [await freePort(), await freePort()]
  if (options.channels) writeChannels(folder, options.channels)
  else if (!options.folder) cpSync(join(ROOT, 'channels'), join(folder, 'channels'), { recursive: true })
  const env = { ...process.env, REFERO_MLLP_PORT: String(mllp), REFERO_HTTP_PORT: String(http), REFERO_EHR_PORT: '0', REFERO_OUTBOUND_PORT: '0', REFERO_ANSWERS_PORT: '0', REFERO_DIRECT_PORT: '0', REFERO_EMAIL_IN_PORT: '0', REFERO_LIMITS_REQUESTS: '1000000', ...options.env }
  const child = spawn(process.execPath, [REFERO, 'serve', '--channels', join(folder, 'channels')], { cwd: folder, env })
  let output = ''
  const collect = (text: Buffer): void => {
    output += text.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
    if (!options.folder) rmSync(folder, { recursive: true, force: true })
  })
  await until(() => / channels ready[.,]/.test(output) || child.exitCode !== null, () => output)
  const token = /shown only now: (\S+)/.exec(output)?.[1] ?? ''
  return {
    folder, mllp, http, token,
    output: () => output,
    api: async (path, body, headers, method = body ? 'POST' : 'GET') => {
      const response = await fetch(`http://127.0.0.1:${http}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: await response.json() }
    },
    stop: (signal = 'SIGTERM') => {
      child.kill(signal)
      return exited
    },
  }
}

export function writeChannels(folder: string, channels: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, 'channels'), { recursive: true })
  for (const [name, text] of Object.entries(channels)) writeFileSync(join(folder, 'channels', `${name}.yaml`), text)
}

/** Runs one command to its end. */
export function refero(words: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child: ChildProcess = spawn(process.execPath, [REFERO, ...words], { cwd: options.cwd ?? ROOT, env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout?.on('data', (text) => { out += text })
    child.stderr?.on('data', (text) => { err += text })
    child.once('exit', (code) => resolve({ code, out, err }))
  })
}

/** Sends bytes as they are on a connection of their own; resolves with the first frame of the answer, or null if it is closed without one, or silent for 5 s. */
export function sendRaw(port: number, bytes: Buffer | string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('error', () => resolve(null))
    socket.on('close', () => resolve(null))
    socket.setTimeout(5_000, () => socket.destroy())
    socket.on('data', deframe((frame) => {
      resolve(frame.toString('latin1'))
      socket.destroy()
    }))
  })
}

export const framed = (message: Buffer | string): Buffer => Buffer.concat([Buffer.from([0x0b]), Buffer.from(message), Buffer.from([0x1c, 0x0d])])

export async function until(holds: () => boolean | Promise<boolean>, state: () => string = () => ''): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds()); ) {
    if (Date.now() > end) throw new Error(`waited in vain: ${state()}`)
    await new Promise((next) => setTimeout(next, 10))
  }
}

export function freePort(): Promise<number> {
  const port = 12_000 + Math.floor(Math.random() * 18_000) // below those that systems give to connections: one of them would be taken again before it is used
  return new Promise((resolve, reject) => {
    const server = createServer().listen(port, '127.0.0.1', () => server.close(() => resolve(port)))
    server.on('error', () => freePort().then(resolve, reject))
  })
}
