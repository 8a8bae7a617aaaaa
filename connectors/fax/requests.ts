/** Requests to a fax service as its facts describe them, and what its answers say. */
import { createHash } from 'node:crypto'
import type { Outcome } from '../../engine/contracts.js'
import { type Exchange, exchange } from '../../engine/web/exchange.js'
import { outcomeOf } from '../../engine/web/outcome.js'
import type { Facts, RequestFacts } from './facts.js'
import { pointed, type Source } from './places.js'
import type { Api } from './settings.js'

export interface File { readonly content: Buffer; readonly filename: string; readonly type: string }
export type Variables = Readonly<Record<string, string | number | null | undefined>>

/** One installation's account at a service. */
export interface Account {
  readonly facts: Facts
  readonly api: Api
  readonly maximum: number // bytes of a file
}

export const NO_AGENT = { agent: false } as const
const MORE = 65_536 // bytes of an answer beside a file

/** Sends a request; never rejects. At most one byte more is read than an answer with the largest file may have. */
export const call = (account: Account, facts: RequestFacts, variables: Variables, signal: AbortSignal, file?: File): Promise<Exchange> => {
  const all = { ...account.api, ...variables }
  const url = new URL(`${account.api.base ?? account.facts.base ?? ''}${filled(facts.path, all, encodeURIComponent) ?? ''}`)
  const { body, type } = bodyOf(facts, all, file)
  const headers = Object.entries(facts.headers ?? {}).map(([name, template]) => [name.toLowerCase(), filled(template, all)] as const)
  const authorization = authorizationOf(account)
  return exchange(url, {
    ...NO_AGENT, method: facts.method ?? (facts.fields ? 'POST' : 'GET'),
    headers: { accept: '*/*', ...(type && { 'content-type': type }), ...(authorization && { authorization }), ...Object.fromEntries(headers.filter(([, value]) => value !== null)) },
  }, body, limitOf(account.maximum), signal)
}

/** Files in JSON are a third longer. */
export const limitOf = (maximum: number): number => Math.ceil(maximum * 1.4) + MORE

const authorizationOf = ({ facts, api }: Account): string | null => {
  const basic = api.user !== undefined && api.password !== undefined ? Buffer.from(`${api.user}:${api.password}`).toString('base64') : null
  return facts.authorization === undefined ? null : filled(facts.authorization, { ...api, basic })
}

/** What the answer says, where it is one of success; else the outcome that it means. */
export const answerOf = (result: Exchange, facts: RequestFacts): { readonly source: Source; readonly body: Buffer } | Exclude<Outcome, { kind: 'sent' }> => {
  const outcome = outcomeOf(result, [])
  if (outcome.kind !== 'sent') return outcome
  const body = result.answered ? result.body : Buffer.alloc(0)
  const source: Source = { body: json(body), files: {}, headers: {}, query: {} }
  if (!facts.good) return { source, body }
  const said = pointed(source.body, facts.good.at)
  if (facts.good.is.includes(String(said))) return { source, body }
  return typeof said === 'string' || typeof said === 'boolean' ? { kind: 'refused', reason: `the service answered that it failed: ${wordsOf(source.body)}` } : { kind: 'unknown', reason: 'the service’s answer cannot be read' }
}

/** A service's own words, without numbers that may be a patient's. */
const wordsOf = (body: unknown): string => {
  const found = ['/Result', '/ErrorString', '/error', '/message', '/errors/0/detail'].map((at) => pointed(body, at)).find((one) => typeof one === 'string')
  return typeof found === 'string' ? found.replace(/[\d+][\d\s().-]{5,}/g, '…').replace(/[^\x20-\x7e…]+/g, ' ').slice(0, 200) : 'without a reason'
}

const json = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return {}
  }
}

/** A text with its placeholders filled, or null where one has no value. */
export const filled = (template: string, variables: Variables, encode: (value: string) => string = (value) => value): string | null => {
  let whole = true
  const text = template.replace(/\{([a-zA-Z]+)\}/g, (_, name: string) => {
    const value = variables[name]
    if (value === undefined || value === null || value === '') whole = false
    return encode(String(value ?? ''))
  })
  return whole ? text : null
}

const bodyOf = ({ as = 'json', fields }: RequestFacts, variables: Variables, file: File | undefined): { readonly body: Buffer; readonly type: string | null } => {
  if (!fields) return { body: Buffer.alloc(0), type: null }
  if (as === 'multipart') return multipart(fields, variables, file)
  const base64 = file?.content.toString('base64')
  const value = (template: unknown): unknown => {
    if (Array.isArray(template)) return template.map(value).filter((one) => one !== undefined)
    if (typeof template === 'object' && template !== null) return Object.fromEntries(Object.entries(template).flatMap(([name, one]) => (value(one) === undefined ? [] : [[name, value(one)]])))
    return typeof template === 'string' ? (filled(template, { ...variables, file: base64, filename: file?.filename, type: file?.type }) ?? undefined) : template
  }
  if (as === 'json') return { body: Buffer.from(JSON.stringify(value(fields))), type: 'application/json' }
  const form = Object.entries(fields).flatMap(([name, template]) => (value(template) === undefined ? [] : [[name, String(value(template))] as [string, string]]))
  return { body: Buffer.from(new URLSearchParams(form).toString()), type: 'application/x-www-form-urlencoded' }
}

/** A form with its file as it is (RFC 7578). */
const multipart = (fields: Readonly<Record<string, unknown>>, variables: Variables, file: File | undefined): { readonly body: Buffer; readonly type: string } => {
  const boundary = `refero-${createHash('sha256').update(JSON.stringify(variables)).update(file?.content ?? '').digest('hex').slice(0, 32)}`
  const parts = Object.entries(fields).flatMap(([name, template]): Buffer[] => {
    if (template === '{file}' && file) return [Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${file.filename}"\r\nContent-Type: ${file.type}\r\n\r\n`), file.content, Buffer.from('\r\n')]
    const value = typeof template === 'string' ? filled(template, { ...variables, filename: file?.filename, type: file?.type }) : JSON.stringify(template)
    return value === null ? [] : [Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)]
  })
  return { body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]), type: `multipart/form-data; boundary=${boundary}` }
}
