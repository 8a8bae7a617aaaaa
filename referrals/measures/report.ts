/** The measures of a period: reads referrals a page at a time, adds them up, and names who they are from. What /api/measures answers. */
import type { Provider } from '../contracts.js'
import type { DeskStore, ReferralQuery, ReferralState } from '../desk-contracts.js'
import type { ProviderDirectory } from '../providers/directory.js'
import { adding, type Group, type Totals } from './aggregate.js'
import { dayAfter, daysIn } from './days.js'
import type { Dimension } from './definitions.js'
import { measure } from './measure.js'
import type { MeasuresQuery } from './query.js'
import type { MeasureSettings } from './settings.js'

/** What the measures are read from. */
export interface MeasuresParts {
  readonly store: Pick<DeskStore, 'search'>
  readonly providers: Pick<ProviderDirectory, 'get'>
  readonly settings: MeasureSettings
  readonly zone: string // of the practice's clocks
  readonly now: Date
}

export interface NamedGroup extends Group { readonly name: string | null } // of the provider, where they are grouped by it
export interface Measures {
  readonly at: string // when it was counted
  readonly zone: string
  readonly period: Pick<MeasuresQuery, 'from' | 'to'>
  readonly by: readonly Dimension[]
  readonly filters: MeasuresQuery['filters']
  readonly judgedAfter: MeasureSettings['days']
  readonly whole: Totals
  readonly groups: readonly NamedGroup[]
}

/** Reads while others write: a referral that comes meanwhile may be missing, none is counted twice. Throws a ReferoError (USAGE) for too many groups. */
export async function measures(parts: MeasuresParts, { by, from, to, filters }: MeasuresQuery): Promise<Measures> {
  const { store, settings, zone, now } = parts
  const { dayOf, startOf } = daysIn(zone)
  const { provider, via, ...found } = filters
  const who = knownProviders(parts)
  const sums = adding(by)
  const period = { ...(from !== null && { since: instant(startOf(from)) }), ...(to !== null && { until: instant(startOf(dayAfter(to))) }) }
  for await (const page of statesOf(store, { ...found, ...period })) {
    for (const state of page) {
      if (via !== undefined && state.via !== via) continue
      const known = state.provider === null ? null : await who(state.provider)
      if (provider !== undefined && known?.id !== provider) continue
      sums.add(measure({ ...state, provider: known?.id ?? null }, { now: now.getTime(), days: settings.days, dayOf }))
    }
  }
  const groups = await Promise.all(sums.groups().map(async (group) => ({ ...group, name: group.of.provider ? (await who(group.of.provider)).name : null })))
  return { at: now.toISOString(), zone, period: { from, to }, by, filters, judgedAfter: settings.days, whole: sums.whole(), groups }
}

/** More at once would hold up the event loop while they travel from the store’s thread. */
const PAGE = 200

/** The states that a query finds, a page at a time, the last received first. */
export async function* statesOf(store: Pick<DeskStore, 'search'>, query: Omit<ReferralQuery, 'limit' | 'before'>): AsyncGenerator<readonly ReferralState[]> {
  for (let before: string | undefined; ;) {
    const page = await store.search({ ...query, ...(before !== undefined && { before }), limit: PAGE })
    yield page
    before = page.at(-1)?.id
    if (page.length < PAGE) return
  }
}

/** Who a provider is now, merged or not, looked up once each. */
const knownProviders = ({ providers }: MeasuresParts): ((id: string) => Promise<{ readonly id: string; readonly name: string | null }>) => {
  const known = new Map<string, { readonly id: string; readonly name: string | null }>()
  return async (id) => {
    const before = known.get(id)
    if (before) return before
    const provider = await providers.get(id)
    const now = { id: provider?.id ?? id, name: provider && nameOf(provider) }
    known.set(id, now)
    return now
  }
}

const nameOf = ({ name, practice }: Pick<Provider, 'name' | 'practice'>): string | null =>
  [name && [...name.given, name.family].filter(Boolean).join(' '), practice].filter(Boolean).join(', ') || null

const instant = (at: number): string => new Date(at).toISOString()
