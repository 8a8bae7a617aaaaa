/** Base64 in lines, as a mail has it (RFC 2045 §6.8), written where it belongs: large documents are neither copied nor waited for. */

const LINE = 57 // bytes, which are 76 characters
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
/** The two characters of every 12 bits, the first in the lower byte. */
const PAIRS = Uint16Array.from({ length: 4096 }, (_, bits) => ALPHABET.charCodeAt(bits >> 6) | (ALPHABET.charCodeAt(bits & 63) << 8))

/** `head`, and behind it `content` in base64 in lines of 76 characters, each ended by CRLF. */
export const withBase64 = (head: Buffer, content: Buffer): Buffer => {
  const characters = Math.ceil(content.length / 3) * 4
  const bytes = Buffer.allocUnsafeSlow(head.length + characters + 2 * Math.ceil(content.length / LINE))
  const whole = content.length - (content.length % LINE)
  let to = head.copy(bytes)
  for (let at = 0; at < whole; ) {
    for (const end = at + LINE; at < end; at += 3, to += 4) {
      const three = ((content[at] as number) << 16) | ((content[at + 1] as number) << 8) | (content[at + 2] as number)
      const first = PAIRS[three >> 12] as number
      const second = PAIRS[three & 0xfff] as number
      bytes[to] = first & 0xff
      bytes[to + 1] = first >> 8
      bytes[to + 2] = second & 0xff
      bytes[to + 3] = second >> 8
    }
    bytes[to++] = 0x0d
    bytes[to++] = 0x0a
  }
  if (whole < content.length) bytes.write(`${content.toString('base64', whole)}\r\n`, to, 'latin1')
  return bytes
}
