/** How the web server says no: always a code, a sentence and what to do, whatever went wrong. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorObject } from 'ajv'
import { ERRORS, type ErrorCode, ReferoError } from '../errors.js'
import { explain } from '../schema-errors.js'

const STATUS: Partial<Record<ErrorCode, number>> = {
  USAGE: 400, NOT_ALLOWED: 401, NOT_FOUND: 404, WRONG_METHOD: 405, ON_ITS_WAY: 409, EDITED: 409, STILL_WAITING: 409, SHARED_FILES: 409, NOT_NOW: 409, FORGOTTEN: 410, TOO_LARGE: 413,
  INVALID: 422, UNFIT: 422, TOO_MANY: 429, STORE_FULL: 503, STORE_LOCKED: 503, STORE_CORRUPT: 503, STORE_FAILED: 503, CANNOT_WRITE: 503, DESK_CLOSED: 503,
}
const BY_STATUS: Readonly<Record<number, ErrorCode>> = { 404: 'NOT_FOUND', 413: 'TOO_LARGE', 429: 'TOO_MANY' }

const LOOK = '/docs tells what this request takes.'

/** Answers with what was thrown. What is nobody's business outside is said in the log alone. */
export function sendError(reply: FastifyReply, error: FastifyError | Error): FastifyReply {
  if (error instanceof ReferoError) return refuse(reply, error, undefined, error.code === 'USAGE' ? { message: error.detail ?? error.message, hint: LOOK } : {})
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
  if (status >= 500) return reply.code(status).send({ code: 'INTERNAL', message: 'The request failed.', detail: null, hint: 'See the log of the engine.' })
  const wrong = 'validation' in error ? error.validation : undefined
  if (!wrong) return refuse(reply, new ReferoError(BY_STATUS[status] ?? 'USAGE', `${error.message}.`), status, BY_STATUS[status] ? {} : { message: `${error.message}.`, hint: LOOK })
  const where = ('validationContext' in error && error.validationContext) || 'request'
  const problems = explain(wrong as readonly ErrorObject[], { name: NAMES[where] ?? 'The request', parts: 'field', written: writtenIn(wrong as readonly ErrorObject[]) }).map(({ keys, message }) => ({ path: [where, ...keys].join('/'), message }))
  const message = problems.map((problem) => problem.message).join(' ')
  return refuse(reply, new ReferoError('USAGE', message), status, { message, problems, hint: LOOK })
}

const NAMES: Readonly<Record<string, string>> = { body: 'the body of the request', querystring: 'the query', params: 'the address', headers: 'the headers' }

/** A word that is none of those allowed may be told to whoever sent it; what is long is no word. */
const writtenIn = (errors: readonly ErrorObject[]) => (keys: readonly (string | number)[]): string | null => {
  const data = errors.find(({ instancePath, keyword }) => keyword !== 'anyOf' && instancePath === keys.map((key) => `/${key}`).join(''))?.data
  return (typeof data === 'string' || typeof data === 'number') && String(data).length <= LONGEST_WORD ? String(data) : null
}
const LONGEST_WORD = 40

function refuse(reply: FastifyReply, error: ReferoError, status = STATUS[error.code] ?? 500, more: object = {}): FastifyReply {
  return reply.code(status).send({ code: error.code, message: error.message, detail: error.detail ?? null, hint: error.hint, ...error.facts, ...more })
}

/** What is served where, so that a wrong method is told from a path that is not there. */
export class KnownPaths {
  readonly #paths = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()

  add(url: string, method: string | readonly string[]): void {
    if (url.includes('*')) return
    const pattern = new RegExp(`^${url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.\\+?^$()[\]{}|]/g, '\\$&'))).join('/')}$`)
    const known = this.#paths.get(url) ?? { pattern, methods: new Set() }
    for (const one of [method].flat()) known.methods.add(one)
    this.#paths.set(url, known)
  }

  /** Answers a request that nothing serves. */
  refuse(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const path = request.url.split('?', 1)[0] ?? '/'
    const methods = [...new Set([...this.#paths.values()].filter(({ pattern }) => pattern.test(path)).flatMap((known) => [...known.methods]))].sort()
    if (methods.length === 0) return reply.code(404).send({ code: 'NOT_FOUND', message: 'Nothing is served at this path.', detail: null, hint: 'The operations API begins at /api; /docs tells all of it.' })
    const [message, hint] = ERRORS.WRONG_METHOD
    return reply.code(405).header('allow', methods.join(', ')).send({ code: 'WRONG_METHOD', message: `${message} It takes ${methods.join(', ')}.`, detail: null, hint })
  }
}
