/** SOAP by hand over real HTTP: a server for what a source serves, a gateway that answers what a test says, and envelopes written out. */
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { ask } from './http-tools.js'
import type { TestTools } from './tools.js'

/** The URL of a server that gives each request to the handler that was served at its path, as the engine’s own does. */
export const serveTools = async (t: Test, tools: TestTools): Promise<string> => {
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const handler = tools.served.get(request.url ?? '')
    const { status, headers, body } = handler ? await handler({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks), remote: '127.0.0.1:4000' }) : { status: 404, headers: {}, body: '' }
    response.writeHead(status, headers).end(body)
  })
  return listening(t, server)
}

export interface Asked { readonly url: string; readonly type: string; readonly text: string; readonly headers: http.IncomingHttpHeaders }
export interface Answered { readonly status?: number; readonly type?: string; readonly body: string | Buffer }

/** A gateway: `answer` sees each request; null hangs up. */
export const gateway = async (t: Test, answer: (asked: Asked) => Answered | null): Promise<{ readonly url: string; readonly asked: Asked[] }> => {
  const asked: Asked[] = []
  const url = await listening(t, http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const one = { url: request.url ?? '', type: request.headers['content-type'] ?? '', text: Buffer.concat(chunks).toString('latin1'), headers: request.headers }
    asked.push(one)
    const given = answer(one)
    if (given) response.writeHead(given.status ?? 200, { 'content-type': given.type ?? 'application/soap+xml; charset=utf-8' }).end(given.body)
    else request.socket.destroy()
  }))
  return { url, asked }
}

const listening = async (t: Test, server: http.Server): Promise<string> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close(); server.closeAllConnections() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export const soap = (action: string, body: string, headers = '', relatesTo = ''): string =>
  `<?xml version='1.0' encoding='UTF-8'?><S:Envelope xmlns:S="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"><S:Header><a:Action S:mustUnderstand="1">${action}</a:Action>${relatesTo ? `<a:RelatesTo>${relatesTo}</a:RelatesTo>` : ''}<a:MessageID>urn:uuid:11111111-2222-4333-8444-555555555555</a:MessageID><a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>${headers}</S:Header><S:Body>${body}</S:Body></S:Envelope>`

/** A package as Java stacks write it: quoted parameters, the envelope first. */
export const multipart = (envelope: string, parts: readonly { readonly id: string; readonly content: Buffer }[], { start = '<main@sender.test>' }: { readonly start?: string } = {}): { readonly type: string; readonly body: Buffer } => {
  const boundary = 'uuid:2d9a-boundary'
  return {
    type: `multipart/related; boundary="${boundary}"; type="application/xop+xml"; start="${start}"; start-info="application/soap+xml"`,
    body: Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\nContent-Transfer-Encoding: 8bit\r\nContent-ID: <main@sender.test>\r\n\r\n${envelope}`),
      ...parts.flatMap(({ id, content }) => [Buffer.from(`\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: ${id}\r\n\r\n`), content]), Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  }
}

export const post = (url: string, type: string, body: string | Buffer, headers: Readonly<Record<string, string>> = {}) => ask(url, body, { headers: { 'content-type': type, ...headers } })
