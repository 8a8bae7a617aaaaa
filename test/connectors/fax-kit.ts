/** A fax source on the engine's own web server, a service's API that is simulated over real HTTP, and what each service posts. */
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { generateKeyPairSync, sign } from 'node:crypto'
import type { Test } from 'tap'
import source from '../../connectors/fax/source.js'
import { clock } from '../../engine/clock.js'
import type { Inbound, Reply } from '../../engine/contracts.js'
import { createWebServer } from '../../engine/api/server.js'
import { Engine } from '../../engine/engine.js'
import { Events } from '../../engine/events.js'
import { openMappings } from '../../engine/mappings.js'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { accepted, type TestTools, testTools } from './tools.js'

export const ROOT = join(import.meta.dirname, '../../..')
export const SECRET = 'a-secret-of-some-length'
/** A TIFF (II) of so many pages of one white pixel. */
export const tiff = (pages: number, padding = 0): Buffer => {
  const bytes = Buffer.alloc(10 + pages * DIRECTORY + padding)
  bytes.write('II*\0', 'latin1')
  bytes.writeUInt32LE(10, 4)
  for (let page = 0; page < pages; page++) {
    const at = 10 + page * DIRECTORY
    bytes.writeUInt16LE(ENTRIES.length, at)
    for (const [n, [tag, value]] of ENTRIES.entries()) {
      bytes.writeUInt16LE(tag, at + 2 + 12 * n)
      bytes.writeUInt16LE(4, at + 4 + 12 * n)
      bytes.writeUInt32LE(1, at + 6 + 12 * n)
      bytes.writeUInt32LE(value, at + 10 + 12 * n)
    }
    bytes.writeUInt32LE(page === pages - 1 ? 0 : at + DIRECTORY, at + 2 + 12 * ENTRIES.length)
  }
  return bytes
}
const ENTRIES = [[256, 1], [257, 1], [273, 8], [279, 1]] as const // width, height, where its pixels are and how many bytes
const DIRECTORY = 6 + 12 * ENTRIES.length
export const TWO_PAGES = Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>endobj 4 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n')
export const PDF = Buffer.from('%PDF-1.4\n1 0 obj<<>>endobj\n%%EOF\n')
export const keys = generateKeyPairSync('ed25519')
export const publicKey = keys.publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64')

export interface Call { readonly method: string; readonly url: string; readonly headers: http.IncomingHttpHeaders; readonly body: Buffer }
export interface Api { readonly url: string; readonly calls: Call[]; answer: (call: Call) => { status?: number; body?: string | Buffer } | null }

/** A service's API: `answer` says what each call is answered; null cuts the connection. */
export const simulatedApi = async (t: Test): Promise<Api> => {
  const api: Api = { url: '', calls: [], answer: () => ({ status: 404 }) }
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const call = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) }
    api.calls.push(call)
    const answer = api.answer(call)
    if (answer === null) return void response.destroy()
    response.writeHead(answer.status ?? 200).end(answer.body ?? '')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return Object.assign(api, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

/** The engine's web server without channels. */
export const webServer = async (t: Test, data: string) => {
  const unused = (): never => { throw new Error('no channel runs here') }
  const store = openSqliteStore(':memory:')
  const web = createWebServer(data, { body: 1_000_000, requests: 1000, openMetrics: false })
  const engine = new Engine({ pieces: { sources: new Map(), destinations: new Map(), transforms: new Map(), formats: new Map() }, mappings: { table: unused, mapping: unused }, store, clock, log: () => {}, events: new Events(), dataFolder: data, serve: web.serve }, 60_000)
  const url = await web.open(engine, { host: '127.0.0.1', port: 0 })
  t.teardown(async () => { await web.close(); await engine.stop(1000); await store.close() })
  return { url, serve: web.serve }
}

export type Web = Awaited<ReturnType<typeof webServer>>
export type Settings = Parameters<typeof source.create>[0]

export const faxTools = (data: string, web?: Web): TestTools =>
  ({ ...testTools(data), mapping: openMappings(join(ROOT, 'mappings')).mapping, ...(web && { serve: web.serve }) })

/** A running source, and what it gave. `reply` is what the engine says to the nth. */
export const running = async (t: Test, settings: Settings, tools: TestTools, reply: (given: number) => Reply = () => accepted) => {
  const given: Inbound[] = []
  let told: () => void = () => {}
  const connector = source.create(settings, tools)
  const start = () => connector.start(async (inbound) => {
    given.push(inbound)
    told()
    return reply(given.length)
  })
  await start()
  t.teardown(() => connector.stop())
  const until = async (count: number): Promise<readonly string[]> => {
    while (given.length < count) await new Promise<void>((resolve) => { told = resolve })
    return given.map(({ key = '' }) => key)
  }
  return { given, until, connector, tools, start }
}

export const basic = (user: string, password: string): { authorization: string } => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` })
export interface Posted { readonly headers: Record<string, string>; readonly body: Buffer<ArrayBufferLike>; readonly query?: string }
export const json = (value: unknown, headers: Record<string, string> = {}): Posted => ({ headers: { 'content-type': 'application/json', ...headers }, body: Buffer.from(JSON.stringify(value)) })
export const form = (fields: Record<string, string>, file: Buffer | null, headers: Record<string, string> = {}): Posted => {
  const parts: Buffer[] = Object.entries(fields).map(([name, value]) => Buffer.from(`--xx\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`))
  if (file) parts.push(Buffer.from('--xx\r\nContent-Disposition: form-data; name="file"; filename="f.tif"\r\nContent-Type: image/tiff\r\n\r\n'), file, Buffer.from('\r\n'))
  return { headers: { 'content-type': 'multipart/form-data; boundary=xx', ...headers }, body: Buffer.concat([...parts, Buffer.from('--xx--\r\n')]) }
}
export const post = async (url: string, { headers, body, query }: Posted): Promise<{ status: number; text: string }> => {
  const response = await fetch(`${url}${query ? `?${query}` : ''}`, { method: 'POST', headers, body: new Uint8Array(body) })
  return { status: response.status, text: await response.text() }
}
/** As Telnyx signs. */
export const signed = (posted: Posted, at: Date, key = keys.privateKey): Posted => {
  const time = String(Math.floor(at.getTime() / 1000))
  return { ...posted, headers: { ...posted.headers, 'telnyx-timestamp': time, 'telnyx-signature-ed25519': sign(null, Buffer.concat([Buffer.from(`${time}|`), posted.body]), key).toString('base64') } }
}
