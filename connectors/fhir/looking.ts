/** Looking for what a server has: by `_lastUpdated`, page by page, from where the last look came to. */
import type { Clock } from '../../engine/contracts.js'
import { Ended, type Resource, type Server } from './exchange.js'
import type { Give } from './giving.js'
import type { Planned } from './source-settings.js'
import type { Spool } from './spool.js'

/** Asks the server once. */
export type Ask = <T>(run: (server: Server) => Promise<T>) => Promise<T>

interface Page { readonly matches: readonly Resource[]; readonly included: readonly Resource[]; readonly next: string | null }

const GONE = ['400', '404', '410', '422'] // what a server says of a page that it no longer has

/** Everything of one search that changed since; false where the limit of pages came first, and the next look goes on from there. */
export const look = async (search: string, plan: Pick<Planned, 'include' | 'overlap' | 'since' | 'pages' | 'count'>, base: string, ask: Ask, give: Give, spool: Spool, clock: Clock): Promise<boolean> => {
  const now = clock.now().getTime()
  const state = spool.ledger.looks[search] ?? { since: new Date(now - plan.since).toISOString(), next: null, newest: null }
  spool.ledger.looks[search] = state
  const type = search.split('?', 1)[0] ?? ''
  const from = new Date(Date.parse(state.since) - plan.overlap).toISOString()
  const first = withParameters(search, [['_lastUpdated', `ge${from}`], ...(plan.count ? [['_count', String(plan.count)] as const] : []), ...includes(type, plan.include)])
  const seen = new Set<string>()
  let url: string | null = state.next ?? first
  for (let page = 0; url !== null && page < plan.pages; page++) {
    const address: string = url
    if (seen.has(address)) throw new Error('the pages of a search lead in a circle')
    seen.add(address)
    const { matches, included, next } = await ask((server) => server.get(address, `the search for ${type}`)).then((found) => pageOf(found, type, address, base)).catch(async (error: unknown) => {
      // A page is kept for a while only; then the search begins again.
      if (state.next !== null && error instanceof Ended && 'code' in error.outcome && GONE.includes(error.outcome.code ?? '')) {
        state.next = null
        await spool.save()
      }
      throw error
    })
    for (const resource of matches) {
      await give(resource, included)
      const { lastUpdated } = (resource.meta ?? {}) as { readonly lastUpdated?: unknown }
      const at = typeof lastUpdated === 'string' ? Date.parse(lastUpdated) : Number.NaN
      // What bears a time of the future must not hide what comes until then.
      if (at > Date.parse(state.newest ?? state.since)) state.newest = new Date(Math.min(at, now)).toISOString()
    }
    url = state.next = next
    if (next !== null) await spool.save()
  }
  if (url !== null) return false
  const newest = state.newest ?? state.since
  state.since = newest > state.since ? newest : state.since
  state.newest = null
  await spool.save()
  return true
}

/** A resource as the server has it now, with what comes along. */
export const fetchOne = async (name: string, include: readonly string[], base: string, ask: Ask): Promise<{ readonly resource: Resource; readonly included: readonly Resource[] }> => {
  const [type = '', id = ''] = name.split('/')
  const wanted = includes(type, include)
  if (wanted.length === 0) {
    const resource = await ask((server) => server.get(name, `the reading of ${type}`))
    if (resource.resourceType !== type) throw new Ended({ kind: 'refused', reason: `the reading of ${type} was answered with something else` })
    return { resource, included: [] }
  }
  const found = await ask((server) => server.get(withParameters(type, [['_id', id], ...wanted]), `the reading of ${type}`))
  const { matches: [resource], included } = pageOf(found, type, '', base)
  if (!resource) throw new Ended({ kind: 'refused', reason: `the reading of ${type} found nothing`, code: '404' })
  return { resource, included }
}

const includes = (type: string, include: readonly string[]): readonly (readonly [string, string])[] => include.filter((each) => each.startsWith(`${type}:`)).map((each) => ['_include', each] as const)

const withParameters = (search: string, more: readonly (readonly [string, string])[]): string => {
  const added = more.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  return `${search}${search.includes('?') ? '&' : '?'}${added}`
}

const pageOf = (found: Resource, type: string, address: string, base: string): Page => {
  if (found.resourceType !== 'Bundle') throw new Ended({ kind: 'refused', reason: `the search for ${type} was answered with something else than a Bundle` })
  const entries = (Array.isArray(found.entry) ? found.entry : []) as readonly { readonly resource?: Resource; readonly search?: { readonly mode?: string } }[]
  const matches: Resource[] = []
  const included: Resource[] = []
  for (const { resource, search } of entries) {
    if (!resource || typeof resource.id !== 'string' || resource.resourceType === 'OperationOutcome') continue
    if (resource.resourceType === type && (search?.mode ?? 'match') === 'match') matches.push(resource)
    else included.push(resource)
  }
  const links = (Array.isArray(found.link) ? found.link : []) as readonly { readonly relation?: unknown; readonly url?: unknown }[]
  const next = links.find(({ relation }) => relation === 'next')?.url
  return { matches, included, next: typeof next === 'string' && next !== '' ? sameServer(next, address, base) : null }
}

/** The address of the next page. Our token goes to no other server. */
const sameServer = (next: string, address: string, base: string): string => {
  const root = `${base.replace(/\/$/, '')}/`
  const url = new URL(next, new URL(address, root))
  if (url.origin !== new URL(root).origin) throw new Ended({ kind: 'refused', reason: `the next page is at another server, ${url.host}; set \`base\` to the address by which the server knows itself` })
  return url.href
}
