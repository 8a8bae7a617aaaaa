/** What a file of mappings/profiles/ may say: typed fields, and the part of a channel that they fill. */
import { type Static, type TSchema, Type } from 'typebox'
import { didYouMean } from '../nearest.js'
import { type Keys, mistakes } from '../schema-errors.js'
import { Duration, Size } from '../units.js'

const object = { additionalProperties: false }
const Simple = Type.Union([Type.String(), Type.Number(), Type.Boolean()])

const Field = Type.Object({
  type: Type.Union([
    Type.Literal('text'), Type.Literal('integer'), Type.Literal('number'), Type.Literal('boolean'), Type.Literal('host'), Type.Literal('port'),
    Type.Literal('duration'), Type.Literal('size'), Type.Literal('choice'), Type.Literal('secret'),
  ], { description: 'What its values are. A `secret` can only be given as `${secret:name}` or from the environment.' }),
  describe: Type.String({ minLength: 1, maxLength: 1000, description: 'What it is, for whoever fills it in.' }),
  required: Type.Optional(Type.Boolean({ description: 'Whether it must be given. A field that is neither required nor has a default may be left out, and what it fills is left out too.' })),
  default: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description: 'What holds where it is not given.' })),
  pattern: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Of a text: a regular expression that the whole of it fits.' })),
  choices: Type.Optional(Type.Array(Type.Union([Type.String(), Type.Number()]), { minItems: 1, maxItems: 50, description: 'Of a choice: what can be chosen.' })),
}, object)

/** The content of mappings/profiles/<name>.yaml, as mappings/README.md describes it. */
export const ProfileFile = Type.Object({
  describe: Type.String({ minLength: 1, maxLength: 5000, description: 'What it is a profile of, and what must be asked for before it is used.' }),
  fields: Type.Optional(Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9-]{0,63}$' }), Field, { additionalProperties: false, maxProperties: 50, description: 'What whoever uses it gives in `with:`.' })),
  channel: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { minProperties: 1, description: 'The part of a channel that it fills; `<with.port>` stands for the field `port`. Either this or `destination`.' })),
  destination: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { minProperties: 1, description: 'The part of a destination that it fills. Either this or `channel`.' })),
  examples: Type.Array(Type.Record(Type.String(), Simple), { minItems: 1, maxItems: 10, description: 'Values of `with:` that work; tests use them.' }),
}, { ...object, description: 'A profile' })

export type ProfileField = Static<typeof Field>
export type ProfileContent = Static<typeof ProfileFile>

/** `<with.port>`: where a field’s value is to stand. */
export const PLACEHOLDER = /<with\.([A-Za-z0-9-]+)>/g

/** The schema of what a field may be given. */
export const fieldSchema = ({ type, describe, pattern, choices, default: otherwise }: ProfileField): TSchema => {
  const more = { description: describe, ...(otherwise !== undefined && { default: otherwise }) }
  switch (type) {
    case 'text': return pattern === undefined ? Type.String({ minLength: 1, maxLength: 1000, ...more }) : Type.String({ pattern: `^(?:${pattern})$`, maxLength: 1000, ...more })
    case 'secret': return Type.String({ minLength: 1, maxLength: 1_000_000, ...more })
    case 'integer': return Type.Integer(more)
    case 'number': return Type.Number(more)
    case 'boolean': return Type.Boolean(more)
    case 'port': return Type.Integer({ minimum: 1, maximum: 65_535, ...more })
    case 'host': return Type.String({ ...more, pattern: HOST, description: 'A host name or an IP address' })
    case 'duration': return Type.String({ ...Duration, ...more })
    case 'size': return Type.String({ ...Size, ...more })
    case 'choice': return Type.Union((choices ?? []).map(each => Type.Literal(each)), more)
  }
}

/** The schema of `with:` for these fields. */
export const fieldsSchema = (fields: Readonly<Record<string, ProfileField>>): TSchema =>
  Type.Object(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.required ? fieldSchema(field) : Type.Optional(fieldSchema(field))])), object)

interface Flaw { readonly keys: Keys; readonly message: string }

/** What is wrong with a profile’s content beyond its schema. */
export const flaws = (content: ProfileContent): readonly Flaw[] => {
  const { fields = {}, channel, destination } = content
  if ((channel === undefined) === (destination === undefined)) return [{ keys: [], message: 'A profile has either `channel` or `destination`: the part that it fills.' }]
  const [kind, part] = channel ? ['channel', channel] as const : ['destination', destination ?? {}] as const
  const ofFields = Object.entries(fields).flatMap(([name, field]) => flawsOf(field).map(message => ({ keys: ['fields', name], message: `\`${name}\` ${message}` })))
  if (ofFields.length > 0) return ofFields
  return [
    ...OWN.filter(key => Object.hasOwn(part, key)).map(key => ({ keys: [kind, key], message: `\`${key}\` is for whoever uses the profile to say.` })),
    ...misplaced(part, [kind], fields),
    ...content.examples.flatMap((example, index) => mistakes(fieldsSchema(fields), { ...example }, { name: 'the example' }).map(({ keys, message }) => ({ keys: ['examples', index, ...keys], message }))),
  ]
}

const OWN = ['name', 'uses', 'with', 'tests']
const HOST = '^[A-Za-z0-9:][A-Za-z0-9._:-]{0,252}$'

const flawsOf = (field: ProfileField): string[] => {
  if (field.type === 'choice' ? !field.choices : field.choices) return [field.choices ? 'has `choices`, which only a `choice` has.' : 'is a `choice` and needs `choices`.']
  if (field.pattern !== undefined && field.type !== 'text') return ['has a `pattern`, which only a `text` has.']
  if (field.required && field.default !== undefined) return ['is required, so its `default` would never be used.']
  if (field.type === 'secret' && field.default !== undefined) return ['is a secret, which has no default.']
  try {
    const wrong = mistakes(fieldSchema(field), field.default ?? '', { name: 'it' })
    return field.default === undefined ? [] : wrong.map(({ message }) => `has a \`default\` that cannot be: ${message}`)
  } catch {
    return ['has a `pattern` that is no regular expression.']
  }
}

/** Placeholders of fields that there are not, within names, or within a text that could lack them. */
const misplaced = (value: unknown, keys: Keys, fields: Readonly<Record<string, ProfileField>>): Flaw[] => {
  if (typeof value === 'string') {
    return [...value.matchAll(PLACEHOLDER)].flatMap(([whole, name = '']) => {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined
      if (!field) return [{ keys, message: `The profile has no field called \`${name}\`${didYouMean(name, Object.keys(fields))}` }]
      const sure = field.required || field.default !== undefined
      return whole === value || sure ? [] : [{ keys, message: `\`${name}\` may be left out, so it cannot be part of a text; make it required, or give it a default.` }]
    })
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => [
    ...(key.match(PLACEHOLDER) ? [{ keys: [...keys, key], message: 'A name cannot be filled in.' }] : []),
    ...misplaced(child, [...keys, Array.isArray(value) ? Number(key) : key], fields),
  ])
}
