/** Replaces a code by what a code table says. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { pathsChecker } from '../../engine/formats/usable-paths.js'

export default defineTransform({
  name: 'translate',
  summary: 'Looks a code up in a table of mappings/codes/ and writes what the table says.',
  settings: Type.Object({
    path: Type.String({ minLength: 1, description: 'Where the code is. Where nothing is, nothing is done.' }),
    with: Type.String({ minLength: 1, description: 'The table: the name of its file in mappings/codes/, without `.yaml`.' }),
    unknown: Type.Optional(Type.Union([Type.Literal('error'), Type.Literal('keep'), Type.Literal('empty')], { default: 'error', description: 'For a code that the table does not have: `error` fails the message, `keep` writes the code itself, `empty` nothing.' })),
    to: Type.Optional(Type.String({ minLength: 1, description: 'Where to write instead of `path`.' })),
    column: Type.Optional(Type.String({ minLength: 1, description: 'The column of the table to write; left out, the first after the code.' })),
  }, { additionalProperties: false }),
  examples: [{ path: 'PV1-10', with: 'hospital-service', unknown: 'keep' }, { path: 'PV1-10.1', with: 'hospital-service', to: 'PV1-10.2', column: 'display', unknown: 'empty' }],
  create({ path, with: name, unknown = 'error', to = path, column }, tools) {
    const table = tools.table(name)
    const checkPaths = pathsChecker([path, to])
    const translated = (code: string): string | null => {
      const row = table.lookup(code)
      if (row) return (column === undefined ? Object.values(row)[0] : row[column]) || null
      if (unknown === 'error') throw new MessageFault({ kind: 'value', reason: `the code table \`${name}\` does not have this code`, location: path })
      return unknown === 'keep' ? code : null
    }
    return (message) => {
      const format = tools.format(message.format)
      checkPaths(format)
      const [code, ...more] = format.read(message.body, path)
      if (code === undefined) return [message]
      if (more.length > 0) throw new MessageFault({ kind: 'value', reason: `has ${more.length + 1} values, and one can be translated; name which one`, location: path })
      return [{ ...message, body: format.write(message.body, to, translated(code)) }]
    }
  },
})
