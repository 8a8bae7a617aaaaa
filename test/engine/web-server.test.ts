/** The engine's web server with routes from elsewhere: what they may take and answer, and how /docs tells of them. */
import t from 'tap'
import Type from 'typebox'
import type { Routes } from '../../engine/api/routes.js'
import { answers } from '../../engine/api/schemas.js'
import { createWebServer } from '../../engine/api/server.js'
import { newToken } from '../../engine/api/token.js'
import { clock } from '../../engine/clock.js'
import type { WebRequest } from '../../engine/contracts.js'
import { Engine } from '../../engine/engine.js'
import { Events } from '../../engine/events.js'
import { complaint } from '../../engine/web/answers.js'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'

const FHIR = 'application/fhir+json'
const Patient = Type.Object({ resourceType: Type.Literal('Patient'), birthDate: Type.Optional(Type.String()) })

/** As a domain beside the engine would add them, through main.ts. */
const routes: Routes = (api) => {
  api.post<{ Body: { birthDate?: string } }>('/things/$match', {
    schema: { summary: 'Finds a thing.', consumes: [FHIR, 'application/json'], produces: [FHIR], body: Patient, response: answers(Patient) },
  }, async ({ body }, reply) => reply.type(FHIR).send({ resourceType: 'Patient', birthDate: body.birthDate }))
  api.get('/things.csv', { schema: { summary: 'All things.', produces: ['text/csv'] } }, async (_request, reply) => reply.type('text/csv; charset=utf-8').send('name,"value"\n'))
  api.post('/things', { schema: { summary: 'Many things.', consumes: [FHIR], body: { content: { [FHIR]: { schema: Patient } } } } }, async ({ body }) => ({ kept: body }))
}

const unused = (): never => {
  throw new Error('no channel runs here')
}

t.test('routes from elsewhere take and answer what is their own', async (t) => {
  const data = t.testdir()
  const store = openSqliteStore(':memory:')
  const web = createWebServer(data, { body: 1000, requests: 1000, openMetrics: false })
  const pieces = { sources: new Map(), destinations: new Map(), transforms: new Map(), formats: new Map() }
  const engine = new Engine({ pieces, mappings: { table: unused, mapping: unused }, store, clock, log: () => {}, events: new Events(), dataFolder: data, serve: web.serve }, 60_000)
  const address = await web.open(engine, { host: '127.0.0.1', port: 0 }, [routes])
  t.teardown(async () => {
    await web.close()
    await engine.stop(1000)
    await store.close()
  })
  const authorization = `Bearer ${newToken(data)}`
  const ask = async (path: string, type?: string, body?: string, headers: Record<string, string> = { authorization }) => {
    const response = await fetch(`${address}${path}`, { headers: { ...headers, ...(type && { 'content-type': type }) }, ...(body !== undefined && { method: 'POST', body }) })
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }

  const patient = JSON.stringify({ resourceType: 'Patient', birthDate: '1990-02-03' })
  for (const type of [FHIR, `${FHIR}; charset=utf-8`, `${FHIR};fhirVersion=4.0`, 'application/json']) {
    const found = await ask('/api/things/$match', type, patient)
    t.match(found, { status: 200, text: patient }, type)
    t.match(found.type, /^application\/fhir\+json/)
  }
  t.match(await ask('/api/things.csv'), { status: 200, type: 'text/csv; charset=utf-8', text: 'name,"value"\n' })
  t.match(await ask('/api/things', FHIR, patient), { status: 200, text: `{"kept":${patient}}` })

  t.match(await ask('/api/things/$match', FHIR, patient, {}), { status: 401 }, 'the token is asked for')
  t.match(await ask('/api/things/$match', FHIR, '{"resourceType":'), { status: 400, text: /"code":"USAGE"/ }, 'broken JSON')
  t.match(await ask('/api/things/$match', FHIR, '{"resourceType":"Patient","__proto__":{}}'), { status: 400 }, 'poisoned JSON')
  t.match(await ask('/api/things/$match', FHIR, '{"resourceType":"Group"}'), { status: 400, text: /`resourceType` cannot be `Group`; there is `Patient`/ }, 'its schema holds')
  t.match(await ask('/api/things', FHIR, '{"resourceType":"Group"}'), { status: 400, text: /body\/resourceType/ }, 'and so does one for a type of content')
  t.match(await ask('/api/things/$match', FHIR, `{"resourceType":"Patient","birthDate":"${'1'.repeat(1000)}"}`), { status: 413 })
  t.match(await ask('/api/things/$match', 'application/fhir+xml', '<Patient/>'), { status: 415, text: /"code":"USAGE"/ })

  const document = JSON.parse((await ask('/docs/openapi.json', undefined, undefined, {})).text)
  t.match(document.paths['/api/things/$match'].post, {
    operationId: 'postApiThingsMatch', tags: ['things'], summary: 'Finds a thing.', requestBody: { required: true, content: { [FHIR]: { schema: { required: ['resourceType'] } } } },
    responses: { 200: { content: { [FHIR]: { schema: {} } } } }, security: [{ token: [] }],
  })
  t.match(document.paths['/api/things'].post.requestBody, { required: true, content: { [FHIR]: { schema: { required: ['resourceType'] } } } })
  t.match((await ask('/docs', undefined, undefined, {})).text, /<code>\/api\/things\/\$match<\/code> Finds a thing\./)
})

t.test('a request that is refused before it is read gets its answer while it is still being sent', async (t) => {
  const data = t.testdir()
  const store = openSqliteStore(':memory:')
  const web = createWebServer(data, { body: 16 * 1024 ** 2, requests: 1000, openMetrics: false })
  const pieces = { sources: new Map(), destinations: new Map(), transforms: new Map(), formats: new Map() }
  const engine = new Engine({ pieces, mappings: { table: unused, mapping: unused }, store, clock, log: () => {}, events: new Events(), dataFolder: data, serve: web.serve }, 60_000)
  const address = await web.open(engine, { host: '127.0.0.1', port: 0 })
  t.teardown(async () => {
    await web.close()
    await engine.stop(1000)
    await store.close()
  })
  let read = 0
  const handler = Object.assign(async () => ({ status: 200, body: `${++read}` }), { maximum: 1024, admit: ({ headers }: Pick<WebRequest, 'headers'>) => (headers.authorization === undefined ? complaint(401, 'Who are you?') : null) })
  web.serve('/in', handler)
  const body = Buffer.alloc(8 * 1024 ** 2, 'x')
  for (let n = 0; n < 10; n++) {
    for (const [headers, status] of [[{}, 401], [{ authorization: 'x' }, 413]] as const) {
      const response = await fetch(`${address}/in`, { method: 'POST', headers, body })
      t.equal(response.status, status)
      t.not(response.headers.get('connection'), 'close')
      await response.text()
    }
  }
  t.equal(read, 0)

  const refused = async (type: string, headers: Record<string, string>, path = '/in') => {
    const response = await fetch(`${address}${path}`, { method: 'POST', headers: { 'content-type': type, ...headers }, body })
    return { status: response.status, type: response.headers.get('content-type'), body: JSON.parse(await response.text()) }
  }
  t.match(await refused(FHIR, {}), { status: 401, type: /^application\/fhir\+json/, body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'login', diagnostics: 'Who are you?' }] } }, 'who speaks FHIR is answered in FHIR')
  t.match(await refused(`${FHIR};fhirVersion=4.0`, { authorization: 'x' }), { status: 413, body: { resourceType: 'OperationOutcome', issue: [{ code: 'too-long', diagnostics: /more than 1024 bytes/ }] } }, 'also what never reaches its source')
  t.match(await refused('application/json', { authorization: 'x', accept: `text/html, ${FHIR};q=0.9` }), { status: 413, body: { resourceType: 'OperationOutcome' } }, 'and who asks for it')
  t.match(await refused('application/json', { authorization: 'x' }), { status: 413, type: /^application\/json/, body: { verdict: 'rejected' } })
})
