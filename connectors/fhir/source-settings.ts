/** The settings of the `fhir` source: which server, what it is asked to tell, and what is looked for there. */
import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { duration, Duration, size, Size, withDefault } from '../../engine/units.js'
import { serverSettings } from './settings.js'

const object = { additionalProperties: false } as const
/** It may be empty in a channel that is switched off; one that starts needs it. */
const Secret = Type.String({ maxLength: 10_000, description: `A secret: \`\${secret:name}\`.` })
const SEARCH = '^[A-Z][A-Za-z]{1,60}(\\?[!-~]+)?$'
const DEFAULTS = { check: '5m', gap: '1m', maximum: '5MB', every: '1m', overlap: '2m', since: '1d', pages: 100, requests: 6000 } as const

const Subscription = Type.Object({
  criteria: Type.Optional(Type.String({ pattern: SEARCH, maxLength: 2000, description: 'A subscription of R4 itself: a search, `Appointment?status=booked`.' })),
  payload: Type.Optional(Type.Enum(['resource', 'empty'], { description: 'With `criteria`: whether the resource is sent (where nothing is said), or only that something changed.' })),
  topic: Type.Optional(Type.String({ pattern: '^\\S+$', maxLength: 2000, description: 'A subscription of the R4 backport: the canonical address of its topic.' })),
  filters: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 2000 }), { maxItems: 20, description: 'With `topic`: `Appointment?status=booked`; all must hold.' })),
  content: Type.Optional(Type.Enum(['empty', 'id-only', 'full-resource'], { description: 'With `topic`: what notifications hold; `id-only` where nothing is said.' })),
  numbers: Type.Optional(Type.Enum(['subscription', 'notification'], { description: 'With `topic`: events are numbered over the life of the subscription, so that a gap is seen (`subscription`, where nothing is said); `notification` begins at 1 each time (athenahealth).' })),
  name: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9.-]{0,63}$', description: 'The last step of the address that it notifies. Without it, a hash of what is asked.' })),
  id: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9.-]{1,64}$', description: 'The Subscription as an administrator created it there: it is not created, only watched.' })),
}, object)

export const SourceSettings = Type.Object({
  ...serverSettings,
  subscribe: Type.Optional(Type.Object({
    path: Type.String({ pattern: '^/[A-Za-z0-9._/-]{1,200}$', description: 'A path of the engine’s own web server, below which the server notifies us: `/fhir/notify`.' }),
    url: Type.String({ pattern: '^https?://[^\\s?#]+[^\\s?#/]$', maxLength: 2000, description: 'The same as the server reaches it: `https://refero.example/fhir/notify`.' }),
    secret: Type.Union([
      Type.Object({ bearer: Secret }, object),
      Type.Object({ header: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9-]{0,99}$', description: 'The header’s name.' }), value: Secret }, object),
      Type.Object({ hub: Secret }, object),
    ], { description: 'How a notification proves where it is from: a bearer token or another header, which the server is told in `channel.header`; or `hub`, a WebSub signature of the body (X-Hub-Signature, sha256).' }),
    subscriptions: Type.Array(Subscription, { minItems: 1, maxItems: 200, description: 'What the server is asked to tell.' }),
    heartbeat: Type.Optional({ ...Duration, description: 'How often the server says that it is there, with `topic`; when it does not for twice as long, it is asked.' }),
    check: Type.Optional(withDefault(Duration, DEFAULTS.check, 'How often the Subscription is read, and made active again where it is not.')),
    gap: Type.Optional(withDefault(Duration, DEFAULTS.gap, 'How long an event that is missing may still arrive by itself.')),
    maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The largest notification.')),
    rate: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: DEFAULTS.requests, description: 'Notifications from one address in a minute.' })),
  }, { ...object, description: 'What the server tells us by itself.' })),
  poll: Type.Optional(Type.Object({
    search: Type.Array(Type.String({ pattern: SEARCH, maxLength: 2000 }), { minItems: 1, maxItems: 50, description: 'What is looked for, `Appointment?status=booked`; `_lastUpdated` is added.' }),
    every: Type.Optional(withDefault(Duration, DEFAULTS.every, 'How often.')),
    overlap: Type.Optional(withDefault(Duration, DEFAULTS.overlap, 'How far back each look begins before the newest that is known: what the server shows late is found too.')),
    since: Type.Optional(withDefault(Duration, DEFAULTS.since, 'How far back the first look goes.')),
    pages: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: DEFAULTS.pages, description: 'Pages of one look; the next goes on from there.' })),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Resources a page (`_count`).' })),
  }, { ...object, description: 'What we look for: instead of `subscribe`, or beside it, for what was not told.' })),
  include: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Z][A-Za-z]+:[a-z][A-Za-z-]*(:[A-Z][A-Za-z]+)?$' }), { maxItems: 50, uniqueItems: true, description: 'What comes along, as `_include` says it: `Appointment:patient`. The message is a Bundle then.' })),
}, object)
export type SourceSettings = Static<typeof SourceSettings>

export interface Plan {
  readonly name: string
  readonly endpoint: string
  readonly kind: 'classic' | 'backport'
  readonly asked: Static<typeof Subscription>
  readonly numbered: boolean
}

/** The settings with what holds where nothing is said, in milliseconds and bytes. Throws a sentence where they contradict each other. */
export const planned = ({ subscribe, poll, include = [] }: SourceSettings) => {
  if (!subscribe && !poll) throw new Error('Say `subscribe`, `poll` or both: else nothing is ever told.')
  const subscriptions = subscribe?.subscriptions.map((asked) => planOf(asked, subscribe.url)) ?? []
  const twice = subscriptions.find(({ name }, at) => subscriptions.findIndex((other) => other.name === name) !== at)
  if (twice) throw new Error(`two subscriptions are called \`${twice.name}\`, or ask the same; give them a \`name\`, or leave one out.`)
  if (!poll && subscriptions.some(({ asked }) => asked.content === 'empty')) throw new Error('`content: empty` does not say what changed; add `poll`, which looks for it.')
  if (subscribe?.heartbeat !== undefined && !subscriptions.some(({ kind }) => kind === 'backport')) throw new Error('`heartbeat` needs a subscription by `topic`: the others have none.')
  const searches = poll?.search ?? subscriptions.flatMap(({ asked }) => asked.criteria ?? [])
  const { pages, count } = { ...DEFAULTS, count: null, ...poll }
  const of = (given: string | undefined, usual: string): number => duration(given ?? usual)
  return {
    subscriptions, include, searches: [...new Set(searches)], pages, count,
    every: poll ? of(poll.every, DEFAULTS.every) : null,
    overlap: of(poll?.overlap, DEFAULTS.overlap), since: of(poll?.since, DEFAULTS.since),
    heartbeat: subscribe?.heartbeat === undefined ? null : duration(subscribe.heartbeat),
    check: of(subscribe?.check, DEFAULTS.check), gap: of(subscribe?.gap, DEFAULTS.gap),
    maximum: size(subscribe?.maximum ?? DEFAULTS.maximum), rate: subscribe?.rate ?? DEFAULTS.requests,
  }
}
export type Planned = ReturnType<typeof planned>

const planOf = (asked: Static<typeof Subscription>, url: string): Plan => {
  if ((asked.criteria === undefined) === (asked.topic === undefined)) throw new Error('A subscription says either `criteria` or `topic`.')
  const wrong = asked.topic === undefined ? (['filters', 'content', 'numbers'] as const).find((each) => asked[each] !== undefined) : asked.payload && 'payload'
  if (wrong) throw new Error(`\`${wrong}\` does not go with \`${asked.topic === undefined ? 'criteria' : 'topic'}\`.`)
  const name = asked.name ?? createHash('sha256').update(JSON.stringify([asked.criteria, asked.topic, asked.filters])).digest('hex').slice(0, 12)
  return { name, asked, endpoint: `${url}/${name}`, kind: asked.topic === undefined ? 'classic' : 'backport', numbered: asked.topic !== undefined && asked.numbers !== 'notification' }
}
