/** Schemas that the routes of the operations API share: who does a thing and why, and what an error looks like. */
import Type from 'typebox'

export const strict = { additionalProperties: false }

/** A value, or null where there is none. */
export const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

export const By = Type.String({ minLength: 1, maxLength: 100, default: 'api', description: 'Who does it, for the history.', examples: ['ada'] })
export const Why = Type.String({ maxLength: 500, default: '', description: 'Why, for the history.', examples: ['the new lab sends OMG^O19 too'] })
export const Instant = Type.String({ description: 'An instant, ISO 8601 in UTC.', examples: ['2026-11-23T08:00:00.000Z'] })

export const Trouble = Type.Object({
  file: Type.Optional(Type.String({ examples: ['channels/adt-in.yaml'] })),
  line: Type.Optional(Type.Integer({ minimum: 1 })),
  column: Type.Optional(Type.Integer({ minimum: 1 })),
  rule: Type.Optional(Type.String({ examples: ['unknown-setting'] })),
  severity: Type.Optional(Type.String({ examples: ['error'] })),
  path: Type.Optional(Type.String({ description: 'Of the request, where that is wrong.' })),
  message: Type.String({ examples: ['There is no setting `stpes`; did you mean `steps`?'] }),
  hint: Type.Optional(Type.String()),
})

export const Failure = Type.Object({
  code: Type.String({ examples: ['NOT_FOUND'] }),
  message: Type.String({ description: 'What is wrong, in a sentence.' }),
  detail: orNull(Type.String()),
  hint: Type.String({ description: 'What to do.' }),
  problems: Type.Optional(Type.Array(Trouble)),
  diff: Type.Optional(Type.String({ description: 'What is there, beside what was sent: a unified diff.' })),
}, { description: 'What is wrong, and what to do.' })

/** The answers of a route: its own, and the error that every route can give. */
export const answers = <Schema extends Type.TSchema>(answer: Schema, status = 200) => ({ [status]: answer, '4xx': Failure, '5xx': Failure })
