/** Batches and files (FHS, BHS, BTS, FTS; HL7 v2.9 §2.10.3), and several messages one after another: taken apart, and answered in kind. */
import { MessageFault } from '../../errors.js'
import { newControlId, timestamp, trimmed, type Acknowledging } from './acknowledge.js'
import { type Reading, segmentOf } from './body.js'
import { utf16Of } from './charset-names.js'
import type { Delimiters } from './delimiters.js'
import { headerAt, type Opening } from './header.js'

/**
 * The messages of an envelope, each as received, or null where the bytes are one message or none. Throws a MessageFault (unreadable) for an envelope
 * without messages. What is there is taken, whatever BTS-1 counts; `assemble` tells the sender of a difference. UTF-16 is never an envelope.
 */
export const separate = (bytes: Buffer): readonly Buffer[] | null => {
  const first = firstName(bytes)
  const isEnvelope = first === 'FHS' || first === 'BHS'
  if (utf16Of(bytes) || (!isEnvelope && (first !== 'MSH' || !hasSecond(bytes)))) return null
  const { messages } = contentsOf(bytes)
  if (messages.length === 0) throw new MessageFault({ kind: 'unreadable', reason: 'the batch holds no message' })
  return messages
}

/** The messages between the headers and trailers, and the sum of what the trailers count (null where none counts). */
const contentsOf = (bytes: Buffer): { readonly messages: readonly Buffer[]; readonly counted: number | null } => {
  const messages: Buffer[] = []
  let from = -1
  let counted: number | null = null
  for (const { index, 1: name, 2: rest = '' } of bytes.toString('latin1').matchAll(/(?<=^|[\r\n]|ï»¿)(MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9]|$)([^\r\n]{0,12})/g)) {
    if (from !== -1) messages.push(bytes.subarray(from, index))
    from = name === 'MSH' ? index : -1
    const count = name === 'BTS' ? /^.(\d{1,9})(?!\d)/.exec(rest)?.[1] : undefined
    if (count !== undefined) counted = (counted ?? 0) + Number(count)
  }
  if (from !== -1) messages.push(bytes.subarray(from))
  return { messages, counted }
}

const firstName = (bytes: Buffer): string => /^(?:ï»¿)?\s*([A-Z]{3})/.exec(bytes.toString('latin1', 0, 200))?.[1] ?? ''
const hasSecond = (bytes: Buffer): boolean => {
  const field = /MSH([^A-Za-z0-9])/.exec(bytes.toString('latin1', 0, 204))?.[1] ?? '|'
  return bytes.indexOf(`\rMSH${field}`, 0, 'latin1') !== -1 || bytes.indexOf(`\nMSH${field}`, 0, 'latin1') !== -1
}

/** The acknowledgements in an envelope like the one they answer: its delimiters, sender and receiver swapped, its control ids referred to. */
export const assemble = (bytes: Buffer, acknowledgements: readonly Buffer[], { reading, now }: Acknowledging): Buffer => {
  const file = headerOf(bytes, 'FHS', reading)
  const batch = headerOf(bytes, 'BHS', reading)
  const header = (name: string, { delimiters, fields }: Opening): Buffer =>
    line(delimiters, [name, delimiters.field, delimiters.encoding, fields[5] ?? '', fields[6] ?? '', fields[3] ?? '', fields[4] ?? '', timestamp(now()), '', '', '', newControlId(), fields[11] ?? ''])
  const { messages, counted } = contentsOf(bytes)
  const comment = counted === null || counted === messages.length ? '' : `BTS-1 counted ${counted} messages and ${messages.length} were found`
  return Buffer.concat([
    ...(file ? [header('FHS', file)] : []),
    ...(batch ? [header('BHS', batch)] : []),
    ...acknowledgements,
    ...(batch ? [line(batch.delimiters, ['BTS', String(acknowledgements.length), comment])] : []),
    ...(file ? [line(file.delimiters, ['FTS', batch ? '1' : '0'])] : []),
  ])
}

const line = (delimiters: Delimiters, fields: readonly string[]): Buffer => {
  const { text, end } = segmentOf(trimmed(fields), '\r', delimiters)
  return Buffer.from(text + end, 'latin1')
}

const headerOf = (bytes: Buffer, name: 'FHS' | 'BHS', reading: Reading): Opening | null => {
  for (const match of bytes.toString('latin1', 0, 100_000).matchAll(/(?<=^|[\r\n]|ï»¿)(FHS|BHS)[^A-Za-z0-9]/g)) {
    if (match[1] !== name) continue
    try {
      return headerAt(bytes.subarray(match.index), name, reading)
    } catch {
      return null
    }
  }
  return null
}
