/** What is done to many messages at once: found by a search, counted, rehearsed, and then done one after the other at a pace. */
import type { MessageArchive, MessageQuery, MessageSummary } from './contracts.js'
import type { Engine } from './engine.js'
import { ReferoError, sentence } from './errors.js'
import { rehearsalOf, type Rehearsal } from './rehearse.js'

const PAGE = 500 // messages asked for at once
const MOST_NAMED = 50 // refusals that are told one by one

export interface Selected {
  readonly messages: readonly MessageSummary[] // oldest first, as they were received
  readonly more: boolean // there are more than were asked for: these are the newest
}

/** What was found and what became of it; `refused` names the first of those that could not be done, and why. */
export interface Done {
  readonly found: number
  readonly more: boolean
  readonly done: number // messages or deliveries
  readonly refused: { readonly count: number; readonly first: readonly Refusal[] }
}
export interface Refusal { readonly id: number; readonly reason: string }

export interface ManyRehearsed {
  readonly found: number
  readonly more: boolean
  readonly same: number // messages that would send what they sent
  readonly different: number
  readonly statuses: Readonly<Record<string, number>> // how many messages would become what
  readonly refused: Done['refused']
  readonly examples: readonly (Rehearsal & { readonly id: number; readonly channel: string })[] // the first that would differ
}

/** The newest messages that meet a query, up to `most`. */
export async function select(archive: MessageArchive, query: Omit<MessageQuery, 'limit'>, most: number): Promise<Selected> {
  const messages: MessageSummary[] = []
  for (let full = true; full && messages.length <= most;) {
    const limit = Math.min(PAGE, most + 1 - messages.length)
    const last = messages.at(-1)?.id
    const page = await archive.search({ ...query, ...(last === undefined ? {} : { before: last }), limit })
    messages.push(...page)
    full = limit > 0 && page.length === limit
  }
  return { messages: messages.slice(0, most).reverse(), more: messages.length > most }
}

/** Does something to each message, at most `perSecond` of them a second, until the signal aborts. What cannot be done is told, and the rest goes on. */
export async function doToAll(engine: Engine, { messages, more }: Selected, perSecond: number, signal: AbortSignal, act: (message: MessageSummary) => Promise<number>): Promise<Done> {
  const refused = refusals()
  let done = 0
  for (const message of messages) {
    if (signal.aborted) break
    try {
      done += await act(message)
      engine.wake(message.channel, message.id)
    } catch (error) {
      refused.add(message.id, error)
    }
    await engine.world.clock.sleep(1000 / perSecond, signal)
  }
  return { found: messages.length, more, done, refused: refused.told() }
}

/** What a replay of each would send now, beside what was sent then; the first `examples` that differ are shown. */
export async function rehearseAll(engine: Engine, { messages, more }: Selected, from: 'steps' | 'deliveries', destination: string | null, examples: number): Promise<ManyRehearsed> {
  const rehearse = rehearsalOf(engine)
  const refused = refusals()
  const statuses: Record<string, number> = {}
  const shown: (Rehearsal & { id: number; channel: string })[] = []
  let [same, different] = [0, 0]
  for (const message of messages) {
    try {
      const rehearsal = await rehearse(message, from, destination)
      statuses[rehearsal.status] = (statuses[rehearsal.status] ?? 0) + 1
      const differs = rehearsal.status !== message.status || rehearsal.deliveries.some((delivery) => !delivery.same)
      if (differs) different++
      else same++
      if (differs && shown.length < examples) shown.push({ id: message.id, channel: message.channel, ...rehearsal })
    } catch (error) {
      refused.add(message.id, error)
    }
  }
  return { found: messages.length, more, same, different, statuses, refused: refused.told(), examples: shown }
}

const refusals = () => {
  const first: Refusal[] = []
  let count = 0
  return {
    add: (id: number, error: unknown): void => {
      if (!(error instanceof ReferoError)) throw error
      count++
      if (first.length < MOST_NAMED) first.push({ id, reason: sentence(error) })
    },
    told: (): Done['refused'] => ({ count, first }),
  }
}
