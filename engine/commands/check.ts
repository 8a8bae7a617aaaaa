/** `refero check`: reads every channel file and the tables of the desk, and says what is wrong with them, without starting anything. */
import { checkTables } from '../../referrals/check-tables.js'
import { checkChannels } from '../check/check.js'
import { JSON_OPTION, type Command } from '../command.js'
import { readInstallation } from '../installation.js'
import { inOrder, problemLine } from '../problem.js'
import { findPieces } from '../registry.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'

const check: Command = {
  name: 'check',
  summary: 'Checks every channel file and the tables of the referral desk, without starting anything.',
  usage: '[--channels DIR] [--deny-warnings]',
  words: 0,
  options: { ...SETTINGS_OPTIONS, 'deny-warnings': { type: 'boolean', describe: 'warnings count as errors' }, ...JSON_OPTION },
  exits: '0 nothing wrong, 1 something is, 2 it could not be checked.',
  async run(given, terminal) {
    const { channels, problems, context, mappings } = await readInstallation(loadInstallation(given, terminal), await findPieces())
    const all = inOrder([...problems, ...checkChannels(channels, context), ...checkTables(mappings)])
    if (given.flag('json')) terminal.out(JSON.stringify(all))
    else for (const problem of all) terminal.out(problemLine(problem))
    const errors = all.filter(({ severity }) => severity === 'error').length
    const warnings = all.length - errors
    if (!given.flag('json')) terminal.out(`${counted(channels.length, 'channel')} read: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}.`)
    return errors > 0 || (given.flag('deny-warnings') && warnings > 0) ? 1 : 0
  },
}

export default check

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`
