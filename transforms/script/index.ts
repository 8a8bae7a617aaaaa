/** Runs a function of the analyst's own over messages, in a sandbox. */
import { isUtf8 } from 'node:buffer'
import { Type } from 'typebox'
import type { Message, MessageFormat, StepResult } from '../../engine/contracts.js'
import { defineTransform } from '../../engine/define.js'
import { duration, Duration, size, Size, withDefault } from '../../engine/units.js'
import { checkScript, type Host, openSandbox, type Sandbox } from './sandbox.js'
import { refuseSpoilt } from './spoilt.js'

const DEFAULTS = { deadline: '100ms', memory: '16MB' }
const JSON_FORMATS = ['fhir', 'json']
const MOST_WRITES = 100_000

export default defineTransform({
  name: 'script',
  summary: 'Runs a JavaScript function over each message, in a sandbox: `export default (message) => message`. For what no other step can say.',
  settings: Type.Object({
    file: Type.String({ minLength: 1, description: 'The script, beside the channel.' }),
    deadline: Type.Optional(withDefault(Duration, DEFAULTS.deadline, 'How long it may take for one message.')),
    memory: Type.Optional(withDefault(Size, DEFAULTS.memory, 'How much memory it may use.')),
  }, { additionalProperties: false }),
  examples: [{ file: 'split-names.js' }, { file: 'split-names.js', deadline: '50ms', memory: '32MB' }],
  create(settings, tools) {
    const { file } = settings
    const script = { source: tools.beside(file).text, file }
    const limits = { deadline: duration(settings.deadline ?? DEFAULTS.deadline), memory: size(settings.memory ?? DEFAULTS.memory) }
    if (limits.memory < 1024 ** 2) throw new Error('`memory` must be at least 1MB.')
    if (limits.deadline < 1 || limits.deadline > 10_000) throw new Error('`deadline` must be between 1ms and 10s: nothing else happens while a script runs.')
    checkScript(script, limits)
    let opening: Promise<Sandbox> | null = null
    let sandbox: Sandbox | null = null
    const run = (message: Message, within: Sandbox): StepResult => {
      try {
        return runScript(message, tools.format(message.format), within, file)
      } finally {
        if (within.spent && sandbox === within) sandbox = null
      }
    }
    const open = (): Promise<Sandbox> => {
      opening ??= openSandbox(script, limits).then((opened) => {
        sandbox = opened
        return opened
      }).finally(() => {
        opening = null
      })
      return opening
    }
    const step = (message: Message): StepResult | Promise<StepResult> => (sandbox ? run(message, sandbox) : open().then((opened) => (opened.spent ? step(message) : run(message, opened))))
    return step
  },
})

const runScript = (message: Message, format: MessageFormat, sandbox: Sandbox, file: string): StepResult => {
  const json = JSON_FORMATS.includes(format.name)
  const { host, first, bodyOf } = json ? jsonStates(message.body, format) : bodyStates(message.body, format)
  const facts = { id: message.id, channel: message.channel, receivedAt: message.receivedAt.toISOString(), type: message.header.type, controlId: message.header.controlId, format: format.name, json }
  const returned = sandbox.run(JSON.stringify({ facts, state: first }), host)
  if (returned.length === 0) return { filtered: `script: ${file} returned no message` }
  for (const state of returned) if (state !== first) refuseSpoilt(host.text(state), host.text(first), file)
  return returned.map((state) => (state === first ? message : { ...message, body: bodyOf(state) }))
}

interface States {
  readonly host: Host
  readonly first: string
  bodyOf(state: string): unknown
}

/** The state of a JSON body is its text. What a script makes is read as if it had arrived, so that FHIR is checked. */
const jsonStates = (body: unknown, format: MessageFormat): States => {
  const bodyOf = (state: string): unknown => format.parse(format.serialize(JSON.parse(state)))
  const host: Host = {
    read: (state, path) => format.read(JSON.parse(state), path),
    write: (state, path, value) => JSON.stringify(format.write(JSON.parse(state), path, value)),
    text: (state) => state,
    parse: (text) => text,
  }
  return { host, first: JSON.stringify(body), bodyOf }
}

/** The state of any other body is its number in a list. Text that is not UTF-8 is given byte for byte, as ISO 8859-1. */
const bodyStates = (body: unknown, format: MessageFormat): States => {
  const bodies = [body]
  let encoding: BufferEncoding | undefined
  const encodingOf = (): BufferEncoding => {
    encoding ??= isUtf8(format.serialize(body)) ? 'utf8' : 'latin1'
    return encoding
  }
  const bodyOf = (state: string): unknown => bodies[Number(state)]
  const keep = (made: unknown): string => {
    if (bodies.length > MOST_WRITES) throw new Error(`a script may write at most ${MOST_WRITES} times`)
    return String(bodies.push(made) - 1)
  }
  const host: Host = {
    read: (state, path) => format.read(bodyOf(state), path),
    write: (state, path, value) => keep(format.write(bodyOf(state), path, value)),
    text: (state) => format.serialize(bodyOf(state)).toString(encodingOf()),
    parse: (text) => keep(format.parse(Buffer.from(text, encodingOf()))),
  }
  return { host, first: '0', bodyOf }
}
