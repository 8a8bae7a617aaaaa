/** `refero rollback`: brings an earlier revision of a channel back, after showing what that changes. */
import { type Command, JSON_OPTION } from '../command.js'
import { ReferoError } from '../errors.js'
import type { Change } from '../revisions/requests.js'
import { CHANGING_OPTIONS, propose } from './parts/changing.js'
import { askEngine, BY_OPTION, byWhom, ENGINE_OPTIONS } from './parts/engine-api.js'

const rollback: Command = {
  name: 'rollback',
  summary: 'Brings an earlier revision of a channel back, or a removed channel.',
  usage: 'CHANNEL [--to SEQUENCE] [--why TEXT] [--dry-run | --yes] [--shared]',
  options: {
    to: { type: 'string', value: 'SEQUENCE', describe: 'which revision, as `refero history` counts them; the one before unless said' },
    shared: { type: 'boolean', describe: 'bring mappings back too that other channels depend on' },
    ...CHANGING_OPTIONS,
    ...BY_OPTION,
    ...ENGINE_OPTIONS,
    ...JSON_OPTION,
  },
  exits: '0 done (or shown, or so already), 1 refused or not confirmed, 2 it could not be done.',
  async run(given, terminal) {
    const [name, ...more] = given.words
    const to = given.text('to')
    if (name === undefined || more.length > 0) throw new ReferoError('USAGE', 'Name one channel.')
    if (to !== undefined && !/^[1-9][0-9]{0,8}$/.test(to)) throw new ReferoError('USAGE', `--to is a number that \`refero history ${name}\` shows, not \`${to}\`.`)
    const body = { ...(to !== undefined && { to: Number(to) }), shared: given.flag('shared'), by: byWhom(given, terminal), why: given.text('why') ?? '' }
    return propose(given, terminal, `Roll ${name} back?`, async (dryRun) => (await askEngine(given, terminal, `/api/channels/${encodeURIComponent(name)}/rollback`, { ...body, dryRun })) as Change)
  },
}

export default rollback
