/** Which files are taken: by what they are, not by what they are called; what they are called must not say otherwise. */
import { isExecutable, mediaTypeOf } from '../../engine/formats/mime/sniff.js'
import type { Upload } from './form-data.js'

export type DocumentProblem = 'empty' | 'program' | 'kind' | 'mismatch' | 'large'

const CDA = 'application/hl7-cda+xml'
const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
/** What is taken, and the endings of names that say so. */
const TAKEN: Readonly<Record<string, RegExp>> = {
  'application/pdf': /^pdf$/, 'image/tiff': /^tiff?$/, 'image/jpeg': /^jpe?g$/, 'image/png': /^png$/, 'image/heic': /^hei[cf]$/,
  'text/plain': /^(?:txt|text)$/, [CDA]: /^(?:xml|cda|ccda)$/, [DOCX]: /^docx$/,
}
/** For the file picker of browsers. */
export const ACCEPT = '.pdf,.tif,.tiff,.jpg,.jpeg,.png,.heic,.txt,.xml,.docx'

/** The file with the type that it is of, or why it is not taken. `largest` in bytes. */
export const judged = (upload: Upload, largest: number): Upload | DocumentProblem => {
  const { content, filename } = upload
  if (content.length === 0) return 'empty'
  if (content.length > largest) return 'large'
  if (isExecutable(content, filename)) return 'program'
  const type = typeOf(content)
  const endings = type === null ? undefined : TAKEN[type]
  if (type === null || endings === undefined) return 'kind'
  const ending = /\.([A-Za-z0-9]{1,10})$/.exec(filename)?.[1]?.toLowerCase()
  return ending !== undefined && !endings.test(ending) ? 'mismatch' : { ...upload, type }
}

const typeOf = (content: Buffer): string | null => {
  const type = mediaTypeOf(content)
  if (type === 'application/zip') return isWordDocument(content) ? DOCX : null
  return type === 'application/octet-stream' ? (isText(content) ? 'text/plain' : null) : type
}

/** A Word document without macros (ECMA-376): the names of its parts stand in the zip's directory as they are. */
const isWordDocument = (content: Buffer): boolean => content.includes('[Content_Types].xml') && content.includes('word/document.xml') && !content.includes('vbaProject')

const isText = (content: Buffer): boolean => !/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(content.toString('latin1'))
