/** How long the measures of a period take and how much memory, as referrals grow. Run: node --expose-gc dist/test/bench/measures.js [sizes, as in 10000,100000] */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measures } from '../../referrals/measures/report.js'
import { openThreadedDeskStore } from '../../referrals/store/threaded-desk-store.js'
import { changeOf, eventOf, idOf } from '../conformance/desk-kit.js'

const SIZES = (process.argv[2] ?? '10000,100000').split(',').map(Number)
const START = Date.parse('2025-01-01T00:00:00Z')
const SETTINGS = { days: { acknowledged: 1, contacted: 14, scheduled: 30, seen: 90, reported: 30, closed: 120 }, cms50: { referral: 'any' as const, encounter: 'any' as const, intervention: [], consultantReport: [{ system: 'http://loinc.org', code: '11488-4' }] } }
const LIFE = ['received', 'read', 'triaged', 'matched', 'routed', 'acknowledged', 'handed-off', 'accepted', 'contacted', 'scheduled', 'seen', 'reported', 'outcome-sent', 'closed'] as const

const at = (serial: number, hours: number): string => new Date(START + serial * 30_000 + hours * 3_600_000).toISOString()
const folder = mkdtempSync(join(tmpdir(), 'refero-measures-'))
const store = await openThreadedDeskStore(join(folder, 'desk.db'))
let filled = 0
for (const size of SIZES) {
  while (filled < size) {
    const until = Math.min(size, filled + 2000)
    await Promise.all(Array.from({ length: until - filled }, (_, n) => {
      const serial = filled + n
      const receivedAt = at(serial, 0)
      return store.commit(changeOf(idOf(serial), 0, {
        events: [eventOf(1, 'received')], found: { text: `patient ${serial}`, payer: `payer ${serial % 60}` },
        state: {
          receivedAt, stage: 'closed', provider: String(serial % 3000), specialty: `specialty ${serial % 25}`, payer: `payer ${serial % 60}`, via: 'referrals-hl7', reportedAt: at(serial, 320 + (serial % 97)), patient: { status: 'matched', chart: { source: 'epic-main', id: String(serial % 40_000) } },
          route: { ehr: `ehr ${serial % 4}`, location: `location ${serial % 20}`, practitioner: null, queue: 'intake', tasks: ['call', 'verify'] }, times: Object.fromEntries(LIFE.map((name, step) => [name, at(serial, step * 24 + (serial % 97))])),
          appointment: { id: String(serial), start: at(serial, 300), with: 'Dr. Tanaka', at: 'Main Street', heardAt: at(serial, 240), last: 'scheduled' },
        },
      }))
    }))
    filled = until
  }
  const providers = { get: async () => null }
  const measured = async (by: Parameters<typeof measures>[1]['by']): Promise<void> => {
    globalThis.gc?.()
    const before = process.memoryUsage()
    const from = performance.now()
    let longest = 0
    let last = from
    const timer = setInterval(() => { longest = Math.max(longest, performance.now() - last); last = performance.now() }, 1)
    const { whole, groups } = await measures({ store, providers, settings: SETTINGS, zone: 'America/New_York', now: new Date(START + 2 * 365 * 86_400_000) }, { by, from: null, to: null, filters: {} })
    clearInterval(timer)
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    console.log(`${size} referrals by ${by.join(', ') || 'nothing'}: ${((performance.now() - from) / 1000).toFixed(2)} s, ${groups.length} groups, ${whole.received} counted, heap ${((heapUsed - before.heapUsed) / 2 ** 20).toFixed(0)} MB and arrays ${((arrayBuffers - before.arrayBuffers) / 2 ** 20).toFixed(0)} MB more, the loop was held up ${longest.toFixed(0)} ms at most`)
  }
  await measured([])
  await measured(['specialty'])
  await measured(['provider', 'month'])
}
await store.close()
rmSync(folder, { recursive: true })
