/** X12 in its own encoding: carried without loss, its envelope checked, read and written by path with the loops of a 278, acknowledged by TA1 and 999. */
import { Type } from 'typebox'
import { defineFormat } from '../../define.js'
import { acknowledge } from './acknowledge.js'
import { assemble } from './assemble.js'
import { asBody, serialize } from './body.js'
import { parse, type Reading } from './parse.js'
import { pathProblem } from './path.js'
import { read } from './read.js'
import { redact } from './redact.js'
import { separate } from './separate.js'
import { split } from './split.js'
import { headerOf } from './transaction.js'
import { write } from './write.js'

const DEFAULTS = { check: 'all', size: 50_000_000, segments: 100_000, elements: 100 } as const

export default defineFormat({
  name: 'x12',
  summary: 'X12 interchanges, above all the 278 of payers (005010X217, X216): any separators, several transactions in a file, paths with loops (`2000E/UM-1`), TA1 and 999.',
  settings: Type.Object({
    check: Type.Optional(Type.Enum(['all', 'envelope', 'none'], { default: DEFAULTS.check, description: 'What is looked at before a transaction is accepted: control numbers, counts and what every 278 must have (`all`), control numbers and counts, or nothing, for senders that get them wrong.' })),
    size: Type.Optional(Type.Integer({ default: DEFAULTS.size, minimum: 100, maximum: 500_000_000, description: 'The most bytes that a file may have.' })),
    segments: Type.Optional(Type.Integer({ default: DEFAULTS.segments, minimum: 1, maximum: 10_000_000, description: 'The most segments that a transaction may have.' })),
    elements: Type.Optional(Type.Integer({ default: DEFAULTS.elements, minimum: 20, maximum: 10_000, description: 'The most elements that a segment may have.' })),
  }, { additionalProperties: false }),
  examples: [{}, { check: 'envelope', size: 5_000_000, segments: 10_000, elements: 50 }],
  create(settings, { clock }) {
    const { check, size, segments, elements } = { ...DEFAULTS, ...settings }
    const reading: Reading = { check, limits: { size, segments, elements } }
    const acknowledging = { now: () => clock.now() }
    return {
      name: 'x12',
      // A 999 says what was found in the transaction: it has to be looked at before it is acknowledged.
      readHeader: (bytes) => headerOf(parse(bytes, reading)),
      parse: (bytes) => parse(bytes, reading),
      serialize: (body) => serialize(asBody(body)),
      acknowledge: (bytes, moment, verdict, fault) => acknowledge(bytes, moment, verdict, fault, acknowledging),
      separate: (bytes) => separate(bytes, reading),
      assemble,
      checkPath: pathProblem,
      read: (body, path) => read(asBody(body), path),
      write: (body, path, value) => write(asBody(body), path, value),
      split: (body, by) => split(asBody(body), by),
      orderKeys: (body, path) => read(asBody(body), path),
      redact: (body) => redact(asBody(body)),
    }
  },
})
