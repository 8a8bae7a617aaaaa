/** `refero channel`: pauses, stops and starts a channel or one of its destinations, or removes it. */
import { type Command, type Given, JSON_OPTION, type Terminal } from '../command.js'
import { askedSentence } from '../control.js'
import type { ChannelStatus } from '../engine.js'
import { ReferoError } from '../errors.js'
import type { Change, ChannelFileNow } from '../revisions/requests.js'
import { CHANGING_OPTIONS, propose } from './parts/changing.js'
import { askEngine, BY_OPTION, byWhom, ENGINE_OPTIONS } from './parts/engine-api.js'
import { plainLine } from './parts/plain.js'

const channel: Command = {
  name: 'channel',
  summary: 'Pauses, stops, starts or removes a channel; it stays so over restarts.',
  usage: 'pause|stop|start NAME [--destination NAME] [--why TEXT] | remove NAME [--dry-run | --yes]',
  options: {
    destination: { type: 'string', value: 'NAME', describe: 'pause or start only what is sent there; it waits in its queue' },
    abandon: { type: 'boolean', describe: 'with remove: although messages wait' },
    ...CHANGING_OPTIONS,
    ...BY_OPTION,
    ...ENGINE_OPTIONS,
    ...JSON_OPTION,
  },
  exits: '0 done, 1 refused or not confirmed, 2 it could not be done.',
  async run(given, terminal) {
    const [verb = '', name, ...more] = given.words
    if (!VERBS.includes(verb)) throw new ReferoError('USAGE', `Say what: ${VERBS.join(', ')}. \`refero serve\` starts the engine itself.`)
    if (name === undefined || more.length > 0) throw new ReferoError('USAGE', 'Name one channel.')
    return verb === 'remove' ? remove(name, given, terminal) : ask(verb, name, given, terminal)
  },
}

const VERBS = ['pause', 'stop', 'start', 'remove']

async function ask(verb: string, name: string, given: Given, terminal: Terminal): Promise<number> {
  const destination = given.text('destination')
  if (destination !== undefined && verb === 'stop') throw new ReferoError('USAGE', 'A destination can be paused and started.')
  const path = `/api/channels/${encodeURIComponent(name)}${destination === undefined ? '' : `/destinations/${encodeURIComponent(destination)}`}/${verb}`
  const status = (await askEngine(given, terminal, path, { by: byWhom(given, terminal), why: given.text('why') ?? '' })) as ChannelStatus
  terminal.out(given.flag('json') ? JSON.stringify(status) : plainLine(destination === undefined ? sentenceOf(status) : destinationSentence(status, destination)))
  return status.state === 'failed' ? 1 : 0
}

const sentenceOf = ({ name, state, listening, trouble, asked }: ChannelStatus): string =>
  `${name} is ${asked ? askedSentence(asked) : `${state}${listening ? `, ${listening}` : ''}${trouble ? `: ${trouble}` : ''}`}.`

const destinationSentence = ({ name, destinations }: ChannelStatus, destination: string): string => {
  const asked = destinations.find((one) => one.name === destination)?.asked
  return `The destination ${destination} of ${name} is ${asked ? askedSentence(asked) : 'served'}.`
}

async function remove(name: string, given: Given, terminal: Terminal): Promise<number> {
  const path = `/api/channels/${encodeURIComponent(name)}`
  const { basedOn } = (await askEngine(given, terminal, path)) as ChannelFileNow
  const body = { basedOn, abandon: given.flag('abandon'), by: byWhom(given, terminal), why: given.text('why') ?? '' }
  return propose(given, terminal, `Remove ${name}?`, async (dryRun) => (await askEngine(given, terminal, path, { ...body, dryRun }, 'DELETE')) as Change)
}

export default channel
