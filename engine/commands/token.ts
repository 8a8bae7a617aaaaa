/** `refero token`: makes a new token for the operations API; the one before it no longer holds. */
import { newToken } from '../api/token.js'
import { JSON_OPTION, type Command } from '../command.js'
import { loadSettings, SETTINGS_OPTIONS } from './parts/settings.js'

const token: Command = {
  name: 'token',
  summary: 'Makes a new token for the operations API; the old one no longer holds.',
  usage: '[--data DIR]',
  words: 0,
  options: { ...SETTINGS_OPTIONS, ...JSON_OPTION },
  exits: '0 made, 2 not made.',
  async run(given, terminal) {
    const made = newToken(loadSettings(given, terminal).data)
    terminal.out(given.flag('json') ? JSON.stringify({ token: made }) : made)
    return 0
  },
}

export default token
