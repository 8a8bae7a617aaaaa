/** What a channel may say of the HL7 v2 messages that it takes. */
import { type Static, Type } from 'typebox'
import type { Reading } from './body.js'
import { utf8 } from './charset.js'
import { charsetByName } from './charset-names.js'

export const SETTINGS = Type.Object({
  charset: Type.String({ default: 'UNICODE UTF-8', description: 'The character set of messages whose MSH-18 is empty, named as in HL7 table 0211: `8859/1`, `UNICODE UTF-8`, `ASCII`, or `windows-1252`.' }),
  overrideCharset: Type.Boolean({ default: false, description: 'Read every message in `charset`, whatever its MSH-18 says: for senders that declare the wrong one.' }),
  strayLines: Type.Union([Type.Literal('refuse'), Type.Literal('keep')], { default: 'refuse', description: 'What is done with a line that is no segment (a line break inside a field): refuse the message, or keep the line as it is.' }),
  size: Type.Integer({ default: 50_000_000, minimum: 100, maximum: 500_000_000, description: 'The most bytes that a message may have.' }),
  segments: Type.Integer({ default: 10_000, minimum: 1, maximum: 1_000_000, description: 'The most segments that a message may have.' }),
  fields: Type.Integer({ default: 1_000, minimum: 30, maximum: 100_000, description: 'The most fields that a segment may have.' }),
  repetitions: Type.Integer({ default: 10_000, minimum: 1, maximum: 1_000_000, description: 'The most repetitions that a field may have.' }),
}, { additionalProperties: false })

/** The settings as the parser uses them. Throws a sentence if the character set is not known. */
export const readingOf = (settings: Static<typeof SETTINGS>): Reading => {
  const charset = charsetByName(settings.charset)
  if (!charset) throw new Error(`charset: "${settings.charset}" is not known; write a name of HL7 table 0211 (UNICODE UTF-8, 8859/1 … 8859/15, ASCII, ISO IR87, GB 18030-2000, BIG-5, KS X 1001) or windows-1250 … windows-1258`)
  const { overrideCharset, strayLines, size, segments, fields, repetitions } = settings
  return { charset, overrideCharset, strayLines, limits: { size, segments, fields, repetitions } }
}

/** What holds for a message that was built here. */
export const DEFAULT_READING: Reading = {
  charset: utf8('UNICODE UTF-8'),
  overrideCharset: false,
  strayLines: 'refuse',
  limits: { size: 50_000_000, segments: 10_000, fields: 1_000, repetitions: 10_000 },
}
