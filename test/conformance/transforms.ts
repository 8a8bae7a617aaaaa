/** What holds for every transform, whatever it does. */
import type t from 'tap'
import type { TSchema } from 'typebox'
import type { Definition, Message, MessageFormat, StepResult, Tools, TransformStep } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { settingsOf } from './formats.js'

/** Runs the suite for one transform over messages of every format. */
export function transformConformance(test: typeof t, definition: Definition<TSchema, TransformStep>, messages: readonly Message[], tools: Tools): void {
  const made = definition.examples.map((example) => ({ example, ...settingsOf(definition.settings, example) }))

  test.test(`${definition.name}: its examples are settings that it can be made with`, async (t) => {
    t.ok(made.length > 0, 'it has examples')
    for (const { example, settings, problems } of made) {
      t.equal(problems, null, JSON.stringify(example))
      t.equal(typeof definition.create(settings, tools), 'function')
    }
  })

  test.test(`${definition.name}: it gives messages, says why there are none, or names a fault; the same each time, and edits nothing`, async (t) => {
    let answered = 0
    for (const { settings } of made) {
      const step = definition.create(settings, tools)
      for (const message of messages) {
        const format = tools.format(message.format)
        const before = format.serialize(message.body)
        const [once, again] = [await outcome(step, message, tools), await outcome(definition.create(settings, tools), message, tools)]
        t.same(again, once, `${message.header.type} gives the same again`)
        t.ok(format.serialize(message.body).equals(before), 'the message is as it was')
        if (Array.isArray(once)) answered += 1
        for (const one of Array.isArray(once) ? once : []) {
          t.equal(one.id, message.id)
          t.equal(one.channel, message.channel)
          t.ok(one.format === message.format || one.format === definition.produces, `${one.format} is the format it came in or the one that is declared`)
        }
      }
    }
    t.ok(answered > 0, 'at least one example gives a message for at least one fixture')
  })
}

/** What a step makes of a message, comparable: bodies as their bytes, a fault as its words. */
const outcome = async (step: TransformStep, message: Message, tools: Tools): Promise<readonly { id: number; channel: string; format: string; bytes: string }[] | { filtered: string } | { fault: string }> => {
  let result: StepResult
  try {
    result = await step(message)
  } catch (error) {
    if (error instanceof MessageFault) return { fault: error.message }
    throw error
  }
  if ('filtered' in result) return { filtered: result.filtered }
  return result.map(({ id, channel, format, body }) => ({ id, channel, format, bytes: tools.format(format).serialize(body).toString('latin1') }))
}

/** A message of a format, as the engine would make it of bytes. */
export const messageOf = (format: MessageFormat, bytes: Buffer): Message =>
  ({ id: 7, channel: 'referrals', receivedAt: new Date('2026-03-02T14:15:00Z'), header: format.readHeader(bytes), format: format.name, body: format.parse(bytes) })
