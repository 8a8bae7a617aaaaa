/** `refero fmt`: channel files in one order of keys and one way of writing, so that a difference is a change. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { JSON_OPTION, type Command } from '../command.js'
import { ReferoError } from '../errors.js'
import { formatChannel } from '../tools/fmt.js'
import { type Problem, problemLine, shown } from '../problem.js'
import { loadSettings, SETTINGS_OPTIONS } from './parts/settings.js'

const fmt: Command = {
  name: 'fmt',
  summary: 'Writes channel files in one order of keys and one way; comments stay.',
  usage: '[FILE …] [--check] [--channels DIR]',
  options: { config: SETTINGS_OPTIONS.config, channels: SETTINGS_OPTIONS.channels, check: { type: 'boolean', describe: 'write nothing, and say which would be written' }, ...JSON_OPTION },
  exits: '0 all are as they should be now, 1 some are not (with --check) or are no YAML, 2 a file is not there. Without FILE, all of the folder of channels.',
  async run(given, terminal) {
    const files = given.words.length > 0 ? given.words : inFolder(loadSettings(given, terminal).channels)
    const problems: Problem[] = []
    const changed: string[] = []
    for (const file of files) {
      if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new ReferoError('NOT_FOUND', `There is no file ${file}.`)
      const text = readFileSync(file, 'utf8')
      const formatted = formatChannel(file, text)
      if ('problems' in formatted) problems.push(...formatted.problems)
      else if (formatted.text !== text) {
        changed.push(shown(file))
        if (!given.flag('check')) writeFileSync(file, formatted.text)
      }
    }
    if (given.flag('json')) terminal.out(JSON.stringify({ changed, problems }))
    else {
      for (const problem of problems) terminal.err(problemLine(problem))
      for (const file of changed) terminal.out(`${given.flag('check') ? 'would be written' : 'written'}  ${file}`)
      terminal.out(`${files.length} files, ${changed.length} ${given.flag('check') ? 'not as they should be' : 'written'}.`)
    }
    return problems.length > 0 || (given.flag('check') && changed.length > 0) ? 1 : 0
  },
}

const inFolder = (folder: string): string[] => readdirSync(folder).filter((name) => /\.ya?ml$/i.test(name) && !name.startsWith('.')).sort().map((name) => join(folder, name))

export default fmt
