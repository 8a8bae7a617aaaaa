/** The delimiters of a message: MSH-1 and MSH-2 (HL7 v2.9 §2.5.4), or those of a batch or file header, which stand in the same place. */
import { MessageFault } from '../../errors.js'

export interface Delimiters {
  readonly field: string
  readonly component: string
  readonly repetition: string
  readonly escape: string
  readonly subcomponent: string
  readonly truncation: string
  /** MSH-2 as written. */
  readonly encoding: string
  /** Matches what cannot stand in a value as it is. */
  readonly reserved: RegExp
  /** Divides a value into what can stand as it is and what cannot. */
  readonly pieces: RegExp
}

/** Stands for a delimiter that MSH-2 does not declare. No segment holds one, so that nothing is ever divided by it. */
export const ABSENT = '\r'

const known = new Map<string, Delimiters>()

/** The delimiters that MSH-1 and an MSH-2 as written declare. Throws a MessageFault (unreadable) if they cannot be delimiters. */
export const delimitersOf = (field: string, encoding: string, segment = 'MSH'): Delimiters => {
  const key = field + encoding
  const seen = known.get(key)
  if (seen) return seen
  if (!/^[!-/:-@[-`{-~]$/.test(field)) throw unreadable(segment, 1, `the character after ${segment} is to be the field separator, a printable character that is no letter, digit or space`)
  if (encoding === '') throw unreadable(segment, 2, `${segment}-2 is missing; it names the encoding characters and is usually ^~\\&`)
  if (!/^[!-/:-@[-`{-~]{1,8}$/.test(encoding)) throw unreadable(segment, 2, `${segment}-2 is to be the encoding characters, usually ^~\\&, and holds something else`)
  const [component = ABSENT, repetition = ABSENT, ...rest] = new Set(encoding)
  // Of three, `&` is the subcomponent separator of a sender that has no escape character.
  const [escapeCharacter = ABSENT, subcomponent = ABSENT, truncation = ABSENT] = rest.length === 1 && rest[0] === '&' ? [ABSENT, '&'] : rest
  const special = [field, component, repetition, escapeCharacter, subcomponent, truncation].filter(one => one !== ABSENT)
  const one = `[${special.map(delimiter => `\\${delimiter}`).join('')}\\x00-\\x08\\x0a-\\x1f\\x7f]`
  const delimiters = { field, component, repetition, escape: escapeCharacter, subcomponent, truncation, encoding, reserved: new RegExp(one), pieces: new RegExp(`(\\r\\n|${one})`) }
  if (known.size < 200) known.set(key, delimiters)
  return delimiters
}

const unreadable = (segment: string, field: number, reason: string) => new MessageFault({ kind: 'unreadable', reason, location: `${segment}-${field}` })

/** The delimiters that the standard recommends. */
export const STANDARD_DELIMITERS: Delimiters = delimitersOf('|', '^~\\&')
