/** The ISA segment, which declares the separators of an X12 interchange (X12.5, X12.6): found and read in bytes that may be wrong in any other way. */
import { MessageFault } from '../../errors.js'

export interface Separators {
  readonly element: string
  readonly component: string // ISA-16
  readonly repetition: string | null // ISA-11, from version 00402 on
  readonly terminator: string
}

/** ISA where it stands. */
export interface Opening {
  readonly start: number // of ISA, in characters
  readonly separators: Separators
  readonly elements: readonly string[] // `[n]` is ISA-n, as carried
}

const MARK = '\u00EF\u00BB\u00BF' // a UTF-8 byte order mark, one character a byte
const LONGEST = 500 // characters of ISA; the standard has 106
const ELEMENTS = 16

/** Throws the MessageFault (unreadable) that says why bytes, carried one a character, begin with no interchange. */
export const openingOf = (text: string, from = 0): Opening => {
  const start = startOf(text, from)
  if (start >= text.length) throw unreadable('the interchange is empty')
  if (!text.startsWith('ISA', start)) throw unreadable('the interchange does not begin with an ISA segment')
  const element = text.charAt(start + 3)
  if (!mayBe(element) || /[\r\n]/.test(element)) throw unreadable('the character after ISA cannot be an element separator; it is to be punctuation, such as *', 'ISA')
  const elements = ['ISA']
  let at = start + 4
  while (elements.length < ELEMENTS) {
    const next = text.indexOf(element, at)
    if (next === -1 || next - start > LONGEST) throw unreadable(`ISA ends after ${elements.length - 1} of its 16 elements`, `ISA-${elements.length}`)
    elements.push(unbroken(text.slice(at, next)))
    at = next + 1
  }
  while (text.charAt(at) === '\r' || text.charAt(at) === '\n') at++
  const [component, terminator] = [text.charAt(at), text.charAt(at + 1)]
  elements.push(component)
  if (!mayBe(component) || component === element) throw unreadable('ISA-16 cannot be a component separator; it is to be one punctuation character, such as :', 'ISA-16')
  if (!mayBe(terminator) || terminator === element || terminator === component) throw unreadable('what stands behind ISA-16 cannot be a segment terminator; it is to be one punctuation character, such as ~', 'ISA-16')
  const declared = elements[11] ?? ''
  const isNew = (elements[12] ?? '') >= '00402'
  const repetition = isNew && declared.length === 1 && mayBe(declared) && ![element, component, terminator].includes(declared) ? declared : null
  return { start, separators: { element, component, repetition, terminator }, elements }
}

/** The same, or null where there is none. */
export const tolerantOpening = (text: string): Opening | null => {
  try {
    return openingOf(text)
  } catch {
    return null
  }
}

/** Text without the line breaks that some senders put into it at every 80th character. */
export const unbroken = (text: string): string => (text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, '') : text)

const startOf = (text: string, from: number): number => {
  let start = text.startsWith(MARK, from) ? from + MARK.length : from
  while (isBlank(text.charCodeAt(start))) start++
  return start
}

/** Space, tab, carriage return, line feed, and the end mark (SUB) that some file transfers add. */
export const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 13 || code === 10 || code === 26

const mayBe = (character: string): boolean => character !== '' && character !== ' ' && !/[A-Za-z0-9\0]/.test(character)
const unreadable = (reason: string, location?: string) => new MessageFault({ kind: 'unreadable', reason, ...(location === undefined ? {} : { location }) })
