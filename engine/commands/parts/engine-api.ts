/** How the command line talks to a running engine: where it is, with which token, and what its errors mean here. */
import type { Given, Terminal } from '../../command.js'
import { ERRORS, ReferoError, type ErrorCode } from '../../errors.js'

export const ENGINE_OPTIONS = {
  url: { type: 'string', value: 'URL', describe: 'the engine; http://127.0.0.1:8420 unless REFERO_URL or REFERO_HTTP_PORT says another' },
  token: { type: 'string', value: 'TOKEN', describe: 'the token of the operations API; REFERO_TOKEN unless said' },
} as const

export const BY_OPTION = { by: { type: 'string', value: 'NAME', describe: 'who does it, for the history; the login name unless said' } } as const

/** Who does it: what `--by` says, else the login name. */
export const byWhom = (given: Given, terminal: Terminal): string => given.text('by') ?? terminal.environment.USER ?? 'command line'

/** Asks the operations API and resolves with its answer; rejects with a ReferoError that says what to do. A body without a method is a POST. */
export async function askEngine(given: Given, terminal: Terminal, path: string, body?: object, method = body ? 'POST' : 'GET'): Promise<unknown> {
  const response = await fetchEngine(given, terminal, path, body, method)
  return response.json()
}

/** The same for content that is no JSON of ours. */
export async function sendToEngine(given: Given, terminal: Terminal, path: string, content: string, type: string): Promise<unknown> {
  return (await request(given, terminal, path, { method: 'POST', headers: { 'content-type': type }, body: content })).json()
}

/** The same with the answer as it comes: for a stream of events. */
export const fetchEngine = (given: Given, terminal: Terminal, path: string, body?: object, method = body ? 'POST' : 'GET', signal?: AbortSignal): Promise<Response> =>
  request(given, terminal, path, { method, ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }), ...(signal && { signal }) })

async function request(given: Given, terminal: Terminal, path: string, { headers, ...init }: Pick<RequestInit, 'method' | 'body' | 'signal'> & { readonly headers?: Readonly<Record<string, string>> }): Promise<Response> {
  const base = given.text('url') ?? terminal.environment.REFERO_URL ?? `http://127.0.0.1:${terminal.environment.REFERO_HTTP_PORT ?? 8420}`
  const token = given.text('token') ?? terminal.environment.REFERO_TOKEN ?? ''
  let response: Response
  try {
    response = await fetch(new URL(path, base), { ...init, headers: { authorization: `Bearer ${token}`, ...headers } })
  } catch (error) {
    throw new ReferoError('ENGINE_UNREACHABLE', `(${base})`, { cause: error })
  }
  if (response.ok) return response
  if (response.status === 401) throw new ReferoError('NOT_ALLOWED')
  const { code, detail, message, hint, ...facts } = (await response.json()) as { code?: string; detail?: string | null; message?: string; hint?: string }
  if (code && code in ERRORS) throw new ReferoError(code as ErrorCode, detail ?? undefined, { facts })
  throw new ReferoError('USAGE', `${message ?? `The engine answered ${response.status}.`} ${hint ?? ''}`)
}
