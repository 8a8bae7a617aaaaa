/** `refero top`: every channel in one table, drawn anew as it works. */
import { clock } from '../clock.js'
import { JSON_OPTION, type Command, type Given, type Terminal } from '../command.js'
import { ReferoError, sentence } from '../errors.js'
import { type Line, linesOf, type Look } from '../measures/rates.js'
import { duration } from '../units.js'
import { askEngine, ENGINE_OPTIONS } from './parts/engine-api.js'
import { plainLine } from './parts/plain.js'
import { isScreen, openScreen } from './parts/screen.js'

const top: Command = {
  name: 'top',
  summary: 'Shows every channel in a table that follows what happens: rates, queues, times.',
  usage: '[--every 1s] [--once]',
  words: 0,
  options: {
    every: { type: 'string', value: 'TIME', describe: 'how often it is drawn anew; 1s unless said' },
    once: { type: 'boolean', describe: 'look twice, print one table and end; so too where the output is no terminal' },
    ...ENGINE_OPTIONS, ...JSON_OPTION,
  },
  exits: '0 shown, 1 a channel does not run (with --once), 2 it could not be done.',
  async run(given, terminal) {
    const every = duration(given.text('every') ?? '1s')
    if (!(every >= 100)) throw new ReferoError('USAGE', '--every is a time from 100ms, such as 2s.')
    const look = async (): Promise<Look> => (await askEngine(given, terminal, '/api/measures')) as Look
    const first = await look()
    if (isScreen() && !given.flag('once') && !given.flag('json')) return follow(first, look, every)
    await clock.sleep(every)
    return printOnce(linesOf(await look(), first), given, terminal)
  },
}

function printOnce(lines: readonly Line[], given: Given, terminal: Terminal): number {
  if (given.flag('json')) terminal.out(JSON.stringify({ channels: lines }))
  else for (const line of table(lines, Number(terminal.environment.COLUMNS) || 80)) terminal.out(line)
  return lines.every(({ state }) => state === 'running' || state === 'disabled') ? 0 : 1
}

async function follow(first: Look, look: () => Promise<Look>, every: number): Promise<number> {
  let lines = linesOf(first, null)
  let before = first
  let wrong: string | null = null
  let over = false
  const pause = new AbortController()
  const draw = (): void => screen.draw([...table(lines, screen.columns), '', wrong ?? `${new Date(before.at).toTimeString().slice(0, 8)}   q ends`])
  const screen = openScreen(draw)
  void screen.ended.then(() => {
    over = true
    pause.abort()
  })
  try {
    while (!over) {
      draw()
      await clock.sleep(every, pause.signal)
      if (over) break
      try {
        const now = await look()
        lines = linesOf(now, before)
        before = now
        wrong = null
      } catch (error) {
        wrong = plainLine(sentence(error)) // it may come back
      }
    }
  } finally {
    screen.close()
  }
  return 0
}

const HEADINGS = ['state', 'in/s', 'out/s', 'wait', 'held', 'err', 'oldest', 'p50', 'p99', 'last'] as const

/** The table in so many columns: what a narrow terminal cuts is the names, and what is wrong stands below. */
export function table(lines: readonly Line[], width: number): readonly string[] {
  const cells = lines.map((line) => [
    line.state, rate(line.in), rate(line.out), many(line.waiting), many(line.held), many(line.errors), time(line.oldest), time(line.p50), time(line.p99), time(line.last),
  ])
  const widths = HEADINGS.map((heading, n) => Math.max(heading.length, ...cells.map((row) => row[n]?.length ?? 0)))
  const room = Math.max(8, width - widths.reduce((sum, one) => sum + one + 1, 1))
  const longest = Math.max('channel'.length, ...lines.map(({ channel }) => channel.length))
  const name = (text: string): string => (text.length > room ? `${text.slice(0, room - 1)}…` : text).padEnd(Math.min(room, longest))
  const row = (first: string, rest: readonly string[]): string => [name(first), ...rest.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))].join(' ').trimEnd()
  const troubles = lines.flatMap(({ channel, trouble }) => (trouble === null ? [] : [plainLine(`${channel}: ${trouble}`)]))
  return [row('channel', HEADINGS), ...lines.map(({ channel }, n) => row(channel, cells[n] ?? [])), ...(troubles.length > 0 ? ['', ...troubles] : [])]
}

const rate = (perSecond: number | null): string => (perSecond === null ? '–' : perSecond < 10 ? perSecond.toFixed(1) : many(Math.round(perSecond)))
const many = (count: number): string => (count < 10_000 ? String(count) : count < 10_000_000 ? `${Math.round(count / 1000)}k` : `${Math.round(count / 1_000_000)}M`)

/** Two places of a time, in the unit that suits it. */
function time(milliseconds: number | null): string {
  if (milliseconds === null) return '–'
  if (milliseconds < 10) return `${milliseconds.toFixed(1)}ms`
  if (milliseconds < 1_000) return `${Math.round(milliseconds)}ms`
  for (const [unit, size, limit] of UNITS) if (milliseconds < size * limit) return `${milliseconds < 10 * size && unit === 's' ? (milliseconds / size).toFixed(1) : Math.floor(milliseconds / size)}${unit}`
  return `${Math.floor(milliseconds / 86_400_000)}d`
}

const UNITS = [['s', 1_000, 120], ['m', 60_000, 120], ['h', 3_600_000, 48]] as const

export default top
