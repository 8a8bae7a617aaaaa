/** The `fhir` source: what changes at an EHR’s FHIR R4 server, as its subscriptions tell it and as a look finds it. */
import { join } from 'node:path'
import { defineSource } from '../../engine/define.js'
import { sentence } from '../../engine/errors.js'
import { connect, Ended } from './exchange.js'
import { following } from './following.js'
import { giving } from './giving.js'
import { jobsBy } from './jobs.js'
import { type Ask, look } from './looking.js'
import { notified } from './notified.js'
import { publish } from './published-keys.js'
import { checkServer } from './server-check.js'
import { smartTokens, publicKeys } from './smart.js'
import { planned, SourceSettings } from './source-settings.js'
import { openSpool } from './spool.js'
import { type Subscribed, subscribing } from './subscribing.js'

const PATIENCE = 30_000 // milliseconds for each request
const LONGEST_CHECK = 3_600_000

export default defineSource({
  name: 'fhir',
  summary: 'Takes what changes at a FHIR R4 server: by its subscriptions (R4 and the R4 backport), by looking for it, or both. Each version of a resource is one message, kept once.',
  settings: SourceSettings,
  examples: [
    { base: 'https://ehr.example/fhir/r4', auth: { bearer: `\${secret:ehr-token}` }, poll: { search: ['Appointment', 'Encounter?status=finished'], every: '5m' }, include: ['Appointment:patient'] },
    { base: 'https://ehr.example/fhir', auth: 'none', subscribe: { path: '/fhir/notify', url: 'https://refero.example/fhir/notify', secret: { bearer: `\${secret:notify}` }, subscriptions: [{ criteria: 'Appointment?status=booked' }] } },
    { base: 'https://ehr.example/fhir', auth: 'none', subscribe: { path: '/fhir/events', url: 'https://refero.example/fhir/events', secret: { hub: `\${secret:hub}` }, heartbeat: '10m', subscriptions: [{ topic: 'https://ehr.example/fhir/SubscriptionTopic/Appointment.update', content: 'id-only', numbers: 'notification' }] }, poll: { search: ['Appointment'], every: '1h' } },
  ],
  claims: ({ subscribe }) => (subscribe ? [`web path ${subscribe.path}/*`] : []),
  create(settings, tools) {
    checkServer(settings)
    const plan = planned(settings)
    const { base, auth, subscribe } = settings
    const smart = typeof auth === 'object' && 'smart' in auth ? auth.smart : null
    const keys = smart ? publicKeys(smart) : []
    if (smart) smartTokens(smart, base, tools.clock)
    let stop = async (): Promise<void> => {}

    return {
      async start(receive) {
        if (subscribe && Object.values(subscribe.secret).includes('')) throw new Error('`subscribe.secret` is empty: without it nobody could tell whose notifications they are.')
        const spool = await openSpool(join(tools.dataFolder, 'fhir', tools.channel))
        const stopping = new AbortController()
        const jobs = jobsBy(tools.clock)
        const session = connect(settings, tools.clock)
        const ask: Ask = (run) => {
          const one = AbortSignal.any([stopping.signal, AbortSignal.timeout(PATIENCE)])
          return run(session(one))
        }
        const give = giving(receive, base)
        const failing = (what: string) => (error: unknown, times: number): void => {
          if (stopping.signal.aborted || (times > 3 && times % 10 !== 0)) return
          const code = error instanceof Ended && 'code' in error.outcome ? error.outcome.code : undefined
          tools.log(error instanceof Ended && error.outcome.kind !== 'refused' ? 'warn' : 'error', `${what} failed and is tried again: ${error instanceof Ended ? `the server's answer was ${error.outcome.kind}` : 'see the error'}`, { attempts: times, ...(code && { code }), error })
        }

        const subscribed = new Map<string, Subscribed>()
        if (subscribe) for (const each of plan.subscriptions) subscribed.set(each.name, subscribing(each, subscribe.secret, plan.heartbeat, ask, spool, tools))
        const lookAll = async (): Promise<boolean> => {
          let whole = true
          for (const search of plan.searches) whole = await look(search, plan, base, ask, give, spool, tools.clock) && whole
          return whole
        }
        const heardAt = new Map<string, number>()
        const now = (): number => tools.clock.now().getTime()
        const follow = following({
          base, plan, subscribed, ask, give, spool, tools,
          lookAll: async () => { if (!(await lookAll())) jobs.wake('look') },
          heard: (name, troubled) => {
            heardAt.set(name, now())
            if (troubled) jobs.wake(`subscription ${name}`)
          },
        })

        jobs.add('notifications', {
          run: async () => {
            await follow.drain(stopping.signal)
            for (const { name } of plan.subscriptions) if (follow.lacks(name)) jobs.wake(`gap ${name}`)
            return null
          },
          failed: failing('the work on a notification'),
        })
        for (const each of plan.subscriptions) {
          const { name } = each
          const own = subscribed.get(name) as Subscribed
          let troubles = 0
          jobs.add(`subscription ${name}`, {
            run: async () => {
              const condition = await own.tend()
              troubles = condition === 'mended' ? troubles + 1 : 0
              if (condition === 'mended' && plan.searches.length > 0) jobs.wake('look')
              if (follow.lacks(name)) jobs.wake(`gap ${name}`)
              return Math.min(plan.check * 2 ** Math.max(0, troubles - 1), LONGEST_CHECK)
            },
            failed: failing('the check of a subscription'),
          })
          let since: number | null = null // when it was noticed that events are missing
          jobs.add(`gap ${name}`, {
            run: async () => {
              since = follow.lacks(name) ? since ?? now() : null
              if (since === null) return null
              if (now() - since < plan.gap) return since + plan.gap - now()
              await follow.catchUp(each)
              since = null
              return null
            },
            failed: failing('the catching up on missed events'),
          })
          const { heartbeat } = plan
          if (heartbeat !== null && each.kind === 'backport') {
            heardAt.set(name, now())
            jobs.add(`heartbeat ${name}`, {
              run: async () => {
                const due = (heardAt.get(name) ?? 0) + 2 * heartbeat
                if (now() < due) return due - now()
                tools.log('warn', 'nothing was heard of a subscription for twice its heartbeat; the server is asked')
                heardAt.set(name, now())
                jobs.wake(`subscription ${name}`, true)
                return 2 * heartbeat
              },
              failed: failing('the watch over a heartbeat'),
            })
          }
        }
        if (plan.searches.length > 0) jobs.add('look', { run: async () => ((await lookAll()) ? plan.every : plan.every ?? plan.gap), failed: failing('a look for what changed') })

        const leaving: (() => void)[] = []
        try {
          if (smart?.publish) leaving.push(publish(tools.serve, smart.publish, keys))
          if (subscribe) leaving.push(tools.serve(`${subscribe.path}/*`, notified(subscribe.path, subscribe.secret, plan, spool, () => jobs.wake('notifications'), tools)))
        } catch (error) {
          for (const leave of leaving) leave()
          throw new Error(sentence(error))
        }
        const running = jobs.run(stopping.signal)
        stop = async () => {
          for (const leave of leaving) leave()
          stopping.abort()
          jobs.stop()
          await running
        }
        return [subscribe && `${subscribe.path} on the engine’s web server`, plan.every !== null && `looking at ${new URL(base).host}`].filter(Boolean).join(', and ')
      },
      async stop() {
        await stop()
        stop = async () => {}
      },
    }
  },
})
