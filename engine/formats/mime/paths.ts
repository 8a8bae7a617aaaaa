/** Paths into a MIME message: `Subject`, `From.address`, `Received[0]`, `text`, `html`, `automatic`, `attachment[0].filename`. */
import { MessageFault } from '../../errors.js'
import { automatic } from './automatic.js'
import { addressesOf, fieldsOf, holdsAddresses, textValue, withField } from './fields.js'
import { type Attachment, attachmentsOf, bodiesOf, contentOf, type Mail, textOf } from './mail.js'

type Path =
  | { readonly kind: 'text' }
  | { readonly kind: 'html' }
  | { readonly kind: 'automatic' }
  | { readonly kind: 'attachment'; readonly index: number | null; readonly of: AttachmentPart }
  | { readonly kind: 'field'; readonly name: string; readonly index: number | null; readonly of: 'name' | 'address' | null }
type AttachmentPart = typeof PARTS[number]

const PARTS = ['filename', 'type', 'id', 'size', 'text'] as const
const IS = 'a path is the name of a header field, such as `Subject`, `From.address` or `Received[0]`; or `text`, `html`, `automatic` (`no`, or what kind: `report`, `bounce`, `reply`, `list`, `bulk`, `generated`), or of an attachment `attachment[0].filename`, `.type`, `.id`, `.size` or `.text`'

/** What is wrong with a path, in a sentence, or null. */
export const pathProblem = (path: string): string | null => {
  const read = pathOf(path)
  return typeof read === 'string' ? read : null
}

/** The path, or what is wrong with it. */
const pathOf = (path: string): Path | string => {
  if (path === 'text' || path === 'html' || path === 'automatic') return { kind: path }
  const [, at, of] = /^attachment(?:\[(\d{1,4}|\*)\])?\.([a-z]+)$/.exec(path) ?? []
  if (of !== undefined) {
    const part = PARTS.find((one) => one === of)
    return part ? { kind: 'attachment', index: at === '*' ? null : Number(at ?? 0), of: part } : `an attachment has ${PARTS.map((one) => `\`${one}\``).join(', ')}, and no \`${of.slice(0, 40)}\``
  }
  const [, name, index, part] = /^([A-Z][A-Za-z0-9-]{0,99})(?:\[(\d{1,4})\])?(?:\.(name|address))?$/.exec(path) ?? []
  if (name === undefined) return `\`${path.slice(0, 60)}\` cannot be read: ${IS}`
  if (part !== undefined && !holdsAddresses(name)) return `\`${name}\` holds no addresses, so that it has no \`.${part}\``
  return { kind: 'field', name, index: index === undefined ? null : Number(index), of: (part as 'name' | 'address' | undefined) ?? null }
}

const usable = (path: string): Path => {
  const read = pathOf(path)
  if (typeof read === 'string') throw new MessageFault({ kind: 'internal', reason: read })
  return read
}

/** The values at a path as text; none where there is nothing. */
export const readPath = (mail: Mail, path: string): readonly string[] => {
  const read = usable(path)
  if (read.kind === 'text') return bodiesOf(mail, 'text/plain')
  if (read.kind === 'html') return bodiesOf(mail, 'text/html')
  if (read.kind === 'automatic') return [automatic(mail).kind]
  if (read.kind === 'attachment') {
    const all = attachmentsOf(mail)
    const chosen = read.index === null ? all : all.slice(read.index, read.index + 1)
    return chosen.flatMap((one) => attachmentValue(one, read.of) ?? [])
  }
  const fields = fieldsOf(mail, read.name)
  const chosen = read.index === null ? fields : fields.slice(read.index, read.index + 1)
  return chosen.flatMap((field) => (read.of === null ? [textValue(field)] : addressesOf(field).map((one) => one[read.of as 'name' | 'address']))).filter((value) => value !== '')
}

const attachmentValue = ({ filename, type, id, part }: Attachment, of: AttachmentPart): string | null =>
  ({ filename: () => filename, type: () => type, id: () => id, size: () => String(contentOf(part).length), text: () => (type.startsWith('text/') ? textOf(part) : null) })[of]()

/** The bytes with a value, or nothing, in a header field. Throws a MessageFault for anything else: what a message carries is not rewritten. */
export const writePath = (mail: Mail, path: string, value: string | null): Buffer => {
  const read = usable(path)
  if (read.kind !== 'field' || read.index !== null) throw new MessageFault({ kind: 'internal', reason: `\`${path}\` cannot be written: of a MIME message only header fields without \`[n]\` can` })
  if (read.of === null) return withField(mail.raw, read.name, value)
  const [first, ...others] = fieldsOf(mail, read.name).flatMap(addressesOf)
  const written = { name: first?.name ?? '', address: first?.address ?? '', [read.of]: value ?? '' }
  if (read.of === 'address' && value === null) return withField(mail.raw, read.name, null)
  const list = [written, ...others].map(({ name, address }) => (name ? `"${name.replace(/["\\]/g, '')}" <${address}>` : address))
  return withField(mail.raw, read.name, list.join(', '))
}
