/** Documents in a Bundle as text: what can be read of an attachment, a report, a composition. */
import type { Attachment, Composition, DiagnosticReport, DocumentReference, FhirResource } from 'fhir/r4.js'
import type { DocumentFacts } from '../contracts.js'
import { markOf } from './document-mark.js'
import { type Located, coded, said } from './reading.js'
import type { Placed, View } from './view.js'

const LOINC = 'http://loinc.org'
const LONGEST_TEXT = 2_000_000 // characters of one attachment

/** An attachment with its content in it, where the Bundle has that as a Binary. */
export const withContent = (view: View, attachment: Attachment, from: Placed): Attachment => {
  const binary = attachment.url && !attachment.data ? view.follow({ reference: attachment.url }, from)?.resource : undefined
  if (binary?.resourceType !== 'Binary' || !binary.data) return attachment
  const { url: _, ...rest } = attachment
  return { ...rest, contentType: attachment.contentType ?? binary.contentType, data: binary.data }
}

/** The text of an attachment of type text/…; markup loses its tags. Null where it is none, or is not here. */
export const textOf = ({ contentType = '', data }: Attachment): string | null => {
  const type = contentType.toLowerCase()
  if (!data || !/^text\/(?!rtf)|^application\/(?:[\w.-]+\+)?(?:xml|xhtml)/.test(type)) return null
  const charset = /charset="?([\w.:-]+)/.exec(type)?.[1] ?? 'utf-8'
  const text = decoder(charset).decode(Buffer.from(data, 'base64')).slice(0, LONGEST_TEXT)
  return (/html|xml/.test(type) ? withoutTags(text) : text).trim() || null
}

const decoder = (charset: string) => {
  try { return new TextDecoder(charset) } catch { return new TextDecoder() } // a charset that nobody knows is read as UTF-8
}

export const withoutTags = (markup: string): string => markup
  .replace(/<text\b[^>]*\brepresentation="B64"[^>]*>[^<]*/g, ' ') // CDA's nonXMLBody: a picture, no words
  .replace(/<!--[\s\S]*?-->|<(script|style)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<\/(?:p|div|tr|li|h\d|text|title|table)>|<br\s*\/?>/gi, '\n').replace(/<[^>]*>/g, ' ')
  .replace(/&(?:lt|gt|quot|apos|nbsp|amp|#(\d{1,6})|#x([\da-f]{1,5}));/gi, (whole, decimal, hex) => (decimal || hex ? character(Number.parseInt(decimal ?? hex, decimal ? 10 : 16)) : (ENTITIES[whole.toLowerCase()] ?? whole)))
  .replace(/[ \t\u00a0]+/g, ' ').replace(/ ?\n ?/g, '\n').replace(/\n{3,}/g, '\n\n').trim()

const ENTITIES: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'", '&nbsp;': ' ', '&amp;': '&' }
const character = (code: number): string => (code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : '')

/** What a document says of itself and of its content; a LOINC type before others. */
export const documentFacts = (type: Located<DocumentFacts['type']>[], titles: readonly Located<string>[], attachments: readonly Attachment[], text: string | null): DocumentFacts => {
  const content = attachments.filter(({ data, url }) => data || url)
  const kind = type.find(({ value }) => value?.system === LOINC) ?? type[0]
  const words = [...content.flatMap((one) => textOf(one) ?? []), ...(text ? [text] : [])].join('\n\n') || null
  return { title: titles[0]?.value ?? kind?.value?.text ?? null, type: kind?.value ?? null, contentType: content[0]?.contentType ?? (text ? 'text/plain' : null), text: words, unread: words === null && content.length > 0 }
}

export const referenceFacts = (view: View, placed: Placed<DocumentReference>): DocumentFacts => {
  const { resource, at } = placed
  const attachments = (resource.content ?? []).map(({ attachment }) => withContent(view, attachment, placed))
  const titles = [...attachments.flatMap((one, index) => (one.data || one.url ? said(one.title, `${at}.content[${index}].attachment.title`) : [])), ...said(resource.description, `${at}.description`)]
  const facts = documentFacts([...coded(resource.type, `${at}.type`)], titles, attachments, null)
  const mark = markOf(resource)
  return mark === null ? facts : { ...facts, unread: mark === 'unread' }
}

/** A report's text is its conclusion and what of its presented form is text; its results are findings. */
export const reportFacts = (view: View, placed: Placed<DiagnosticReport>): DocumentFacts => {
  const { resource, at } = placed
  const attachments = (resource.presentedForm ?? []).map((one) => withContent(view, one, placed))
  const facts = documentFacts([...coded(resource.code, `${at}.code`)], attachments.flatMap((one) => said(one.title, at)), attachments, resource.conclusion ?? null)
  return { ...facts, unread: facts.unread && !resource.result?.length }
}

export const compositionFacts = ({ resource, at }: Placed<Composition>): DocumentFacts =>
  documentFacts([...coded(resource.type, `${at}.type`)], said(resource.title, `${at}.title`), [], sections(resource.section).join('\n\n') || null)

const sections = (list: Composition['section']): readonly string[] => (list ?? []).flatMap(({ title, text, section }) => {
  const words = text?.div ? withoutTags(text.div) : ''
  return [...(words ? [[title, words].filter(Boolean).join('\n')] : []), ...sections(section)]
})

/** The attachment behind an Observation's extension (R5's valueAttachment), as the field maps write it. */
export const observedAttachment = (resource: FhirResource): Attachment | null =>
  (resource as { extension?: { url: string; valueAttachment?: Attachment }[] }).extension?.find(({ url }) => url.endsWith('extension-Observation.valueAttachment'))?.valueAttachment ?? null

