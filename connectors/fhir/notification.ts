/** A notification as a server sends it: classic R4, the R4 backport (Parameters) or R4B (SubscriptionStatus), read into one shape. */
import type { Resource } from './exchange.js'

/** One event. `focus` is null where the notification does not say what changed, or only by a number of the vendor's own. */
export interface Told {
  readonly number: number | null
  readonly focus: string | null // as written: "Appointment/12", "https://ehr.example/fhir/Appointment/12"
  readonly unnamed: boolean // it has a focus, but no address of FHIR
  readonly deleted: boolean
}

export interface Notification {
  readonly type: string // handshake, heartbeat, event-notification, query-status, query-event
  readonly subscription: string | null // its id
  readonly status: string | null // requested, active, error, off
  readonly events: number | null // since the subscription's start
  readonly told: readonly Told[]
  readonly resources: readonly { readonly fullUrl: string; readonly resource: Resource }[]
}

const MOST_EVENTS = 10_000

/** The resource that bytes hold. Throws a sentence where they hold none. */
export const readResource = (bytes: Buffer): Resource => {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new Error('The notification is no JSON in UTF-8.')
  }
  if (!isRecord(value) || typeof value.resourceType !== 'string') throw new Error('The notification is no FHIR resource: it must be an object with a resourceType.')
  return value as Resource
}

/** What a Bundle of the backport says, or a status alone. Throws a sentence where it is none. */
export const readNotification = (given: Resource): Notification => {
  const entries = given.resourceType === 'Bundle' ? list(given.entry).filter(isRecord) : [{ resource: given }]
  if (entries.length > MOST_EVENTS) throw new Error(`A notification has at most ${MOST_EVENTS} entries.`)
  const [first, ...others] = entries
  const status = isRecord(first?.resource) ? first.resource : {}
  const fields = status.resourceType === 'SubscriptionStatus' ? status : status.resourceType === 'Parameters' ? fieldsOf(status) : null
  if (!fields || typeof fields.type !== 'string' && typeof fields.status !== 'string') throw new Error('The notification does not begin with the status of a subscription (Parameters or SubscriptionStatus).')
  const happened = list(fields.notificationEvent).filter(isRecord)
  if (happened.length > MOST_EVENTS) throw new Error(`A notification has at most ${MOST_EVENTS} events.`)
  const deleted = new Set(others.filter(({ request }) => isRecord(request) && request.method === 'DELETE').flatMap((entry) => namesOf(entry)))
  return {
    type: typeof fields.type === 'string' ? fields.type : 'query-status',
    subscription: /(?:^|\/)Subscription\/([A-Za-z0-9.-]{1,64})(?:\/|$)/.exec(referenceOf(fields.subscription) ?? '')?.[1] ?? null,
    status: typeof fields.status === 'string' ? fields.status : null,
    events: count(fields.eventsSinceSubscriptionStart),
    told: happened.map(({ eventNumber, focus }) => {
      const reference = referenceOf(focus)
      return { number: count(eventNumber), focus: reference, unnamed: reference === null && focus !== undefined, deleted: reference !== null && deleted.has(nameOf(reference) ?? '') }
    }),
    resources: others.flatMap(({ fullUrl, resource }) => (isRecord(resource) && typeof resource.resourceType === 'string' ? [{ fullUrl: typeof fullUrl === 'string' ? fullUrl : '', resource: resource as Resource }] : [])),
  }
}

/** "Appointment/12" of any reference to it; null where it is none. */
export const nameOf = (reference: string): string | null => /(?:^|\/)([A-Z][A-Za-z]{1,60}\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?$/.exec(reference)?.[1] ?? null

const namesOf = ({ fullUrl, request }: Record<string, unknown>): readonly string[] =>
  [fullUrl, isRecord(request) ? request.url : null].flatMap((each) => (typeof each === 'string' ? nameOf(each) ?? [] : []))

/** The parameters of the R4 backport under the names that SubscriptionStatus has for them. */
const fieldsOf = (parameters: Record<string, unknown>): Record<string, unknown> => {
  const fields: Record<string, unknown> = { notificationEvent: [] }
  for (const { name, value, parts } of partsOf(parameters.parameter)) {
    if (name === 'notification-event') (fields.notificationEvent as unknown[]).push(Object.fromEntries(parts.map((part) => [camel(part.name), part.value])))
    else fields[camel(name)] = value
  }
  return fields
}

const partsOf = (given: unknown): { readonly name: string; readonly value: unknown; readonly parts: { readonly name: string; readonly value: unknown }[] }[] =>
  list(given).filter(isRecord).map((each) => ({ name: String(each.name), value: Object.entries(each).find(([key]) => key.startsWith('value'))?.[1], parts: each.part === undefined ? [] : partsOf(each.part) }))

const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
const referenceOf = (given: unknown): string | null => (isRecord(given) && typeof given.reference === 'string' && given.reference !== '' ? given.reference : null)
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** A count, which R4 writes as text and some as a number; null for what is none. */
const count = (given: unknown): number | null => {
  const number = typeof given === 'number' ? given : typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN
  return Number.isSafeInteger(number) && number >= 0 ? number : null
}
