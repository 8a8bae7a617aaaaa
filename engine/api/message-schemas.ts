/** How messages are asked for over HTTP, and what is told of them. */
import Type, { type Static } from 'typebox'
import type { MessageQuery } from '../contracts.js'
import { ReferoError } from '../errors.js'
import { By, Instant, orNull, strict } from './schemas.js'

const MESSAGE = ['received', 'filtered', 'transformed', 'error'] as const
const DELIVERY = ['queued', 'sending', 'sent', 'held', 'error'] as const
const Status = Type.Enum([...new Set([...MESSAGE, ...DELIVERY])], { description: 'Of the message or of any of its deliveries; `error`: what failed and nobody has settled.' })

const conditions = {
  channel: Type.Optional(Type.String()),
  status: Type.Optional(Status),
  type: Type.Optional(Type.String({ examples: ['REF^I12'] })),
  controlId: Type.Optional(Type.String()),
  field: Type.Optional(Type.String({ description: 'A name that a channel has in `index:`.', examples: ['mrn'] })),
  value: Type.Optional(Type.String({ description: 'The value of an indexed field, or its beginning followed by *.' })),
  text: Type.Optional(Type.String({ maxLength: 1000, description: 'Words of the message as received, all of them in any order and case; a word may end in *.', examples: ['cardiology EVERY*'] })),
  since: Type.Optional(Type.String({ description: 'An instant, ISO 8601.' })),
  until: Type.Optional(Type.String({ description: 'An instant, ISO 8601.' })),
  before: Type.Optional(Type.Integer({ minimum: 1, description: 'Goes on below this message number: `next` of the page before.' })),
}
export const Conditions = Type.Object(conditions, strict)
export const Query = Type.Object({ ...conditions, limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }) }, strict)
export const Id = Type.Object({ id: Type.Integer({ minimum: 1 }) })

/** The conditions as the store takes them. Throws USAGE where a time is none. */
export const toQuery = ({ since, until, ...rest }: Static<typeof Conditions>): Omit<MessageQuery, 'limit'> => ({
  ...rest,
  ...(since !== undefined ? { since: instant(since) } : {}),
  ...(until !== undefined ? { until: instant(until) } : {}),
})

/** A day, or a date and a time with its zone: what says none would mean another instant on another machine. */
const INSTANT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/

function instant(text: string): Date {
  const date = new Date(text)
  if (!INSTANT.test(text) || Number.isNaN(date.getTime())) {
    const plus = / \d\d:\d\d$/.test(text) ? ' In an address, `+` is written %2B.' : ''
    throw new ReferoError('USAGE', `\`${text.slice(0, 40)}\` is not an instant; write 2026-11-23T08:00:00Z, or 2026-11-23 for the day’s first moment in UTC.${plus}`)
  }
  return date
}

export const From = Type.Enum(['steps', 'deliveries'], { default: 'steps', description: 'steps: run them again; deliveries: send what is held or failed as it is.' })
const OneDestination = Type.Optional(Type.String({ description: 'For this destination only.' }))
const DryRun = Type.Boolean({ default: false, description: 'Tells what would be done, and does nothing.' })
const Reason = Type.Optional(orNull(Type.String({ minLength: 1, maxLength: 500, description: 'Why it is given up, for the history.', examples: ['the lab sent it again by phone'] })))
const Most = Type.Integer({ minimum: 1, maximum: 10_000, description: 'How many messages at most; where more are found, the newest.' })
const Pace = Type.Integer({ minimum: 1, maximum: 1000, default: 50, description: 'Messages a second.' })

export const Replay = Type.Object({ from: From, destination: OneDestination, dryRun: DryRun, by: By }, strict)
export const Skip = Type.Object({ destination: OneDestination, by: By, reason: Reason }, strict)
export const ReplayMany = Type.Object({
  query: Conditions, most: Most, from: From, destination: OneDestination, dryRun: DryRun, perSecond: Pace, by: By,
  examples: Type.Integer({ minimum: 0, maximum: 50, default: 5, description: 'Of a dry run: how many that differ are shown.' }),
}, strict)
export const SkipMany = Type.Object({ query: Conditions, most: Most, destination: OneDestination, dryRun: DryRun, by: By, reason: Reason }, strict)

const Header = Type.Object({ controlId: orNull(Type.String()), type: orNull(Type.String()) })
const Indexed = Type.Array(Type.Object({ name: Type.String(), value: Type.String() }))
const delivery = {
  id: Type.Integer(), destination: Type.String(), status: Type.Enum([...DELIVERY]), attempts: Type.Integer(), reason: orNull(Type.String()),
}
const summary = {
  id: Type.Integer(), channel: Type.String(), receivedAt: Instant, origin: Type.String(), header: Header, status: Type.Enum([...MESSAGE]), reason: orNull(Type.String()),
  revision: orNull(Type.String({ description: 'Of the channel that took it through its steps.' })), size: Type.Integer({ description: 'Bytes.' }), index: Indexed,
}
const Readable = orNull(Type.Union([Type.Object({ text: Type.String() }), Type.Object({ base64: Type.String() })], { description: 'Bytes: as text where they are UTF-8; null where they have been forgotten.' }))

export const Found = Type.Object({
  messages: Type.Array(Type.Object({ ...summary, deliveries: Type.Array(Type.Object(delivery)) })),
  next: orNull(Type.Integer({ description: '`before` of the next page.' })),
  indexed: Type.Optional(Type.Object({
    upTo: Type.Integer({ description: 'Messages up to this number can be found by their words.' }), newest: Type.Integer(), complete: Type.Boolean(),
  }, { description: 'Of a search by words.' })),
})

const Relative = Type.Object({
  id: Type.Integer(), channel: Type.String(), receivedAt: Instant, header: Header, status: Type.Enum([...MESSAGE]),
  from: orNull(Type.Object({ message: Type.Integer(), destination: Type.String(), delivery: Type.Integer() })),
})
export const Family = Type.Object({ messages: Type.Array(Relative, { description: 'The first message first.' }), complete: Type.Boolean() })

export const Whole = Type.Object({
  ...summary,
  content: Readable,
  reply: orNull(Type.Object({ verdict: Type.Enum(['accepted', 'error', 'rejected']), reason: orNull(Type.String()), acknowledgements: Type.Array(Readable) })),
  deliveries: Type.Array(Type.Object({ ...delivery, payload: Readable, response: Readable })),
  history: Type.Array(Type.Object({ at: Instant, what: Type.String(), destination: orNull(Type.String()), reason: orNull(Type.String()), by: Type.String() })),
  parents: Type.Array(Relative, { description: 'The message of another channel that this one came from.' }),
  children: Type.Array(Relative, { description: 'The messages of other channels that it led to.' }),
})

const Rehearsed = Type.Object({
  status: Type.String(), reason: orNull(Type.String()),
  deliveries: Type.Array(Type.Object({ destination: Type.String(), same: Type.Boolean(), diff: Type.String({ description: 'Unified; empty where nothing changed.' }) })),
})
const Refused = Type.Object({ count: Type.Integer(), first: Type.Array(Type.Object({ id: Type.Integer(), reason: Type.String() })) })
const counted = { found: Type.Integer(), more: Type.Boolean({ description: 'More messages meet the query: these are the newest.' }) }

export const Replayed = Type.Object({ replayed: Type.Integer({ description: 'Messages, or deliveries.' }), dryRun: Type.Optional(Rehearsed) })
export const Skipped = Type.Object({ skipped: Type.Integer({ description: 'Deliveries, and the message where it failed in its steps.' }) })
export const ReplayedMany = Type.Object({
  ...counted, replayed: Type.Integer(), refused: Refused,
  dryRun: Type.Optional(Type.Object({
    same: Type.Integer(), different: Type.Integer(), statuses: Type.Record(Type.String(), Type.Integer()),
    examples: Type.Array(Type.Object({ id: Type.Integer(), channel: Type.String(), ...Rehearsed.properties })),
  })),
})
export const SkippedMany = Type.Object({ ...counted, skipped: Type.Integer(), refused: Refused })
