/** What a live view says of an event: never more of a message than was asked for. */
import type { MessageFormat } from '../contracts.js'
import type { EngineEvent } from '../events.js'
import { isResourceType } from '../formats/fhir/definitions.js'
import { mask } from '../formats/mask.js'

export type ContentAsked = 'none' | 'redacted' | 'full'
export type ShownContent = { readonly text: string } | { readonly base64: string }

/** One line of a live view. */
export interface ShownEvent {
  readonly at: string // ISO 8601
  readonly channel: string
  readonly what: EngineEvent['what']
  readonly message: number | null
  readonly destination: string | null
  readonly step: number | null
  readonly type: string | null
  readonly verdict: string | null
  readonly reason: string | null
  readonly took: number | null // milliseconds
  readonly size: number | null // bytes
  readonly format: string | null
  readonly content?: ShownContent | null
}

/** `format` is what the event's content is written in; null where it has none. */
export function shown(event: EngineEvent, format: MessageFormat | null, asked: ContentAsked): ShownEvent {
  const { at, channel, what, message, destination, step, header, verdict, reason, took, size } = event
  const full = asked === 'full'
  return {
    at: at.toISOString(), channel, what, message, destination, step,
    type: full ? (header?.type ?? null) : typeOf(header?.type ?? null),
    verdict, reason: full ? reason : withoutWords(reason), took: took === null ? null : Math.round(took * 100) / 100, size, format: event.format,
    ...(asked !== 'none' && { content: event.bytes && format ? contentOf(event.bytes(), format, full) : null }),
  }
}

/** What a message that is out of step has where its type should be may be anything. */
const typeOf = (type: string | null): string | null => (type === null || /^[A-Z]{3}\^[A-Z][A-Z0-9]\d(?:\^[A-Z]{3}(?:_[A-Z]\d\d)?)?$|^ACK$/.test(type) || (/^[A-Z][a-z]/.test(type) && isResourceType(type)) ? type : mask(type, '^'))

/** Every part of the product keeps content out of its sentences; what a script throws is its author's own. */
const withoutWords = (reason: string | null): string | null => reason?.replace(/(step \d+(?: of [^ ]+)? \(script\)): .*/su, '$1: what it says is shown with the full content only') ?? null

function contentOf(bytes: Buffer, format: MessageFormat, full: boolean): ShownContent {
  if (full) return readable(bytes)
  try {
    if (format.redact) return readable(format.serialize(format.redact(format.parse(bytes))))
  } catch {
    // What cannot be read has no structure to be shown.
  }
  return { text: bytes.subarray(0, UNREADABLE).toString('latin1').split(/(?<=[\r\n])/).map((line) => mask(line, '\r\n')).join('') }
}

const UNREADABLE = 4_000 // bytes that are shown of what has no structure

/** Bytes as text where they are text, else as base64. */
function readable(bytes: Buffer): ShownContent {
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString('base64') }
}
