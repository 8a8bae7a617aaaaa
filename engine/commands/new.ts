/** `refero new`: a channel from a sample message, with its mapping and one test that passes. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ownSettings, shippedMappings } from '../../config/loader.js'
import { JSON_OPTION, type Command, type Given } from '../command.js'
import { deidentificationKey, deidentifier } from '../deidentify/deidentify.js'
import { ReferoError, sentence } from '../errors.js'
import { readInstallation, type Installation } from '../installation.js'
import { openMappings } from '../mappings.js'
import { draftChannel, extensionOf, formatOf, type NewSource } from '../tools/new-channel.js'
import { shown } from '../problem.js'
import { findPieces, type Pieces } from '../registry.js'
import { saveTest } from '../tools/save-test.js'
import { plainTools } from '../world.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'
import { testWorld } from './parts/test-world.js'

const FIRST_PORT = 2576

const create: Command = {
  name: 'new',
  summary: 'Makes a channel from a sample message: source, steps, mapping, and one test that passes.',
  usage: 'NAME --from SAMPLE [--port PORT | --path /PATH | --folder DIR] [--as-is]',
  words: 1,
  options: {
    ...SETTINGS_OPTIONS,
    from: { type: 'string', value: 'FILE', describe: 'the sample message: HL7 v2, FHIR, JSON or text' },
    port: { type: 'string', value: 'PORT', describe: `listen for MLLP on this port; the first free one from ${FIRST_PORT} unless said` },
    path: { type: 'string', value: '/PATH', describe: 'take messages by HTTP at this path instead' },
    folder: { type: 'string', value: 'DIR', describe: 'take files from this folder instead' },
    'as-is': { type: 'boolean', describe: 'keep the sample as it is; without this it is de-identified before it becomes a fixture' },
    ...JSON_OPTION,
  },
  exits: '0 made, 2 not made (and nothing was written).',
  async run(given, terminal) {
    const [name, ...more] = given.words
    const from = given.text('from')
    if (!name || more.length > 0 || !from) throw new ReferoError('USAGE', 'Name the channel and a sample: refero new lab-results --from sample.hl7')
    if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) throw new ReferoError('USAGE', `\`${name}\` is no name for a channel: a lower-case letter, then lower-case letters, digits and hyphens.`)
    const configuration = loadInstallation(given, terminal)
    const settings = ownSettings(configuration.settings)
    const pieces = await findPieces()
    const installation = await readInstallation(configuration, pieces)
    const path = join(settings.channels, `${name}.yaml`)
    if (existsSync(path) || installation.channels.some(({ definition }) => definition.name === name)) throw new ReferoError('TAKEN', `A channel called ${name}.`)

    const tools = plainTools(pieces, installation.mappings)
    const { whole, name: formatName } = readSample(from)
    const format = tools.format(formatName)
    const separated = format.separate(whole) ?? [whole]
    const [first = whole] = separated
    const { bytes, draft } = told(from, () => {
      const kept = given.flag('as-is') ? first : deidentifier(deidentificationKey(settings.data), tools.mapping)(first, format)
      return { bytes: kept, draft: draftChannel(name, { bytes: kept, format }, sourceOf(given, format.name, installation, pieces), installation.mappings) }
    })
    const mapping = draft.mapping ? join(settings.mappings, 'fields', `${draft.mapping.name}.yaml`) : null
    if (mapping && existsSync(mapping)) throw new ReferoError('TAKEN', `The mapping ${shown(mapping)}, which is not for ${draft.type}.`)
    if (mapping && draft.mapping) mkdirSync(dirname(mapping), { recursive: true })
    if (mapping && draft.mapping) writeFileSync(mapping, draft.mapping.text, { flag: 'wx' })
    mkdirSync(settings.channels, { recursive: true })
    const fixture = join(name, `sample.${extensionOf(format.name)}`)
    try {
      const mappings = openMappings(settings.mappings, shippedMappings())
      const test = { name: `${draft.type ?? 'a message'} goes through as the sample did`, sample: bytes, fixture, mock: {} }
      await saveTest(path, draft.channel, test, { context: { ...installation.context, mappings }, world: testWorld(settings, pieces, mappings) })
    } catch (error) {
      if (mapping) rmSync(mapping, { force: true })
      throw error
    }
    const written = [path, ...(mapping ? [mapping] : []), join(settings.fixtures, fixture)].map(shown)
    if (given.flag('json')) terminal.out(JSON.stringify({ channel: name, written, messages: separated.length }))
    else {
      if (separated.length > 1) terminal.out(`${from} holds ${separated.length} messages; the first is the sample.\n`)
      const taken = settings.channels === configuration.settings.channels
        ? 'an engine that runs with this folder takes it up by itself.'
        : `${shown(settings.channels)}/ is new: an engine that is started here runs it instead of the shipped channels.`
      terminal.out(`Written, and its test passes:\n${written.map((file) => `  ${file}`).join('\n')}\n\nNext: read the channel file; \`refero map\` shows what its mapping makes of a sample; \`refero test ${name}\` runs its test; ${taken}`)
    }
    return 0
  },
}

export default create

/** A file that may hold a sample, and the format that it is in. */
function readSample(file: string): { readonly whole: Buffer; readonly name: ReturnType<typeof formatOf> } {
  const whole = readFileSync(file)
  if (whole.toString('latin1').trim() === '') throw new ReferoError('WRONG_FILE', `${file} is empty.`)
  if (whole.includes(0)) throw new ReferoError('WRONG_FILE', `${file} is no text: a sample is HL7 v2, FHIR, JSON or text.`)
  return { whole, name: formatOf(whole) }
}

/** Says of which file something is wrong. */
function told<T>(file: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof ReferoError) throw error
    throw new ReferoError('WRONG_FILE', `${file}: ${sentence(error)}.`, { cause: error })
  }
}

function sourceOf(given: Given, format: string, { channels }: Installation, pieces: Pieces): NewSource {
  const path = given.text('path')
  const folder = given.text('folder')
  if (path) return { http: { path } }
  if (folder) return { file: { folder } }
  const port = given.text('port')
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) throw new ReferoError('USAGE', `--port is a number up to 65535, not \`${port}\`.`)
  if (port !== undefined) return { mllp: { port: Number(port) } }
  if (format !== 'hl7v2') return { http: { path: `/${given.words[0]}` } }
  const taken = new Set(channels.flatMap(({ definition: { source } }) => pieces.sources.get(source.name)?.claims?.(source.settings) ?? []))
  let free = FIRST_PORT
  while (taken.has(`port ${free}`)) free += 1
  return { mllp: { port: free } }
}
