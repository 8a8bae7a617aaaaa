/** `refero map`: runs a mapping over a sample and shows every value beside where it came from; again at every change with `--watch`. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Configuration, shippedMappings } from '../../config/loader.js'
import { clock } from '../clock.js'
import { JSON_OPTION, type Command, type Given, type Terminal } from '../command.js'
import { ReferoError, sentence } from '../errors.js'
import { openMappings } from '../mappings.js'
import { findPieces, type Pieces } from '../registry.js'
import { reloadWorker } from '../reload.js'
import { type TriedMapping, tryMapping } from '../tools/try-mapping.js'
import { plainTools } from '../world.js'
import { columns } from './parts/columns.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'
import { untilStopped } from './parts/until-stopped.js'

const WIDEST = 60 // characters of a value that a line shows

const map: Command = {
  name: 'map',
  summary: 'Runs a mapping over a sample message and shows where every value came from.',
  usage: 'MAPPING SAMPLE [--output] [--watch]',
  words: 2,
  options: {
    config: SETTINGS_OPTIONS.config,
    timezone: { type: 'string', value: 'ZONE', describe: 'the time zone (IANA) of times that name none' },
    output: { type: 'boolean', describe: 'print what came out itself, the FHIR Bundle or the HL7 v2 message, instead of the table' },
    watch: { type: 'boolean', describe: 'go on, and show it again whenever the mapping or the sample changes' },
    ...JSON_OPTION,
  },
  exits: '0 mapped, 1 the sample cannot be mapped, 2 it could not be tried.',
  async run(given, terminal) {
    const [name, sample, ...more] = given.words
    if (!name || !sample || more.length > 0) throw new ReferoError('USAGE', 'Name a mapping (a file of mappings/fields/ without .yaml) and a sample: refero map referral fixtures/hl7v2/ref-i12-cardiology.hl7')
    const configuration = loadInstallation(given, terminal)
    const pieces = await findPieces()
    if (!given.flag('watch')) return once(name, sample, configuration, pieces, given, terminal)
    const again = async (): Promise<void> => {
      terminal.out(terminal.interactive ? '\x1b[2J\x1b[H' : '')
      await once(name, sample, configuration, pieces, given, terminal).catch((error: unknown) => terminal.err(`refero: ${sentence(error)}`)) // while it is mended
    }
    await again()
    terminal.err('Watching; Ctrl-C ends it.')
    const worker = reloadWorker([configuration.settings.mappings, resolve(sample)], again, clock, () => {})
    worker.start()
    await untilStopped()
    await worker.stop()
    return 0
  },
}

export default map

async function once(name: string, sample: string, { settings }: Configuration, pieces: Pieces, given: Given, terminal: Terminal): Promise<number> {
  const bytes = readFileSync(sample)
  const timezone = given.text('timezone')
  let tried: TriedMapping
  try {
    tried = await tryMapping(name.replace(/^(mappings\/)?fields\/|\.yaml$/g, ''), bytes, pieces, plainTools(pieces, openMappings(settings.mappings, shippedMappings())), timezone ? { timezone } : {})
  } catch (error) {
    if (error instanceof ReferoError) throw error
    if (given.flag('json')) terminal.out(JSON.stringify({ error: sentence(error), code: 'WRONG_FILE', hint: 'Mend the mapping, or name another sample.' }))
    else terminal.err(`refero: ${sample}: ${sentence(error)}`)
    return 1
  }
  if (given.flag('output')) terminal.out(tried.output.replace(/\r\n?/g, '\n').trimEnd())
  else if (given.flag('json')) terminal.out(JSON.stringify(tried))
  else print(tried, terminal)
  return 0
}

function print({ values, notes }: TriedMapping, terminal: Terminal): void {
  const rows = values.map(({ place, value, origin, confidence }) => [place, shortened(value), `${origin ?? 'the mapping'}${confidence === null ? '' : ` (${Math.round(confidence * 100)} %)`}`])
  for (const line of columns([['where', 'value', 'from'], ...rows])) terminal.out(line)
  if (notes.length > 0) terminal.out(`\nNot carried, or not as it should be:\n${notes.map((note) => `  ${note}`).join('\n')}`)
  terminal.out(`\n${values.length} values, ${notes.length} places without one.`)
}

const shortened = (text: string): string => {
  const line = text.replace(/\s+/g, ' ')
  return line.length > WIDEST ? `${line.slice(0, WIDEST - 1)}…` : line
}
