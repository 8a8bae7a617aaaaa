/** What may be asked of the measures: groups, a period and filters, as they stand in the address of a request. */
import { ReferoError } from '../../engine/errors.js'
import { didYouMean } from '../../engine/nearest.js'
import type { Direction, Urgency } from '../contracts.js'
import { type Dimension, DIMENSIONS } from './definitions.js'

export interface MeasuresFilters {
  readonly provider?: string; readonly specialty?: string; readonly payer?: string; readonly location?: string; readonly ehr?: string; readonly via?: string
  readonly direction?: Direction; readonly urgency?: Urgency
}
export interface MeasuresQuery {
  readonly by: readonly Dimension[] // none: the whole only
  readonly from: string | null // the first day of receipt, YYYY-MM-DD; null: from the beginning
  readonly to: string | null // the last day; null: until now
  readonly filters: MeasuresFilters
}

const FILTERS: Readonly<Record<keyof MeasuresFilters, readonly string[] | null>> = {
  provider: null, specialty: null, payer: null, location: null, ehr: null, via: null, direction: ['inbound', 'outbound'], urgency: ['routine', 'urgent', 'asap', 'stat'],
}
const MOST_DIMENSIONS = 3
const LONGEST = 200

/** `{ by: 'provider,month', from: '2026-01-01', to: '2026-03-31', specialty: 'cardiology' }`. Throws a ReferoError (USAGE) with a sentence for what is not understood. */
export const measuresQuery = (given: Readonly<Record<string, string | undefined>>): MeasuresQuery => {
  const { by = '', from = null, to = null, ...rest } = given
  for (const [name, day] of [['from', from], ['to', to]] as const) if (day !== null && !isDay(day)) throw refusal(`\`${name}\` is \`${shown(day)}\`; it is a day, such as 2026-03-31.`)
  if (from !== null && to !== null && to < from) throw refusal(`\`to\` (${to}) is before \`from\` (${from}).`)
  return { by: dimensions(by), from, to, filters: filters(rest) }
}

const dimensions = (by: string): readonly Dimension[] => {
  const names = [...new Set(by.split(',').map((name) => name.trim()).filter(Boolean))]
  const unknown = names.find((name) => !(DIMENSIONS as readonly string[]).includes(name))
  if (unknown !== undefined) throw refusal(`\`by\` cannot be \`${shown(unknown)}\`${didYouMean(unknown, DIMENSIONS)}`)
  if (names.length > MOST_DIMENSIONS) throw refusal(`\`by\` names ${names.length} things; at most ${MOST_DIMENSIONS} are grouped by at once.`)
  return names as Dimension[]
}

const filters = (given: Readonly<Record<string, string | undefined>>): MeasuresFilters => Object.fromEntries(Object.entries(given).flatMap(([name, value]) => {
  if (value === undefined) return []
  const allowed = Object.hasOwn(FILTERS, name) ? FILTERS[name as keyof MeasuresFilters] : undefined
  if (allowed === undefined) throw refusal(`\`${shown(name)}\` is nothing to ask the measures for${didYouMean(name, ['by', 'from', 'to', ...Object.keys(FILTERS)])}`)
  if (allowed && !allowed.includes(value)) throw refusal(`\`${name}\` cannot be \`${shown(value)}\`${didYouMean(value, allowed)}`)
  if (value.length > LONGEST) throw refusal(`\`${name}\` is longer than ${LONGEST} characters.`)
  return [[name, value]]
}))

const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) && new Date(`${text}T00:00:00Z`).toISOString().startsWith(text)
const shown = (text: string): string => text.slice(0, 40)
const refusal = (detail: string): ReferoError => new ReferoError('USAGE', detail)
