/** The path that a server notifies: who may, how much, and a 2xx as soon as it is durably kept, before anything is fetched. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Tools, WebHandler, WebResponse } from '../../engine/contracts.js'
import { complaint, later } from '../../engine/web/answers.js'
import { headerValue, type Headers, isAuthorized, isSigned } from '../../engine/web/authentication.js'
import { rateLimit } from '../../engine/web/rate.js'
import { readNotification, readResource } from './notification.js'
import type { Plan, Planned, SourceSettings } from './source-settings.js'
import type { Spool } from './spool.js'

export type Secret = NonNullable<SourceSettings['subscribe']>['secret']

const MOST_WAITING = 100_000
const BETWEEN_WARNINGS = 60_000

/** What a Subscription says that the server is to send with each notification; a signature needs nothing of it. */
export const channelHeaders = (secret: Secret): readonly string[] => ('hub' in secret ? [] : ['bearer' in secret ? `Authorization: Bearer ${secret.bearer}` : `${secret.header}: ${secret.value}`])

/** What the request that creates a Subscription says (W3C WebSub §5.1.1 as athenahealth has it). */
export const requestHeaders = (secret: Secret): Readonly<Record<string, string>> => ('hub' in secret ? { 'x-hub-secret': secret.hub } : {})

/** Handles what is sent below `path`; `kept` is told of each that was kept. */
export const notified = (path: string, secret: Secret, { subscriptions, maximum, rate }: Pick<Planned, 'subscriptions' | 'maximum' | 'rate'>, spool: Spool, kept: () => void, tools: Pick<Tools, 'clock' | 'log'>): WebHandler => {
  const withinRate = rateLimit(rate, 60_000, tools.clock)
  let warnedAt = Number.NEGATIVE_INFINITY
  const unauthorized = (): WebResponse => {
    const now = tools.clock.now().getTime()
    if (now - warnedAt >= BETWEEN_WARNINGS) tools.log('warn', 'refused a notification that did not prove where it is from; others are not told within a minute', { path })
    if (now - warnedAt >= BETWEEN_WARNINGS) warnedAt = now
    return complaint(401, 'The notification does not prove where it is from.', { 'www-authenticate': 'hub' in secret ? 'Signature realm="refero"' : 'Bearer realm="refero"' })
  }

  return async ({ method, path: asked, headers, body, remote }) => {
    if (!['POST', 'PUT', 'DELETE'].includes(method)) return complaint(405, 'This path takes POST, PUT and DELETE.', { allow: 'POST, PUT, DELETE' })
    if (!withinRate(remote)) return later('Too many requests.', 429)
    if (body.length > maximum) return complaint(413, `A notification here has at most ${maximum} bytes.`)
    if (!isProven(secret, headers, body, tools.clock.now())) return unauthorized()
    if (!['identity', null].includes(headerValue(headers, 'content-encoding'))) return complaint(415, 'A compressed body is not taken; send it as it is.')
    const plan = planFor(subscriptions, asked.slice(path.length + 1).split('/', 1)[0] ?? '', body)
    if (!plan) return complaint(404, 'No subscription of ours notifies this address.')
    const wrong = method === 'DELETE' ? null : problemOf(plan, body)
    if (wrong) return complaint(400, wrong)
    if (method === 'DELETE') return { status: 204 } // of a resource: what is gone there is nothing that happened here
    if (spool.length >= MOST_WAITING) return later('Too many notifications wait already.')
    try {
      await spool.keep(plan.name, body)
    } catch (error) {
      tools.log('error', 'a notification could not be kept; its sender is told to send it again', { error, path })
      return later('The notification could not be kept. Send it again later.')
    }
    kept()
    return { status: 200 }
  }
}

const isProven = (secret: Secret, headers: Headers, body: Buffer, now: Date): boolean => {
  if ('bearer' in secret) return isAuthorized({ token: secret.bearer }, headers)
  if ('hub' in secret) return isSigned({ hmac: { secret: secret.hub, header: 'x-hub-signature', prefix: 'sha256=' } }, headers, body, now)
  return timingSafeEqual(digest(headerValue(headers, secret.header) ?? ''), digest(secret.value))
}
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** By the address; or by what the notification says, or as the only one, where an administrator wrote the address without it. */
const planFor = (plans: readonly Plan[], name: string, body: Buffer): Plan | undefined => {
  const named = plans.find((plan) => plan.name === name)
  if (named) return named
  try {
    const { subscription } = readNotification(readResource(body))
    const told = plans.find(({ asked }) => asked.id !== undefined && asked.id === subscription)
    if (told) return told
  } catch {
    // A resource of R4's own subscriptions does not say whose it is.
  }
  return name === '' && plans.length === 1 ? plans[0] : undefined
}

const problemOf = ({ kind }: Plan, body: Buffer): string | null => {
  if (body.length === 0) return kind === 'classic' ? null : 'The notification has no body.'
  try {
    const resource = readResource(body)
    if (kind === 'backport') readNotification(resource)
    return null
  } catch (error) {
    return (error as Error).message
  }
}
