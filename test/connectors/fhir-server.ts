/** A small FHIR R4 server of the tests, in memory: conditional create and update, transactions, search by identifier and time, pages, a token endpoint, and faults to order. */
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
  now: () => Date // by which assertions are judged
  accepts: (token: string) => boolean
  of(type: string): Resource[]
}

export const refusal = (diagnostics: string): Answer => ({ status: 422, body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'business-rule', diagnostics }] } })

export const fhirServer = async (t: Pick<Test, 'teardown'>): Promise<TestServer> => {
  const http = createServer((request, response) => void handle(request, response))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.teardown(() => new Promise((resolve) => {
    http.closeAllConnections()
    http.close(resolve)
  }))
  const base = `http://127.0.0.1:${(http.address() as AddressInfo).port}/fhir`
  const server: TestServer = {
    base, resources: [], requests: [], assertions: [], fault: () => null, ignoresCondition: false, ignoresSearch: false, showsNothing: false, changes: (resource) => resource, keys: null, tokenLife: 300, now: () => new Date('2026-03-02T14:15:00Z'), accepts: () => true,
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
    const seen: Seen = { method: request.method ?? '', path: url.pathname.replace(/^\/fhir\/?/, ''), query: url.searchParams, headers: request.headers, body: text.startsWith('{') ? JSON.parse(text) as Resource : null }
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
    if (method === 'GET') return { status: 200, body: page(type, query) }
    if (body === null) return { status: 400 }
    if (method === 'POST' && path === '') return body.type === 'transaction' ? transaction(body) : refusal('A server takes batches and transactions at its base, and nothing else.')
    if (body.resourceType !== type) return refusal(`This is no ${type}.`)
    if (method === 'PUT') return put(type, id ?? null, query, body)
    const condition = headers['if-none-exist']
    const there = typeof condition === 'string' && !server.ignoresCondition ? matching(type, new URLSearchParams(condition)) : []
    if (there.length > 1) return { status: 412 }
    if (there[0]) return { status: 200, body: server.showsNothing ? undefined : there[0], headers: { location: `${base}/${type}/${there[0].id}/_history/1` } }
    const made = keep(body)
    return { status: 201, body: server.showsNothing ? undefined : made, headers: { location: `${base}/${type}/${made.id}/_history/1` } }
  }

  const keep = (body: Resource, id = String(++ids)): Resource => {
    const made = { ...server.changes(structuredClone(body)), id }
    server.resources.push(made)
    return made
  }

  /** By its id, or by what the condition finds. */
  const put = (type: string, id: string | null, query: URLSearchParams, body: Resource): Answer => {
    const there = id === null ? matching(type, query) : server.of(type).filter((each) => each.id === id)
    if (there.length > 1) return { status: 412 }
    const [old] = there
    if (old) server.resources.splice(server.resources.indexOf(old), 1)
    const made = keep(body, old?.id ?? id ?? undefined)
    return { status: old ? 200 : 201, body: made, headers: { location: `${base}/${type}/${made.id}/_history/1` } }
  }

  /** Each entry in its turn; a reference to another by `fullUrl` would be a mistake of ours, for nothing here needs one. */
  const transaction = ({ entry }: Resource): Answer => {
    const entries = entry as { resource: Resource; request: { method: string; url: string; ifNoneExist?: string } }[]
    if (JSON.stringify(entries.map(({ resource }) => resource)).includes('"urn:uuid:')) return refusal('A reference leads nowhere.')
    const answers = entries.map(({ resource, request: { method, url, ifNoneExist } }) => {
      const [path = '', condition] = url.split('?')
      return answerTo({ method, path, query: new URLSearchParams(condition), headers: ifNoneExist === undefined ? {} : { 'if-none-exist': ifNoneExist }, body: resource })
    })
    const bad = answers.find(({ status }) => status >= 300)
    return bad ?? { status: 200, body: { resourceType: 'Bundle', type: 'transaction-response', entry: answers.map(({ status, headers }) => ({ response: { status: String(status), location: headers?.location } })) } }
  }

  /** `_count` resources of what a search finds, `_include`d ones beside them, and the address of the next page. */
  const page = (type: string, query: URLSearchParams): Resource => {
    const found = matching(type, server.ignoresSearch ? null : query)
    const from = Number(query.get('page') ?? 0)
    const most = Number(query.get('_count') ?? found.length) || found.length
    const shown = found.slice(from, from + most)
    const more = new URLSearchParams([...query].filter(([name]) => name !== 'page'))
    more.set('page', String(from + most))
    const text = query.has('_include') ? JSON.stringify(shown) : ''
    const included = server.resources.filter((each) => each.resourceType !== type && text.includes(`"${each.resourceType}/${each.id}"`))
    const entry = [...shown.map((resource) => ({ resource, search: { mode: 'match' } })), ...included.map((resource) => ({ resource, search: { mode: 'include' } }))]
    return { resourceType: 'Bundle', type: 'searchset', entry, ...(from + most < found.length && { link: [{ relation: 'next', url: `${base}/${type}?${more}` }] }) }
  }

  const lastUpdated = ({ meta }: Resource): string => (meta as { lastUpdated?: string } | undefined)?.lastUpdated ?? ''

  const matching = (type: string, query: URLSearchParams | null): Resource[] => {
    const wanted = query?.get('identifier')?.split(/(?<!\\),/).map((each) => each.replace(/\\(.)/g, '$1')) ?? null
    const since = query?.get('_lastUpdated')?.replace('ge', '') ?? null
    const of = server.of(type).filter((each) => (since === null || lastUpdated(each) >= since) && (!query?.has('_id') || each.id === query.get('_id')))
    return of.filter(({ identifier }) => !wanted || (Array.isArray(identifier) ? identifier as { system?: string; value?: string }[] : []).some(({ system, value }) => wanted.includes(`${system}|${value}`)))
  }

  const token = async (form: URLSearchParams): Promise<Answer> => {
    if (form.get('grant_type') !== 'client_credentials' || form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') return { status: 400, body: { error: 'unsupported_grant_type' } }
    try {
      const { payload, protectedHeader } = await jwtVerify(form.get('client_assertion') ?? '', createLocalJWKSet(server.keys ?? { keys: [] }), { audience: `${base}/token`, algorithms: ['RS384', 'ES384'], currentDate: server.now() })
      server.assertions.push({ ...payload, ...protectedHeader, scope: form.get('scope') })
    } catch {
      return { status: 400, body: { error: 'invalid_client' } }
    }
    return { status: 200, body: { access_token: `token-${server.assertions.length}`, token_type: 'bearer', expires_in: server.tokenLife } }
  }
  return server
}
