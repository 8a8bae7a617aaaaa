/** The log: one line of JSON an event, made of a sentence and of facts on an allow-list, so that no content can reach it. */
import { pino, type DestinationStream, type Level } from 'pino'
import type { Log } from './contracts.js'
import { Repetitions } from './log-repetitions.js'

/** Facts that can hold no content. `file` is a channel's or a setting's, never a message's. */
const ALLOWED = new Set([
  'channel', 'destination', 'connector', 'lane', 'message', 'delivery', 'verdict', 'outcome', 'code', 'status',
  'address', 'port', 'path', 'attempts', 'wait', 'count', 'bytes', 'milliseconds', 'file', 'line', 'column', 'rule', 'state', 'signal', 'revision', 'incident', 'by',
])
const LONGEST = 200

/** What repeats itself without end, as it may at every message while the disk is full, is written some times a minute, and then counted. */
export function openLog(level: Level | 'silent', destination?: DestinationStream): Log {
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination ?? pino.destination({ fd: 2, sync: true }))
  const repetitions = new Repetitions((at, event, facts) => logger[at](facts, event))
  return (at, event, facts) => {
    if (!logger.isLevelEnabled(at)) return
    repetitions.take(at, event, facts ? allowed(facts) : {})
  }
}

function allowed(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(facts)) {
    if (name === 'error') Object.assign(kept, errorFacts(value))
    else if (ALLOWED.has(name) && ['string', 'number', 'boolean'].includes(typeof value)) kept[name] = typeof value === 'string' ? printable(value) : value
  }
  return kept
}

/** Of an error only what a computer gave it: the name, the code, the address. Its sentence may quote a message. */
function errorFacts(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return {}
  const { code, address, port } = error as Error & { code?: unknown; address?: unknown; port?: unknown }
  return Object.fromEntries(Object.entries({ error: error.name, code, address, port }).filter(([, value]) => ['string', 'number'].includes(typeof value)))
}

/** Facts are short, and what is no word is replaced. */
const printable = (text: string): string => text.replace(/[^\w .:^/@\\+*-]/g, '?').slice(0, LONGEST)
