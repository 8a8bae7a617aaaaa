/** How a change of a channel is shown before it is made, asked about, and made: for deploy, rollback and the like. */
import type { Given, Terminal } from '../../command.js'
import { ReferoError } from '../../errors.js'
import { type Problem, problemLine } from '../../problem.js'
import type { Change } from '../../revisions/requests.js'
import { plainLine, plainLines } from './plain.js'

export const CHANGING_OPTIONS = {
  why: { type: 'string', value: 'TEXT', describe: 'why, for the history' },
  'dry-run': { type: 'boolean', describe: 'show what would change, and change nothing' },
  yes: { type: 'boolean', describe: 'do not ask' },
} as const

/** What the engine says no to, as an answer and not as a failure. */
const REFUSALS = new Set(['INVALID', 'EDITED', 'SHARED_FILES', 'STILL_WAITING'])

/** Shows the plan, asks, and does it. 0 done, shown, or so already; 1 refused or not confirmed. `ask` with `dryRun` only plans. */
export async function propose(given: Given, terminal: Terminal, question: string, ask: (dryRun: boolean) => Promise<Change>): Promise<number> {
  const json = given.flag('json')
  try {
    const plan = await ask(true)
    const dry = given.flag('dry-run')
    if (!json) show(plan, terminal)
    if (dry || !plan.changed) {
      if (json) terminal.out(JSON.stringify(plan))
      else if (!plan.changed) terminal.out(`${plan.channel} is so already.`)
      return 0
    }
    if (!given.flag('yes') && !(terminal.interactive && (await terminal.confirm(question)))) {
      terminal.err(terminal.interactive ? 'Nothing was changed.' : 'Nothing was changed: add --yes to change it.')
      return 1
    }
    const change = await ask(false)
    terminal.out(json ? JSON.stringify(change) : outcome(change))
    return change.status?.state === 'failed' ? 1 : 0
  } catch (error) {
    if (!(error instanceof ReferoError) || !REFUSALS.has(error.code)) throw error
    refused(error, terminal, json)
    return 1
  }
}

function show({ channel, diff, files, changed, restarts, warnings, tests, notes, before, after }: Change, terminal: Terminal): void {
  for (const line of plainLines(diff)) if (line) terminal.out(line)
  for (const { name, how, size } of files) terminal.out(plainLine(`${name}: ${how}, ${size} bytes`))
  for (const warning of warnings) terminal.err(plainLine(problemLine(warning)))
  for (const note of notes) terminal.err(plainLine(note))
  if (tests) terminal.err(`${tests.passed} tests passed.`)
  if (!changed) return
  if (restarts.length > 0) terminal.err(`Restarts: ${restarts.join(', ')}.`)
  else terminal.err(before && after ? 'Nothing restarts.' : `${channel} ${after ? 'starts' : 'stops'}; no other channel restarts.`)
}

function outcome({ channel, after, status }: Change): string {
  if (!after) return `${channel} is removed; \`refero rollback ${channel}\` brings it back.`
  const how = status ? `${status.state}${status.listening ? `, ${status.listening}` : ''}${status.trouble ? `: ${status.trouble}` : ''}` : 'not running'
  return plainLine(`${channel} is at revision ${after.sequence} (${after.revision}): ${how}.`)
}

function refused(error: ReferoError, terminal: Terminal, json: boolean): void {
  const { problems = [], diff } = error.facts as { problems?: readonly Problem[]; diff?: string }
  if (json) {
    terminal.out(JSON.stringify({ error: error.message, code: error.code, hint: error.hint, problems, ...(diff !== undefined && { diff }) }))
    return
  }
  for (const line of plainLines(diff ?? '')) if (line) terminal.out(line)
  for (const problem of problems) terminal.err(plainLine(problemLine(problem)))
  terminal.err(`refero: ${plainLine(error.message)}`)
  terminal.err(`        ${error.hint}`)
}
