/** Writes the acknowledgement that a message is owed (HL7 v2.5.1 §2.9): whether there is one, and what it says. */
import { randomBytes } from 'node:crypto'
import type { Fault, Verdict } from '../../contracts.js'
import { type Reading, segmentOf } from './body.js'
import { ABSENT, type Delimiters, STANDARD_DELIMITERS } from './delimiters.js'
import { encodeValue } from './escape.js'
import { errorSegment } from './error-segment.js'
import { tolerantHeader, type Opening } from './header.js'

/** `now` is the engine's time. */
export interface Acknowledging {
  readonly reading: Reading
  now(): Date
}

/** AR is for what cannot be taken at all, AE for a message whose content is at fault or could not be worked on (table 0008). */
const ofContent = (verdict: Verdict, fault: Fault | undefined): boolean => verdict === 'rejected' && (fault?.kind === 'value' || fault?.kind === 'internal')

/**
 * The acknowledgement owed at a moment, or null. In original mode (MSH-15 and MSH-16 empty) AA, AE or AR once the message is done with; in enhanced mode CA, CE
 * or CR once it is stored and AA, AE or AR once it is done with, each as MSH-15 and MSH-16 ask. An acknowledgement is never answered, but for the
 * accept acknowledgement of an application acknowledgement that asks for one; an answer of another type (RRI, OSU, RSP) that comes of itself is. A message without a readable MSH is answered in original mode.
 */
export const acknowledge = (bytes: Buffer, moment: 'stored' | 'done', verdict: Verdict, fault: Fault | undefined, { reading, now }: Acknowledging): Buffer | null => {
  const opening = tolerantHeader(bytes, reading)
  const code = codeOwed(bytes, opening, moment, ofContent(verdict, fault) ? 'error' : verdict)
  if (code === null) return null
  const delimiters = opening?.delimiters ?? STANDARD_DELIMITERS
  const charset = opening?.charset ?? reading.charset
  const field = (n: number): string => {
    const carried = opening?.fields[n] ?? ''
    return carried.length > MOST_ECHOED ? '' : carried
  }
  const version = versionOf(opening)
  const text = plainText(fault?.reason ?? '', delimiters, (value) => charset.encode(value) !== null)
  const encoded = (value: string) => encodeValue(value, delimiters, charset)
  const msh = ['MSH', delimiters.field, delimiters.encoding, field(5), field(6), field(3), field(4), timestamp(now()), '', typeOf(opening, version, delimiters), newControlId(), field(11) || 'P', field(12) || '2.5.1', '', '', '', '', '', field(18)]
  const msa = ['MSA', code, field(10), version < V27 ? encoded(text) : '']
  const segments = [msh, msa, ...(verdict === 'accepted' ? [] : [errorSegment(fault, encoded(text), version >= V25, delimiters)])]
  const mark = charset.name === 'UNICODE UTF-16' ? '\uFEFF' : ''
  return charset.bytes(mark + segments.map(fields => segmentOf(trimmed(fields), '\r', delimiters)).map(({ text: line, end }) => line + end).join(''))
}

const MOST_ECHOED = 1000 // characters of a field: an acknowledgement is never a copy of megabytes

const codeOwed = (bytes: Buffer, opening: Opening | null, moment: 'stored' | 'done', verdict: Verdict): string | null => {
  const letter = { accepted: 'A', error: 'E', rejected: 'R' }[verdict]
  const accept = opening?.value(15) ?? ''
  const application = opening?.value(16) ?? ''
  const isEnhanced = accept !== '' || application !== ''
  const answer = opening ? answerIn(bytes, opening) : null
  if (answer !== null && (!isEnhanced || moment === 'done' || answer.startsWith('C'))) return null
  if (!isEnhanced) return moment === 'done' ? `A${letter}` : null
  if (moment === 'stored') return asksFor(accept, verdict) ? `C${letter}` : null
  return asksFor(application, verdict) ? `A${letter}` : null
}

/** HL7 table 0155. What is not in it is read as "always": an acknowledgement too many harms less than one too few. */
const asksFor = (condition: string, verdict: Verdict): boolean => {
  switch (condition.toUpperCase()) {
    case '': case 'NE': return false
    case 'ER': return verdict !== 'accepted'
    case 'SU': return verdict === 'accepted'
    default: return true
  }
}

/** MSA-1 of an acknowledgement, 'ACK' where it has none, null where it is none. An RRI or OSU that comes of itself has an MSA too, and its sender waits. */
const answerIn = (bytes: Buffer, { delimiters, value }: Opening): string | null => {
  if (!['ACK', 'MCF', ''].includes(value(9))) return null
  for (const lineBreak of ['\r', '\n']) {
    const at = bytes.indexOf(`${lineBreak}MSA${delimiters.field}`, 0, 'latin1')
    if (at !== -1) return bytes.toString('latin1', at + 5, at + 7)
  }
  return value(9) === '' ? null : 'ACK'
}

// Versions as numbers: 2.5.1 is 20501.
const V231 = 20301
const V25 = 20500
const V27 = 20700
const versionOf = (opening: Opening | null): number => {
  const [, major, minor, patch] = /^(\d)\.(\d)(?:\.(\d))?/.exec(opening?.value(12) ?? '') ?? [null, '2', '5', '1']
  return Number(major) * 10_000 + Number(minor) * 100 + Number(patch ?? 0)
}

const typeOf = (opening: Opening | null, version: number, delimiters: Delimiters): string => {
  const event = opening?.fields[9]?.split(delimiters.repetition)[0]?.split(delimiters.component)[1] ?? ''
  return version < V231 || event === '' ? 'ACK' : ['ACK', event, 'ACK'].join(delimiters.component)
}

const run = randomBytes(5).toString('hex')
let count = 0
/** A control id of our own, unique across restarts, at most 20 characters (the limit up to 2.6). */
export const newControlId = (): string => `${run}${(++count).toString(36)}`

/** A time as HL7 writes it, to the second, with the time zone that the engine runs in. */
export const timestamp = (at: Date): string => {
  const zone = -at.getTimezoneOffset()
  const local = new Date(at.getTime() + zone * 60_000).toISOString().replace(/\D/g, '').slice(0, 14)
  const minutes = Math.abs(zone)
  return `${local}${zone < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}${String(minutes % 60).padStart(2, '0')}`
}

/** A sentence of ours as any receiver can read it: at most 250 characters (ERR-8), none that its character set or MSH-2 leaves no way to write. */
const plainText = (sentence: string, delimiters: Delimiters, canWrite: (text: string) => boolean): string => {
  const short = sentence.slice(0, 250).replace(/\s+/g, ' ')
  const text = canWrite(short) ? short : short.replace(/[’‘]/g, "'").replace(/[^\x20-\x7e]/g, '?')
  return delimiters.escape === ABSENT ? text.split(delimiters.pieces).filter((_, at) => at % 2 === 0).join(' ') : text
}

/** Fields without the empty ones at the end. */
export const trimmed = (fields: readonly string[]): readonly string[] => fields.slice(0, fields.findLastIndex(field => field !== '') + 1)
