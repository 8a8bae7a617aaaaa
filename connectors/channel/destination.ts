/** The `channel` destination: gives a message to another channel of this engine, which keeps it before this one calls it sent. */
import { Type } from 'typebox'
import type { Outcome, Reply } from '../../engine/contracts.js'
import { defineDestination } from '../../engine/define.js'
import { sentence } from '../../engine/errors.js'

export default defineDestination({
  name: 'channel',
  summary: 'Gives each message to another channel of this engine, durably and once.',
  settings: Type.Object({
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$', description: 'The channel that is fed.' }),
  }, { additionalProperties: false }),
  examples: [{ name: 'referrals-in' }],
  leadsTo: ({ name }) => name,
  create: ({ name }, tools) => ({
    open: async () => undefined,
    /** The key makes a repeated attempt the same arrival, so that whatever goes wrong, sending again is safe. */
    async deliver({ id, channel, destination, payload }, signal) {
      const feed = async (): Promise<Outcome> => outcomeOf(await tools.feed(name, { bytes: payload, origin: `channel ${channel}`, key: `${channel}/${destination}/${id}` }))
      return Promise.race([feed().catch(unavailable), aborted(signal)])
    },
    close: async () => undefined,
  }),
})

const outcomeOf = ({ verdict, reason, acknowledgements }: Reply): Outcome => {
  const response = acknowledgements.length > 0 ? { response: Buffer.concat(acknowledgements) } : {}
  if (verdict === 'accepted') return { kind: 'sent', ...response }
  if (verdict === 'rejected') return { kind: 'refused', reason: reason ?? 'The channel rejected it.', ...response }
  return { kind: 'unavailable', reason: reason ?? 'The channel could not keep it.' }
}

const unavailable = (error: unknown): Outcome => ({ kind: 'unavailable', reason: sentence(error) })

const aborted = (signal: AbortSignal): Promise<Outcome> =>
  new Promise((resolve) => {
    const abort = (): void => resolve({ kind: 'unavailable', reason: 'The channel did not answer in time.' })
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
