/** `refero incidents`: what is wrong with the running engine, and since when; and a person who takes note of it. */
import { clock } from '../clock.js'
import { type Command, type Given, JSON_OPTION, type Terminal } from '../command.js'
import { ReferoError } from '../errors.js'
import { headline, type Incident, span } from '../watch/incident.js'
import { askEngine, BY_OPTION, byWhom, ENGINE_OPTIONS } from './parts/engine-api.js'
import { untilStopped } from './parts/until-stopped.js'

const EVERY = 2_000 // milliseconds between two looks with --watch
const PAGE = 500

/** An incident as the API answers it: its times are text. */
type Told = { readonly [Name in keyof Incident]: Incident[Name] extends Date | null ? string : Incident[Name] } & { readonly advice: string }

const incidents: Command = {
  name: 'incidents',
  summary: 'Shows what is wrong, since when, and what to do; or takes note of it.',
  usage: '[--all] [--watch] | acknowledge INCIDENT --why TEXT',
  options: {
    all: { type: 'boolean', describe: 'those that are resolved too' },
    watch: { type: 'boolean', describe: 'go on, and show what changes, until interrupted' },
    why: { type: 'string', value: 'TEXT', describe: 'with acknowledge: why it may stay, or who sees to it' },
    ...BY_OPTION,
    ...ENGINE_OPTIONS,
    ...JSON_OPTION,
  },
  exits: '0 nothing is open (or it was done), 1 something is open that nobody has acknowledged, 2 it could not be asked.',
  async run(given, terminal) {
    const [word, id, ...more] = given.words
    if (word === 'acknowledge') return acknowledge(given, terminal, id, more)
    if (word !== undefined) throw new ReferoError('USAGE', `\`${word.slice(0, 40)}\` is neither an option nor \`acknowledge\`.`)
    return given.flag('watch') ? watch(given, terminal) : list(given, terminal)
  },
}

async function acknowledge(given: Given, terminal: Terminal, id: string | undefined, more: readonly string[]): Promise<number> {
  const why = given.text('why')
  if (id === undefined || !/^[1-9][0-9]{0,14}$/.test(id) || more.length > 0) throw new ReferoError('USAGE', 'Name one incident by its number.')
  if (!why) throw new ReferoError('USAGE', 'Say why with --why.')
  const incident = (await askEngine(given, terminal, `/api/incidents/${id}/acknowledge`, { by: byWhom(given, terminal), why })) as Told
  terminal.out(given.flag('json') ? JSON.stringify(incident) : `Incident ${id} is acknowledged; it is resolved when its cause is gone.`)
  return 0
}

async function list(given: Given, terminal: Terminal): Promise<number> {
  const found = await fetchIncidents(given, terminal, given.flag('all'))
  if (given.flag('json')) terminal.out(JSON.stringify({ incidents: found }))
  else if (found.length === 0) terminal.out('Nothing is wrong.')
  else for (const incident of found) show(incident, terminal)
  return found.some(({ state }) => state === 'open') ? 1 : 0
}

async function watch(given: Given, terminal: Terminal): Promise<number> {
  const stop = new AbortController()
  void untilStopped().then(() => stop.abort())
  const known = new Map<number, string>()
  while (!stop.signal.aborted) {
    const open = await fetchIncidents(given, terminal, false)
    for (const incident of open) {
      const now = `${incident.state} ${incident.times}`
      if (known.get(incident.id) !== now) tell(incident, given, terminal)
      known.set(incident.id, now)
    }
    for (const id of known.keys()) {
      if (open.some((incident) => incident.id === id)) continue
      known.delete(id)
      tell((await askEngine(given, terminal, `/api/incidents/${id}`)) as Told, given, terminal)
    }
    await clock.sleep(EVERY, stop.signal)
  }
  return 0
}

async function fetchIncidents(given: Given, terminal: Terminal, all: boolean): Promise<readonly Told[]> {
  const found: Told[] = []
  for (let next: string | null = ''; next !== null; ) {
    const query: string = `limit=${PAGE}${all ? '' : '&state=unresolved'}${next && `&after=${next}`}`
    const page = (await askEngine(given, terminal, `/api/incidents?${query}`)) as { incidents: readonly Told[]; next: string | null }
    found.push(...page.incidents)
    next = page.next
  }
  return found
}

const tell = (incident: Told, given: Given, terminal: Terminal): void =>
  given.flag('json') ? terminal.out(JSON.stringify(incident)) : show(incident, terminal)

function show(incident: Told, terminal: Terminal): void {
  const { id, state, kind, openedAt, resolvedAt, times, acknowledged, advice } = incident
  const lasted = span(Date.parse(resolvedAt || new Date().toISOString()) - Date.parse(openedAt))
  terminal.out(`${String(id).padStart(5)}  ${state === 'open' ? 'OPEN' : state} ${state === 'resolved' ? `after ${lasted}` : `for ${lasted}`}${times > 1 ? `, came back ${times - 1}×` : ''}  ${kind}`)
  terminal.out(`       ${headline(incident)}`)
  if (acknowledged) terminal.out(`       acknowledged by ${acknowledged.by}: ${acknowledged.why}`)
  if (state !== 'resolved') terminal.out(`       ${advice}`)
}

export default incidents
