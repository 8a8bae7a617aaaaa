/** Keeps messages by their type and by what they say. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { pathsChecker } from '../../engine/formats/usable-paths.js'
import { makeTest, Test } from './tests.js'

export default defineTransform({
  name: 'keep',
  summary: 'Keeps the messages that are of one of these types and pass these tests; the others are filtered, and the history says by what.',
  settings: Type.Object({
    types: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Message types: `REF^I12`, `ADT` for every ADT, `Bundle`.' })),
    where: Type.Optional(Type.Union([
      Type.String({ minLength: 1, description: 'An expression of the format, FHIRPath for FHIR.' }),
      Type.Record(Type.String({ minLength: 1 }), Test, { minProperties: 1, description: 'Paths and what must be there; all of them.' }),
    ])),
  }, { additionalProperties: false, minProperties: 1 }),
  examples: [
    { types: ['REF^I12', 'ADT'] },
    { where: { 'PID-3.5': 'MR', 'PV1-2': ['O', 'E'], 'MSH-11': { not: 'T' }, 'PID-5.1': { matches: '^[A-Z]' }, 'PV1-19': { exists: true } } },
    { types: ['Bundle'], where: "ServiceRequest.priority in ('urgent' | 'stat')" },
  ],
  create({ types, where }, tools) {
    const tests = typeof where === 'object' ? Object.entries(where).map(([path, test]) => ({ path, ...makeTest(test, path) })) : []
    const expression = typeof where === 'string' ? where : null
    const checkPaths = pathsChecker(tests.map(({ path }) => path))
    return (message) => {
      const { type } = message.header
      if (types && !types.some((one) => type === one || type?.startsWith(`${one}^`))) return { filtered: `keep: the type is not ${types.join(' or ')}` }
      if (tests.length === 0 && expression === null) return [message]
      const format = tools.format(message.format)
      checkPaths(format)
      for (const { path, holds, expected } of tests) {
        if (!holds(format.read(message.body, path))) return { filtered: `keep: ${path} ${expected}` }
      }
      if (expression !== null) {
        if (!format.test) throw new MessageFault({ kind: 'internal', reason: `${format.name} has no expressions; write paths and values: \`where: { path: value }\`` })
        if (!format.test(message.body, expression)) return { filtered: `keep: not ${expression}` }
      }
      return [message]
    }
  },
})
