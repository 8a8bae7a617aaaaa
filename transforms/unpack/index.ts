/** The step `unpack`: a mail, fax or upload becomes the FHIR Bundles of what it carries. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { ccdaMap } from '../../engine/ccda/map.js'
import { madeBody } from '../../engine/formats/fhir/made.js'
import { addressesOf, fieldsOf, textValue } from '../../engine/formats/mime/fields.js'
import type { Mail } from '../../engine/formats/mime/mail.js'
import { checkZone } from '../../engine/units.js'
import { bundlesOf } from './bundles.js'
import { contentsOf } from './contents.js'
import { type Piece, piecesOf } from './pieces.js'
import { kindOf, senderOf } from './sender.js'
import { type Structured, structured } from './structured.js'

export default defineTransform({
  name: 'unpack',
  summary: 'Opens a MIME message: C-CDA, HL7 v2 and FHIR in it, in XDM packages and in forwarded messages are read; pictures and prose are kept whole and marked unread.',
  settings: Type.Object({
    take: Type.Optional(Type.Enum(['referrals', 'answers', 'all'], { default: 'all', description: 'What is wanted: referrals to us (and what nobody has read yet), answers to ours, or both. The rest is filtered.' })),
    sender: Type.Optional(Type.Enum(['email', 'direct', 'fax'], { description: 'By which way the sender’s address can be answered. Without it `fax` for a fax, else `email`.' })),
    ours: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Za-z0-9.-]{1,253}$' }), { uniqueItems: true, description: 'Our own domains: of what our staff forward, the sender is who wrote to them.' })),
    timezone: Type.Optional(Type.String({ description: 'The time zone (IANA) of times that name none. Without it only their date is taken: a FHIR time needs an offset.' })),
  }, { additionalProperties: false }),
  examples: [{}, { take: 'referrals', sender: 'direct' }, { take: 'answers', ours: ['heart.example'], timezone: 'America/Chicago' }],
  produces: 'fhir',
  create({ take = 'all', sender, ours = [], timezone }, tools) {
    if (timezone !== undefined) checkZone(timezone)
    const reader = { tools, contents: contentsOf(tools), ccda: ccdaMap(tools), timezone }
    return async (message) => {
      if (message.format !== 'mime') throw new MessageFault({ kind: 'unsupported', reason: `unpack takes messages of format mime, and this is ${message.format}` })
      const mail = message.body as Mail
      const { pieces, forwardedFrom, subjects, problems } = await piecesOf(mail)
      const read: Structured[] = []
      const unread: Piece[] = []
      const wrong = [...problems]
      for (const piece of pieces) {
        const found = await structured(piece, message, reader)
        if (found !== null && typeof found !== 'string') read.push(found)
        else unread.push(piece)
        if (typeof found === 'string') wrong.push(`${piece.at} ${found}`)
      }
      if (read.length === 0 && unread.length === 0) throw new MessageFault({ kind: 'required', reason: `there is neither text nor a document in it${wrong.length > 0 ? `: ${wrong.join('; ')}` : ''}` })
      const made = bundlesOf({ structured: read, unread, problems: wrong.toSorted(), references: referencesIn(mail, subjects), sender: senderOf(mail, forwardedFrom, sender ?? kindOf(mail), ours) }, message)
      const wanted = made.filter(({ kind }) => take === 'all' || take === `${kind}s`)
      if (wanted.length === 0) return { filtered: `unpack: it carries no ${take}` }
      return wanted.map(({ bundle }) => ({ ...message, format: 'fhir', body: madeBody(bundle) }))
    }
  },
})

/** Numbers written as ours are: by a fax's bar code or a door (X-Refero-Reference), in the address it was sent to, in the subject. Which are ours the desk knows. */
const referencesIn = (mail: Mail, subjects: readonly string[]): readonly string[] => {
  const places = [fieldsOf(mail, 'x-refero-reference').map(textValue), [...fieldsOf(mail, 'to'), ...fieldsOf(mail, 'delivered-to')].flatMap(addressesOf).map(({ address }) => address), subjects]
  for (const texts of places) {
    const found = new Set(texts.flatMap((text) => [...text.matchAll(NUMBER)].map(([, one = '', other = '']) => `R-${one}-${other}`.toUpperCase())))
    if (found.size > 0) return [...found]
  }
  return []
}
const NUMBER = /(?<![a-z0-9])R-([0-9a-z]{4})-([0-9a-z]{4})(?![a-z0-9])/gi
