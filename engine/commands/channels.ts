/** `refero channels`: what every channel of a running engine does, and since when its present revision runs. */
import { type Command, JSON_OPTION } from '../command.js'
import type { ChannelStatus } from '../engine.js'
import { columns } from './parts/columns.js'
import { askEngine, ENGINE_OPTIONS } from './parts/engine-api.js'
import { plainLine } from './parts/plain.js'

type Listed = ChannelStatus & { readonly sequence: number | null; readonly since: string | null; readonly by: string | null; readonly waiting: number; readonly held: number }

const channels: Command = {
  name: 'channels',
  summary: 'Shows every channel of a running engine: its state, revision and queue.',
  usage: '',
  words: 0,
  options: { ...ENGINE_OPTIONS, ...JSON_OPTION },
  exits: '0 all run or rest as asked, 1 some do not work, 2 it could not be asked.',
  async run(given, terminal) {
    const { channels: all } = (await askEngine(given, terminal, '/api/channels')) as { channels: readonly Listed[] }
    if (given.flag('json')) terminal.out(JSON.stringify(all))
    else if (all.length === 0) terminal.out('There are no channels.')
    else for (const line of columns([['channel', 'state', 'listening', 'revision', 'since', 'by', 'waiting', 'held'], ...all.map(row)])) terminal.out(line)
    if (!given.flag('json')) for (const { name, trouble, asked } of all) if (trouble ?? asked) terminal.err(plainLine(`${name}: ${trouble ?? `${asked?.state} by ${asked?.by}${asked?.why ? `: ${asked.why}` : ''}`}`))
    return all.some(({ state }) => state === 'failed' || state === 'starting') ? 1 : 0
  },
}

const row = ({ name, state, listening, sequence, revision, since, by, waiting, held, destinations }: Listed): string[] => {
  const resting = destinations.filter(({ asked }) => asked).map((one) => one.name)
  return [name, resting.length > 0 ? `${state}, not to ${resting.join(', ')}` : state, listening ?? '', `${sequence ?? '?'} ${revision}`, since ?? '', by ?? '', String(waiting), String(held)].map(plainLine)
}

export default channels
