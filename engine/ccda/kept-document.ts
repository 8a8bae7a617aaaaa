/** The document itself as a DocumentReference, whole; and a body that is no CDA narrative, as one of its own. */
import { type Place, attributeOf, inside, textOf } from '../formats/xml/tree.js'
import { type Draft, leaf } from '../v2-to-fhir/draft.js'
import type { ResourceBuilder } from '../v2-to-fhir/resource-builder.js'
import { attribute } from './datatype.js'
import type { Made } from '../v2-to-fhir/own-resources.js'

interface Context {
  id(...names: readonly string[]): string
  builder(type: string): ResourceBuilder
  readonly instances: readonly (Made & { readonly map: { readonly name: string } })[]
}

const BASE64 = /^[A-Za-z0-9+/=\s]+$/

/**
 * Puts the bytes into the `document` of the map. A nonXMLBody (Unstructured Document) becomes a DocumentReference with what it holds,
 * a PDF or a picture that nobody has read yet; where it only names a file, with that name.
 */
export const kept = (root: Place, bytes: Buffer, { id, builder, instances }: Context): readonly Made[] => {
  for (const { builder: own } of instances.filter(({ map }) => map.name === 'document')) {
    const [said] = (own.json.content ?? []) as { readonly attachment?: object }[]
    own.json.content = [{ ...said, attachment: { contentType: 'application/hl7-cda+xml', data: bytes.toString('base64'), ...said?.attachment } }]
  }
  const text = inside(root).filter(({ element }) => element.local === 'component').flatMap(inside).filter(({ element }) => element.local === 'nonXMLBody').flatMap(inside).find(({ element }) => element.local === 'text')
  if (!text) return []
  const type = attribute(text, 'mediaType')
  const raw = textOf(text.element).trim()
  const encoded = attributeOf(text.element, 'representation') === 'B64'
  const reference = inside(text).find(({ element }) => element.local === 'reference')
  const url = reference && attribute(reference, 'value')
  if (raw && encoded && !BASE64.test(raw)) return []
  const data: Draft | undefined = raw ? leaf(encoded ? raw.replace(/\s+/g, '') : Buffer.from(raw, 'utf8').toString('base64'), text.xpath) : undefined
  if (!data && !url) return []
  const made = builder('DocumentReference')
  const patient = instances.find(({ map }) => map.name === 'patient')
  const title = inside(root).find(({ element }) => element.local === 'title')
  const attachment = { contentType: type?.value ?? (raw && !encoded ? 'text/plain' : undefined), ...(data ? { data: (data as { value: string }).value } : { url: url?.value }), ...(title ? { title: textOf(title.element).trim() || undefined } : {}) }
  Object.assign(made.json, {
    status: 'current', ...(patient ? { subject: { reference: patient.fullUrl } } : {}),
    content: [{ attachment: Object.fromEntries(Object.entries(attachment).filter(([, value]) => value !== undefined)) }],
  })
  made.origins.push({ path: data ? 'content[0].attachment.data' : 'content[0].attachment.url', origin: data ? text.xpath : url?.origin ?? text.xpath }, ...(type ? [{ path: 'content[0].attachment.contentType', origin: type.origin }] : []))
  return [{ builder: made, fullUrl: id('body') }]
}
