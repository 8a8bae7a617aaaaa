/** `refero save-test`: a stored message becomes a fixture and a test of its channel, with nothing left of its people. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ownSettings } from '../../config/loader.js'
import type { MockOutcome } from '../channel-definition.js'
import { JSON_OPTION, type Command } from '../command.js'
import type { DeliveryStatus } from '../contracts.js'
import { deidentificationKey, deidentifier } from '../deidentify/deidentify.js'
import { ReferoError } from '../errors.js'
import { readInstallation } from '../installation.js'
import { extensionOf } from '../tools/new-channel.js'
import { shown } from '../problem.js'
import { findPieces } from '../registry.js'
import { saveTest } from '../tools/save-test.js'
import { plainTools } from '../world.js'
import { ENGINE_OPTIONS } from './parts/engine-api.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'
import { askMessage, bytesOf, messageNumber, type StoredMessage } from './parts/stored-message.js'
import { testWorld } from './parts/test-world.js'

const save: Command = {
  name: 'save-test',
  summary: 'Makes a stored message a fixture and a test of its channel, de-identified.',
  usage: 'MESSAGE [--name TEXT] [--as-is]',
  words: 1,
  options: {
    ...SETTINGS_OPTIONS,
    name: { type: 'string', value: 'TEXT', describe: 'what the test is called; its type and number unless said' },
    'as-is': { type: 'boolean', describe: 'keep the message as it is, people and all: never for a real one' },
    ...ENGINE_OPTIONS,
    ...JSON_OPTION,
  },
  exits: '0 saved and passing, 2 not saved (and nothing was written).',
  async run(given, terminal) {
    const message = await askMessage(given, terminal, messageNumber(given, 0))
    const stored = bytesOf(message.content)
    if (!stored) throw new ReferoError('FORGOTTEN')
    const configuration = loadInstallation(given, terminal)
    const own = ownSettings(configuration.settings)
    const settings = own.channels === configuration.settings.channels ? own : configuration.settings // a test of a shipped channel is shipped with it
    const pieces = await findPieces()
    const { channels, mappings, context } = await readInstallation(configuration, pieces)
    const channel = channels.find(({ definition }) => definition.name === message.channel)
    if (!channel) throw new ReferoError('NOT_FOUND', `No channel of ${shown(settings.channels)} is called ${message.channel}; name its folder with --channels.`)
    const tools = plainTools(pieces, mappings)
    const { name: format, settings: reading } = channel.definition.format
    const parsed = pieces.formats.get(format)?.create(reading, tools) ?? tools.format(format)
    const sample = given.flag('as-is') ? stored : deidentifier(deidentificationKey(settings.data), tools.mapping)(stored, parsed)
    const fixture = join(message.channel, `message-${message.id}.${extensionOf(format)}`)
    const name = given.text('name') ?? `${message.header.type ?? 'a message'}, as message ${message.id}`
    const file = resolve(channel.file)
    await saveTest(file, readFileSync(file, 'utf8'), { name, sample, fixture, mock: mocksOf(message) }, { context, world: testWorld(settings, pieces, mappings) })
    const path = shown(join(settings.fixtures, fixture))
    if (given.flag('json')) terminal.out(JSON.stringify({ channel: message.channel, test: name, fixture: path }))
    else terminal.out(`“${name}” is a test of ${channel.file} now, and passes.\n  ${path}${given.flag('as-is') ? '' : ': names, ids and numbers replaced, dates shifted, free text scrubbed. Read it before you share it.'}`)
    return 0
  },
}

export default save

/** How each receiver answered, where it did not simply take it. */
function mocksOf({ deliveries }: StoredMessage): Readonly<Record<string, MockOutcome>> {
  const answers: Partial<Record<DeliveryStatus, MockOutcome>> = { queued: 'unavailable', sending: 'unavailable', held: 'unknown', error: 'refused' }
  return Object.fromEntries(deliveries.flatMap(({ destination, status }) => (answers[status] ? [[destination, answers[status]] as const] : [])))
}
