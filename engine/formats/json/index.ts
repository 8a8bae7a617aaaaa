/** JSON of any shape. */
import { Type } from 'typebox'
import { defineFormat } from '../../define.js'
import { MessageFault } from '../../errors.js'
import { Size, size, withDefault } from '../../units.js'
import { childOf, type Json, parseJson, serialiseJson, withChild } from './json-text.js'
import { EVERY, pathProblem, stepsOf, type Step } from './path.js'
import { redactJson } from './redact.js'
import { readPlaces, writePlaces } from './places.js'

const DEFAULTS = { size: '50MB', depth: 100 }
const PARTS = 10_000

export default defineFormat({
  name: 'json',
  summary: 'JSON of any shape. Paths are names and places: `patient.name[0].family`. It has no acknowledgement of its own.',
  settings: Type.Object({
    controlId: Type.Optional(Type.String({ description: 'The path of what identifies a message to its sender, such as `order.id`.' })),
    type: Type.Optional(Type.String({ description: 'The path of what kind of message it is, such as `event`.' })),
    size: Type.Optional(withDefault(Size, DEFAULTS.size, 'A message may not be larger.')),
    depth: Type.Optional(Type.Integer({ default: DEFAULTS.depth, minimum: 1, maximum: 500, description: 'Objects and lists inside one another.' })),
  }, { additionalProperties: false }),
  examples: [{}, { controlId: 'order.id', type: 'event', size: '1MB' }],
  create(settings) {
    const limits = { size: size(settings.size ?? DEFAULTS.size), depth: settings.depth ?? DEFAULTS.depth }
    const header = { controlId: headerPath(settings.controlId), type: headerPath(settings.type) }
    const at = (body: Json, steps: readonly Step[] | null): string | null => (steps && readPlaces(body, steps)[0]?.slice(0, 256)) || null
    return {
      name: 'json',
      readHeader(bytes) {
        const body = parseJson(bytes, limits)
        return { controlId: at(body, header.controlId), type: at(body, header.type) }
      },
      parse: (bytes) => parseJson(bytes, limits),
      serialize: (body) => serialiseJson(body as Json),
      acknowledge: () => null,
      separate: () => null,
      assemble: (_bytes, acknowledgements) => Buffer.concat(acknowledgements),
      checkPath: pathProblem,
      read: (body, path) => readPlaces(body as Json, stepsOf(path)),
      write: (body, path, value) => writePlaces(body as Json, stepsOf(path), value, path),
      split: (body, by) => split(body as Json, by),
      orderKeys: (body, path) => readPlaces(body as Json, stepsOf(path)),
      redact: (body) => redactJson(body as Json, () => false),
    }
  },
})

const headerPath = (path: string | undefined): readonly Step[] | null => (path === undefined ? null : stepsOf(path))

/** One body per element of the list at a path: the whole, with that element alone in the list. A body that is a list itself (`[*]`) gives its elements. */
const split = (body: Json, by: string): readonly Json[] => {
  const steps = by === EVERY ? [] : stepsOf(by)
  if (steps.includes(EVERY)) throw new MessageFault({ kind: 'internal', reason: `\`${by}\` names several lists; JSON is split by one list, such as \`orders\`, or by \`[*]\` where the message is a list` })
  const list = steps.reduce<Json | undefined>(childOf, body)
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) throw new MessageFault({ kind: 'value', reason: 'is not a list, so that it cannot be split', location: by })
  if (list.length > PARTS) throw new MessageFault({ kind: 'unsupported', reason: `has more than ${PARTS} elements`, location: by })
  return list.map((element: Json) => (steps.length === 0 ? element : replaced(body, steps, [element])))
}

const replaced = (body: Json, [step, ...rest]: readonly Step[], list: Json): Json => (step === undefined ? list : withChild(body, step, replaced(childOf(body, step) ?? null, rest, list)))
