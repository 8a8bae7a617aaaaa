/** A small FHIR R4 server of the tests, in memory: conditional create, search by identifier, a token endpoint, and faults to order. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import type { Test } from 'tap'

export interface Resource { resourceType: string; id?: string; [element: string]: unknown }
interface Answer { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
export interface Seen { readonly method: string; readonly path: string; readonly query: URLSearchParams; readonly headers: IncomingMessage['headers']; readonly body: Resource | null }

export interface TestServer {
  readonly base: string
  readonly resources: Resource[]
  readonly requests: Seen[]
  readonly assertions: Record<string, unknown>[]
  /** What a request is answered instead of what it asks; `dies` closes the connection before or after the work is done. */
  fault: (seen: Seen, number: number) => Answer | 'dies before' | 'dies after' | null
  ignoresCondition: boolean
  ignoresSearch: boolean
  showsNothing: boolean // answers a creation with its location alone
  changes: (resource: Resource) => Resource
  keys: JSONWebKeySet | null // signed assertions are asked for, and tokens for every request
  tokenLife: number
  accepts: (token: string) => boolean
  of(type: string): Resource[]
}

export const fhirServer = async (t: Test): Promise<TestServer> => {
  const http = createServer((request, response) => void handle(request, response))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.teardown(() => new Promise((resolve) => {
    http.closeAllConnections()
    http.close(resolve)
  }))
  const base = `http://127.0.0.1:${(http.address() as AddressInfo).port}/fhir`
  const server: TestServer = {
    base, resources: [], requests: [], assertions: [], fault: () => null, ignoresCondition: false, ignoresSearch: false, showsNothing: false, changes: (resource) => resource, keys: null, tokenLife: 300, accepts: () => true,
    of: (type) => server.resources.filter(({ resourceType }) => resourceType === type),
  }
  let ids = 0

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', base)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const give = ({ status, body, headers = {} }: Answer): void => void response.writeHead(status, { 'content-type': 'application/fhir+json', ...headers }).end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
    if (url.pathname === '/fhir/.well-known/smart-configuration') return give({ status: 200, body: { token_endpoint: `${base}/token` } })
    if (url.pathname.endsWith('/token')) return give(await token(new URLSearchParams(text)))
    const seen: Seen = { method: request.method ?? '', path: url.pathname.replace('/fhir/', ''), query: url.searchParams, headers: request.headers, body: text.startsWith('{') ? JSON.parse(text) as Resource : null }
    server.requests.push(seen)
    if (server.keys && !server.accepts((request.headers.authorization ?? '').replace('Bearer ', ''))) return give({ status: 401 })
    const fault = server.fault(seen, server.requests.length)
    if (fault === 'dies before') return void request.socket.destroy()
    if (fault !== null && fault !== 'dies after') return give(fault)
    const answer = answerTo(seen)
    if (fault === 'dies after') return void request.socket.destroy()
    give(answer)
  }

  const answerTo = ({ method, path, query, headers, body }: Seen): Answer => {
    const [type = '', id] = path.split('/')
    if (method === 'GET' && id) {
      const found = server.of(type).find((each) => each.id === id)
      return found ? { status: 200, body: found } : { status: 404 }
    }
    if (method === 'GET') return { status: 200, body: { resourceType: 'Bundle', type: 'searchset', entry: matching(type, server.ignoresSearch ? null : query).map((resource) => ({ resource, search: { mode: 'match' } })) } }
    const condition = headers['if-none-exist']
    const there = typeof condition === 'string' && !server.ignoresCondition ? matching(type, new URLSearchParams(condition)) : []
    if (there.length > 1) return { status: 412 }
    if (there[0]) return { status: 200, body: server.showsNothing ? undefined : there[0], headers: { location: `${base}/${type}/${there[0].id}/_history/1` } }
    ids += 1
    const made = { ...server.changes(structuredClone(body) as Resource), id: String(ids) }
    server.resources.push(made)
    return { status: 201, body: server.showsNothing ? undefined : made, headers: { location: `${base}/${type}/${ids}/_history/1` } }
  }

  const matching = (type: string, query: URLSearchParams | null): Resource[] => {
    const wanted = query?.get('identifier')?.split(/(?<!\\),/).map((each) => each.replace(/\\(.)/g, '$1')) ?? null
    return server.of(type).filter(({ identifier }) => !wanted || (Array.isArray(identifier) ? identifier as { system?: string; value?: string }[] : []).some(({ system, value }) => wanted.includes(`${system}|${value}`)))
  }

  const token = async (form: URLSearchParams): Promise<Answer> => {
    if (form.get('grant_type') !== 'client_credentials' || form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') return { status: 400, body: { error: 'unsupported_grant_type' } }
    try {
      const { payload, protectedHeader } = await jwtVerify(form.get('client_assertion') ?? '', createLocalJWKSet(server.keys ?? { keys: [] }), { audience: `${base}/token`, algorithms: ['RS384', 'ES384'], currentDate: new Date('2026-03-02T14:15:00Z') })
      server.assertions.push({ ...payload, ...protectedHeader, scope: form.get('scope') })
    } catch {
      return { status: 400, body: { error: 'invalid_client' } }
    }
    return { status: 200, body: { access_token: `token-${server.assertions.length}`, token_type: 'bearer', expires_in: server.tokenLife } }
  }
  return server
}
