/** ED, a document inside the message (2.A.24), and RP, a pointer to one (2.A.65). */
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, type Leaf, leaf } from '../draft.js'
import { type Part, leafOf } from '../part.js'

/** The media type: written out, or of tables 0291 (subtype) and 0191 (type); what neither knows is plain bytes. */
const mediaType = (type: Part, subtype: Part, use: Use): Leaf => {
  const [kind, kindPart] = subtype.text ? [subtype.text, subtype] : [type.text, type]
  if (/^\w+\/[\w.+-]+$/.test(kind)) return leaf(kind, kindPart.origin)
  if (/^(application|audio|image|text|video)$/i.test(type.text) && /^[\w.+-]+$/.test(subtype.text) && !use.lookup('data-subtype').lookup(subtype.text.toUpperCase())) {
    return leaf(`${type.text}/${subtype.text}`.toLowerCase(), subtype.origin)
  }
  const known = use.lookup('data-subtype').lookup(kind.toUpperCase()) ?? use.lookup('data-subtype').lookup(type.text.toUpperCase())
  return leaf(known?.code ?? 'application/octet-stream', kindPart.origin)
}

/** The data as base64, however the sender encoded it (table 0299: A, Hex, Base64). */
const base64 = (data: Part, encoding: string, use: Use): Leaf | undefined => {
  const written = data.text
  if (written === '') return undefined
  if (/^hex$/i.test(encoding) && /^[0-9a-f\s]+$/i.test(written)) return leaf(Buffer.from(written.replace(/\s/g, ''), 'hex').toString('base64'), data.origin)
  const packed = written.replace(/\s/g, '')
  if (/^(base64)?$/i.test(encoding) && packed.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(packed)) return leaf(packed, data.origin)
  if (!/^a$/i.test(encoding)) use.issue(data, 'is not in the encoding that its component 4 names: its text is taken as it stands')
  return leaf(Buffer.from(written, 'utf8').toString('base64'), data.origin)
}

interface Attachment { readonly contentType?: string; readonly data?: string; readonly url?: string }

export const ED: Datatype = {
  makes: ['Attachment', 'Binary'],
  read: (part, use): Draft | undefined => {
    const data = base64(part.part(5), part.part(4).text, use)
    return data && { contentType: mediaType(part.part(2), part.part(3), use), data }
  },
  write: (value, use): Written | undefined => {
    const { contentType = '', data } = value as Attachment
    if (!data) return undefined
    const subtype = use.lookup('data-subtype').reverse(contentType) ?? contentType
    return ['', /^image\//.test(contentType) ? 'IM' : /^text\//.test(contentType) ? 'TEXT' : 'AP', subtype, 'Base64', data]
  },
}

export const RP: Datatype = {
  makes: ['Attachment'],
  read: (part, use) => {
    const url = leafOf(part.part(1))
    return url && { contentType: part.part(3).text || part.part(4).text ? mediaType(part.part(3), part.part(4), use) : undefined, url }
  },
  write: (value, use): Written | undefined => {
    const { contentType = '', url } = value as Attachment
    return url && !url.startsWith('urn:uuid:') ? [url, '', '', use.lookup('data-subtype').reverse(contentType) ?? contentType] : undefined
  },
}

/** What kind of document an ED is, without it. */
export const mediaTypeOf: Datatype = { makes: ['code'], read: (part, use) => (part.part(2).text || part.part(3).text ? mediaType(part.part(2), part.part(3), use) : undefined) }
