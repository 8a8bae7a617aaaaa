/** MIME messages: e-mail, Direct, faxes and uploads, all in the one shape of headers and attachments (RFC 5322, RFC 2045). */
import { Type } from 'typebox'
import { defineFormat } from '../../define.js'
import { MessageFault } from '../../errors.js'
import { Size, size, withDefault } from '../../units.js'
import { fieldsOf, rawValue, structured } from './fields.js'
import { attachmentsOf, type Mail, readHeaderOnly, readMail } from './mail.js'
import { pathProblem, readPath, writePath } from './paths.js'
import { redacted } from './redact.js'

const DEFAULTS = { size: '50MB', header: '256kB', parts: 1000, depth: 30 }
const LONGEST_ID = 256

export default defineFormat({
  name: 'mime',
  summary: 'MIME messages: e-mail and everything that comes as documents with a header. Paths are header fields (`Subject`, `From.address`), `text`, `html` and `attachment[0].filename`.',
  settings: Type.Object({
    size: Type.Optional(withDefault(Size, DEFAULTS.size, 'A message may not be larger.')),
    header: Type.Optional(withDefault(Size, DEFAULTS.header, 'The header of a message or a part may not be longer.')),
    parts: Type.Optional(Type.Integer({ default: DEFAULTS.parts, minimum: 1, maximum: 100_000, description: 'A message may not have more parts.' })),
    depth: Type.Optional(Type.Integer({ default: DEFAULTS.depth, minimum: 1, maximum: 200, description: 'Parts within parts.' })),
  }, { additionalProperties: false }),
  examples: [{}, { size: '25MB', parts: 100 }],
  create(settings) {
    const limits = {
      size: size(settings.size ?? DEFAULTS.size), header: size(settings.header ?? DEFAULTS.header),
      parts: settings.parts ?? DEFAULTS.parts, depth: settings.depth ?? DEFAULTS.depth,
    }
    const read = (bytes: Buffer): Mail => readMail(bytes, limits)
    return {
      name: 'mime',
      readHeader(bytes) {
        const header = readHeaderOnly(bytes, limits.header)
        const [id] = fieldsOf(header, 'message-id').map(rawValue).filter((value) => value !== '' && value.length <= LONGEST_ID)
        const [kind] = fieldsOf(header, 'x-refero-kind').map(rawValue).filter((value) => /^[\w./-]{1,80}$/.test(value))
        return { controlId: id ?? null, type: (kind ?? structured(fieldsOf(header, 'content-type')[0]).value.slice(0, 80)) || null }
      },
      parse: read,
      serialize: (body) => (body as Mail).raw,
      acknowledge: () => null,
      separate: () => null,
      assemble: (_bytes, acknowledgements) => Buffer.concat(acknowledgements),
      checkPath: pathProblem,
      read: (body, path) => readPath(body as Mail, path),
      write: (body, path, value) => read(writePath(body as Mail, path, value)),
      split: (body, by) => split(body as Mail, by).map(read),
      orderKeys: (body, path) => readPath(body as Mail, path),
      redact: (body) => read(redacted(body as Mail)),
    }
  },
})

/** Each attachment as a message of its own: the header of the whole but for what said how it was made up, and then the part itself. */
const split = (mail: Mail, by: string): readonly Buffer[] => {
  if (by !== 'attachment') throw new MessageFault({ kind: 'internal', reason: `a MIME message cannot be split by "${by.slice(0, 40)}"; it is split by attachment` })
  const shared = mail.fields.filter(({ name }) => !/^(content-|mime-version)/i.test(name)).map(({ raw }) => raw)
  return attachmentsOf(mail).map(({ part }) => {
    const own = part.fields.filter(({ name }) => /^content-/i.test(name)).map(({ raw }) => raw)
    return Buffer.concat([...[...shared, Buffer.from('MIME-Version: 1.0\r\n'), ...own].map(ended), Buffer.from('\r\n'), part.content])
  })
}

const ended = (line: Buffer): Buffer => (line.at(-1) === 0x0a ? line : Buffer.concat([line, Buffer.from('\r\n')]))
