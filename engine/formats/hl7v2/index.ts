/** HL7 v2 in its own encoding (ER7): carried without loss, read and written by path, acknowledged as the standard says. */
import { defineFormat } from '../../define.js'
import { acknowledge } from './acknowledge.js'
import { assemble, separate } from './batch.js'
import { asBody, serialize } from './body.js'
import { headerOf, openingOf } from './header.js'
import { orderKeys } from './order-keys.js'
import { parse } from './parse.js'
import { pathProblem } from './path.js'
import { read } from './read.js'
import { redact } from './redact.js'
import { readingOf, SETTINGS } from './settings.js'
import { split } from './split.js'
import { write } from './write.js'

export default defineFormat({
  name: 'hl7v2',
  summary: 'HL7 v2 messages (ER7): any delimiters, any character set of MSH-18, batches, and acknowledgements in original and enhanced mode.',
  settings: SETTINGS,
  examples: [
    { charset: 'UNICODE UTF-8', overrideCharset: false, strayLines: 'refuse', size: 50_000_000, segments: 10_000, fields: 1_000, repetitions: 10_000 },
    { charset: '8859/1', overrideCharset: true, strayLines: 'keep', size: 5_000_000, segments: 2_000, fields: 200, repetitions: 500 },
  ],
  create(settings, { clock }) {
    const reading = readingOf(settings)
    const acknowledging = { reading, now: () => clock.now() }
    return {
      name: 'hl7v2',
      readHeader: bytes => headerOf(openingOf(bytes, reading)),
      parse: bytes => parse(bytes, reading),
      serialize: body => serialize(asBody(body)),
      acknowledge: (bytes, moment, verdict, fault) => acknowledge(bytes, moment, verdict, fault, acknowledging),
      separate,
      assemble: (bytes, acknowledgements) => assemble(bytes, acknowledgements, acknowledging),
      checkPath: pathProblem,
      read: (body, path) => read(asBody(body), path),
      write: (body, path, value) => write(asBody(body), path, value),
      split: (body, by) => split(asBody(body), by),
      orderKeys: (body, path) => orderKeys(asBody(body), path),
      redact: body => redact(asBody(body)),
    }
  },
})
