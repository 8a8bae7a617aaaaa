/** A submission as the one shape of documents: a MIME message with METADATA.XML and each document byte for byte, as an XDM package has them. */
import { createHash } from 'node:crypto'
import { composeMail, isAddress } from '../../engine/formats/mime/compose.js'
import type { Address } from '../../engine/formats/mime/fields.js'
import { declarationsAt } from '../../engine/formats/mime/soap/namespaces.js'
import { RIM } from '../../engine/formats/mime/soap/names.js'
import type { Assertion } from '../../engine/formats/mime/soap/saml.js'
import { OF_SUBMISSION } from '../../engine/formats/mime/xdm/names.js'
import { fileName } from '../../engine/formats/mime/xdm/write.js'
import { type Element, type Node, type XmlDocument, attributeOf, escapeXml, inside, rootPlace } from '../../engine/formats/xml/tree.js'
import { replaced, writeElement } from '../../engine/formats/xml/write.js'
import { slotOf, type Submission } from './submission.js'

/** What makes it this submission: its id, and what the documents are, for an id used twice must lose neither. */
export const keyOf = ({ uniqueId, documents }: Submission): string => {
  const digest = createHash('sha256')
  for (const { content } of documents) digest.update(createHash('sha256').update(content).digest())
  return `xdr:${uniqueId}:${digest.digest('hex')}`
}

/** `at` stands for a submission time that is no time. */
export const mailOf = (submission: Submission, document: XmlDocument, assertion: Assertion | null, channel: string, at: Date): Promise<Buffer> => {
  const { uniqueId, level, documents } = submission
  const names = documents.map(({ contentType }, index) => fileName(contentType, index))
  const id = /^[\w.:^-]{1,200}$/.test(uniqueId) ? uniqueId.replace(/[:^]/g, '-') : createHash('sha256').update(uniqueId).digest('hex')
  return composeMail({
    messageId: `<${id}@xdr.invalid>`, date: timeOf(slotOf(submission.set, 'submissionTime')[0]) ?? at, from: senderOf(submission), to: recipientsOf(submission, channel), subject: 'Documents submitted by XDR',
    headers: { 'X-Refero-Kind': 'xdr', 'X-Refero-Xdr': uniqueId, 'X-Refero-Metadata': level, ...trace(assertion) },
    attachments: [
      { filename: 'METADATA.XML', type: 'text/xml', content: metadataOf(submission, document, names) },
      ...documents.map(({ content, contentType }, index) => ({ filename: names[index] ?? '', type: contentType, content })),
    ],
  })
}

const trace = (assertion: Assertion | null): Readonly<Record<string, string>> => {
  if (!assertion) return {}
  const { verified, issuer, subject, organization, role, purposeOfUse } = assertion
  const facts = { Issuer: issuer, Subject: subject, Organization: organization, Role: role, Purpose: purposeOfUse }
  return { 'X-Refero-Saml': verified ? 'verified' : 'unverified', ...Object.fromEntries(Object.entries(facts).flatMap(([name, value]) => (value === null ? [] : [[`X-Refero-Saml-${name}`, value.slice(0, 500)]]))) }
}

/** The SubmitObjectsRequest as a document of its own, its text as it came, but for the slot URI of each document entry: the name that its document has here. */
const metadataOf = ({ objects, documents }: Submission, document: XmlDocument, names: readonly string[]): Buffer => {
  const changes = new Map(documents.map(({ entry }, index) => [entry.element, withUri(entry.element, names[index] ?? '')] as const))
  const { root } = replaced(document, changes)
  const copy = descend(root, objects.xpath)
  const attributes = new Map([...declarationsAt(objects), ...copy.attributes])
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${writeElement({ ...copy, attributes, changed: true }, document.text)}\n`)
}

/** The element of a changed document that stands where one of another xpath stood. */
const descend = (root: Element, xpath: string): Element => {
  let at = rootPlace({ raw: null, text: '', root })
  while (at.xpath !== xpath) {
    const next = inside(at).find((one) => xpath === one.xpath || xpath.startsWith(`${one.xpath}/`))
    if (!next) throw new Error('What was just read is gone.')
    at = next
  }
  return at.element
}

const withUri = (entry: Element, name: string): Element => {
  const isUri = (node: Node): boolean => node.kind === 'element' && node.local === 'Slot' && attributeOf(node, 'name') === 'URI'
  return { ...entry, changed: true, children: [{ kind: 'verbatim', raw: `<rim:Slot xmlns:rim="${RIM}" name="URI"><rim:ValueList><rim:Value>${escapeXml(name)}</rim:Value></rim:ValueList></rim:Slot>` }, ...entry.children.filter((node) => !isUri(node))] }
}

/** The address in an XTN, or in the last part of an intended recipient: `|^Bell^Ines|^^Internet^ines.bell@direct.meadow.example`. */
const internet = (text: string): string | null => {
  const address = text.split('|').map((part) => part.split('^')).flatMap((parts) => (parts[2] === 'Internet' ? [parts[3] ?? ''] : [])).find(isAddress)
  return address ?? null
}

/** XCN: number^family^given. */
const personName = (text: string | undefined): string => {
  const [, family = '', given = ''] = (text ?? '').split('^')
  return [given, family].filter(Boolean).join(' ')
}

const senderOf = ({ from, set }: Submission): Address => {
  const author = inside(set).find(({ element }) => attributeOf(element, 'classificationScheme') === OF_SUBMISSION.author)
  const [person] = author ? slotOf(author, 'authorPerson') : []
  const institution = (author ? slotOf(author, 'authorInstitution') : [])[0]?.split('^')[0]
  const telecom = author ? slotOf(author, 'authorTelecommunication').map(internet).find((one) => one !== null) : null
  return { name: personName(person) || institution || '', address: (from !== null && isAddress(from) ? from : telecom) ?? 'unknown@xdr.invalid' }
}

const recipientsOf = ({ to, set }: Submission, channel: string): readonly Address[] => {
  const direct = to.filter(isAddress)
  const intended = slotOf(set, 'intendedRecipient').flatMap((one) => internet(one) ?? [])
  const all = [...new Set(direct.length > 0 ? direct : intended)]
  return (all.length > 0 ? all : [`${channel || 'here'}@xdr.invalid`]).map((address) => ({ name: '', address }))
}

/** DTM in UTC, from the year to the second. */
const timeOf = (text: string | undefined): Date | null => {
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00'] = /^(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?$/.exec(text ?? '') ?? []
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return year === undefined || Number.isNaN(at.getTime()) ? null : at
}
