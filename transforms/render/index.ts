/** The step `render`: a notice of the desk becomes a mail: a letter as text, HTML, PDF or fax, and what it encloses. */
import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import type { Message } from '../../engine/contracts.js'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { composeMail, type Enclosure, isAddress, parseAddress } from '../../engine/formats/mime/compose.js'
import { faxAddress, faxNumber } from '../../engine/formats/mime/fax-address.js'
import type { Address } from '../../engine/formats/mime/fields.js'
import { checkZone } from '../../engine/units.js'
import { checkKey } from '../../engine/web/signed.js'
import { renderFax, type Sheet } from './fax.js'
import { renderHtml } from './html.js'
import { fill, type Letter } from './letter.js'
import { KINDS, readLetters } from './letters.js'
import { enclosures, type Notice, readNotice } from './notice.js'
import { DirectSettings, packager } from './packages.js'
import { renderPdf } from './pdf.js'
import { PortalSettings, portalLinks } from './portal.js'
import { renderText } from './text.js'
import { reader } from './values.js'
import { written } from './written.js'

const AUTO = 'auto'
const MOST_REFERENCES = 20 // in one header field

const Settings = Type.Object({
  letter: Type.String({ pattern: '^[a-z][a-z0-9-]*$', description: 'A folder of mappings/letters/, such as `acknowledgement`; `auto` takes the one of the notice’s kind.' }),
  as: Type.Optional(Type.Array(Type.Enum(['text', 'html', 'pdf', 'fax']), { minItems: 1, uniqueItems: true, default: ['text'], description: 'The forms of the letter in the mail; a PDF is attached. `fax`: one document of a cover sheet, the letter and what it encloses, and a mail to the fax number of the recipient.' })),
  format: Type.Optional(Type.Enum(['pdf', 'tiff'], { default: 'pdf', description: 'Of `as: [fax]`: the file that it is. TIFF is G4, 1728 pixels wide, 204 × 196 dots an inch.' })),
  disclose: Type.Optional(Type.Enum(['nothing', 'all'], { default: 'nothing', description: '`all`: what the letter says of the patient, and the documents that it encloses. `nothing`: neither, only the reference number and whom to call.' })),
  from: Type.Optional(Type.String({ maxLength: 320, description: 'Who writes: `Heart Center <referrals@heart.example>`.' })),
  to: Type.Optional(Type.String({ maxLength: 254, description: 'An address that all letters go to, instead of the recipient’s own.' })),
  reply: Type.Optional(Type.Enum(['from', 'plus'], { default: 'from', description: 'Where an answer goes. `plus`: to the address of `from` with the reference number in it, `referrals+R-7K3M-9QX4@heart.example`, by which it is found whatever its subject becomes; our mail server must take such addresses.' })),
  practice: Type.Optional(Type.Object({
    name: Type.Optional(Type.String({ maxLength: 200 })), phone: Type.Optional(Type.String({ maxLength: 50 })), fax: Type.Optional(Type.String({ maxLength: 50 })), address: Type.Optional(Type.String({ maxLength: 300 })),
  }, { additionalProperties: false, description: 'The letterhead, and whom to call.' })),
  direct: Type.Optional(DirectSettings),
  portal: Type.Optional(PortalSettings),
  language: Type.Optional(Type.String({ pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$', description: 'The language of letters to whoever asked for none; without it, English.' })),
  timezone: Type.Optional(Type.String({ description: 'The time zone (IANA) of times in letters; without it, each by the offset that it came with.' })),
}, { additionalProperties: false })

export default defineTransform({
  name: 'render',
  summary: 'Writes the letter of a notice and makes a mail of it, as text, HTML, PDF or fax, in the referrer’s language.',
  settings: Settings,
  examples: [
    { letter: 'acknowledgement', as: ['text', 'pdf'], disclose: 'all', from: 'Heart Center <referrals@heart.example>', practice: { name: 'Heart Center', phone: '555-555-0100', fax: '555-555-0101', address: '1 Main St, Springfield' } },
    { letter: 'outcome', as: ['fax'], format: 'tiff', disclose: 'all', practice: { name: 'Heart Center', phone: '555-555-0100', fax: '555-555-0101' } },
    { letter: AUTO, as: ['text'], disclose: 'all', from: 'referrals@direct.heart.example', practice: { name: 'Heart Center' }, direct: { form: '360x', oid: '1.3.6.1.4.1.99999.1' } },
    { letter: AUTO, as: ['text', 'html'], from: 'referrals@heart.example', practice: { name: 'Heart Center', phone: '555-555-0100' }, timezone: 'America/New_York' },
  ],
  produces: 'mime',
  create(settings, tools) {
    const from = settings.from === undefined ? null : parseAddress(settings.from)
    if (settings.from !== undefined && !from) throw new Error('`from` must hold one e-mail address: `Heart Center <referrals@heart.example>`.')
    if (settings.to !== undefined && !isAddress(settings.to)) throw new Error('`to` must be one e-mail address.')
    if (settings.reply === 'plus' && !from) throw new Error('`reply: plus` needs `from`, whose address the reference number goes into.')
    if (settings.timezone !== undefined) checkZone(settings.timezone)
    const { as = ['text'], format = 'pdf', practice = {}, timezone = null, language = null } = settings
    const faxed = as.includes('fax')
    if (faxed && as.includes('pdf')) throw new Error('`as` holds `fax` and `pdf`: a fax is the letter already, and would carry it twice. Leave one out.')
    if (!faxed && format === 'tiff') throw new Error('`format: tiff` goes with `as: [fax]`.')
    if (settings.direct && settings.disclose !== 'all') throw new Error('`direct` sends what the referral says of the patient: it needs `disclose: all`.')
    if (settings.direct && faxed) throw new Error('`direct` is for mails over Direct, and `as: [fax]` for faxes; leave one out.')
    const letters = readLetters(settings.letter === AUTO ? KINDS : [settings.letter], tools, faxed)
    const disclosed = settings.disclose === 'all'
    checkKey(settings.portal?.key)
    const linkTo = portalLinks(settings.portal, tools)
    const packaged = settings.direct ? packager(settings.direct, practice, from?.address.split('@').at(-1) ?? 'refero.invalid', tools) : async () => ({ enclosures: [], context: null })

    const write = (notice: Notice, date: Date): { readonly letter: Letter; readonly name: string; readonly references: readonly string[]; readonly asked: boolean; readonly sheet: (date: Date, fax: string) => Sheet | null } => {
      const name = settings.letter === AUTO ? notice.kind : settings.letter
      const chosen = letters.choose(name, notice.language ?? language)
      if (!chosen) throw new MessageFault({ kind: 'unsupported', reason: `there is no letter for this kind of notice; there are ${KINDS.join(', ')}`, location: 'Communication.category' })
      const { template, words, asked } = chosen
      const writing = { locale: words.locale, timezone, said: words.said ?? {} }
      const references = reader(letters.values, notice, practice, writing, disclosed)('reference')
      const values = reader(letters.values, notice, { ...practice, ...linkTo(references, date) }, writing, disclosed)
      const { subject, blocks } = fill(template, disclosed, values)
      if (subject === null || blocks.length === 0) throw new MessageFault({ kind: 'required', reason: 'the notice has no reference number, which every letter says', location: 'ServiceRequest.identifier' })
      const reference = references.slice(0, 3).join(', ')
      const said = (value: string): string => values(value)[0] ?? ''
      const sheet = (date: Date, fax: string): Sheet | null => words.cover ? {
        words: words.cover, reference, date: written(date.toISOString(), 'date', writing),
        from: { name: said('practice-name'), address: said('practice-address'), phone: said('practice-phone'), fax: said('practice-fax') },
        to: { name: said('recipient-name'), practice: said('recipient-practice'), fax: written(fax, 'phone', writing) },
      } : null
      return { letter: { language: chosen.language, subject, blocks, reference, practice, words }, name, references, asked, sheet }
    }

    /** What a mail carries: the letter as a document, and what it encloses; a fax is all of it in one. */
    const attached = async (notice: Notice, { letter, name, references, sheet }: ReturnType<typeof write>, date: Date): Promise<{ readonly documents: readonly Enclosure[]; readonly pages: number | null }> => {
      const file = [name, references[0]].filter(Boolean).join('-')
      const enclosed = disclosed ? enclosures(notice) : []
      const number = settings.to === undefined ? notice.fax ?? '' : faxNumber(settings.to) ?? ''
      const cover = faxed ? sheet(date, number) : null
      if (cover) {
        const fax = await renderFax(letter, date, cover, references, enclosed, file, format)
        return { documents: [fax.document], pages: fax.pages }
      }
      const pdf = as.includes('pdf') ? [{ filename: `${file}.pdf`, type: 'application/pdf', content: (await renderPdf(letter, date)).bytes }] : []
      return { documents: [...pdf, ...enclosed], pages: null }
    }

    /** The address that the setting names; else the recipient's fax number or e-mail address, whichever the desk chose. */
    const addressed = ({ to, fax, name, byFax }: Notice): readonly Address[] => {
      if (settings.to !== undefined) return [{ name: '', address: settings.to }]
      if (!faxed && !byFax) return to ? [to] : []
      const address = faxAddress(fax)
      return faxNumber(address) === null ? [] : [{ name, address }]
    }

    return async (message) => {
      if (message.format !== 'fhir') throw new MessageFault({ kind: 'unsupported', reason: `render takes notices in FHIR, and this is ${message.format}` })
      const notice = readNotice(message.body)
      const date = notice.sent ?? message.receivedAt
      const made = write(notice, date)
      const { letter, name, references, asked } = made
      if (!asked) tools.log('info', 'a letter was written in English, since there is none in the language asked for', { channel: message.channel, message: message.id })
      const { documents, pages } = await attached(notice, made, date)
      const { enclosures: structured, context } = await packaged(message, notice)
      const bytes = await composeMail({
        messageId: messageIdOf(message, name, from?.address), date,
        from: from ?? undefined,
        to: addressed(notice),
        replyTo: settings.reply === 'plus' && from ? plus(from, references) : undefined,
        subject: letter.subject,
        inReplyTo: notice.inReplyTo ?? undefined,
        headers: {
          'Auto-Submitted': 'auto-generated', // RFC 3834: no out-of-office answers
          'Content-Language': letter.language,
          'X-Refero-Kind': `letter/${name}`,
          ...(references.length > 0 && { 'X-Refero-Reference': references.slice(0, MOST_REFERENCES).join(', ') }),
          ...(context !== null && { 'X-Direct-Context': context }),
          ...(pages !== null && { 'X-Refero-Pages': String(pages) }),
        },
        text: as.includes('text') ? renderText(letter) : undefined,
        html: as.includes('html') ? renderHtml(letter) : undefined,
        attachments: [...structured, ...documents],
      })
      return [{ ...message, format: 'mime', body: tools.format('mime').parse(bytes) }]
    }
  },
})

/** Of a letter about several referrals none: its answer may be about any of them. */
const plus = ({ name, address }: Address, references: readonly string[]): Address | undefined => {
  const [local = '', host = ''] = address.split('@')
  return references.length === 1 ? { name, address: `${local}+${references[0]}@${host}` } : undefined
}

/** Of the message and the letter alone, so that a mail sent again is the same mail to whoever has it already. */
const messageIdOf = ({ channel, id, header }: Message, letter: string, from: string | undefined): string => {
  const digest = createHash('sha256').update(JSON.stringify([channel, id, header.controlId, letter])).digest('hex').slice(0, 32)
  return `<${digest}@${from?.split('@').at(-1) ?? 'refero.invalid'}>`
}
