/** What kind of content bytes are, by how they begin: what a sender calls them is only asked where their beginning tells nothing. */

const EXECUTABLE = 'application/x-executable'
const CDA = 'application/hl7-cda+xml'
const HL7V2 = 'x-application/hl7-v2+er7'
/** By the first bytes, as ISO 8859-1. The first that fits decides. */
const BEGINNINGS: readonly (readonly [RegExp, string])[] = [
  [/^%PDF-/, 'application/pdf'],
  [/^(?:II\*\0|MM\0\*|II\+\0|MM\0\+)/, 'image/tiff'],
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^\x89PNG\r\n\x1a\n/, 'image/png'],
  [/^GIF8[79]a/, 'image/gif'],
  [/^RIFF.{4}WEBP/s, 'image/webp'],
  [/^.{4}ftyp(?:heic|heix|mif1|msf1)/s, 'image/heic'],
  [/^PK(?:\x03\x04|\x05\x06)/, 'application/zip'],
  [/^\x78\x9f\x3e\x22/, 'application/ms-tnef'],
  [/^\{\\rtf/, 'application/rtf'],
  [/^\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1/, 'application/x-ole-storage'],
  [/^(?:MZ|\x7fELF|#!|\xca\xfe\xba\xbe|[\xce\xcf]\xfa\xed\xfe|L\0\0\0\x01\x14\x02\0)/, EXECUTABLE],
  [/^(?:\xef\xbb\xbf|\x0b)?\s*(?:MSH|FHS|BHS)[^A-Za-z0-9\s]/, HL7V2],
  [/^(?:\xef\xbb\xbf)?\s*ISA[^A-Za-z0-9\s]/, 'application/edi-x12'],
  [/^(?:\xef\xbb\xbf|\xfe\xff|\xff\xfe)?\s*<[\s\S]*<(?:\w+:)?ClinicalDocument[\s/>]/, CDA],
  [/^(?:\xef\xbb\xbf)?\s*<(?:\w+:)?ClinicalDocument[\s/>]/, CDA],
  [/^(?:\xef\xbb\xbf)?\s*\{\s*"(?:[^"\\]{0,100}"\s*:\s*(?:"[^"\\]{0,200}"|\{[^{}]{0,500}\}|\[[^[\]]{0,500}\]|[\w.-]{1,40})\s*,\s*"){0,5}resourceType"\s*:/, 'application/fhir+json'],
  [/^(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html[\s>])/i, 'text/html'],
  [/^(?:\xef\xbb\xbf)?\s*<\?xml\b/, 'text/xml'],
]
const LOOKED_AT = 4096
/** Names that a system may run, whatever the bytes are. */
const RUNS = /\.(?:exe|com|scr|pif|cpl|msi|msp|bat|cmd|ps1|vbs|vbe|js|jse|wsf|wsh|hta|jar|lnk|reg|dll|sh|app|apk|iso|img|vhd|one)$/i

/** The media type of content by its first bytes, else as it is stated; `application/octet-stream` where nothing tells. */
export const mediaTypeOf = (bytes: Buffer, stated: string | null = null): string => {
  const start = bytes.toString('latin1', 0, LOOKED_AT)
  const found = BEGINNINGS.find(([begins]) => begins.test(start))?.[1]
  return found ?? (stated && /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(stated) ? stated.toLowerCase() : 'application/octet-stream')
}

/** Whether content may run by itself on the machine of whoever opens it: by its first bytes, or by what it is called. */
export const isExecutable = (bytes: Buffer, filename: string | null): boolean => mediaTypeOf(bytes) === EXECUTABLE || RUNS.test(filename ?? '')
