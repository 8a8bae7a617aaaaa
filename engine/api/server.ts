/** The engine's one web server: health, the operations API, and the paths that sources serve. */
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import { Ajv } from 'ajv'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import type { WebHandler, WebResponse } from '../contracts.js'
import type { Engine } from '../engine.js'
import { ERRORS, ReferoError, sentence } from '../errors.js'
import { Measures } from '../measures/measures.js'
import { snapshotOf } from '../measures/snapshot.js'
import { headline } from '../watch/incident.js'
import { complaint, later } from '../web/answers.js'
import { spokenTo } from '../web/in-fhir.js'
import { KnownPaths, sendError } from './api-errors.js'
import { document, documentationRoutes } from './documentation.js'
import { Ready, Up } from './health-schemas.js'
import { measuresRoutes, metricsRoute } from './metrics.js'
import { ROUTES, type Routes } from './routes.js'
import { allows } from './token.js'
import { bodyOf, headOf } from './web-body.js'
import { WebPaths } from './web-paths.js'

const asked = { useDefaults: true, allErrors: true, strict: false, verbose: true }
const whole = new Ajv(asked)
const words = new Ajv({ ...asked, coerceTypes: 'array' }) // what is in an address is text

/** Types of content below /api that are JSON under another name. */
const JSON_TOO = ['application/fhir+json']

const CLOSING = 1_000 // milliseconds that requests under way have once everything else has stopped

export interface WebServer {
  /** Serves a path for a source until the returned function is called. */
  readonly serve: (path: string, handler: WebHandler) => () => void
  /** Joins the operations API to the engine, and resolves with the address that it listens on. */
  open(engine: Engine, address: { host: string; port: number }, more?: readonly Routes[]): Promise<string>
  close(): Promise<void>
}

/** `body` in bytes, `requests` a minute from one address to the API, `openMetrics`: /metrics needs no token. The sources' paths may be registered before it listens. */
export function createWebServer(dataFolder: string, limits: { body: number; requests: number; openMetrics: boolean }): WebServer {
  const paths = new WebPaths()
  const app = Fastify({
    logger: false, bodyLimit: limits.body, forceCloseConnections: 'idle', requestTimeout: 60_000,
    frameworkErrors: (error, _request, reply) => void sendError(reply, error), // an address that cannot be read, before any route is known
  })
  // What is refused while it still comes runs dry: a connection closed before that would be reset, and its sender would never see the answer.
  app.setErrorHandler((error: FastifyError, _request, reply) => sendError(reply.removeHeader('connection'), error))
  // Answers are sent as they are: their schemas document them, and never leave anything out.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? whole : words).compile(schema as object))
  const known = new KnownPaths()
  app.addHook('onRoute', ({ url, method }) => known.add(url, method))
  app.setNotFoundHandler((request, reply) => known.refuse(request, reply))
  return {
    serve: (path, handler) => paths.add(path, handler),
    async open(engine, { host, port }, more = []) {
      // The engine speaks plain HTTP on the inside of a network: nothing may tell a browser otherwise.
      await app.register(helmet, { hsts: false, contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } })
      await document(app)
      documentationRoutes(app)
      healthRoutes(app, engine)
      const look = snapshotOf(engine, new Measures(engine.world.events))
      metricsRoute(app, engine, look, (authorization) => limits.openMetrics || allows(dataFolder, authorization))
      await app.register(async (api) => operations(api, engine, dataFolder, limits.requests, [...ROUTES, measuresRoutes(look), ...more]), { prefix: '/api' })
      await app.register(async (web) => sourcePaths(web, paths, limits.body))
      return app.listen({ host, port }).catch((error: unknown) => {
        throw new ReferoError('WEB_TAKEN', `(${host}:${port}: ${sentence(error)})`, { cause: error })
      })
    },
    close: async () => {
      const last = setTimeout(() => app.server.closeAllConnections(), CLOSING)
      await app.close()
      clearTimeout(last)
    },
  }
}

function healthRoutes(app: FastifyInstance, engine: Engine): void {
  app.get('/health', { schema: { summary: 'Whether the process answers.', response: { 200: Up } } }, async () => ({ status: 'up' }))
  app.get('/ready', { schema: { summary: 'Whether everything works that should: 200, or 503 with what is wrong; and what waits or rests.', response: { 200: Ready, 503: Ready } } }, async (_request, reply) => {
    const wrong = engine.troubles()
    const waiting = await engine.waiting().catch(() => [])
    const channels = engine.status().map(({ name, state, listening }) => ({ name, state, listening }))
    const resting = engine.resting()
    const incidents = engine.world.watching?.incidents.open().map(headline) ?? []
    return reply.code(wrong.length === 0 ? 200 : 503).send({ ready: wrong.length === 0, wrong, waiting, resting, incidents, channels })
  })
}

async function operations(api: FastifyInstance, engine: Engine, dataFolder: string, requests: number, routes: readonly Routes[]): Promise<void> {
  await api.register(rateLimit, { max: requests, timeWindow: '1 minute' })
  api.addHook('onRequest', async (request, reply) => {
    if (allows(dataFolder, request.headers.authorization)) return
    await reply.code(401).header('www-authenticate', 'Bearer').send({ code: 'NOT_ALLOWED', message: ERRORS.NOT_ALLOWED[0], detail: 'A bearer token is needed.', hint: 'It was shown at the first start; `refero token` makes a new one.' })
  })
  api.addContentTypeParser(JSON_TOO, { parseAs: 'string' }, api.getDefaultJsonParser('error', 'error'))
  for (const add of routes) add(api, engine)
}

/** Every other request goes to the source that serves its path, body untouched: read only where the source admits it, and no further than it takes. */
async function sourcePaths(web: FastifyInstance, paths: WebPaths, body: number): Promise<void> {
  web.removeAllContentTypeParsers()
  web.addContentTypeParser('*', (request, payload, done) => void bodyOf(payload, paths.find(headOf(request).path)?.maximum ?? body).then((read) => done(null, read), done))
  web.addHook('onRequest', async (request, reply) => {
    const head = headOf(request)
    const early = paths.find(head.path)?.admit?.(head)
    if (early) await answered(reply, spokenTo(head, early))
  })
  web.all('/*', async (request, reply) => {
    const head = headOf(request)
    const handler = paths.find(head.path)
    if (!handler) return reply.callNotFound()
    return answered(reply, spokenTo(head, await handler({ ...head, body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0) })))
  })
  // A body that is too large or breaks off never reaches its source.
  web.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500
    const refused = status < 500 ? complaint(status, error.message) : later('The request could not be taken. Send it again later.')
    return answered(reply.removeHeader('connection'), spokenTo(headOf(request), refused))
  })
}

const answered = (reply: FastifyReply, { status, headers = {}, body = '' }: WebResponse): FastifyReply => reply.code(status).headers(headers).send(body)
