/** What transforms are given in tests: every format, the shipped mappings, and a file beside the channel. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Message, MessageFormat, Tools } from '../../engine/contracts.js'
import { openMappings } from '../../engine/mappings.js'
import { findPieces } from '../../engine/registry.js'
import { connectorTools } from '../conformance/connectors.js'
import { settingsOf } from '../conformance/formats.js'
import { messageOf } from '../conformance/transforms.js'

export const ROOT = join(import.meta.dirname, '../../..')

export const pieces = await findPieces()
const mappings = openMappings(join(ROOT, 'mappings'))
const formats = new Map<string, MessageFormat>()

/** Tools with real formats and mappings; `files` are the texts beside the channel. */
export const transformTools = (files: Readonly<Record<string, string>> = {}): Tools => {
  const { tools } = connectorTools({
    format: (name) => formats.get(name) ?? make(name),
    table: mappings.table,
    mapping: mappings.mapping,
    beside: (name) => {
      const text = files[name]
      if (text === undefined) throw new Error(`there is no file ${name}`)
      return { text, file: `/channels/${name}` }
    },
  })
  const make = (name: string): MessageFormat => {
    const definition = pieces.formats.get(name)
    if (!definition) throw new Error(`no format is called ${name}`)
    const format = definition.create(settingsOf(definition.settings, {}).settings, tools)
    formats.set(name, format)
    return format
  }
  return tools
}

/** A fixture as a message of its folder's format: "hl7v2/ref-i12-cardiology.hl7". */
export const fixture = (path: string): Message => messageOf(transformTools().format(path.split('/')[0] ?? ''), readFileSync(join(ROOT, 'fixtures', path)))

/** The text of a part of transforms/README.md: the first code block of that language after a heading. */
export const example = (heading: string, language: string): string => {
  const [, after = ''] = readFileSync(join(ROOT, 'transforms/README.md'), 'utf8').split(`\n## ${heading}\n`)
  return new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(after)?.[1] ?? ''
}
