/** The `incidents` source: each moment of an incident (opened, acknowledged, resolved) is a message that a channel can post or mail. */
import { Type } from 'typebox'
import type { IncidentMoment, Receive } from '../../engine/contracts.js'
import { defineSource } from '../../engine/define.js'
import { Duration, duration, withDefault } from '../../engine/units.js'

const MOMENTS = ['opened', 'acknowledged', 'resolved'] as const
const DEFAULTS = { moments: ['opened', 'resolved'], since: '1d' } as const
const FIRST_PAUSE = 1_000 // milliseconds before what could not be kept is given again
const LONGEST_PAUSE = 60_000

const Word = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' })

export default defineSource({
  name: 'incidents',
  summary: 'Gives each incident of this engine, when it opens and when it is resolved, as a JSON message; never those about the channel itself.',
  settings: Type.Object({
    kinds: Type.Optional(Type.Array(Type.Enum(['silent', 'oldest', 'depth', 'refused', 'errors', 'disconnected', 'certificate', 'disk', 'store', 'channel-failed', 'held', 'many']), {
      minItems: 1, uniqueItems: true, description: 'Only these kinds.',
    })),
    channels: Type.Optional(Type.Array(Word, { minItems: 1, maxItems: 1000, uniqueItems: true, description: 'Only incidents of these channels; those of the whole installation are left out.' })),
    moments: Type.Optional(Type.Array(Type.Enum([...MOMENTS]), { minItems: 1, uniqueItems: true, default: [...DEFAULTS.moments], description: 'What is told of each.' })),
    since: Type.Optional(withDefault(Duration, DEFAULTS.since, 'What happened before the channel was there is told if it is no older than this.')),
  }, { additionalProperties: false }),
  examples: [{}, { kinds: ['disk', 'store', 'channel-failed'], moments: ['opened'] }, { channels: ['referrals-hl7'], since: '7d' }],
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const oldest = duration(settings.since)
    let stopping = new AbortController()
    let running: Promise<void> = Promise.resolve()

    const wanted = ({ kind, channel, moment, at }: IncidentMoment, from: number): boolean =>
      at.getTime() >= from && settings.moments.some((one) => one === moment)
      && (settings.kinds?.some((one) => one === kind) ?? true) && (settings.channels === undefined || (channel !== null && settings.channels.includes(channel)))

    /** The key makes a moment that is given again, after a restart too, the same message. */
    const give = async (receive: Receive, { key, about }: IncidentMoment, signal: AbortSignal): Promise<void> => {
      const inbound = { bytes: Buffer.from(JSON.stringify(about)), origin: 'incidents', key }
      for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
        const verdict = await receive(inbound).then((reply) => reply.verdict, () => 'error' as const)
        if (verdict !== 'error') return // what the channel rejected is kept there, for a person
        await tools.clock.sleep(pause, signal)
      }
    }

    const run = async (receive: Receive, signal: AbortSignal): Promise<void> => {
      const from = tools.clock.now().getTime() - oldest
      for (let position = 0; !signal.aborted; ) {
        for (const moment of await tools.incidents(position, signal)) {
          if (signal.aborted) return
          if (wanted(moment, from)) await give(receive, moment, signal)
          position = moment.position
        }
      }
    }

    return {
      start: async (receive) => {
        stopping = new AbortController()
        running = run(receive, stopping.signal)
        return 'the incidents of this engine'
      },
      stop: async () => {
        stopping.abort()
        await running
      },
    }
  },
})
