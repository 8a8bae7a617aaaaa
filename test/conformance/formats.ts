/** What holds for every format, whatever it reads. */
import { Ajv } from 'ajv'
import type t from 'tap'
import type { TSchema } from 'typebox'
import type { Definition, Fault, MessageFormat, Tools, Verdict } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'

export interface FormatCase {
  /** Well-formed messages by name. */
  readonly messages: ReadonlyMap<string, Buffer>
  /** Places in the first message that can be read and written, and something to write there; none where a format has no paths. */
  readonly places: readonly (readonly [path: string, value: string])[]
  /** A part of the first message to split it by. */
  readonly part: string
  /** A word of the messages that no fault may repeat. */
  readonly secret: string
}

const VERDICTS: readonly Verdict[] = ['accepted', 'error', 'rejected']
const FAULTS: readonly (Fault | undefined)[] = [undefined, { kind: 'required', reason: 'is required', location: 'PID-3' }, { kind: 'unreadable', reason: 'is not readable' }]
const GARBAGE = ['', ' ', '\r', '\0', '{', '[]', 'null', '"x"', '{"a":', '{"resourceType":5}', '{"resourceType":"Patient","x":1}', 'MSH', 'MSH|', 'MSH|^~\\&', 'MSH|^~\\&|', 'FHS|^~\\&\rBHS', '\u000bMSH|^~\\&|A\u001c\r', '\uFEFF', '['.repeat(100_000), '<xml/>']

/** The settings an example stands for: checked as a channel's are, with their defaults. */
export const settingsOf = (schema: TSchema, example: unknown): { readonly settings: unknown; readonly problems: string | null } => {
  const ajv = new Ajv({ useDefaults: true, allErrors: true, strict: false })
  const settings = structuredClone(example)
  const validate = ajv.compile(schema)
  return validate(settings) ? { settings, problems: null } : { settings, problems: ajv.errorsText(validate.errors) }
}

/** Runs the suite for one format. */
export function formatConformance(test: typeof t, definition: Definition<TSchema, MessageFormat>, { messages, places, part, secret }: FormatCase, tools: Tools): void {
  const format = definition.create(settingsOf(definition.settings, {}).settings, tools)
  const [first = Buffer.alloc(0)] = messages.values()

  test.test(`${definition.name}: its examples are settings that it can be made with`, async (t) => {
    t.ok(definition.examples.length > 0, 'it has examples')
    for (const example of definition.examples) {
      const { settings, problems } = settingsOf(definition.settings, example)
      t.equal(problems, null, JSON.stringify(example))
      t.equal(definition.create(settings, tools).name, definition.name)
    }
  })

  test.test(`${definition.name}: what is only read is written byte for byte`, async (t) => {
    t.ok(messages.size > 0, 'there are messages to read')
    for (const [name, bytes] of messages) {
      format.readHeader(bytes)
      t.ok(format.serialize(format.parse(bytes)).equals(bytes), name)
    }
  })

  test.test(`${definition.name}: what is written at a path is read there, and the body that it was written to stays as it was`, async (t) => {
    const body = format.parse(first)
    for (const [path, value] of places) {
      t.equal(format.checkPath(path), null, `${path} is a path`)
      const before = format.read(body, path)
      const written = format.write(body, path, value)
      t.same(format.read(written, path), [value], `${path} has what was written`)
      const carried = format.parse(format.serialize(written))
      t.same(format.read(carried, path), [value], `${path} has it after the wire, too`)
      t.same(format.read(format.write(body, path, null), path), [], `${path} can be emptied`)
      t.same(format.read(body, path), before, `${path} of the first body is as it was`)
      t.same(format.orderKeys(body, path).slice(0, before.length), before, `${path} orders by what is there`)
    }
    t.ok(format.serialize(body).equals(first), 'the first body is as it was')
  })

  test.test(`${definition.name}: redacted, a message keeps its structure and says nothing of its people`, async (t) => {
    if (!format.redact) return t.comment('it has no structure to keep')
    for (const [name, bytes] of messages) {
      const body = format.parse(bytes)
      const shown = format.serialize(format.redact(body))
      t.notOk(shown.includes(secret), `${name} has lost “${secret}”`)
      t.ok(format.serialize(body).equals(bytes), 'the body itself is as it was')
    }
  })

  test.test(`${definition.name}: what is no path is refused in a sentence`, async (t) => {
    for (const path of ['', '??', '[', ' ', '.', 'a..b', 'x'.repeat(5000)]) {
      const problem = format.checkPath(path)
      if (path === 'x'.repeat(5000) && problem === null) continue
      t.ok(problem !== null && problem.length > 10, JSON.stringify(path.slice(0, 20)))
      t.throws(() => format.read(format.parse(first), path), MessageFault)
    }
  })

  test.test(`${definition.name}: each part is a message of its own`, async (t) => {
    const parts = format.split(format.parse(first), part)
    t.ok(parts.length > 0, 'there are parts')
    for (const one of parts) {
      const bytes = format.serialize(one)
      t.ok(format.serialize(format.parse(bytes)).equals(bytes))
    }
    t.throws(() => format.split(format.parse(first), '??'), MessageFault, 'what is no part is refused')
  })

  test.test(`${definition.name}: garbage is a fault without content, and is acknowledged all the same`, async (t) => {
    const broken = [...GARBAGE.map((text) => Buffer.from(text)), Buffer.from([0xff, 0xfe, 0x00, 0xd8]), ...[...messages.values()].flatMap((bytes) => mutations(bytes, 40))]
    let refused = 0
    for (const bytes of broken) {
      const shown = JSON.stringify(bytes.toString('latin1').slice(0, 40))
      for (const read of [format.readHeader, format.parse, format.separate]) {
        try {
          read.call(format, bytes)
        } catch (error) {
          refused += 1
          if (!(error instanceof MessageFault)) t.fail(`${shown}: ${String(error)}`)
          else if (error.message.includes(secret)) t.fail(`${shown}: the fault repeats content: ${error.message}`)
        }
      }
      for (const moment of ['stored', 'done'] as const) for (const verdict of VERDICTS) for (const fault of FAULTS) {
        const reply = format.acknowledge(bytes, moment, verdict, fault)
        if (reply !== null && !Buffer.isBuffer(reply)) t.fail(`${shown}: the acknowledgement is no buffer`)
      }
    }
    t.comment(`${refused} refusals of ${broken.length} pieces`)
  })
}

/** Copies with bytes changed, cut, doubled or left out; the same ones each time. */
const mutations = (bytes: Buffer, count: number): readonly Buffer[] => {
  let seed = bytes.length + 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return seed % Math.max(below, 1)
  }
  return Array.from({ length: count }, (_, n) => {
    const at = random(bytes.length)
    const to = Math.min(bytes.length, at + 1 + random(20))
    if (n % 4 === 0) return bytes.subarray(0, at)
    if (n % 4 === 1) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)])
    if (n % 4 === 2) return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)])
    const changed = Buffer.from(bytes)
    changed[at] = random(256)
    return changed
  })
}
