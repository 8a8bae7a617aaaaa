/** `refero replay`: shows what sending a stored message again would change, and does it when that is wanted. */
import { JSON_OPTION, type Command, type Given, type Terminal } from '../command.js'
import { ERRORS, ReferoError, type ErrorCode } from '../errors.js'
import type { Rehearsal } from '../rehearse.js'

export const replay: Command = {
  name: 'replay',
  summary: 'Takes a stored message through its channel again, after showing what would be sent.',
  usage: 'MESSAGE [--from steps|deliveries] [--destination NAME] [--dry-run | --yes]',
  options: {
    from: { type: 'string', value: 'WHERE', describe: 'steps: run them again (the default); deliveries: send what is held or failed as it is' },
    destination: { type: 'string', value: 'NAME', describe: 'this destination only (with --from deliveries)' },
    'dry-run': { type: 'boolean', describe: 'show what would be sent, and send nothing' },
    yes: { type: 'boolean', describe: 'do not ask' },
    by: { type: 'string', value: 'NAME', describe: 'who does it, for the history; the login name unless said' },
    url: { type: 'string', value: 'URL', describe: 'the engine; http://127.0.0.1:8420 unless REFERO_URL or REFERO_HTTP_PORT says another' },
    token: { type: 'string', value: 'TOKEN', describe: 'the token of the operations API; REFERO_TOKEN unless said' },
    ...JSON_OPTION,
  },
  exits: '0 done (or shown), 1 not confirmed, 2 it could not be done.',
  async run(given, terminal) {
    const id = Number(given.words[0])
    if (!Number.isInteger(id) || id < 1 || given.words.length > 1) throw new ReferoError('USAGE', 'Name one message by its number.')
    const from = given.text('from') ?? 'steps'
    if (from !== 'steps' && from !== 'deliveries') throw new ReferoError('USAGE', `--from is steps or deliveries, not \`${from}\`.`)
    const body = { from, ...(given.text('destination') && { destination: given.text('destination') }), by: given.text('by') ?? terminal.environment.USER ?? 'command line' }
    const path = `/api/messages/${id}/replay`
    const { dryRun } = (await ask(given, terminal, path, { ...body, dryRun: true })) as { dryRun: Rehearsal }
    const dry = given.flag('dry-run')
    if (!given.flag('json') || (!dry && !given.flag('yes'))) show(dryRun, id, terminal)
    if (dry) {
      if (given.flag('json')) terminal.out(JSON.stringify(dryRun))
      return 0
    }
    if (!given.flag('yes') && !(terminal.interactive && (await terminal.confirm('Send this?')))) {
      terminal.err(terminal.interactive ? 'Nothing was sent.' : 'Nothing was sent: add --yes to send it.')
      return 1
    }
    const { replayed } = (await ask(given, terminal, path, body)) as { replayed: number }
    terminal.out(given.flag('json') ? JSON.stringify({ replayed }) : from === 'steps' ? `Message ${id} goes through its steps again.` : `${replayed} deliveries of message ${id} are queued again.`)
    return 0
  },
}

function show({ status, reason, deliveries }: Rehearsal, id: number, terminal: Terminal): void {
  terminal.err(`Message ${id} would be ${status}${reason ? `: ${reason}` : ''}, with ${deliveries.length} deliveries.`)
  for (const { destination, same, diff } of deliveries) terminal.err(same ? `  ${destination}: the same content as before` : `  ${destination}:\n${diff}`)
}

async function ask(given: Given, terminal: Terminal, path: string, body: object): Promise<unknown> {
  const base = given.text('url') ?? terminal.environment.REFERO_URL ?? `http://127.0.0.1:${terminal.environment.REFERO_HTTP_PORT ?? 8420}`
  const token = given.text('token') ?? terminal.environment.REFERO_TOKEN ?? ''
  let response: Response
  try {
    response = await fetch(new URL(path, base), { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  } catch (error) {
    throw new ReferoError('ENGINE_UNREACHABLE', `(${base})`, { cause: error })
  }
  if (response.status === 401) throw new ReferoError('NOT_ALLOWED')
  const answer = (await response.json()) as { code?: string; detail?: string; message?: string; hint?: string }
  if (!response.ok && answer.code && answer.code in ERRORS) throw new ReferoError(answer.code as ErrorCode, answer.detail)
  if (!response.ok) throw new ReferoError('USAGE', `${answer.message ?? `The engine answered ${response.status}.`} ${answer.hint ?? ''}`)
  return answer
}
