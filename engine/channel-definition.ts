/** What a file in channels/ may say. One schema is its validation, its documentation and its type. */
import { type Static, Type } from 'typebox'
import type { Keys } from './schema-errors.js'
import { Duration, withDefault } from './units.js'
import { Watch } from './watch/settings.js'

const Name = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$', description: 'A name: a lower-case letter, then lower-case letters, digits and hyphens.' })
const Text = Type.String({ minLength: 1, maxLength: 1000 })
const Path = Type.String({ minLength: 1, maxLength: 1000, description: 'A path as the message’s own standard writes it: PID-3.1, ServiceRequest.priority.' })
const object = { additionalProperties: false }

/** How many lanes `partition: PID-3.1` has. */
export const LANES = 16

/** One key, the name of a connector, transform or format; below it, that piece’s own settings. */
const Piece = (kind: string) =>
  Type.Record(Type.String(), Type.Unknown(), { minProperties: 1, maxProperties: 1, description: `One ${kind}: a single key that names it, with its settings below: \`name: { … }\`.` })
const Steps = Type.Array(Piece('step'), { default: [], maxItems: 100, description: 'What is done to each message, in order.' })

const Uses = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*$', maxLength: 200, description: 'A profile: the path of a file of mappings/profiles/ without `.yaml`, such as `ehr/epic`.' })
/** The profiles that a channel or a destination is filled from, and the values of their fields. */
export const Using = {
  uses: Type.Optional(Type.Union([Uses, Type.Array(Uses, { minItems: 1, maxItems: 10 })], { description: 'A profile of mappings/profiles/ that fills what is not written here, or several: the later ones win.' })),
  with: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'The values of the profiles’ fields.' })),
}

const Retry = Type.Object({
  every: withDefault(Duration, '2s', 'The wait before the second attempt.'),
  growth: Type.Number({ default: 2, minimum: 1, maximum: 100, description: 'How many times longer each further wait is.' }),
  longest: withDefault(Duration, '5m', 'No wait is longer than this.'),
  jitter: Type.Number({ default: 0.1, minimum: 0, maximum: 1, description: 'By which part of itself a wait is varied at random, so that queues do not knock together.' }),
  attempts: Type.Union([Type.Literal('unlimited'), Type.Integer({ minimum: 1, maximum: 1_000_000 })], { default: 'unlimited', description: 'After how many attempts to give up.' }),
}, { ...object, default: {}, description: 'How long is waited between attempts, and how many there are.' })

/** What an entry of `destinations:` may say. */
export const Destination = Type.Object({
  name: Name,
  ...Using,
  to: Piece('connector'),
  keep: Type.Optional(Type.Unknown({ description: 'Short for a first step `keep` of this destination.' })),
  steps: Steps,
  partition: Type.Optional(Type.Union([Path, Type.Object({ by: Path, lanes: Type.Optional(Type.Integer({ minimum: 1, maximum: 256, default: LANES, description: 'How many values are served at once.' })) }, object)], {
    description: 'The order is kept per value at this path (a patient), in 16 parallel lanes where `lanes` says nothing else.',
  })),
  retry: Retry,
  timeout: withDefault(Duration, '30s', 'How long one attempt may take.'),
  retryOn: Type.Array(Type.Union([Type.String({ minLength: 1, maxLength: 32 }), Type.Integer({ minimum: 0, maximum: 99_999 })]), {
    default: [], maxItems: 100, description: 'The receiver’s answers that mean “try again”: AE, 503. The rest refuse.',
  }),
  whenRefused: Type.Union([Type.Literal('error'), Type.Literal('hold'), Type.Literal('skip')], {
    default: 'error', description: 'When the receiver will never take it: `error` puts it aside for a person, `hold` stops this queue for a person, `skip` goes on and notes it.',
  }),
  whenUnknown: Type.Union([Type.Literal('resend'), Type.Literal('hold')], {
    default: 'resend', description: 'When nobody knows whether it arrived: `resend` (it may arrive twice), or `hold` for a person.',
  }),
}, object)

const Mock = Type.Union([
  Type.Literal('sent'), Type.Literal('refused'), Type.Literal('unavailable'), Type.Literal('unknown'),
  Type.Literal('AA'), Type.Literal('AE'), Type.Literal('AR'), Type.Literal('CA'), Type.Literal('CE'), Type.Literal('CR'),
  Type.Integer({ minimum: 100, maximum: 599 }),
], { description: 'What becomes of an attempt: sent, refused, unavailable, unknown, an acknowledgement code or an HTTP status.' })
const One = Type.Union([Type.String(), Type.Boolean(), Type.Null()])
const Value = Type.Union([One, Type.Array(One), Type.Object({ not: Type.Optional(One), matches: Type.Optional(Text), exists: Type.Optional(Type.Boolean()) }, { ...object, minProperties: 1 })], {
  description: 'A text, several, nothing (null), or `not:`, `matches:` (a regular expression), `exists:`.',
})
const Values = Type.Record(Type.String(), Value, { minProperties: 1 })
const Expected = Type.Union([Text, Type.Array(Type.Union([Text, Values]), { minItems: 1 }), Values], {
  description: 'What this destination gets: `nothing`, `queued`, `held`, `error`, a file of fixtures/, paths with their values, or a list of these where it gets several.',
})

const Test = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 1000, description: 'What is tested, in a sentence.' }),
  given: Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: 100 })], { description: 'A file of fixtures/, or several in order.' }),
  at: Type.Optional(Type.String({
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,3})?)?(Z|[+-][0-9]{2}:[0-9]{2})$',
    description: 'The time the test runs at: a date, a time and a zone, 2026-03-02T09:15:00-05:00.',
  })),
  mock: Type.Record(Type.String(), Type.Union([Mock, Type.Array(Mock, { minItems: 1, maxItems: 100 })]), { default: {}, description: 'What each destination answers, one attempt after the other; `sent` where nothing is said.' }),
  expect: Type.Object({
    acknowledgement: Type.Optional(Type.Union([Text, Type.Array(Text)], { description: 'What the sender is told: AA, accepted; a list where several are given.' })),
    history: Type.Optional(Type.Array(Text, { description: 'What happens to the message, in order.' })),
  }, { additionalProperties: Expected, minProperties: 1, description: 'What must come of it, by destination.' }),
}, object)

/** The schema of a channel file. */
export const ChannelFile = Type.Object({
  name: Name,
  description: Type.String({ default: '', maxLength: 10_000, description: 'Which systems this joins and why, for the person on call.' }),
  enabled: Type.Boolean({ default: true, description: 'Whether it runs.' }),
  ...Using,
  source: Piece('connector'),
  format: Type.Union([Name, Piece('format')], { description: 'How what arrives is read: `hl7v2`, or `hl7v2: { … }` with settings.' }),
  acknowledge: Type.Union([Type.Literal('received'), Type.Literal('transformed'), Type.Literal('delivered')], {
    default: 'received', description: 'What must be durably true before the sender is told “accepted”.',
  }),
  acknowledgeWithin: withDefault(Duration, '30s', 'With `acknowledge: transformed` or `delivered`: after this time the sender is told to try again.'),
  duplicates: Type.Object({ within: withDefault(Duration, '7d', 'The same control id and the same bytes within this time are one message, answered as before.') }, { ...object, default: {}, description: 'What counts as a repetition.' }),
  index: Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9-]{0,63}$' }), Path, { default: {}, maxProperties: 50, additionalProperties: false, description: 'What people can search for: a name, and the path of its values.' }),
  steps: Steps,
  destinations: Type.Array(Destination, { minItems: 1, maxItems: 100, description: 'Where messages go; each has a queue of its own.' }),
  concurrency: Type.Integer({ default: 1, minimum: 1, maximum: 64, description: 'How many messages go through the steps at once; more than 1 gives up their order.' }),
  watch: Watch,
  retain: Type.Object({
    content: withDefault(Duration, '30d', 'How long finished messages keep their content.'),
    facts: withDefault(Duration, '2y', 'How long it is remembered that they were here, and what became of them.'),
  }, { ...object, default: {}, description: 'How long messages are kept.' }),
  tests: Type.Array(Test, { default: [], maxItems: 1000, description: 'What `refero test` runs.' }),
}, { ...object, description: 'A channel' })

type Written = Static<typeof ChannelFile>

/** A connector, transform or format as a channel names it, its settings checked and complete. */
export interface ChannelPiece {
  readonly name: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly place: string // file:line:column of its name
  readonly keys: Keys // that lead to its settings in the file
}

/** A destination as it runs: `keep` is the first of its steps, `partition` is spelled out, `retryOn` is text. */
export interface ChannelDestination extends Readonly<Omit<Static<typeof Destination>, 'uses' | 'with' | 'to' | 'keep' | 'steps' | 'partition' | 'retryOn'>> {
  readonly to: ChannelPiece
  readonly steps: readonly ChannelPiece[]
  readonly partition: { readonly by: string; readonly lanes: number } | null
  readonly retryOn: readonly string[]
}

/** One test of a channel file; `given` and each mock are lists. */
export interface ChannelTest extends Readonly<Omit<Static<typeof Test>, 'given' | 'mock'>> {
  readonly given: readonly string[]
  readonly mock: Readonly<Record<string, readonly MockOutcome[]>>
}
export type MockOutcome = Static<typeof Mock>
export type ExpectedDelivery = Static<typeof Expected>
export type ExpectedValue = Static<typeof Value>

/** A channel as it runs: every default filled in, every short form spelled out. Durations stay as written (units.ts reads them). */
export interface ChannelDefinition extends Readonly<Omit<Written, 'uses' | 'with' | 'source' | 'format' | 'steps' | 'destinations' | 'tests'>> {
  readonly source: ChannelPiece
  readonly format: ChannelPiece
  readonly steps: readonly ChannelPiece[]
  readonly destinations: readonly ChannelDestination[]
  readonly tests: readonly ChannelTest[]
}
