/** `refero tap`: what happens in the engine, live, a line each; the messages themselves redacted unless asked. */
import { JSON_OPTION, type Command, type Given, type Terminal } from '../command.js'
import { ReferoError } from '../errors.js'
import type { ShownContent, ShownEvent } from '../measures/shown.js'
import { byWhom, BY_OPTION, ENGINE_OPTIONS, fetchEngine } from './parts/engine-api.js'
import { sentEvents, type SentEvent } from './parts/event-stream.js'
import { plainLine, plainLines } from './parts/plain.js'
import { untilStopped } from './parts/until-stopped.js'

const tap: Command = {
  name: 'tap',
  summary: 'Shows what happens, live: all of it, or at one place, or of messages that fit a condition.',
  usage: '[CHANNEL] [--at PLACE] [--where CONDITION] [--content | --full] [--count N]',
  options: {
    at: { type: 'string', value: 'PLACE', describe: 'received, step:N, a destination’s name, or NAME/step:N for a step of its own; everything but steps unless said' },
    where: { type: 'string', value: 'CONDITION', describe: 'as the step `keep` has it, on the message at that place: `{ PID-3.5: MR }`, or FHIRPath' },
    content: { type: 'boolean', describe: 'show the messages too, every value masked but codes' },
    full: { type: 'boolean', describe: 'show the messages as they are; the engine writes to its log that you do' },
    count: { type: 'string', value: 'N', describe: 'stop after so many' },
    ...BY_OPTION, ...ENGINE_OPTIONS, ...JSON_OPTION,
  },
  exits: '0 stopped as asked (Ctrl-C, --count), 1 the engine ended, 2 it could not be done.',
  async run(given, terminal) {
    const query = queryOf(given, terminal)
    const count = Number(given.text('count') ?? Number.POSITIVE_INFINITY)
    if (!(count >= 1)) throw new ReferoError('USAGE', '--count is a number from 1.')
    const stop = new AbortController()
    const response = await fetchEngine(given, terminal, `/api/events?${query}`, undefined, 'GET', stop.signal)
    void untilStopped().then(() => stop.abort())
    const json = given.flag('json')
    let told = 0
    try {
      for await (const event of sentEvents(response, () => terminal.err('Listening; Ctrl-C ends it.'))) {
        const happening = event.name !== 'lost' && event.name !== 'note'
        if (json) terminal.out(JSON.stringify(happening ? event.data : { what: event.name, ...(event.data as object) }))
        else if (happening) show(event.data as ShownEvent, given.flag('full') ? Number.POSITIVE_INFINITY : MOST_LINES, terminal)
        else terminal.err(aside(event))
        if (happening && ++told >= count) return 0
      }
    } catch (error) {
      if (stop.signal.aborted) return 0
      throw new ReferoError('ENGINE_UNREACHABLE', 'It stopped answering.', { cause: error })
    } finally {
      stop.abort()
    }
    terminal.err('The engine ended.')
    return 1
  },
}

function queryOf(given: Given, terminal: Terminal): URLSearchParams {
  if (given.words.length > 1) throw new ReferoError('USAGE', 'Name one channel, or none for all.')
  const query = new URLSearchParams({ content: given.flag('full') ? 'full' : given.flag('content') ? 'redacted' : 'none', by: byWhom(given, terminal) })
  const [channel] = given.words
  if (channel !== undefined) query.set('channel', channel)
  const where = given.text('where')
  if (where !== undefined) query.set('where', where)
  const at = given.text('at')
  const [, destination, step] = /^(?:([^/]+)\/)?step:(\d+)$/.exec(at ?? '') ?? []
  if (step !== undefined) query.set('step', step)
  if (destination !== undefined) query.set('destination', destination)
  if (at === 'received') query.set('what', 'received,duplicate,unreadable')
  else if (at !== undefined && step === undefined) query.set('destination', at)
  return query
}

function show({ at, channel, what, message, destination, step, type, verdict, reason, took, content }: ShownEvent, most: number, terminal: Terminal): void {
  const words = [
    timeOf(at), channel.padEnd(16), (message === null ? '' : `#${message}`).padStart(7), (what === 'step' ? `step ${step}` : what).padEnd(12), (type ?? '').padEnd(8),
    (destination ?? '').padEnd(12), (took === null ? '' : `${took < 10 ? took.toFixed(1) : Math.round(took)} ms`).padStart(8), [verdict, reason].filter(Boolean).join(': '),
  ]
  terminal.out(plainLine(words.join('  ').trimEnd()))
  const lines = content ? linesOf(content) : []
  for (const line of lines.slice(0, most)) terminal.out(`    ${line}`)
  if (lines.length > most) terminal.out(`    … ${lines.length - most} more lines; --json has them all`)
}

const MOST_LINES = 40 // of a redacted message

const linesOf = (content: ShownContent): readonly string[] => ('text' in content ? plainLines(content.text) : [`${content.base64} (base64)`])

const aside = ({ name, data }: SentEvent): string => (name === 'lost' ? `… ${(data as { count: number }).count} more happened than could be shown` : plainLine((data as { reason: string }).reason))

/** The time of day here, to the millisecond. */
function timeOf(at: string): string {
  const date = new Date(at)
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

export default tap
