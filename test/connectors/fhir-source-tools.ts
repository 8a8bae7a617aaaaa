/** What the tests of the fhir source share: one that runs behind a web server of its own, and notifications as servers write them. */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import fhirSource from '../../connectors/fhir/source.js'
import type { Inbound, Reply } from '../../engine/contracts.js'
import { fhirServer, type Resource, type TestServer } from './fhir-server.js'
import { accepted, type TestTools, testTools } from './tools.js'

export type Settings = Parameters<typeof fhirSource.create>[0]
type Subscribe = NonNullable<Settings['subscribe']>

export const TOPIC = 'https://ehr.example/SubscriptionTopic/appointment'
export const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/'

/** Turns of the event loop until something holds; the test's own time limit ends it. */
export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

/** A source that runs, the web server that it is served by, and what it gave. */
export const running = async (t: Test, server: TestServer, settings: (url: string) => Partial<Settings>, { folder = mkdtempSync(join(tmpdir(), 'refero-fhir-')), tools = testTools(folder), reply = (): Reply | Promise<Reply> => accepted } = {}) => {
  const web = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const path = request.url ?? '/'
    const handler = [...tools.served].find(([served]) => (served.endsWith('/*') ? path.startsWith(served.slice(0, -1)) : path === served))?.[1]
    const answer = handler ? await handler({ method: request.method ?? '', path, headers: request.headers, body: Buffer.concat(chunks), remote: '127.0.0.1:1' }) : { status: 404 }
    response.writeHead(answer.status, answer.headers).end(answer.body)
  }).listen(0, '127.0.0.1')
  await once(web, 'listening')
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  const given: Inbound[] = []
  const source = fhirSource.create({ base: server.base, auth: 'none', ...settings(url) }, tools)
  await source.start(async (inbound) => {
    const said = await reply()
    if (said.verdict !== 'error' && !given.some(({ key }) => key === inbound.key)) given.push(inbound) // as the store does
    return said
  })
  const stop = async (): Promise<void> => {
    await source.stop()
    web.closeAllConnections()
    web.close()
  }
  t.teardown(async () => {
    await stop()
    if (folder.startsWith(join(tmpdir(), 'refero-fhir-'))) rmSync(folder, { recursive: true, force: true })
  })
  const notify = (body: unknown, { name = 'n', headers = { authorization: 'Bearer s3cret' } as Record<string, string>, method = 'POST' } = {}) =>
    fetch(`${url}/fhir/notify/${name}`, { method, headers: { 'content-type': 'application/fhir+json', ...headers }, ...(body !== null && { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }) })
  return { tools, folder, given, notify, stop, url, keys: () => given.map(({ key }) => key?.replace(`fhir:${server.base}:`, '')), waiting: () => readdirSync(join(folder, 'fhir/test')).filter((name) => name.endsWith('.notification')).length }
}

export const subscribing = (subscription: Partial<Subscribe['subscriptions'][number]> = {}, more: Partial<Subscribe> = {}) => (url: string): Partial<Settings> =>
  ({ subscribe: { path: '/fhir/notify', url: `${url}/fhir/notify`, secret: { bearer: 's3cret' }, subscriptions: [{ topic: TOPIC, name: 'n', ...subscription }], ...more } })

export const appointment = (id: string, version = '1', at = '2026-03-02T14:00:00.000Z', more: object = {}): Resource =>
  ({ resourceType: 'Appointment', id, meta: { versionId: version, lastUpdated: at }, status: 'booked', participant: [{ actor: { reference: 'Patient/p' }, status: 'accepted' }], ...more })

interface Event { readonly number: number; readonly focus?: string; readonly resource?: Resource }
/** A notification as the R4 backport writes it. */
export const bundle = (type: string, total: number, events: readonly Event[] = [], status = 'active') => ({
  resourceType: 'Bundle', type: 'history', entry: [{ request: { method: 'GET', url: 'Subscription/1/$status' }, resource: { resourceType: 'Parameters', parameter: [
    { name: 'subscription', valueReference: { reference: 'Subscription/1' } }, { name: 'status', valueCode: status }, { name: 'type', valueCode: type }, { name: 'events-since-subscription-start', valueString: String(total) },
    ...events.map(({ number, focus }) => ({ name: 'notification-event', part: [{ name: 'event-number', valueString: String(number) }, ...(focus ? [{ name: 'focus', valueReference: { reference: focus } }] : [])] })),
  ] } }, ...events.flatMap(({ resource }) => (resource ? [{ fullUrl: `https://other.example/${resource.resourceType}/${resource.id}`, resource }] : []))],
})
export const event = (number: number, id = String(number)) => bundle('event-notification', number, [{ number, focus: `Appointment/${id}` }])
export const said = ({ events }: TestTools, sentence: RegExp): number => events.filter(({ event }) => sentence.test(event)).length
export const asked = ({ requests }: TestServer, method: string, path: RegExp): number => requests.filter((seen) => seen.method === method && path.test(seen.path)).length

/** A source with a subscription that is active. */
export const subscribed = async (t: Test, settings = subscribing(), more: Parameters<typeof running>[3] = {}) => {
  const server = await fhirServer(t)
  const source = await running(t, server, settings, more)
  await until(() => server.of('Subscription').length === 1)
  Object.assign(server.of('Subscription')[0] ?? {}, { status: 'active' })
  return { server, ...source }
}
