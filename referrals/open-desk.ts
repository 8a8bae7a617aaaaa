/** Opens the desk of an installation: its files in the data folder, and its rules from the mappings. */
import { join } from 'node:path'
import type { Clock, Log, MappingDocument } from '../engine/contracts.js'
import type { Problem } from '../engine/problem.js'
import { checkTables } from './check-tables.js'
import { type DeskSettings, readDesk } from './clock/settings.js'
import { createDesk, type Desk } from './desk.js'
import { deskRules } from './desk-rules.js'
import { readFields } from './hand-off/receipt-fields.js'
import { readMeasureSettings } from './measures/settings.js'
import { matchingSettings } from './patients/settings.js'
import { openThreadedPatientIndex } from './patients/threaded-index.js'
import { waysOrder } from './providers/ways.js'
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
  return deskRules({ settings, triage: (facts) => triage(facts, tables, { today: clock.now().toISOString().slice(0, 10) }), route: (facts, found) => route(routes, facts, found, clock.now()), receiptFields: readFields(mappings), measures: readMeasureSettings(mappings) })
}

export interface OpenDesk {
  readonly desk: Desk
  /** Takes the tables as they are now. Where one is broken the last good ones hold; the log says where, and what is wrong is returned. */
  reread(mappings: DeskMappings): readonly Problem[]
}

export async function openDesk(folder: string, mappings: DeskMappings, clock: Clock, log: Log): Promise<OpenDesk> {
  let rules = readRules(mappings, clock)
  const { store, providers } = await openThreadedDeskFile(join(folder, 'referrals.db'), waysOrder(mappings.mapping('providers/ways')))
  const patients = await openThreadedPatientIndex(join(folder, 'patients.db'), matchingSettings((path) => mappings.mapping(path)))
  const desk = createDesk({ store, providers, patients, rules: () => rules, clock, log })
  return {
    desk,
    reread: (now) => {
      const problems = checkTables(now).filter(({ severity }) => severity === 'error')
      if (problems.length === 0) rules = readRules(now, clock)
      for (const { file, line, column, rule } of problems) log('error', 'a table of the referral desk is broken; the last good ones hold', { file, line, column, rule })
      return problems
    },
  }
}
