/** `refero explain`: a channel as it runs, and where each value comes from. */
import { JSON_OPTION, type Command } from '../command.js'
import { explainChannel, explainedYaml } from '../tools/explain.js'
import { readInstallation } from '../installation.js'
import { findPieces } from '../registry.js'
import { revisionOf } from '../revisions/snapshot.js'
import { oneChannel } from './parts/one-channel.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'

const explain: Command = {
  name: 'explain',
  summary: 'Shows a channel as it runs: every value, and where it comes from.',
  usage: 'CHANNEL [--channels DIR] [--json]',
  words: 1,
  options: { ...SETTINGS_OPTIONS, ...JSON_OPTION },
  exits: '0 explained, 1 the channel’s file is broken, 2 there is no such channel.',
  async run(given, terminal) {
    const { channels, problems } = await readInstallation(loadInstallation(given, terminal), await findPieces())
    const channel = oneChannel(given.words[0], channels, problems, terminal)
    if (!channel) return 1
    const values = explainChannel(channel)
    const { file, usedVariables: variables, secretsUsed: secrets, files } = channel
    const revision = revisionOf(channel) // as the history and stored messages name it
    if (given.flag('json')) terminal.out(JSON.stringify({ channel: channel.definition.name, file, revision, variables, secrets, files, values }))
    else for (const line of [`# ${file}, revision ${revision}; its tests are not shown`, ...explainedYaml(values)]) terminal.out(line)
    return 0
  },
}

export default explain
