/** `refero what-if`: a changed channel over the last messages that the running engine took, and what would come out differently. */
import { clock } from '../clock.js'
import { JSON_OPTION, type Command, type Given, type Terminal } from '../command.js'
import { ReferoError } from '../errors.js'
import { readInstallation } from '../installation.js'
import { didYouMean } from '../nearest.js'
import { problemLine, shown } from '../problem.js'
import { findPieces } from '../registry.js'
import { type Comparison, type Earlier, whatIf } from '../tools/what-if.js'
import { askEngine, ENGINE_OPTIONS } from './parts/engine-api.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'
import { askMessage, bytesOf } from './parts/stored-message.js'
import { testWorld } from './parts/test-world.js'

const PAGE = 100
const MOST = 10_000

const command: Command = {
  name: 'what-if',
  summary: 'Runs a changed channel over the last stored messages and shows what would come out differently; sends nothing.',
  usage: 'CHANNEL [--of NAME] [--last N] [--show N] [--channels DIR]',
  words: 1,
  options: {
    ...SETTINGS_OPTIONS,
    of: { type: 'string', value: 'NAME', describe: 'the channel whose messages are taken, where the changed one has another name' },
    last: { type: 'string', value: 'N', describe: 'how many messages back; 100 unless said' },
    show: { type: 'string', value: 'N', describe: 'how many differing messages are shown whole; 5 unless said' },
    ...ENGINE_OPTIONS,
    ...JSON_OPTION,
  },
  exits: '0 nothing would differ, 1 something would, 2 it could not be tried.',
  async run(given, terminal) {
    const [name, ...more] = given.words
    if (!name || more.length > 0) throw new ReferoError('USAGE', 'Name one channel.')
    const last = whole(given, 'last', 100, 1)
    const configuration = loadInstallation(given, terminal)
    const { settings } = configuration
    const pieces = await findPieces()
    const { channels, problems, mappings } = await readInstallation(configuration, pieces)
    const channel = channels.find(({ definition }) => definition.name === name)
    if (!channel) {
      for (const problem of problems.filter(({ severity }) => severity === 'error')) terminal.err(problemLine(problem))
      throw new ReferoError('NOT_FOUND', `No channel of ${shown(settings.channels)} that can be read is called ${name}${didYouMean(name, channels.map(({ definition }) => definition.name))}`)
    }
    const of = given.text('of') ?? name
    const { earlier, forgotten } = await lastMessages(of, last, given, terminal)
    if (earlier.length === 0) throw forgotten > 0 ? new ReferoError('FORGOTTEN', `(${forgotten} messages.)`) : new ReferoError('NOT_FOUND', `The engine has no message of ${of}. Where the channel is new or has a new name, --of NAME takes those of another.`)
    const begun = clock.now().getTime()
    const told = terminal.interactive ? (done: number): void => terminal.err(`\x1b[1A\x1b[2K${done} of ${earlier.length} messages`) : undefined
    if (told) terminal.err(`0 of ${earlier.length} messages`)
    const compared = await whatIf(channel, earlier, testWorld(settings, pieces, mappings), told)
    if (given.flag('json')) terminal.out(JSON.stringify({ channel: name, forgotten, messages: compared }))
    else print(compared, { forgotten, took: clock.now().getTime() - begun }, whole(given, 'show', 5), terminal)
    return compared.every(({ same }) => same) ? 0 : 1
  },
}

export default command

async function lastMessages(channel: string, count: number, given: Given, terminal: Terminal): Promise<{ earlier: Earlier[]; forgotten: number }> {
  const earlier: Earlier[] = []
  let forgotten = 0
  for (let before: number | null = null; earlier.length + forgotten < count; ) {
    const limit = Math.min(PAGE, count - earlier.length - forgotten)
    const query: string = new URLSearchParams({ channel, limit: String(limit), ...(before === null ? {} : { before: String(before) }) }).toString()
    const page = (await askEngine(given, terminal, `/api/messages?${query}`)) as { messages: readonly { id: number }[]; next: number | null }
    for (const { id } of page.messages) {
      const message = await askMessage(given, terminal, id)
      const bytes = bytesOf(message.content)
      if (bytes) earlier.push({ ...message, receivedAt: new Date(message.receivedAt), bytes, deliveries: message.deliveries.map(({ destination, payload }) => ({ destination, payload: bytesOf(payload) })) })
      else forgotten += 1
    }
    if (page.next === null) break
    before = page.next
  }
  return { earlier, forgotten }
}

function print(compared: readonly Comparison[], { forgotten, took }: { readonly forgotten: number; readonly took: number }, show: number, terminal: Terminal): void {
  const different = compared.filter(({ same }) => !same)
  for (const { id, type, then, now, deliveries } of different.slice(0, show)) {
    terminal.out(`message ${id} (${type ?? 'no type'})${then === now ? '' : `: ${then} → ${now}`}`)
    for (const { destination, diff } of deliveries) terminal.out(`  ${destination}:\n${diff.trimEnd().replace(/^/gm, '    ')}`)
  }
  if (different.length > show) terminal.out(`… and ${different.length - show} more that differ (--show ${different.length})`)
  const kinds = new Map<string, number>()
  for (const { then, now } of different) if (then !== now) kinds.set(`${then} → ${now}`, (kinds.get(`${then} → ${now}`) ?? 0) + 1)
  for (const [kind, count] of kinds) terminal.out(`${count} × ${kind}`)
  terminal.out(`${compared.length} messages: ${compared.length - different.length} the same, ${different.length} different${forgotten > 0 ? `; ${forgotten} are no longer kept` : ''}; tried in ${(took / 1000).toFixed(1)} s. Nothing was sent.`)
}

function whole(given: Given, option: string, otherwise: number, least = 0): number {
  const number = Number(given.text(option) ?? otherwise)
  if (!Number.isInteger(number) || number < least || number > MOST) throw new ReferoError('USAGE', `--${option} is a whole number from ${least} to ${MOST}.`)
  return number
}
