/** What several segments say together: the `lines` of a document's text, and the `names` of its pieces. */
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, leaf } from '../draft.js'
import type { Part } from '../part.js'

const MEDIA_TYPE = 'text/plain'

/** All values as one text, a line each (OBX after OBX, repetition after repetition). */
const textOf = (parts: readonly Part[]): Draft | undefined => {
  const [first] = parts
  if (!first) return undefined
  const text = parts.map(({ whole }) => whole).join('\n')
  return { contentType: leaf(MEDIA_TYPE, first.origin), data: leaf(Buffer.from(text, 'utf8').toString('base64'), first.origin) }
}

interface Attachment { readonly contentType?: string; readonly data?: string }

/** Text that is the content of a document. */
export const lines: Datatype = {
  makes: ['Attachment'],
  blanks: true,
  read: (part) => textOf([part]),
  readAll: textOf,
  write: (value): Written | undefined => {
    const { contentType = '', data } = value as Attachment
    return data && /^text\/plain\b/.test(contentType) ? Buffer.from(data, 'base64').toString('utf8').replaceAll('\r\n', '\n') : undefined
  },
}

const nameOf = (part: Part): string => part.part(9).text || part.part(2).text || part.text

/** The names of coded values, each once. */
const namesOf = (parts: readonly Part[], _use: Use): Draft | undefined => {
  const [first] = parts
  return first && leaf([...new Set(parts.map(nameOf))].join('; '), first.origin)
}

export const names: Datatype = {
  makes: ['string'],
  read: (part, use) => namesOf([part], use),
  readAll: namesOf,
  write: (value): Written => ['', String(value)],
}
