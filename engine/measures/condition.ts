/** A condition on messages as a person writes it, in the words of the step `keep`: `{ PID-3.5: MR }`, or an expression of the format. */
import { parse } from 'yaml'
import type { MessageFormat, Tools, TransformStep } from '../contracts.js'
import { ReferoError, sentence } from '../errors.js'
import type { EngineEvent } from '../events.js'
import type { Pieces } from '../registry.js'
import { mistakes } from '../schema-errors.js'

const LONGEST = 2_000 // characters
const STEP = 'keep'

/** Whether it holds of what an event is about; a sentence where that cannot be said, of messages of that format. */
export type Condition = (event: EngineEvent, format: MessageFormat) => Promise<boolean | string>

/** Throws USAGE with a sentence where the text is no condition. */
export function conditionOf(text: string, pieces: Pieces, tools: Tools): Condition {
  const step = made(text, pieces, tools)
  return async ({ message, channel, receivedAt, header, bytes }, format) => {
    if (message === null || bytes === null) return false
    try {
      const result = await step({ id: message, channel, receivedAt: receivedAt ?? new Date(0), header: header ?? { controlId: null, type: null }, format: format.name, body: format.parse(bytes()) })
      return !('filtered' in result)
    } catch (error) {
      return sentence(error)
    }
  }
}

function made(text: string, pieces: Pieces, tools: Tools): TransformStep {
  const definition = pieces.transforms.get(STEP)
  if (!definition) throw new ReferoError('USAGE', 'Conditions need the step `keep`, which is not installed.')
  const settings = { where: read(text) }
  const [mistake] = mistakes(definition.settings, settings, { name: 'the condition' })
  if (mistake) throw new ReferoError('USAGE', `The condition cannot be used: ${mistake.message}`)
  try {
    return definition.create(settings, tools)
  } catch (error) {
    throw new ReferoError('USAGE', `The condition cannot be used: ${sentence(error)}`)
  }
}

/** Paths and tests are YAML; anything else is an expression. Values stay as they are written: `012` is no number. */
function read(text: string): unknown {
  if (text.length > LONGEST) throw new ReferoError('USAGE', `A condition has at most ${LONGEST} characters.`)
  let value: unknown
  try {
    value = parse(text, (key, given: unknown) => (key === 'exists' && (given === 'true' || given === 'false') ? given === 'true' : given), { schema: 'failsafe', maxAliasCount: 0 })
  } catch (error) {
    if (text.trimStart().startsWith('{')) throw new ReferoError('USAGE', `The condition cannot be read: ${sentence(error).split('\n', 1)[0]}`)
  }
  return typeof value === 'object' && value !== null ? value : text
}
