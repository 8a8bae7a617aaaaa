/** What is counted, how it is shown, and what a slow listener loses: the parts that need no running engine. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { MessageFormat } from '../../engine/contracts.js'
import { table } from '../../engine/commands/top.js'
import type { Engine } from '../../engine/engine.js'
import { type EngineEvent, Events } from '../../engine/events.js'
import { BOUNDS, Durations, quantile } from '../../engine/measures/durations.js'
import { LiveView, type Wanted } from '../../engine/measures/live-view.js'
import { Measures } from '../../engine/measures/measures.js'
import { prometheusText } from '../../engine/measures/prometheus.js'
import { linesOf, type Look } from '../../engine/measures/rates.js'
import type { ShownEvent } from '../../engine/measures/shown.js'
import { echo } from '../small-world.js'

const event = (more: Partial<EngineEvent>): EngineEvent => ({
  at: new Date(1_000), channel: 'a', what: 'received', message: 1, destination: null, step: null, header: null, verdict: null, reason: null, took: null,
  receivedAt: new Date(0), size: 4, format: 'echo', bytes: () => Buffer.from('Jane'), ...more,
})
const EVERYTHING: Wanted = { channel: null, destination: null, what: null, step: null, condition: null, content: 'none' }
const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await new Promise((next) => setImmediate(next))
}

function view(events: Events, wanted: Partial<Wanted> = {}): { told: (ShownEvent | string)[]; reader: { ready: boolean }; view: LiveView } {
  const told: (ShownEvent | string)[] = []
  const reader = { ready: true, event: (one: ShownEvent) => void told.push(one), lost: (count: number) => void told.push(`lost ${count}`), note: (reason: string) => void told.push(`note ${reason}`) }
  return { told, reader, view: new LiveView(events, { ...EVERYTHING, ...wanted }, () => echo as MessageFormat, reader) }
}

t.test('a listener that throws is reported, and neither the others nor the message notice', async (t) => {
  const failed: unknown[] = []
  const events = new Events((error) => failed.push(error))
  const heard: EngineEvent[] = []
  t.equal(events.heard, false)
  events.listen(() => {
    throw new Error('broken')
  })
  const deaf = events.listen((one) => heard.push(one))
  events.emit(event({}))
  events.emit(event({ what: 'step', step: 1 }))
  t.equal(heard.length, 1, 'steps are told to those only who want them')
  t.equal(events.stepsHeard, false)
  t.equal(failed.length, 1)
  deaf()
  events.listen((one) => heard.push(one), { steps: true })
  t.equal(events.stepsHeard, true)
  events.emit(event({ what: 'step', step: 1 }))
  t.equal(heard.length, 2)
})

t.test('who reads slowly loses events, hears how many, where they would have stood, and holds nobody up', async (t) => {
  const events = new Events()
  const slow = view(events)
  slow.reader.ready = false
  for (let n = 1; n <= 1_200; n++) events.emit(event({ message: n }))
  await turns()
  t.equal(slow.told.length, 0, 'nothing is told to who does not read')
  slow.reader.ready = true
  slow.view.resume()
  while (slow.told.length < 1_001) await turns()
  t.equal(slow.told.at(-1), 'lost 200')
  t.equal((slow.told[999] as ShownEvent).message, 1_000, 'the first are told in order')
  events.emit(event({ message: 1_201 }))
  await turns()
  t.equal((slow.told.at(-1) as ShownEvent).message, 1_201, 'and what comes after the gap')
  const large = view(events, { content: 'redacted' })
  large.reader.ready = false
  for (let n = 1; n <= 4; n++) events.emit(event({ message: n, size: 6_000_000 }))
  large.reader.ready = true
  large.view.resume()
  await turns()
  t.same(large.told.map((one) => (typeof one === 'string' ? one : one.message)), [1, 2, 'lost 2'], 'content that waits is bounded as well')
  large.view.close()
  events.emit(event({ message: 5 }))
  await turns()
  t.equal(large.told.length, 3, 'closed, it hears nothing')
})

t.test('a view shows what is wanted, no more of a message than was asked for, and says once what it cannot look at', async (t) => {
  const events = new Events()
  const [redacted, full, none] = [view(events, { content: 'redacted' }), view(events, { content: 'full', destination: 'x' }), view(events, { channel: 'b' })]
  const unsure = view(events, { condition: async () => 'PID-3 is no path here' })
  events.emit(event({ header: { controlId: 'MRN77', type: 'JANE^DOE' }, reason: 'step 2 of x (script): split.js:3: no Jane' }))
  events.emit(event({ header: { controlId: null, type: 'REF^I12' }, destination: 'x', what: 'sent' }))
  await turns()
  t.match(redacted.told[0], { content: { text: 'Xxxx' }, type: 'XXXX^XXX', reason: 'step 2 of x (script): what it says is shown with the full content only' })
  t.match(redacted.told[1], { type: 'REF^I12' })
  t.notMatch(JSON.stringify(redacted.told), /Jane|JANE|MRN77/)
  t.match(full.told, [{ what: 'sent', content: { text: 'Jane' } }])
  t.same(none.told, [])
  t.same(unsure.told, ['note PID-3 is no path here'])
})

t.test('durations are counted under their bounds, and quantiles lie where half and nearly all were', async (t) => {
  const durations = new Durations()
  t.equal(quantile(durations.counts, 0.5), null, 'of nothing nothing is said')
  for (let n = 0; n < 99; n++) durations.add(1.5)
  durations.add(10_000_000)
  t.equal(durations.counts[2], 99)
  t.equal(durations.counts[BOUNDS.length], 1, 'what is over all bounds')
  const half = quantile(durations.counts, 0.5) ?? 0
  t.ok(half > 1 && half <= 2, `${half} ms`)
  t.equal(quantile(durations.counts, 1), BOUNDS.at(-1))
})

t.test('a table tells rates between two looks, begins anew with the engine, and fits its terminal', async (t) => {
  const counted = (received: number, sent: number): Look['channels'][number] => ({
    name: 'a-channel-with-quite-a-long-name-indeed', state: 'running', trouble: null, received, unreadable: 1, errors: 2, lastReceived: '2026-01-01T00:00:00Z', reply: { counts: BOUNDS.map(() => 0) },
    destinations: [{ attempts: { sent, refused: 3, unavailable: 0, unknown: 0 }, waiting: 12_345, held: 2, oldest: '2025-12-31T22:00:00Z', lastSent: null, delivery: { counts: [0, 0, sent] } }],
  })
  const look = (at: string, received: number, sent: number): Look => ({ at, channels: [counted(received, sent)] })
  const [line] = linesOf(look('2026-01-01T00:00:10Z', 150, 90), look('2026-01-01T00:00:00Z', 100, 40))
  t.match(line, { in: 5, out: 5, waiting: 12_345, held: 2, errors: 6, oldest: 7_210_000, last: 10_000 })
  t.ok((line?.p50 ?? 0) > 1 && (line?.p50 ?? 0) <= 2)
  t.match(linesOf(look('2026-01-01T00:00:10Z', 5, 1), look('2026-01-01T00:00:00Z', 100, 40)), [{ in: null, out: null }], 'an engine that began anew has no rate yet')
  const drawn = table(line ? [line, { ...line, channel: 'b', state: 'failed', trouble: 'port taken\u001b[2J' }] : [], 80)
  t.ok(drawn.slice(0, 3).every((one) => one.length <= 80), drawn.join('\n'))
  t.match(drawn[1], /^a-channel-with.*… running +5\.0 +5\.0 +12k +2 +6 +2h +[\d.]+ms +[\d.]+ms +10s$/)
  t.equal(drawn.at(-1), 'b: port taken·[2J', 'nothing that is shown moves the cursor')
})

t.test('measures count by channel and by destination', async (t) => {
  const events = new Events()
  const measures = new Measures(events)
  events.emit(event({}))
  events.emit(event({ what: 'duplicate' }))
  events.emit(event({ what: 'acknowledged', verdict: 'rejected', took: 3 }))
  events.emit(event({ what: 'filtered', destination: 'x' }))
  events.emit(event({ what: 'sent', destination: 'x', took: 2 }))
  events.emit(event({ what: 'unknown', destination: 'x' }))
  events.emit(event({ what: 'skipped', destination: 'x' }))
  t.match(measures.channel('a'), { received: 2, duplicates: 1, filtered: 0, acknowledged: { rejected: 1 }, reply: { count: 1, sum: 3 }, lastReceived: new Date(1_000) })
  t.match(measures.channel('a').destination('x'), { filtered: 1, skipped: 1, attempts: { sent: 1, unknown: 1 }, attempt: { count: 1 }, delivery: { count: 1, sum: 1_000 } })
  t.equal(measures.channel('b').received, 0)
})

t.test('hundreds of channels are told line by line as Prometheus reads them, each once, and the store with all of its files', async (t) => {
  const dataFolder = t.testdir()
  for (const [file, size] of [['messages.db', 100], ['search.db', 20], ['search.db-wal', 3]] as const) writeFileSync(join(dataFolder, file), Buffer.alloc(size))
  const engine = { world: { clock: { now: () => new Date(61_000) }, dataFolder }, storeTrouble: null, troubles: () => [] } as unknown as Engine
  const measures = new Measures(new Events())
  const counted = measures.channel('c0')
  counted.received = 3
  counted.reply.add(3)
  counted.reply.add(7_200_000)
  const now = Array.from({ length: 300 }, (_, n) => ({
    name: `c${n}`, state: 'running', trouble: null, counted: measures.channel(`c${n}`),
    destinations: [{ name: 'out', counted: measures.channel(`c${n}`).destination('out'), queue: { waiting: 2, held: 1, oldest: new Date(1_000) } }],
  }))
  const text = await prometheusText(engine, async () => now)()
  const lines = text.split('\n').filter((line) => line.startsWith('refero_'))
  t.equal(new Set(lines.map((line) => line.slice(0, line.lastIndexOf(' ')))).size, lines.length)
  t.same(lines.filter((line) => !/^[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? -?[\d.]+(e[+-]\d+)?$/.test(line)), [])
  for (const line of [
    'refero_messages_received_total{channel="c0"} 3', 'refero_queue_depth{channel="c7",destination="out"} 2', 'refero_queue_oldest_age_seconds{channel="c7",destination="out"} 60',
    'refero_reply_seconds_bucket{channel="c0",le="0.002"} 0', 'refero_reply_seconds_bucket{channel="c0",le="0.005"} 1', 'refero_reply_seconds_bucket{channel="c0",le="+Inf"} 2',
    'refero_reply_seconds_sum{channel="c0"} 7200.003', 'refero_reply_seconds_count{channel="c0"} 2', 'refero_store_bytes 123', 'refero_store_up 1',
  ]) t.ok(lines.includes(line), line)
  t.ok(text.endsWith('\n'))
})
