/** A Subscription at the server: found or created, read now and then, and made active again where it is not. */
import type { Tools } from '../../engine/contracts.js'
import { startingAt, tell } from './event-numbers.js'
import { Ended, type Resource } from './exchange.js'
import type { Ask } from './looking.js'
import { type Notification, readNotification } from './notification.js'
import { channelHeaders, requestHeaders, type Secret } from './notified.js'
import type { Plan } from './source-settings.js'
import type { Spool } from './spool.js'

const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/'

/** Whether it works: `mended` where events may have been lost before. */
export type Condition = 'works' | 'waits' | 'mended'

export const subscribing = (plan: Plan, secret: Secret, heartbeat: number | null, ask: Ask, spool: Spool, tools: Pick<Tools, 'log'>) => {
  const known = spool.ledger.subscriptions[plan.name] ?? { id: null, numbers: null }
  if (plan.asked.id !== undefined && known.id !== plan.asked.id) Object.assign(known, { id: plan.asked.id, numbers: null })
  spool.ledger.subscriptions[plan.name] = known
  const wanted = (): Resource => subscriptionOf(plan, secret, heartbeat)

  const create = async (): Promise<void> => {
    const { resource, location } = await ask((server) => server.write('POST', 'Subscription', wanted(), requestHeaders(secret)))
    const id = (location ?? (typeof resource?.id === 'string' ? `Subscription/${resource.id}` : '')).split('/')[1]
    if (!id) throw new Error('the server created a Subscription, and does not say where')
    known.id = id
    // A handshake may have been kept meanwhile; it says the same.
    known.numbers = plan.numbered ? startingAt(0) : null
    await spool.save()
    tools.log('info', 'a subscription was created at the server')
  }

  /** One that an earlier life of ours created; a server that cannot look for it has none. */
  const earlier = async (): Promise<Resource | null> => {
    const found = await ask((server) => server.search('Subscription', { url: plan.endpoint })).catch(refusedIs([]))
    return found.find(({ channel, criteria }) => (channel as { endpoint?: unknown } | undefined)?.endpoint === plan.endpoint && criteria === wanted().criteria) ?? null
  }

  /** What the server says of it: its counter and its state. Null where it cannot be asked so. */
  const status = async (): Promise<Notification | null> => {
    if (plan.kind === 'classic' || known.id === null) return null
    const answer = await ask((server) => server.get(`Subscription/${known.id}/$status`, 'the status of a Subscription')).catch(refusedIs(null))
    try {
      return answer && readNotification(answer)
    } catch {
      return null
    }
  }

  /** Learns of events that were not told; false where the server counts anew. */
  const count = async (): Promise<boolean> => {
    const events = plan.numbered ? (await status())?.events ?? null : null
    if (events === null) return true
    const goesOn = known.numbers === null || known.numbers.upTo <= events
    known.numbers = known.numbers && goesOn ? tell(known.numbers, events) : startingAt(events)
    await spool.save()
    return goesOn
  }

  const reactivate = async (there: Resource): Promise<void> => {
    const { error: _, ...rest } = there
    const again: Resource = plan.asked.id === undefined ? { ...rest, ...wanted() } : { ...rest, resourceType: 'Subscription', status: 'requested' }
    try {
      await ask((server) => server.write('PUT', `Subscription/${known.id}`, again, requestHeaders(secret)))
    } catch (error) {
      if (plan.asked.id !== undefined || !(error instanceof Ended) || error.outcome.kind !== 'refused') throw error
      await create() // where it cannot be changed, another takes its place
    }
    tools.log('warn', 'a subscription was not active at the server, and was asked for again', { status: String(there.status).slice(0, 20) })
  }

  return {
    known,
    async tend(): Promise<Condition> {
      if (known.id === null) {
        known.id = idOf(await earlier())
        if (known.id === null) {
          await create()
          return 'waits'
        }
        await spool.save()
      }
      const there = await ask((server) => server.get(`Subscription/${known.id}`, 'the reading of a Subscription')).catch((error: unknown) => {
        if (plan.asked.id !== undefined || !(error instanceof Ended) || !('code' in error.outcome) || !['404', '410'].includes(error.outcome.code ?? '')) throw error
        return null
      })
      if (there === null) {
        tools.log('warn', 'a subscription is no longer at the server, and is created again')
        await create()
        return 'mended'
      }
      if (there.status === 'error' || there.status === 'off') {
        await reactivate(there)
        await count()
        return 'mended'
      }
      if (!(await count())) return 'mended'
      return there.status === 'active' ? 'works' : 'waits'
    },
  }
}
export type Subscribed = ReturnType<typeof subscribing>

/** The Subscription as the server is to have it: R4 §2.24, or its backport profile. */
const subscriptionOf = ({ asked, endpoint, kind }: Plan, secret: Secret, heartbeat: number | null): Resource => {
  const header = channelHeaders(secret)
  const channel = { type: 'rest-hook', endpoint, ...(header.length > 0 && { header }) }
  const common = { resourceType: 'Subscription', status: 'requested', reason: 'Refero keeps referrals in step with this system.' }
  if (kind === 'classic') return { ...common, criteria: asked.criteria, channel: { ...channel, ...(asked.payload !== 'empty' && { payload: 'application/fhir+json' }) } }
  const filters = asked.filters ?? []
  return {
    ...common,
    meta: { profile: [`${BACKPORT}backport-subscription`] },
    criteria: asked.topic,
    ...(filters.length > 0 && { _criteria: { extension: filters.map((filter) => ({ url: `${BACKPORT}backport-filter-criteria`, valueString: filter })) } }),
    channel: {
      ...channel,
      ...(heartbeat !== null && { extension: [{ url: `${BACKPORT}backport-heartbeat-period`, valueUnsignedInt: Math.max(1, Math.round(heartbeat / 1000)) }] }),
      payload: 'application/fhir+json',
      _payload: { extension: [{ url: `${BACKPORT}backport-payload-content`, valueCode: asked.content ?? 'id-only' }] },
    },
  }
}

const idOf = (resource: Resource | null): string | null => (typeof resource?.id === 'string' ? resource.id : null)

const refusedIs = <T>(value: T) => (error: unknown): T => {
  if (error instanceof Ended && error.outcome.kind === 'refused') return value
  throw error
}
