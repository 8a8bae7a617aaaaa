/** Asks a service for new faxes, and for what became of ours; a fax is acknowledged to it only once the engine has it. */
import type { Clock } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { type FaxEvent, readEvent } from './events.js'
import { fetchDocument } from './fetching.js'
import { type Intake, takeEvent } from './intake.js'
import { pointed, type Source } from './places.js'
import { type Account, answerOf, call } from './requests.js'

const MOST_A_ROUND = 100
const PATIENCE = 60_000 // milliseconds for one request

export interface Polling {
  readonly every: number // milliseconds
  readonly uncertainAfter: number // milliseconds without a last word
}

export class Poller {
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #troubled = false

  constructor(readonly account: Account, readonly intake: Intake, readonly clock: Clock, readonly polling: Polling) {}

  start(): void {
    this.#running = this.#run(this.#stopping.signal)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      await this.#guarded(() => this.#faxes(stopped))
      await this.#guarded(() => this.#statuses(stopped))
      await this.clock.sleep(this.polling.every, stopped)
    }
  }

  async #guarded(round: () => Promise<string | null>): Promise<void> {
    const { log, naming } = this.intake
    const problem = await round().catch((error: unknown) => (error instanceof Error ? error.name : 'an error'))
    if (problem !== null && !this.#troubled) log('warn', 'a fax service cannot be asked now; it is asked again', { provider: naming.name, reason: problem })
    this.#troubled = problem !== null
  }

  /** Null once there is nothing more, or why there may be. */
  async #faxes(stopped: AbortSignal): Promise<string | null> {
    const { facts } = this.account
    const { list } = facts
    if (!list) return null
    for (let count = 0; count < MOST_A_ROUND && !stopped.aborted; count++) {
      const answer = answerOf(await this.#call(list, {}, stopped), list)
      if ('kind' in answer) return answer.reason
      const items = [pointed(answer.source.body, list.items)].flat().filter((item) => typeof item === 'object' && item !== null)
      if (items.length === 0) return null
      for (const item of items) {
        const problem = stopped.aborted ? 'it is stopping' : await this.#item({ ...answer.source, body: item }, stopped)
        if (problem !== null) return problem
      }
      if (!list.one) return null
    }
    return null
  }

  async #item(source: Source, stopped: AbortSignal): Promise<string | null> {
    const { facts } = this.account
    let event: FaxEvent
    try {
      event = readEvent(source, facts, this.clock.now(), 'in')
    } catch (error) {
      if (error instanceof MessageFault) return error.message
      throw error
    }
    if (event.kind === 'ignored') return null
    let document: Buffer | null = null
    if (event.kind === 'received') {
      const fetched = Buffer.isBuffer(event.file) ? { document: event.file } : await fetchDocument(event.id, event.file, this.account, stopped)
      if ('again' in fetched) return fetched.again
      document = fetched.document
    }
    if (!(await takeEvent(event, document, this.#origin(), this.intake))) return 'the engine cannot keep faxes now'
    if (!facts.acknowledge) return null
    const answer = answerOf(await this.#call(facts.acknowledge, { id: event.id }, stopped), facts.acknowledge)
    return 'kind' in answer ? answer.reason : null
  }

  /** Tells each change of what became of our faxes once, and gives up on those of which nothing is heard. */
  async #statuses(stopped: AbortSignal): Promise<string | null> {
    const { facts } = this.account
    let problem: string | null = null
    for (const tracked of await this.intake.tracking.all()) {
      if (stopped.aborted) return null
      const now = this.clock.now()
      const event = facts.status ? await this.#status(facts.status, tracked.id, stopped) : null
      if (typeof event === 'string') problem = event
      else if (event?.kind === 'status' && event.stage !== 'uncertain' && event.stage !== tracked.stage) await takeEvent({ ...event, id: tracked.id }, null, this.#origin(), this.intake)
      else if (now.getTime() - Date.parse(tracked.at) >= this.polling.uncertainAfter) {
        const said = { kind: 'status', id: tracked.id, direction: 'out', stage: 'uncertain', again: false, says: 'nothing was heard of it', words: null, from: null, to: tracked.to, pages: null, at: now, tag: tracked.tag } as const
        await takeEvent(said, null, this.#origin(), this.intake)
      }
    }
    return problem
  }

  async #status(request: NonNullable<Account['facts']['status']>, id: string, stopped: AbortSignal): Promise<FaxEvent | string> {
    const answer = answerOf(await this.#call(request, { id }, stopped), request)
    if ('kind' in answer) return answer.reason
    const found = [pointed(answer.source.body, request.item ?? '')].flat()[0]
    const body = typeof found === 'object' && found !== null ? found : {}
    try {
      return readEvent({ ...answer.source, body, query: { id } }, this.account.facts, this.clock.now(), 'out')
    } catch (error) {
      if (error instanceof MessageFault) return error.message
      throw error
    }
  }

  #call(request: Parameters<typeof call>[1], variables: Readonly<Record<string, string>>, stopped: AbortSignal): ReturnType<typeof call> {
    return call(this.account, request, variables, AbortSignal.any([stopped, AbortSignal.timeout(PATIENCE)]))
  }

  #origin(): string {
    const { facts, api } = this.account
    return new URL(String(api.base ?? facts.base ?? 'https://unknown.invalid')).host
  }
}
