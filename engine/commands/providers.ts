/** `refero providers import`: reads providers into the directory of a running desk, from NPPES files and from FHIR. */
import { basename } from 'node:path'
import { JSON_OPTION, type Command, type Given, type Terminal } from '../command.js'
import { ReferoError, sentence } from '../errors.js'
import { BY_OPTION, byWhom, ENGINE_OPTIONS, sendToEngine } from './parts/engine-api.js'
import { csvPortions, fhirBundle, isFhir } from './parts/provider-files.js'

interface Counts { readonly read: number; readonly added: number; readonly known: number; readonly skipped: number }
const NONE: Counts = { read: 0, added: 0, known: 0, skipped: 0 }
const PROGRESS = 2_000 // milliseconds between two lines

const providers: Command = {
  name: 'providers',
  summary: 'Reads providers into the running desk: NPPES data and endpoint files (CSV), or FHIR (Bundles, NDJSON).',
  usage: 'import FILE … [--state WI,IL] [--zip 537,53] [--taxonomy 207R] [--why TEXT]',
  options: {
    state: { type: 'string', value: 'LIST', describe: 'of an NPPES file: only practices in these states, with commas between' },
    zip: { type: 'string', value: 'LIST', describe: 'only postal codes that begin so' },
    taxonomy: { type: 'string', value: 'LIST', describe: 'only NUCC taxonomy codes that begin so' },
    why: { type: 'string', value: 'TEXT', describe: 'why, for the history of each provider; "import of FILE" unless said' },
    ...BY_OPTION,
    ...ENGINE_OPTIONS,
    ...JSON_OPTION,
  },
  exits: '0 read, 2 it could not be read; what came before the mistake is kept, and read again it is known.',
  async run(given, terminal) {
    const [verb, ...files] = given.words
    if (verb !== 'import') throw new ReferoError('USAGE', 'Say what: `refero providers import FILE …`.')
    if (files.length === 0) throw new ReferoError('USAGE', 'Name a file: npidata_pfile_….csv or endpoint_pfile_….csv of NPPES, or FHIR as .json or .ndjson.')
    const fhir = files.filter(isFhir)
    for (const file of files.filter((one) => !fhir.includes(one))) tell(given, terminal, [file], await importCsv(file, given, terminal))
    if (fhir.length > 0) {
      const bundle = fhirBundle(fhir)
      const counts = (await sendToEngine(given, terminal, pathFor(fhir, given, terminal), JSON.stringify(bundle), 'application/fhir+json')) as Counts
      tell(given, terminal, fhir, counts)
    }
    return 0
  },
}

/** In portions, each a request of its own: so it can be followed, and no file is too large. */
async function importCsv(file: string, given: Given, terminal: Terminal): Promise<Counts> {
  let all = NONE
  let told = Date.now()
  for await (const { text, line, share } of csvPortions(file)) {
    const counts = await sendToEngine(given, terminal, pathFor([file], given, terminal), text, 'text/csv').catch((error: unknown) => {
      if (error instanceof ReferoError && error.code !== 'UNFIT' && error.code !== 'USAGE') throw error
      const said = error instanceof ReferoError ? (error.detail ?? sentence(error)) : sentence(error)
      throw new ReferoError('WRONG_FILE', `${file}:${line}:1: ${said.replace(/ \d+ records were read before; those are kept\.$/, '')}${all.read > 0 ? ` ${all.read} records were read before; those are kept.` : ''}`)
    })
    all = sum(all, counts as Counts)
    if (!given.flag('json') && Date.now() - told >= PROGRESS) {
      told = Date.now()
      terminal.err(`  ${basename(file)}: ${Math.floor(share * 100)} %, ${sentenceOf(all)}`)
    }
  }
  return all
}

function pathFor(files: readonly string[], given: Given, terminal: Terminal): string {
  const query = new URLSearchParams({ by: byWhom(given, terminal), reason: given.text('why') ?? `import of ${files.map((file) => basename(file)).join(', ')}`.slice(0, 500) })
  for (const name of ['state', 'zip', 'taxonomy']) for (const value of given.text(name)?.split(',').map((one) => one.trim()).filter(Boolean) ?? []) query.append(name, value)
  return `/api/providers/import?${query}`
}

const sum = (one: Counts, other: Counts): Counts => ({ read: one.read + other.read, added: one.added + other.added, known: one.known + other.known, skipped: one.skipped + other.skipped })

const sentenceOf = ({ read, added, known, skipped }: Counts): string => `${read} read: ${added} added, ${known} known, ${skipped} skipped`

function tell(given: Given, terminal: Terminal, files: readonly string[], counts: Counts): void {
  terminal.out(given.flag('json') ? JSON.stringify({ files, ...counts }) : `${files.join(', ')}: ${sentenceOf(counts)}.`)
}

export default providers
