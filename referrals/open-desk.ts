/** Opens the desk of an installation, now or once its tables are mended: its files in the data folder, and its rules from the mappings. */
import { join } from 'node:path'
import type { Clock, Log, MappingDocument } from '../engine/contracts.js'
import { ReferoError } from '../engine/errors.js'
import type { Problem } from '../engine/problem.js'
import { checkTables, problemsOf } from './check-tables.js'
import { type DeskSettings, readDesk } from './clock/settings.js'
import { createDesk, type Desk } from './desk.js'
import { lateDesk } from './late-desk.js'
import { deskRules } from './desk-rules.js'
import { readFields } from './hand-off/receipt-fields.js'
import { readMeasureSettings } from './measures/settings.js'
import { matchingSettings } from './patients/settings.js'
import { openThreadedPatientIndex } from './patients/threaded-index.js'
import { wayRules, waysOrder } from './providers/ways.js'
import { route } from './routing/route.js'
import { routingTable } from './routing/table.js'
import type { Rules } from './rules.js'
import { openThreadedDeskFile } from './store/threaded-desk-store.js'
import { triage } from './triage/triage.js'
import { triageTables } from './triage/tables.js'

/** What the desk reads of mappings/. */
export interface DeskMappings {
  mapping(path: string): MappingDocument
  csv(path: string): { readonly text: string; readonly file: string }
  names(under: string, extension?: '.csv'): readonly string[]
}

/** Throws a sentence with the place of what is wrong in a table. */
export function readRules(mappings: DeskMappings, clock: Clock): Rules {
  const settings: DeskSettings = readDesk(mappings.mapping('desk/desk'))
  const tables = triageTables((path) => mappings.mapping(path))
  const zips = mappings.names('routing/zips', '.csv').length > 0 ? mappings.csv('routing/zips') : undefined
  const table = { ...mappings.csv('routing/default'), file: 'mappings/routing/default.csv' } // by this name it is told to people, wherever it lies
  const routes = routingTable(table, { ehrs: [...settings.ehrs.keys()], ...(zips && { zips }) })
  const ways = wayRules(mappings.mapping('providers/ways'))
  return deskRules({ settings, way: (way) => ways.get(way) ?? null, triage: (facts, known) => triage(facts, tables, { today: clock.now().toISOString().slice(0, 10), ...known }), route: (facts, found) => route(routes, facts, found, clock.now()), receiptFields: readFields(mappings), measures: readMeasureSettings(mappings) })
}

export interface OpenDesk {
  /** The desk once it is open; before, whatever is asked of it fails with DESK_CLOSED and why. */
  readonly desk: Desk
  /** The desk itself. Throws DESK_CLOSED, with what is to be mended, as long as its tables could not be read. */
  now(): Desk
  /**
   * Takes the tables as they are now, and returns what is wrong with them; it is logged too. Where anything is, the last good ones hold. Where there
   * were none, it opens with what can be read, for a wrong row is better than no desk; what cannot be read keeps it closed.
   */
  take(mappings: DeskMappings): Promise<readonly Problem[]>
  /** What was wrong when the tables were last taken. */
  readonly problems: readonly Problem[]
  close(): Promise<void>
}

/** What the desk is opened with. */
interface Tables { readonly rules: Rules; readonly ways: ReturnType<typeof waysOrder>; readonly matching: ReturnType<typeof matchingSettings> }

/** Rejects where the files of the desk cannot be opened; tables that cannot be read only keep it closed. */
export async function openDesk(folder: string, mappings: DeskMappings, clock: Clock, log: Log): Promise<OpenDesk> {
  let rules: Rules | null = null
  let open: Desk | null = null
  let problems: readonly Problem[] = []
  let because: readonly Problem[] = [] // why it is closed
  const take = async (current: DeskMappings): Promise<readonly Problem[]> => {
    const read = readTables(current, clock)
    if (read.tables && (rules === null || read.problems.length === 0)) rules = read.tables.rules
    const event = `a table of the referral desk is broken; ${open ? 'the last good ones hold' : rules ? 'it is used as far as it can be read' : 'the desk is closed until it is mended'}`
    for (const { file, line, column, rule } of read.problems) log('error', event, { file, line, column, rule })
    if (read.tables && !open) open = await openFiles(folder, read.tables, () => rules as Rules, clock, log)
    because = read.because
    problems = read.problems
    return problems
  }
  const now = (): Desk => {
    if (open) return open
    throw new ReferoError('DESK_CLOSED', firstOf(because), { facts: { problems } })
  }
  await take(mappings)
  return { desk: lateDesk(now, clock), now, take, get problems() { return problems }, close: async () => open?.close() }
}

interface Read { readonly tables: Tables | null; readonly because: readonly Problem[]; readonly problems: readonly Problem[] }

/** `tables`: null where one of them cannot be read, `because` of what. */
function readTables(mappings: DeskMappings, clock: Clock): Read {
  const problems = checkTables(mappings).filter(({ severity }) => severity === 'error')
  try {
    return { tables: { rules: readRules(mappings, clock), ways: waysOrder(mappings.mapping('providers/ways')), matching: matchingSettings((path) => mappings.mapping(path)) }, because: [], problems }
  } catch (error) {
    const because = problemsOf('desk', error)
    return { tables: null, because, problems: problems.length > 0 ? problems : because }
  }
}

async function openFiles(folder: string, { ways, matching }: Tables, rules: () => Rules, clock: Clock, log: Log): Promise<Desk> {
  const { store, providers } = await openThreadedDeskFile(join(folder, 'referrals.db'), ways)
  try {
    return createDesk({ store, providers, patients: await openThreadedPatientIndex(join(folder, 'patients.db'), matching), rules, clock, log })
  } catch (error) {
    await store.close()
    throw error
  }
}

const firstOf = ([first, ...more]: readonly Problem[]): string =>
  (first ? `${first.file}:${first.line}:${first.column}: ${first.message}${more.length > 0 ? ` And ${more.length} more: \`refero check\` lists them.` : ''}` : '')
