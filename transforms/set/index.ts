/** Writes values into a message. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { pathsChecker } from '../../engine/formats/usable-paths.js'

const Value = Type.Union([
  Type.String(), Type.Number(), Type.Boolean(), Type.Null(),
  Type.Object({ from: Type.String({ minLength: 1, description: 'The path to take the value from: the first, where it has several.' }) }, { additionalProperties: false }),
], { description: 'A value, `{ from: path }`, or null for nothing.' })

export default defineTransform({
  name: 'set',
  summary: 'Writes values into a message, in order: a value, what another path has, or nothing.',
  settings: Type.Record(Type.String({ minLength: 1 }), Value, { minProperties: 1, description: 'The path to write to, and what to write there.' }),
  examples: [{ 'MSH-5': 'EHR', 'MSH-6': 'MAIN', 'ZRF-1': { from: 'PID-3.1' }, 'PID-19': null }, { 'ServiceRequest.priority': 'urgent' }],
  create(settings, tools) {
    const rules = Object.entries(settings).map(([path, value]) => (value !== null && typeof value === 'object' ? { path, from: value.from, text: null } : { path, from: null, text: value === null ? null : String(value) }))
    const checkPaths = pathsChecker(rules.flatMap(({ path, from }) => (from === null ? [path] : [path, from])))
    return (message) => {
      const format = tools.format(message.format)
      checkPaths(format)
      let { body } = message
      for (const { path, from, text } of rules) body = format.write(body, path, from === null ? text : (format.read(body, from)[0] ?? null))
      return [{ ...message, body }]
    }
  },
})
