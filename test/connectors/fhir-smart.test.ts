/** SMART Backend Services: assertions a server can verify, tokens asked for once, and keys that are published. */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t, { type Test } from 'tap'
import fhirDestination from '../../connectors/fhir/destination.js'
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
