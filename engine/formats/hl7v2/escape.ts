/** Escape sequences (HL7 v2.9 §2.7): decoded when a value is read, encoded when one is written. */
import { MessageFault } from '../../errors.js'
import type { Charset } from './charset.js'
import { ABSENT, type Delimiters } from './delimiters.js'

const SEQUENCE = /^[A-Z.][\w.+-]{0,40}$/
const MOST_LINES = 99 // \.sp9999999\ is not worth its memory

/**
 * A primitive value as what it says. `\.br\` is a line feed, `\.sp3\` three, `\H\` and `\N\` (highlighting) nothing; hexadecimal data are bytes of the
 * message's character set. Sequences that are not known here (`\Zxx\`, `\C..\`, `\M..\`, formatting) stay as written, as does a lone escape character.
 */
export const decodeValue = (carried: string, delimiters: Delimiters, charset: Charset): string =>
  charset.decode(carried.includes(delimiters.escape) ? resolve(carried, delimiters, charset) : carried)

const resolve = (carried: string, delimiters: Delimiters, charset: Charset): string => {
  const { escape: mark } = delimiters
  let out = ''
  let copied = 0
  let at = 0
  for (let start = carried.indexOf(mark); start !== -1; start = carried.indexOf(mark, at)) {
    const end = carried.indexOf(mark, start + 1)
    if (end === -1) break
    const sequence = carried.slice(start + 1, end)
    const meaning = sequence === '' ? null : meaningOf(sequence, delimiters, charset)
    // What is no sequence at all may end where the next one begins: "5\ and 6\T\7".
    at = meaning !== null || SEQUENCE.test(sequence) ? end + 1 : end
    if (meaning === null) continue
    out += carried.slice(copied, start) + meaning
    copied = at
  }
  return out + carried.slice(copied)
}

const meaningOf = (sequence: string, delimiters: Delimiters, charset: Charset): string | null => {
  switch (sequence) {
    case 'F': return delimiters.field
    case 'S': return orNull(delimiters.component)
    case 'T': return orNull(delimiters.subcomponent)
    case 'R': return orNull(delimiters.repetition)
    case 'E': return delimiters.escape
    case 'P': return orNull(delimiters.truncation)
    case 'H': case 'N': return ''
    case '.br': return '\n'
    default: {
      if (/^X([0-9A-Fa-f]{2})+$/.test(sequence)) return charset.hexadecimal(Buffer.from(sequence.slice(1), 'hex'))
      const lines = /^\.sp\+?(\d{0,4})$/.exec(sequence)
      return lines && Number(lines[1]) <= MOST_LINES ? '\n'.repeat(Number(lines[1] || 1)) : null
    }
  }
}
const orNull = (delimiter: string): string | null => (delimiter === ABSENT ? null : delimiter)

/**
 * Text as it is carried inside a component or subcomponent: delimiters escaped, a line break as `\.br\` (a lone carriage return as `\X0D\`), other
 * control characters in hexadecimal. Throws a MessageFault (value) where the message has no escape character or its character set no such character.
 */
export const encodeValue = (text: string, delimiters: Delimiters, charset: Charset, location?: string): string => {
  const carried = charset.encode(text)
  const where = location === undefined ? {} : { location }
  if (carried === null) throw new MessageFault({ kind: 'value', reason: `the value has a character that ${charset.name} (MSH-18) cannot write; set MSH-18 to UNICODE UTF-8 first`, ...where })
  if (!delimiters.reserved.test(text)) return carried
  if (delimiters.escape === ABSENT) throw new MessageFault({ kind: 'value', reason: 'the value holds a delimiter or a line break, and MSH-2 declares no escape character to write it with', ...where })
  // Escaped piece by piece, so that no byte of a longer character is taken for a delimiter.
  return text.split(delimiters.pieces).map(piece => sequenceFor(piece, delimiters) ?? charset.encode(piece) ?? '').join('')
}

const sequenceFor = (piece: string, delimiters: Delimiters): string | null => {
  const { escape: mark } = delimiters
  switch (piece) {
    case '': return ''
    case '\r': return `${mark}X0D${mark}` // before the delimiters: an absent one is a carriage return
    case delimiters.field: return `${mark}F${mark}`
    case delimiters.component: return `${mark}S${mark}`
    case delimiters.repetition: return `${mark}R${mark}`
    case delimiters.subcomponent: return `${mark}T${mark}`
    case delimiters.escape: return `${mark}E${mark}`
    case delimiters.truncation: return `${mark}P${mark}`
    case '\n': case '\r\n': return `${mark}.br${mark}`
    default: return piece.length === 1 && piece !== '\t' && (piece < ' ' || piece === '\x7f') ? `${mark}X${piece.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}${mark}` : null
  }
}
