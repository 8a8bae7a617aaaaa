/** The step `unpack`: a mail, fax or upload becomes the FHIR Bundles of what it carries. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { ccdaMap } from '../../engine/ccda/map.js'
import { barcodesOf } from '../../engine/documents/barcodes.js'
import { kindOf as pictureKindOf } from '../../engine/documents/kind.js'
import { madeBody } from '../../engine/formats/fhir/made.js'
import { addressesOf, fieldsOf, rawValue, textValue } from '../../engine/formats/mime/fields.js'
import type { Mail } from '../../engine/formats/mime/mail.js'
import { checkZone } from '../../engine/units.js'
import { leftOut } from './automatic-mail.js'
import { additionOf, bundlesOf } from './bundles.js'
import { contentsOf } from './contents.js'
import { type Piece, piecesOf } from './pieces.js'
import { asCloser, kindOf, senderOf } from './sender.js'
import { NUMBER } from './quoted.js'
import { readPieces } from './structured.js'

export default defineTransform({
  name: 'unpack',
  summary: 'Opens a MIME message: C-CDA, HL7 v2 and FHIR in it, in XDM packages and in forwarded messages are read; pictures and prose are kept whole and marked unread.',
  settings: Type.Object({
    take: Type.Optional(Type.Enum(['referrals', 'answers', 'all'], { default: 'all', description: 'What is wanted: referrals to us (and what nobody has read yet), answers to ours, or both. The rest is filtered.' })),
    as: Type.Optional(Type.Enum(['addition'], { description: 'All of it as documents of the referral whose number of ours it carries: no C-CDA in it becomes a referral or an answer. For what was asked for, such as a patient’s chart.' })),
    sender: Type.Optional(Type.Enum(['email', 'direct', 'fax'], { description: 'By which way the sender’s address can be answered. Without it `fax` for a fax, else `email`.' })),
    barcodes: Type.Optional(Type.Boolean({ description: 'Whether our reference number is looked for in the barcodes of pictures and PDFs, as our faxes have it on their covers. Without it, of faxes alone: it takes about a tenth of a second a page.' })),
    ours: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Za-z0-9.-]{1,253}$' }), { uniqueItems: true, description: 'Our own domains: of what our staff forward, the sender is who wrote to them.' })),
    automatic: Type.Optional(Type.Enum(['taken', 'documents'], { default: 'taken', description: 'Mail that a program wrote by itself, as its header says. `documents`: only where it carries one, as an EHR’s does; absence notes, newsletters and reports of deliveries are filtered, and so never answered.' })),
    timezone: Type.Optional(Type.String({ description: 'The time zone (IANA) of times that name none. Without it only their date is taken: a FHIR time needs an offset.' })),
  }, { additionalProperties: false }),
  examples: [{}, { take: 'referrals', sender: 'direct' }, { take: 'answers', ours: ['heart.example'], automatic: 'documents', timezone: 'America/Chicago' }, { as: 'addition' }],
  produces: 'fhir',
  create({ take = 'all', as, sender, barcodes, ours = [], automatic = 'taken', timezone }, tools) {
    if (timezone !== undefined) checkZone(timezone)
    if (as !== undefined && take !== 'all') throw new Error('`take` chooses between referrals and answers, and `as: addition` makes neither.')
    const reader = { tools, contents: contentsOf(tools), ccda: ccdaMap(tools), timezone }
    return async (message) => {
      if (message.format !== 'mime') throw new MessageFault({ kind: 'unsupported', reason: `unpack takes messages of format mime, and this is ${message.format}` })
      const mail = message.body as Mail
      const { pieces, forwardedFrom, subjects, words, onlyOurs, context, problems } = await piecesOf(mail)
      const kind = sender ?? kindOf(mail)
      const codes = barcodes ?? kind === 'fax' ? await codesIn(pieces) : []
      const read = readPieces(pieces, message, reader)
      const why = automatic === 'documents' ? leftOut(mail, ours, read.structured.length > 0) : null
      if (why !== null) return { filtered: `unpack: ${why}` }
      const wrong = [...problems, ...read.problems].toSorted()
      if (read.structured.length === 0 && read.unread.length === 0 && onlyOurs) return { filtered: 'unpack: it says nothing but our own letter' }
      if (read.structured.length === 0 && read.unread.length === 0) throw new MessageFault({ kind: 'required', reason: `there is neither text nor a document in it${wrong.length > 0 ? `: ${wrong.join('; ')}` : ''}` })
      if (take === 'answers' && read.structured.length === 0) return { filtered: 'unpack: it carries no answers' } // what nobody has read is a referral; of a large one not even a copy is made
      const sent = senderOf(mail, forwardedFrom, kind, ours)
      const closesLoops = kind === 'direct' && read.structured.some((one) => one.closesLoops)
      const references = referencesIn(mail, codes, [subjects, pieces.flatMap(({ title }) => title ?? []), words])
      const answers = answeredBy(mail)
      if (as === 'addition') return [{ ...message, format: 'fhir', body: madeBody(additionOf({ ...read, context, problems: wrong, references, answers, sender: null }, message)) }]
      const made = bundlesOf({ ...read, context, problems: wrong, references, answers, sender: sent && closesLoops && sent.point.system === 'email' ? asCloser(sent) : sent }, message)
      const wanted = made.filter(({ kind }) => take === 'all' || take === `${kind}s`)
      if (wanted.length === 0) return { filtered: `unpack: it carries no ${take}` }
      return wanted.map(({ bundle }) => ({ ...message, format: 'fhir', body: madeBody(bundle) }))
    }
  },
})

/** Numbers written as ours are: in what a door says of itself (X-Refero-Reference), in barcodes, in the address it was sent to, in the subject, in what a file is called, in the text or what it quotes. Which are ours the desk knows. */
const referencesIn = (mail: Mail, codes: readonly string[], more: readonly (readonly string[])[]): readonly string[] => {
  const places = [fieldsOf(mail, 'x-refero-reference').map(textValue), codes, [...fieldsOf(mail, 'to'), ...fieldsOf(mail, 'delivered-to')].flatMap(addressesOf).map(({ address }) => address), ...more]
  for (const texts of places) {
    const found = new Set(texts.flatMap((text) => [...text.matchAll(NUMBER)].map(([, one = '', other = '']) => `R-${one}-${other}`.toUpperCase())))
    if (found.size > 0) return [...found]
  }
  return []
}

/** The Message-IDs of what a mail answers, nearest first. */
const answeredBy = (mail: Mail): readonly string[] =>
  [...new Set([...fieldsOf(mail, 'in-reply-to'), ...fieldsOf(mail, 'references').toReversed()].flatMap((field) => [...rawValue(field).matchAll(/<[^<>\s]{1,998}>/g)].map(([id]) => id)))].slice(0, MOST_ANSWERED)
const MOST_ANSWERED = 50

/** The texts of all barcodes; a document that cannot be looked at has none. */
const codesIn = async (pieces: readonly Piece[]): Promise<readonly string[]> => {
  const found: string[] = []
  for (const { content } of pieces.filter((piece) => pictureKindOf(piece.content) !== null)) {
    try {
      found.push(...(await barcodesOf(content)).map(({ text }) => text))
    } catch (error) {
      if (!(error instanceof MessageFault)) throw error
    }
  }
  return found
}
