/** Builds a message from text: what goes into it is escaped and encoded, so that no value can become structure. */
import { MessageFault } from '../../errors.js'
import { type Body, isHeader, type Segment, segmentOf } from './body.js'
import type { Charset } from './charset.js'
import { charsetByName } from './charset-names.js'
import { ABSENT, type Delimiters, STANDARD_DELIMITERS } from './delimiters.js'
import { encodeValue } from './escape.js'
import { DEFAULT_READING } from './settings.js'

/** Text, or the text of its subcomponents. */
export type ComponentContent = string | readonly string[]
/** Text, or components. */
export type RepetitionContent = string | readonly ComponentContent[]
/** Text, components, or several repetitions. */
export type FieldContent = RepetitionContent | { readonly repetitions: readonly RepetitionContent[] }
/** `fields[0]` is field 1. MSH-1 and MSH-2 are the delimiters, whatever is given for them. */
export interface SegmentContent {
  readonly name: string
  readonly fields: readonly FieldContent[]
}

/**
 * A message of segments whose values are text (`""` is HL7's null). Empty values at the end are left out; every segment ends in CR. The character set is the one that MSH-18
 * names, UTF-8 if it is empty. Throws a MessageFault if the first segment is not MSH or a value cannot be written.
 */
export const buildMessage = (contents: readonly SegmentContent[], delimiters: Delimiters = STANDARD_DELIMITERS): Body => {
  if (contents[0]?.name !== 'MSH') throw new MessageFault({ kind: 'internal', reason: 'a message is to begin with its MSH segment' })
  const charset = charsetIn(contents[0])
  return { delimiters, charset, reading: DEFAULT_READING, before: '', segments: contents.map(content => segmentFrom(content, delimiters, charset)) }
}

const charsetIn = (msh: SegmentContent): Charset => {
  const declared = msh.fields[17] ?? ''
  const name = typeof declared === 'string' ? declared : 'repetitions' in declared ? String(declared.repetitions[0] ?? '') : String(declared[0] ?? '')
  if (name === '') return DEFAULT_READING.charset
  const charset = charsetByName(name)
  if (!charset) throw new MessageFault({ kind: 'value', reason: 'MSH-18 names a character set that is not known; UNICODE UTF-8 always is', location: 'MSH-18' })
  return charset
}

/** One segment of text, ending in CR. */
export const segmentFrom = ({ name, fields }: SegmentContent, delimiters: Delimiters, charset: Charset): Segment => {
  if (!/^[A-Z][A-Z0-9]{2}$/.test(name)) throw new MessageFault({ kind: 'internal', reason: 'a segment is named by three capital letters or digits' })
  const write = writer(delimiters, charset, name)
  const carried = [name, ...fields.map((field, at) => (isHeader(name) && at < 2 ? '' : write(field, at + 1)))]
  if (isHeader(name)) [carried[1], carried[2]] = [delimiters.field, delimiters.encoding]
  while (carried.length > 1 && carried.at(-1) === '') carried.pop()
  return segmentOf(carried, '\r', delimiters)
}

const writer = (delimiters: Delimiters, charset: Charset, name: string) => (field: FieldContent, number: number): string => {
  const join = (parts: readonly string[], delimiter: string): string => {
    let length = parts.length
    while (length > 0 && parts[length - 1] === '') length--
    if (length > 1 && delimiter === ABSENT) throw new MessageFault({ kind: 'value', reason: 'MSH-2 declares no delimiter for what is to be written', location: `${name}-${number}` })
    return parts.slice(0, length).join(delimiter)
  }
  const text = (value: string) => encodeValue(value, delimiters, charset, `${name}-${number}`)
  const component = (content: ComponentContent) => (typeof content === 'string' ? text(content) : join(content.map(text), delimiters.subcomponent))
  const repetition = (content: RepetitionContent) => (typeof content === 'string' ? text(content) : join(content.map(component), delimiters.component))
  return typeof field === 'object' && 'repetitions' in field ? join(field.repetitions.map(repetition), delimiters.repetition) : repetition(field)
}
