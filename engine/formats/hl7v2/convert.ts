/** Brings a message into the character set that its MSH-18 now names. */
import { MessageFault } from '../../errors.js'
import { type Body, fieldsOf, partOf } from './body.js'
import { charsetByName, charsetDeclared } from './charset-names.js'

/** The body in the character set of its MSH-18 (the assumed one where that is empty). Throws a MessageFault (value) where that cannot hold it. */
export const convert = (body: Body): Body => {
  const [msh] = body.segments
  const declared = msh === undefined ? '' : (fieldsOf(msh, body)[18] ?? '')
  const to = charsetDeclared(declared, body.delimiters.repetition, body.reading.charset)
  const first = partOf(declared, body.delimiters.repetition, 1)
  if (first !== '' && first !== '""' && !charsetByName(to.name)) throw cannot('MSH-18 can be set to a character set that is known only: UNICODE UTF-8, 8859/1 … 8859/15, ASCII, ISO IR87, GB 18030-2000, BIG-5, KS X 1001')
  if (to === body.charset) return body
  const converted = (carried: string): string => {
    const text = body.charset.decode(carried)
    const encoded = to.encode(text)
    if (encoded === null) throw cannot(`the message has a character that ${to.name} cannot write`)
    if (encoded !== carried && text.includes('\uFFFD')) throw cannot(`the message has bytes that are not valid ${body.charset.name}, and cannot be converted`)
    return encoded
  }
  const { delimiters, reading, before, segments } = body
  return { delimiters, reading, charset: to, before: before.replace(/\uFEFF|ï»¿/, ''), segments: segments.map(({ text, end }) => ({ text: converted(text), end })) }
}

const cannot = (reason: string) => new MessageFault({ kind: 'value', reason, location: 'MSH-18' })
