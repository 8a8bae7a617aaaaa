/** An http source that is served on a free port, and requests to it. */
import http, { type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import https from 'node:https'
import type { Test } from 'tap'
import httpSource from '../../connectors/http/source.js'
import type { Inbound, Receive, Reply } from '../../engine/contracts.js'
import { accepted, type TestTools, testTools } from './tools.js'

export type Settings = Parameters<typeof httpSource.create>[0]
export interface Answer { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string; readonly port: number | undefined }

export const ask = (url: string, body: string | Buffer | readonly string[] | null, { method = 'POST', ...options }: RequestOptions = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = (url.startsWith('https') ? https : http).request(url, { method, agent: false, ...options }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString(), port: response.socket?.localPort })
    })
    request.on('error', reject)
    if (Array.isArray(body)) for (const piece of body) request.write(piece)
    request.end(Array.isArray(body) ? undefined : body)
  })

export const keeping = (reply: Reply = accepted): { readonly taken: Inbound[]; readonly receive: Receive } => {
  const taken: Inbound[] = []
  return { taken, receive: async (inbound) => { taken.push(inbound); return reply } }
}

export const serving = async (t: Test, receive: Receive, settings: Partial<Settings> = {}, tools: TestTools = testTools('')) => {
  const source = httpSource.create({ path: '/in', port: 0, host: '127.0.0.1', ...settings }, tools)
  const url = await source.start(receive)
  t.teardown(() => source.stop())
  return { source, url, tools, port: Number(new URL(url).port) }
}
