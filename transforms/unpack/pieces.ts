/** What a mail is made of: its documents one by one, out of packages, forwarded messages and winmail.dat, each told by its content. */
import { MessageFault } from '../../engine/errors.js'
import { automatic } from '../../engine/formats/mime/automatic.js'
import { type Context, contextOf } from '../../engine/formats/mime/context.js'
import { type Address, addressesOf, fieldsOf, textValue } from '../../engine/formats/mime/fields.js'
import { attachmentsOf, bodiesOf, contentOf, type Limits, type Part, readMail } from '../../engine/formats/mime/mail.js'
import { isExecutable, mediaTypeOf } from '../../engine/formats/mime/sniff.js'
import { openTnef } from '../../engine/formats/mime/tnef.js'
import { looseFiles } from '../../engine/formats/mime/xdm/package.js'
import { readMetadata, readXdm } from '../../engine/formats/mime/xdm/read.js'
import { withoutOurLetter, writerOf } from './quoted.js'

/** One document as it came. */
export interface Piece {
  readonly at: string // where in the mail: "attachment[0]", "attachment[1]/IHE_XDM/SUBSET01/DOC00001.XML", "text"
  readonly content: Buffer
  readonly type: string // by its content
  readonly title: string | null
  readonly group: string // pieces of one package belong together
}
export interface Unpacked {
  readonly pieces: readonly Piece[]
  readonly forwardedFrom: readonly Address[] // who wrote the messages within the message or passed on in its text, the outermost first
  readonly subjects: readonly string[]
  readonly context: Context | null // what the mail itself says of its patient and purpose
  readonly words: readonly string[] // the texts of the mail itself, with what they quote
  readonly onlyOurs: boolean // its text is our own letter and nothing else
  readonly problems: readonly string[] // sentences without content
}

const LIMITS: Limits = { size: 100 * 1024 ** 2, header: 256 * 1024, parts: 1000, depth: 30 }
const DEEPEST = 5 // messages within messages
const MOST = 200 // documents
const DECORATION = 20 * 1024 // bytes of a picture that is part of a signature or a letterhead
/** What says how a mail was signed or delivered, and is no document. */
const NOT_DOCUMENTS = /^(?:application\/(?:x-)?pkcs7-signature|application\/pgp-signature|message\/(?:disposition-notification|delivery-status|global-.*)|text\/rfc822-headers)$/

/** What Direct Context calls a message of HL7 v2 that is the content of a mail. */
const ENCAPSULATED = 'application/x-direct-encapsulated+hl7v2'

/** The documents of a mail. A package that cannot be opened stays a document that somebody must look at, and says why. */
export const piecesOf = async (mail: Part): Promise<Unpacked> => {
  const told = contextOf(mail)
  const found = { pieces: [] as Piece[], forwardedFrom: [] as Address[], subjects: [] as string[], words: [] as string[], onlyOurs: false, problems: [] as string[], context: told?.context ?? null }
  const problem = (at: string, text: string): void => void found.problems.push(`${at} ${text}`)
  const add = (piece: Piece): void => {
    if (found.pieces.length >= MOST) throw new MessageFault({ kind: 'unsupported', reason: `has more than ${MOST} documents` })
    if (!found.pieces.some((one) => one.type === piece.type && one.content.equals(piece.content))) found.pieces.push(piece) // 360X has a document in its package and beside it
  }

  const open = async (at: string, content: Buffer, stated: string, title: string | null, group: string, depth: number): Promise<void> => {
    if (content.length === 0) return problem(at, 'is empty')
    if (isExecutable(content, title)) return problem(at, 'is a program, and is not taken')
    if (stated === 'message/rfc822') return message(at, content, depth)
    const type = mediaTypeOf(content, stated === ENCAPSULATED ? 'x-application/hl7-v2+er7' : stated)
    const inside = type === 'application/ms-tnef' ? winmail(at, content, problem) : type === 'application/zip' && !isOffice(title, stated) ? await packaged(at, content, problem) : null
    if (inside === null) return add({ at, content, type, title, group })
    for (const one of inside) await open(`${at}/${one.path}`, one.content, one.contentType, one.title ?? one.path.split('/').at(-1) ?? null, at, depth)
  }

  const message = async (at: string, content: Buffer, depth: number): Promise<void> => {
    if (depth >= DEEPEST) return add({ at, content, type: 'message/rfc822', title: null, group: at })
    try {
      const inner = readMail(content, LIMITS)
      if (isLetterOf(inner, mail)) return void found.subjects.push(...fieldsOf(inner, 'subject').map(textValue))
      found.forwardedFrom.push(...fieldsOf(inner, 'from').flatMap(addressesOf).slice(0, 1))
      await walk(inner, `${at}/`, depth + 1)
    } catch (error) {
      if (!(error instanceof MessageFault)) throw error
      problem(at, `cannot be opened: ${error.message}`)
      add({ at, content, type: 'message/rfc822', title: null, group: at })
    }
  }

  const walk = async (part: Part, before: string, depth: number): Promise<void> => {
    const subject = fieldsOf(part, 'subject').map(textValue)[0]?.trim()
    if (subject) found.subjects.push(subject)
    const html = bodiesOf(part, 'text/html')
    const prose = bodiesOf(part, 'text/plain').filter((text) => text.trim() !== '')
    const words = prose.length > 0 ? { text: prose.join('\n\n'), type: 'text/plain' } : { text: html.join('\n'), type: 'text/html' }
    const isMade = automatic(part).kind !== 'no' // what a program writes beside its documents tells nothing that they do not; two programs would answer each other for ever
    if (depth === 0) found.words.push(words.text)
    const writer = words.type === 'text/plain' ? writerOf(words.text) : null
    if (writer) found.forwardedFrom.push(writer)
    const own = isMade ? '' : withoutOurLetter(words.text, words.type)
    if (depth === 0) found.onlyOurs = !isMade && own.trim() === '' && words.text.trim() !== ''
    if (own.trim() !== '') add({ at: `${before}text`, content: Buffer.from(own), type: words.type, title: subject ?? null, group: `${before}text` })
    const described = new Map(loose(part, before, problem).map((one) => [one.path, one]))
    for (const [index, { filename, type, id, part: one }] of attachmentsOf(part).entries()) {
      const at = `${before}attachment[${index}]`
      const content = contentOf(one)
      const document = described.get(filename ?? '')
      if (document) await open(at, content, document.contentType, document.title ?? filename, `${before}METADATA.XML`, depth)
      if (document || (described.size > 0 && /^METADATA\.XML$/i.test(filename ?? ''))) continue
      if (one === told?.part || NOT_DOCUMENTS.test(type) || isDecoration(type, id, content, html)) continue
      await open(at, content, type, filename, at, depth)
    }
  }

  for (const text of told?.problems ?? []) problem('metadata.txt', text)
  await walk(mail, '', 0)
  return found
}

/** Our own letter, which comes back with its answer. */
const isLetterOf = (inner: Part, outer: Part): boolean => {
  const to = new Set([...fieldsOf(outer, 'to'), ...fieldsOf(outer, 'delivered-to')].flatMap(addressesOf).map(({ address }) => address.toLowerCase().replace(/\+[^@]*(?=@)/, '')))
  return fieldsOf(inner, 'x-refero-kind').map(textValue).some((kind) => kind.startsWith('letter/')) && fieldsOf(inner, 'from').flatMap(addressesOf).some(({ address }) => to.has(address.toLowerCase()))
}

/** A small picture that the text shows in its place. */
const isDecoration = (type: string, id: string | null, content: Buffer, html: readonly string[]): boolean =>
  type.startsWith('image/') && id !== null && content.length < DECORATION && html.some((text) => text.includes(`cid:${id}`))

/** Documents of word processors are zips too, and are documents. */
const isOffice = (title: string | null, stated: string): boolean => /\.(?:docx|xlsx|pptx|odt|ods|odp)$/i.test(title ?? '') || /officedocument|opendocument/.test(stated)

interface Inside { readonly path: string; readonly content: Buffer; readonly contentType: string; readonly title: string | null }
type Problem = (at: string, text: string) => void

/** What Outlook wraps into a winmail.dat. */
const winmail = (at: string, content: Buffer, problem: Problem): readonly Inside[] | null => {
  try {
    return openTnef(content).map(({ filename, type, content: inner }) => ({ path: filename, content: inner, contentType: type, title: filename }))
  } catch (error) {
    if (!(error instanceof MessageFault)) throw error
    problem(at, `cannot be opened: ${error.message}`)
    return null
  }
}

/** The documents of a submission (XDR): attachments that a METADATA.XML beside them describes. */
const loose = (part: Part, before: string, problem: Problem): readonly Inside[] => {
  const files = looseFiles(part)
  if (!files) return []
  const { documents, problems } = readMetadata(files)
  for (const text of problems) problem(`${before}METADATA.XML`, `: ${text}`)
  return documents
}

const packaged = async (at: string, content: Buffer, problem: Problem): Promise<readonly Inside[] | null> => {
  try {
    const { documents, problems } = await readXdm(content)
    for (const text of problems) problem(at, `: ${text}`)
    return documents.length > 0 ? documents : null
  } catch (error) {
    if (!(error instanceof MessageFault)) throw error
    problem(at, `cannot be opened: ${error.message}`)
    return null
  }
}
