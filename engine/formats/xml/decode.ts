/** The text of an XML document's bytes: by its byte order mark, else by what its declaration says, else UTF-8 (XML 1.0, appendix F). */
import { MessageFault } from '../../errors.js'

/** Throws a MessageFault where the character set is unknown, or the bytes are not of it. Line breaks become line feeds (XML 1.0 §2.11). */
export const decodeXml = (bytes: Buffer): string => {
  const charset = charsetOf(bytes)
  let text: string
  try {
    text = new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch (error) {
    const unknown = error instanceof RangeError
    throw new MessageFault({ kind: unknown ? 'unsupported' : 'unreadable', reason: unknown ? 'the character set that its declaration names is not known; write UTF-8' : `its bytes are not ${charset}, which it says it is written in`, location: '1:1' })
  }
  return text.replace(/\r\n?/g, '\n')
}

const charsetOf = (bytes: Buffer): string => {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0x3c && bytes[1] === 0) return 'utf-16le'
  if (bytes[0] === 0 && bytes[1] === 0x3c) return 'utf-16be'
  const [, declared] = /^\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][\w.:-]{0,39})["']/.exec(bytes.toString('latin1', 0, 300)) ?? []
  return declared === undefined || /^utf-?16/i.test(declared) ? 'utf-8' : declared.toLowerCase() // bytes that could be read so far are not UTF-16
}
