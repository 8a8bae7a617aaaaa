/** `refero history`: every revision of a channel that ran, by whom and why; and what differs between two. */
import { type Command, type Given, JSON_OPTION, type Terminal } from '../command.js'
import { ReferoError } from '../errors.js'
import type { Revision } from '../revisions/history.js'
import type { Wish } from '../revisions/wishes.js'
import { columns } from './parts/columns.js'
import { askEngine, ENGINE_OPTIONS } from './parts/engine-api.js'
import { plainLine, plainLines } from './parts/plain.js'

const history: Command = {
  name: 'history',
  summary: 'Shows who changed a channel, when and why, and what differs between two revisions.',
  usage: 'CHANNEL [--limit N] | CHANNEL --diff FROM TO | CHANNEL --show SEQUENCE',
  options: {
    diff: { type: 'boolean', describe: 'show what differs from one revision to another' },
    show: { type: 'string', value: 'SEQUENCE', describe: 'print the channel file as it was' },
    limit: { type: 'string', value: 'N', describe: 'how many of the last revisions; 20 unless said' },
    ...ENGINE_OPTIONS,
    ...JSON_OPTION,
  },
  exits: '0 shown, 2 it could not be asked.',
  async run(given, terminal) {
    const [name, ...more] = given.words
    if (name === undefined) throw new ReferoError('USAGE', 'Name a channel.')
    const path = `/api/channels/${encodeURIComponent(name)}/revisions`
    const one = given.text('show')
    if (given.flag('diff')) return difference(given, terminal, path, more)
    if (more.length > 0) throw new ReferoError('USAGE', 'Name one channel.')
    if (one !== undefined) {
      const { text, ...revision } = (await askEngine(given, terminal, `${path}/${sequence(one)}`)) as Revision
      terminal.out(given.flag('json') ? JSON.stringify({ ...revision, text }) : text.trimEnd())
      return 0
    }
    const found = (await askEngine(given, terminal, `${path}?limit=${sequence(given.text('limit') ?? '20')}`)) as { revisions: readonly Revision[]; wishes: readonly Wish[] }
    if (given.flag('json')) terminal.out(JSON.stringify(found))
    else show(found, terminal)
    return 0
  },
}

async function difference(given: Given, terminal: Terminal, path: string, [from, to, ...more]: readonly string[]): Promise<number> {
  if (from === undefined || to === undefined || more.length > 0) throw new ReferoError('USAGE', 'Name two revisions by their numbers: --diff 3 5.')
  const { diff } = (await askEngine(given, terminal, `${path}/${sequence(to)}?diff=${sequence(from)}`)) as { diff: string }
  if (given.flag('json')) terminal.out(JSON.stringify({ diff }))
  else for (const line of diff === '' ? ['Nothing differs.'] : plainLines(diff)) terminal.out(line)
  return 0
}

function sequence(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new ReferoError('USAGE', `\`${text}\` is no number of a revision.`)
  return Number(text)
}

const WORDS: Readonly<Record<Revision['from'], string>> = { file: 'file changed', api: 'deployed', rollback: 'rolled back', removal: 'removed' }

const howOf = ({ before, after, size }: Revision['carried'][number]): string => (after === null ? 'removed' : `${before === null ? 'new' : 'changed'}, ${size} bytes`)

function show({ revisions, wishes }: { revisions: readonly Revision[]; wishes: readonly Wish[] }, terminal: Terminal): void {
  const rows = revisions.map(({ sequence, revision, at, by, from, of, why }) => [String(sequence), revision, at, by, `${WORDS[from]}${of === null ? '' : ` to ${of}`}`, why].map(plainLine))
  const [head = '', ...lines] = columns([['revision', 'content', 'since', 'by', 'how', 'why'], ...rows])
  terminal.out(head)
  for (const [n, line] of lines.entries()) {
    terminal.out(line)
    for (const file of revisions[n]?.carried ?? []) terminal.out(plainLine(`          with ${file.name}: ${howOf(file)}`))
  }
  if (wishes.length === 0) return
  terminal.out('')
  for (const { at, by, what, destination, why } of wishes.slice(0, 20)) terminal.out(plainLine(`${at}  ${by} ${what} ${destination === null ? 'it' : `the destination ${destination}`}${why && `: ${why}`}`))
}

export default history
