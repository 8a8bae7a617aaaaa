/** The engine's one web server: health, the operations API, and the paths that sources serve. */
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import type { WebHandler } from '../contracts.js'
import type { Engine } from '../engine.js'
import { ReferoError, sentence, type ErrorCode } from '../errors.js'
import { messageRoutes } from './messages.js'
import { allows } from './token.js'
import { WebPaths } from './web-paths.js'

const STATUS: Partial<Record<ErrorCode, number>> = { NOT_FOUND: 404, ON_ITS_WAY: 409, FORGOTTEN: 410, USAGE: 400, STORE_FULL: 503, STORE_LOCKED: 503, STORE_CORRUPT: 503, STORE_FAILED: 503 }

const CLOSING = 1_000 // milliseconds that requests under way have once everything else has stopped

export interface WebServer {
  /** Serves a path for a source until the returned function is called. */
  readonly serve: (path: string, handler: WebHandler) => () => void
  /** Joins the operations API to the engine, and resolves with the address that it listens on. */
  open(engine: Engine, address: { host: string; port: number }): Promise<string>
  close(): Promise<void>
}

/** `body` in bytes, `requests` a minute from one address to the API. The sources' paths may be registered before it listens. */
export function createWebServer(dataFolder: string, limits: { body: number; requests: number }): WebServer {
  const paths = new WebPaths()
  const app = Fastify({ logger: false, bodyLimit: limits.body, forceCloseConnections: 'idle', requestTimeout: 60_000 })
  app.setErrorHandler((error: FastifyError, _request, reply) => sendError(reply, error))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ code: 'NOT_FOUND', message: 'Nothing is served at this path.', hint: 'The operations API begins at /api.' }))
  return {
    serve: (path, handler) => paths.add(path, handler),
    async open(engine, { host, port }) {
      // The engine speaks plain HTTP on the inside of a network: nothing may tell a browser otherwise.
      await app.register(helmet, { hsts: false, contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } })
      healthRoutes(app, engine)
      await app.register(async (api) => operations(api, engine, dataFolder, limits.requests), { prefix: '/api' })
      await app.register(async (web) => sourcePaths(web, paths))
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
  app.get('/health', async () => ({ status: 'up' }))
  app.get('/ready', async (_request, reply) => {
    const wrong = engine.troubles()
    const waiting = await engine.waiting().catch(() => [])
    const channels = engine.status().map(({ name, state, listening }) => ({ name, state, listening }))
    return reply.code(wrong.length === 0 ? 200 : 503).send({ ready: wrong.length === 0, wrong, waiting, channels })
  })
}

async function operations(api: FastifyInstance, engine: Engine, dataFolder: string, requests: number): Promise<void> {
  await api.register(rateLimit, { max: requests, timeWindow: '1 minute' })
  api.addHook('onRequest', async (request, reply) => {
    if (allows(dataFolder, request.headers.authorization)) return
    await reply.code(401).header('www-authenticate', 'Bearer').send({ code: 'NOT_ALLOWED', message: 'A bearer token is needed.', hint: 'It was shown at the first start; `refero token` makes a new one.' })
  })
  api.get('/channels', async () => ({ channels: engine.status() }))
  messageRoutes(api, engine)
}

/** Every other request goes to the source that serves its path, body untouched. */
async function sourcePaths(web: FastifyInstance, paths: WebPaths): Promise<void> {
  web.removeAllContentTypeParsers()
  web.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  web.all('/*', async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/'
    const handler = paths.find(path)
    if (!handler) return reply.callNotFound()
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const response = await handler({ method: request.method, path, headers: request.headers, body, remote: `${request.ip}:${request.socket.remotePort ?? 0}` })
    return reply.code(response.status).headers(response.headers ?? {}).send(response.body ?? '')
  })
}

function sendError(reply: FastifyReply, error: FastifyError | Error): FastifyReply {
  if (error instanceof ReferoError) return reply.code(STATUS[error.code] ?? 500).send({ code: error.code, message: error.message, detail: error.detail, hint: error.hint })
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
  return reply.code(status).send({ code: status < 500 ? 'USAGE' : 'INTERNAL', message: status < 500 ? error.message : 'The request failed.', hint: status < 500 ? 'Correct the request.' : 'See the log.' })
}
