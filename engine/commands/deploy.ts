/** `refero deploy`: brings channel files into a running engine, after showing what that changes. */
import { readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { type Command, type Given, JSON_OPTION, type Terminal } from '../command.js'
import { ReferoError } from '../errors.js'
import type { Change, ChannelFileNow } from '../revisions/requests.js'
import { CHANGING_OPTIONS, propose } from './parts/changing.js'
import { bringing } from './parts/bringing.js'
import { askEngine, BY_OPTION, byWhom, ENGINE_OPTIONS } from './parts/engine-api.js'
import { plainLine } from './parts/plain.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'

const deploy: Command = {
  name: 'deploy',
  summary: 'Brings channel files into a running engine, after showing what changes.',
  usage: 'FILE … [--why TEXT] [--dry-run | --yes] [--based-on REVISION] [--no-tests] [--no-files] [--shared]',
  options: {
    ...CHANGING_OPTIONS,
    'based-on': { type: 'string', value: 'REVISION', describe: 'the revision that the file was made from; refused where the channel is another by now' },
    'no-files': { type: 'boolean', describe: 'do not bring along the scripts, the mappings of your own and the fixtures that the channel needs' },
    shared: { type: 'boolean', describe: 'change mappings too that other channels depend on' },
    'no-tests': { type: 'boolean', describe: 'do not run the channel’s own tests first' },
    ...SETTINGS_OPTIONS,
    ...BY_OPTION,
    ...ENGINE_OPTIONS,
    ...JSON_OPTION,
  },
  exits: '0 deployed (or shown, or so already), 1 refused or not confirmed, 2 it could not be done.',
  async run(given, terminal) {
    if (given.words.length === 0) throw new ReferoError('USAGE', 'Name a channel file to deploy.')
    if (given.text('based-on') !== undefined && given.words.length > 1) throw new ReferoError('USAGE', '--based-on is for one file.')
    for (const file of given.words) {
      const code = await deployOne(file, given, terminal)
      if (code !== 0) return code
    }
    return 0
  },
}

async function deployOne(file: string, given: Given, terminal: Terminal): Promise<number> {
  const text = read(file)
  const name = nameIn(text) ?? basename(file, extname(file))
  const path = `/api/channels/${encodeURIComponent(name)}`
  const basedOn = given.text('based-on') ?? (await presentBasis(given, terminal, path))
  const { files, notes } = given.flag('no-files') ? { files: [], notes: [] } : await bringing(file, text, loadInstallation(given, terminal))
  for (const note of notes) terminal.err(plainLine(note))
  const body = { text, files, shared: given.flag('shared'), basedOn, by: byWhom(given, terminal), why: given.text('why') ?? '', tests: !given.flag('no-tests') }
  return propose(given, terminal, `Deploy ${name}?`, async (dryRun) => (await askEngine(given, terminal, path, { ...body, dryRun }, 'PUT')) as Change)
}

/** What is there while the plan is looked at: should it change before the answer, nothing is overwritten. */
async function presentBasis(given: Given, terminal: Terminal, path: string): Promise<string | null> {
  try {
    const { removed, basedOn } = (await askEngine(given, terminal, path)) as ChannelFileNow
    return removed ? null : basedOn
  } catch (error) {
    if (error instanceof ReferoError && error.code === 'NOT_FOUND') return null
    throw error
  }
}

/** The engine reads the file; this only has to know which channel it is meant for. */
const nameIn = (text: string): string | null => /^name:\s*["']?([a-z][a-z0-9-]{0,63})["']?\s*(?:#.*)?$/m.exec(text)?.[1] ?? null

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new ReferoError('NOT_FOUND', `The file ${file} cannot be read.`)
  }
}

export default deploy
