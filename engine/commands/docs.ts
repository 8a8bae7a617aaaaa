/** `refero docs`: writes the reference pages and the JSON Schemas for editors. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { shippedMappings } from '../../config/loader.js'
import { JSON_OPTION, type Command } from '../command.js'
import { pages } from '../docs/pages.js'
import { openMappings } from '../mappings.js'
import { shown } from '../problem.js'
import { findPieces } from '../registry.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'

const docs: Command = {
  name: 'docs',
  summary: 'Writes the reference pages, and the JSON Schemas with which editors complete and check files.',
  usage: '[--out DIR] [--check]',
  words: 0,
  options: {
    config: SETTINGS_OPTIONS.config,
    out: { type: 'string', value: 'DIR', describe: 'where to; docs unless said' },
    check: { type: 'boolean', describe: 'write nothing, and say what is not current' },
    ...JSON_OPTION,
  },
  exits: '0 written (or all current), 1 some are not current, 2 they could not be written.',
  async run(given, terminal) {
    const { settings } = loadInstallation(given, terminal)
    const out = given.text('out') ?? 'docs'
    const all = pages(await findPieces(), await commands(), openMappings(settings.mappings, shippedMappings()))
    const changed = [...all].filter(([file, text]) => !existsSync(join(out, file)) || readFileSync(join(out, file), 'utf8') !== text).map(([file]) => file)
    if (!given.flag('check')) {
      for (const file of changed) {
        mkdirSync(dirname(join(out, file)), { recursive: true })
        writeFileSync(join(out, file), all.get(file) ?? '')
      }
    }
    if (given.flag('json')) terminal.out(JSON.stringify({ folder: out, files: [...all.keys()], changed }))
    else {
      for (const file of changed) terminal.out(`${given.flag('check') ? 'not current' : 'written'}  ${shown(join(out, file))}`)
      terminal.out(`${all.size} files, ${changed.length} ${given.flag('check') ? 'not current' : 'written'}.`)
    }
    return given.flag('check') && changed.length > 0 ? 1 : 0
  },
}

/** Every command in the order of names, this one too. */
export async function commands(): Promise<readonly Command[]> {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.js')).sort()
  return Promise.all(files.map(async (file) => ((await import(`./${file}`)) as { default: Command }).default))
}

export default docs
