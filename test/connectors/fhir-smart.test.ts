/** SMART Backend Services: assertions a server can verify, tokens asked for once, and keys that are published. */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import fhirDestination from '../../connectors/fhir/destination.js'
import fhirSource from '../../connectors/fhir/source.js'
import { privateKey, publicKey, type SmartSettings, smartTokens } from '../../connectors/fhir/smart.js'
import { fhirServer } from './fhir-server.js'
import { deliveryOf, never, testTools } from './tools.js'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const curve = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
const RSA: SmartSettings = { clientId: 'refero', key: rsa.export({ format: 'pem', type: 'pkcs8' }).toString(), keyId: 'k1', algorithm: 'RS384', scopes: ['system/Patient.rs', 'system/ServiceRequest.cruds'] }
const EC: SmartSettings = { ...RSA, key: JSON.stringify(curve.export({ format: 'jwk' })), keyId: 'k2', algorithm: 'ES384', jku: 'https://refero.example/keys.json' }

const serverOf = async (t: Test) => {
  const server = await fhirServer(t)
  server.keys = { keys: [publicKey(RSA), publicKey(EC)] }
  return server
}
const PAYLOAD = JSON.stringify({ resourceType: 'Bundle', entry: [
  { fullUrl: 'urn:uuid:1', resource: { resourceType: 'ServiceRequest', status: 'active', intent: 'order', identifier: [{ type: { coding: [{ code: 'FILL' }] }, value: 'R-1' }], subject: { reference: 'urn:uuid:2' } } },
  { fullUrl: 'urn:uuid:2', resource: { resourceType: 'Patient', identifier: [{ system: 'urn:mrn', value: '1' }] } },
] })

t.test('an assertion says who asks, of whom, for how long, and is signed as the server can check', async (t) => {
  for (const settings of [RSA, EC]) {
    const server = await serverOf(t)
    t.equal(await smartTokens(settings, server.base, testTools('').clock).get(never), 'token-1')
    const [said] = server.assertions as [{ iat: number; exp: number; jti: string }]
    t.match(said, { iss: 'refero', sub: 'refero', aud: `${server.base}/token`, alg: settings.algorithm, kid: settings.keyId, scope: 'system/Patient.rs system/ServiceRequest.cruds', jti: /.{20}/ })
    t.equal((said as { jku?: string }).jku, settings.jku)
    t.ok(said.exp - said.iat > 0 && said.exp - said.iat <= 300)
  }
})

t.test('many callers share one request, and a token is used until shortly before its end', async (t) => {
  const server = await serverOf(t)
  const { clock } = testTools('')
  const tokens = smartTokens(RSA, server.base, clock)
  t.equal(smartTokens({ ...RSA }, server.base, clock), tokens, 'lanes that say the same share them')
  t.strictSame(await Promise.all([tokens.get(never), tokens.get(never), tokens.get(never)]), ['token-1', 'token-1', 'token-1'])
  clock.advance(269_000)
  t.equal(await tokens.get(never), 'token-1')
  clock.advance(1_000)
  t.strictSame(await Promise.all([tokens.get(never), tokens.get(never)]), ['token-2', 'token-2'])
  tokens.drop('token-1')
  t.equal(await tokens.get(never), 'token-2', 'an old one that failed does not take the new one away')
  t.not(server.assertions[0]?.jti, server.assertions[1]?.jti)
})

t.test('a token that is no longer accepted is renewed once, and then it is our credentials', async (t) => {
  const server = await serverOf(t)
  server.resources.push({ resourceType: 'Patient', id: 'p', identifier: [{ system: 'urn:mrn', value: '1' }] })
  const destination = fhirDestination.create({ base: server.base, auth: { smart: RSA }, patient: { system: 'urn:mrn' }, write: ['serviceRequest'] }, testTools(''))
  server.accepts = (token) => token === 'token-2'
  t.match(await destination.deliver(deliveryOf(PAYLOAD), never), { kind: 'sent' })
  t.equal(server.assertions.length, 2)
  t.equal(server.of('ServiceRequest').length, 1)
  server.accepts = () => false
  t.match(await destination.deliver(deliveryOf(PAYLOAD), never), { kind: 'unavailable', code: '401', reason: /credentials are not accepted/ })
  t.equal(server.assertions.length, 3, 'renewed once')
  server.keys = { keys: [] }
  t.match(await destination.deliver(deliveryOf(PAYLOAD), never), { kind: 'unavailable', reason: /no access token was given: .* answered 400 \(invalid_client\)/ })
})

t.test('a token address that is set is used; one that nobody answers, or a server that tells none, is said', async (t) => {
  const server = await serverOf(t)
  const { clock } = testTools('')
  t.equal(await smartTokens({ ...RSA, tokenUrl: `${server.base}/token` }, 'http://nowhere.example', clock).get(never), 'token-1')
  const over = new AbortController()
  over.abort()
  await t.rejects(smartTokens(RSA, server.base, clock).get(over.signal), /in time/)
  await t.rejects(smartTokens({ ...RSA, tokenUrl: `${server.base}/Patient` }, server.base, clock).get(never), /no access token was given/)
  await t.rejects(smartTokens(RSA, server.base.replace('/fhir', '/other'), clock).get(never), /set `tokenUrl`/)
})

t.test('a client secret goes to the token address as the server asks for it, encoded, and nowhere else', async (t) => {
  const asked: { authorization: string | undefined; form: Record<string, string> }[] = []
  const issuer = createHttpServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()))
    const { authorization } = request.headers
    asked.push({ authorization, form })
    const known = authorization === `Basic ${Buffer.from('re+fero:a%3Ab%26+%C3%A9').toString('base64')}` || (form.client_id === 're fero' && form.client_secret === 'a:b& é')
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(known ? { access_token: 'from-the-secret', token_type: 'bearer', expires_in: 3600 } : { error: 'invalid_client' }))
  }).listen(0, '127.0.0.1')
  await once(issuer, 'listening')
  t.teardown(() => void issuer.close())
  const server = await serverOf(t)
  server.resources.push({ resourceType: 'Patient', id: 'p', identifier: [{ system: 'urn:mrn', value: '1' }] })
  server.accepts = (token) => token === 'from-the-secret'
  const secret = { clientId: 're fero', clientSecret: 'a:b& é', tokenUrl: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/oauth2/v1/token` }
  const deliver = (given: object) => fhirDestination.create({ base: server.base, auth: { secret: { ...secret, ...given } }, patient: { system: 'urn:mrn' }, write: ['serviceRequest'] }, testTools('')).deliver(deliveryOf(PAYLOAD), never)
  t.match(await deliver({ scopes: ['system/Patient.rs', 'athena/service/Athenanet.MDP.*'] }), { kind: 'sent' })
  t.strictSame(asked.pop()?.form, { grant_type: 'client_credentials', scope: 'system/Patient.rs athena/service/Athenanet.MDP.*' })
  t.match(await deliver({ send: 'form' }), { kind: 'sent' })
  t.match(asked.pop(), { authorization: undefined, form: { client_id: 're fero' } })
  const refused = await deliver({ clientSecret: 'wrong-secret' })
  t.match(refused, { kind: 'unavailable', reason: /no access token was given: .* answered 401 \(invalid_client\)/ })
  t.equal(asked.length, 1, 'a wrong secret is not tried again by another clock')
  t.notMatch(JSON.stringify(refused), /wrong-secret/)
  t.ok(server.requests.every(({ headers }) => headers.authorization === 'Bearer from-the-secret'))
})

t.test('a request for a token that fails after whoever asked has gone fails alone', async (t) => {
  let closed: () => void = () => {}
  const over = new Promise<void>((resolve) => { closed = resolve })
  const broken = createServer((socket) => socket.on('error', () => {}).on('close', () => closed()).destroy()).listen(0, '127.0.0.1')
  t.teardown(() => broken.close())
  await once(broken, 'listening')
  const tokens = smartTokens({ ...RSA, tokenUrl: `http://127.0.0.1:${(broken.address() as AddressInfo).port}/token` }, 'http://nowhere.example', testTools('').clock)
  await t.rejects(tokens.get(AbortSignal.abort()), /in time/)
  await over
  await t.rejects(tokens.get(never), /cannot be asked for a token/, 'it is asked again; a failure that nobody heard would have ended the process')
})

t.test('a key that cannot sign is said in a sentence, without the key', async (t) => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'pem', type: 'pkcs1' }).toString()
  const wrong: [string, 'RS384' | 'ES384', RegExp][] = [['nonsense', 'RS384', /cannot be read as a private key/], ['{"kty":"oct"}', 'ES384', /cannot be read/], [RSA.key, 'ES384', /not what ES384 needs: a key of the curve P-384/], [EC.key, 'RS384', /not what RS384 needs/], [small, 'RS384', /2048 bits/]]
  for (const [key, algorithm, sentence] of wrong) t.throws(() => fhirDestination.create({ base: 'http://a/', auth: { smart: { ...RSA, key, algorithm } }, patient: { system: 'urn:mrn' } }, testTools('')), sentence)
  t.ok(privateKey({ key: rsa.export({ format: 'pem', type: 'pkcs1' }).toString().replaceAll('\n', '\\n'), algorithm: 'RS384' }), 'a PEM on one line is one too')
})

t.test('our public keys are served while a lane is open, and nothing of the private ones', async (t) => {
  const tools = testTools('')
  const make = (smart: SmartSettings) => fhirDestination.create({ base: 'http://a/', auth: { smart: { ...smart, publish: '/keys.json' } }, patient: { system: 'urn:mrn' } }, tools)
  const lanes = [make(RSA), make(RSA), make(EC)]
  for (const lane of lanes) await lane.open()
  const answer = await tools.served.get('/keys.json')?.({ method: 'GET', path: '/keys.json', headers: {}, body: Buffer.alloc(0), remote: '' })
  const { keys } = JSON.parse(String(answer?.body)) as { keys: Record<string, string>[] }
  t.strictSame(keys.map(({ kid, alg, use }) => [kid, alg, use]), [['k1', 'RS384', 'sig'], ['k2', 'ES384', 'sig']])
  for (const key of keys) for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) t.notOk(secret in key)
  await lanes[0]?.close()
  t.ok(tools.served.has('/keys.json'))
  for (const lane of lanes.slice(1)) await lane.close()
  t.notOk(tools.served.has('/keys.json'))
})

t.test('source and destination publish one set, with the key that follows; a server checks assertions of both by it', async (t) => {
  const server = await serverOf(t)
  const tools = testTools(t.testdir())
  const smart: SmartSettings = { ...RSA, publish: '/keys.json', next: { key: EC.key, keyId: 'k2', algorithm: 'ES384' } }
  const destination = fhirDestination.create({ base: 'http://a/', auth: { smart }, patient: { system: 'urn:mrn' } }, tools)
  const source = fhirSource.create({ base: server.base, auth: { smart }, poll: { search: ['Appointment'] } }, tools)
  await destination.open()
  await source.start(() => Promise.reject(new Error('nothing comes')))
  const set = JSON.parse(String((await tools.served.get('/keys.json')?.({ method: 'GET', path: '/keys.json', headers: {}, body: Buffer.alloc(0), remote: '' }))?.body)) as JSONWebKeySet
  t.strictSame(set.keys.map(({ kid, alg, kty }) => [kid, alg, kty]), [['k1', 'RS384', 'RSA'], ['k2', 'ES384', 'EC']])
  t.notMatch(JSON.stringify(set), /"(d|p|q|dp|dq|qi)":/)
  for (const [settings, name] of [[smart, 'now'], [{ ...EC, publish: '/keys.json' }, 'once the next key is in use']] as const) {
    server.keys = set
    t.match(await smartTokens(settings, server.base, testTools('').clock).get(never), /^token-/, name)
    const forged = { ...settings, key: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), algorithm: 'ES384' as const, keyId: 'k2' }
    await t.rejects(smartTokens(forged, server.base, testTools('').clock).get(never), /invalid_client/)
  }
  await t.rejects(jwtVerify('a.b.c', createLocalJWKSet(set)))
  const other = fhirDestination.create({ base: 'http://a/', auth: { smart: { ...EC, keyId: 'k1', publish: '/keys.json' } }, patient: { system: 'urn:mrn' } }, tools)
  await t.rejects(other.open(), /another key is published at \/keys.json by the name of `k1`/)
  t.throws(() => fhirSource.create({ base: server.base, auth: { smart: { ...smart, next: { key: EC.key, keyId: 'k1' } } }, poll: { search: ['Appointment'] } }, tools), /must differ/)
  await destination.close()
  t.ok(tools.served.has('/keys.json'))
  await source.stop()
  t.notOk(tools.served.has('/keys.json'))
})

t.test('a token that ends while the source looks is renewed; and a server whose clock is elsewhere is asked by its own', async (t) => {
  const server = await serverOf(t)
  const tools = testTools(t.testdir())
  let valid = 'token-1'
  server.accepts = (token) => token === valid
  server.resources.push({ resourceType: 'Appointment', id: '1', meta: { lastUpdated: '2026-03-02T14:00:00.000Z' } })
  const source = fhirSource.create({ base: server.base, auth: { smart: RSA }, poll: { search: ['Appointment'] } }, tools)
  const keys: unknown[] = []
  await source.start(async ({ key }) => {
    keys.push(key)
    return { verdict: 'accepted', reason: null, acknowledgements: [] }
  })
  t.teardown(() => source.stop())
  await tools.clock.asleep(60_000)
  valid = 'token-2'
  tools.clock.advance(60_000)
  await tools.clock.asleep(60_000)
  t.equal(server.assertions.length, 2, 'no longer accepted: renewed at once')
  valid = 'token-3'
  tools.clock.advance(280_000)
  await tools.clock.asleep(60_000)
  t.equal(server.assertions.length, 3, 'near its end: renewed before')
  t.match(keys, [/Appointment\/1\/_history\/sha256-/])
  t.equal(tools.events.length, 0)

  const real = await serverOf(t)
  real.now = () => new Date() // what the Date header of its answers says too
  t.equal(await smartTokens(RSA, real.base, testTools('').clock).get(never), 'token-1')
  t.ok(Math.abs(Number(real.assertions[0]?.iat) - Date.now() / 1000) < 60)
})
