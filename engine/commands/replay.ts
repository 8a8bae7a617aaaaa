/** `refero replay`: shows what sending a stored message again would change, and does it when that is wanted. */
import { JSON_OPTION, type Command, type Terminal } from '../command.js'
import { ReferoError } from '../errors.js'
import type { Rehearsal } from '../rehearse.js'
import { askEngine, BY_OPTION, byWhom, ENGINE_OPTIONS } from './parts/engine-api.js'

const replay: Command = {
  name: 'replay',
  summary: 'Takes a stored message through its channel again, after showing what would be sent.',
  usage: 'MESSAGE [--from steps|deliveries] [--destination NAME] [--dry-run | --yes]',
  words: 1,
  options: {
    from: { type: 'string', value: 'WHERE', describe: 'steps: run them again (the default); deliveries: send what is held or failed as it is' },
    destination: { type: 'string', value: 'NAME', describe: 'this destination only' },
    'dry-run': { type: 'boolean', describe: 'show what would be sent, and send nothing' },
    yes: { type: 'boolean', describe: 'do not ask' },
    ...BY_OPTION,
    ...ENGINE_OPTIONS,
    ...JSON_OPTION,
  },
  exits: '0 done (or shown), 1 not confirmed, 2 it could not be done.',
  async run(given, terminal) {
    const id = Number(given.words[0])
    if (!Number.isInteger(id) || id < 1 || given.words.length > 1) throw new ReferoError('USAGE', 'Name one message by its number.')
    const from = given.text('from') ?? 'steps'
    if (from !== 'steps' && from !== 'deliveries') throw new ReferoError('USAGE', `--from is steps or deliveries, not \`${from}\`.`)
    const body = { from, ...(given.text('destination') && { destination: given.text('destination') }), by: byWhom(given, terminal) }
    const path = `/api/messages/${id}/replay`
    const { dryRun } = (await askEngine(given, terminal, path, { ...body, dryRun: true })) as { dryRun: Rehearsal }
    const dry = given.flag('dry-run')
    if (!given.flag('json') || terminal.interactive) show(dryRun, id, terminal)
    if (dry) {
      if (given.flag('json')) terminal.out(JSON.stringify(dryRun))
      return 0
    }
    if (!given.flag('yes') && !(terminal.interactive && (await terminal.confirm('Send this?')))) {
      const error = terminal.interactive ? 'Nothing was sent.' : 'Nothing was sent: add --yes to send it.'
      if (given.flag('json')) terminal.out(JSON.stringify({ error, code: 'USAGE', hint: '--yes sends it; --dry-run only shows it.', dryRun }))
      else terminal.err(error)
      return 1
    }
    const { replayed } = (await askEngine(given, terminal, path, body)) as { replayed: number }
    terminal.out(given.flag('json') ? JSON.stringify({ replayed }) : from === 'steps' ? `Message ${id} goes through its steps again.` : `${replayed} deliveries of message ${id} are queued again.`)
    return 0
  },
}

function show({ status, reason, deliveries }: Rehearsal, id: number, terminal: Terminal): void {
  terminal.err(`Message ${id} would be ${status}${reason ? `: ${reason}` : ''}, with ${deliveries.length} deliveries.`)
  for (const { destination, same, diff } of deliveries) terminal.err(same ? `  ${destination}: the same content as before` : `  ${destination}:\n${diff}`)
}

export default replay
