/** Makes several messages of one. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'

export default defineTransform({
  name: 'split',
  summary: 'Makes one message of each part: of each order group, resource, line or element of a list. Each has what the parts have in common.',
  settings: Type.Object({
    by: Type.String({ minLength: 1, description: 'What a part begins with, in the words of the format: `OBR` (hl7v2), `entry` or `Observation` (fhir), `orders` (json), `line` (text).' }),
  }, { additionalProperties: false }),
  examples: [{ by: 'OBR' }, { by: 'entry' }],
  create({ by }, tools) {
    return (message) => {
      const parts = tools.format(message.format).split(message.body, by)
      if (parts.length === 0) return { filtered: `split: the message has no \`${by}\`` }
      return parts.map((body) => ({ ...message, body }))
    }
  },
})
