/** The JSON Schema of a channel file, for editors: every connector, step, format and profile with its own settings. */
import type { TSchema } from 'typebox'
import { ChannelFile, Destination } from '../channel-definition.js'
import { fieldsSchema, type ProfileContent } from '../profiles/profile-file.js'
import type { Pieces } from '../registry.js'
import { DRAFT, editorSchema, type Json, where } from './editor-schema.js'

/** A profile by its name. */
export interface NamedProfile { readonly name: string; readonly content: ProfileContent }

const WRITTEN = { variables: true } as const
const PARTIAL = { variables: true, partial: true } as const

/** A file that uses profiles may leave to them what a file without must say. */
export const channelSchema = (pieces: Pieces, profiles: readonly NamedProfile[]): Json => {
  const channel = propertiesOf(ChannelFile)
  const destination = propertiesOf(Destination)
  const ref = (name: string): Json => ({ $ref: `#/definitions/${name}` })
  const ofChannels = profiles
  const ofDestinations = profiles.filter(({ content }) => content.destination)
  const { keep } = destination
  return {
    $schema: DRAFT, title: 'A channel of Refero', description: 'A file of channels/: what comes in, what is done with it, and where it goes.',
    type: 'object', required: ['name'], additionalProperties: false,
    properties: { ...channel, ...using(ofChannels), source: ref('partial-source'), format: ref('format'), steps: { ...channel.steps, items: ref('step') }, destinations: { ...channel.destinations, items: ref('destination') } },
    allOf: [
      where({ required: ['uses'] }, null, { required: ['source', 'format', 'destinations'], properties: { source: ref('source'), destinations: { items: ref('whole-destination') } } }),
      ...ofChannels.map(fieldsWhere),
    ],
    definitions: {
      source: onePiece(pieces.sources, 'What brings messages in.', WRITTEN),
      'partial-source': onePiece(pieces.sources, 'What brings messages in.', PARTIAL),
      to: onePiece(pieces.destinations, 'What takes messages out.', WRITTEN),
      'partial-to': onePiece(pieces.destinations, 'What takes messages out.', PARTIAL),
      step: onePiece(pieces.transforms, 'What is done to each message.', WRITTEN),
      format: { description: 'How what arrives is read.', anyOf: [{ enum: [...pieces.formats.keys()].sort() }, onePiece(pieces.formats, 'With settings.', WRITTEN)] },
      destination: {
        type: 'object', required: ['name'], additionalProperties: false,
        properties: {
          ...destination, ...using(ofDestinations), to: ref('partial-to'), steps: { ...destination.steps, items: ref('step') },
          keep: { ...keep, ...settingsOf(pieces, 'keep') },
        },
        allOf: ofDestinations.map(fieldsWhere),
      },
      'whole-destination': { allOf: [ref('destination'), where({ required: ['uses'] }, null, { required: ['to'], properties: { to: ref('to') } })] },
    },
  }
}

const propertiesOf = (schema: TSchema): Readonly<Record<string, Json>> => (editorSchema(schema, WRITTEN).properties ?? {}) as Record<string, Json>

const settingsOf = ({ transforms }: Pieces, name: string): Json => {
  const definition = transforms.get(name)
  return definition ? editorSchema(definition.settings, WRITTEN) : {}
}

/** One key that names a piece, and its settings below. */
const onePiece = (definitions: ReadonlyMap<string, { readonly summary: string; readonly settings: TSchema }>, description: string, options: { readonly variables: boolean; readonly partial?: boolean }): Json => ({
  type: 'object', description, minProperties: 1, maxProperties: 1, additionalProperties: false,
  properties: Object.fromEntries([...definitions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { summary, settings }]) => {
    const schema = editorSchema(settings, options)
    return [name, { ...schema, description: summary }]
  })),
})

const using = (profiles: readonly NamedProfile[]): Readonly<Record<string, Json>> => {
  const names = profiles.map(({ name }) => name)
  const fields = profiles.flatMap(({ content }) => Object.entries((editorSchema(fieldsSchema(content.fields ?? {}), PARTIAL).properties ?? {}) as Record<string, Json>))
  return {
    uses: { description: 'A profile of mappings/profiles/ that fills what is not written here, or several: the later ones win.', anyOf: [{ enum: names }, { type: 'array', minItems: 1, maxItems: 10, items: { enum: names } }] },
    with: { type: 'object', description: 'The values of the profiles’ fields.', properties: Object.fromEntries(fields.map(([name, { description }]) => [name, { description }])) },
  }
}

/** What `with:` may and must say where this profile alone is used. */
const fieldsWhere = ({ name, content }: NamedProfile): Json => {
  const schema = editorSchema(fieldsSchema(content.fields ?? {}), WRITTEN)
  return where({ required: ['uses'], properties: { uses: { const: name } } }, { ...(schema.required ? { required: ['with'] } : {}), properties: { with: schema } })
}
