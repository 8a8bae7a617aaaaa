/** The `channel` source: declares that a channel is fed by others of this engine. The engine hands their messages to it directly. */
import { Type } from 'typebox'
import { defineSource } from '../../engine/define.js'

export default defineSource({
  name: 'channel',
  summary: 'Takes what other channels of this engine send to `channel: { name: … }`.',
  settings: Type.Object({}, { additionalProperties: false }),
  examples: [{}],
  create: () => ({
    start: async () => 'fed by other channels',
    stop: async () => undefined,
  }),
})
