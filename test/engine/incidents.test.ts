/** Incidents over time: opened once, continued, resolved, never a flood; and over restarts, crashes and a full disk. The clock is the test's own. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { IncidentMoment } from '../../engine/contracts.js'
import type { Cause } from '../../engine/watch/incident.js'
import { Incidents, type Telling } from '../../engine/watch/incidents.js'
import { Look } from '../../engine/watch/look.js'

const [MINUTE, HOUR] = [60_000, 3_600_000]
const TELLING: Telling = { grace: 2 * MINUTE, again: 30 * MINUTE, hourly: 3, keep: 90 * 24 * HOUR }
const START = Date.parse('2026-03-02T14:00:00Z')
const cause = (channel: string | null, more: Partial<Cause> = {}): Cause => ({ kind: 'oldest', channel, destination: 'ehr', subject: null, since: new Date(START), count: 1, what: `${channel} waits.`, because: null, ...more })

/** A book of incidents in a folder, and minutes that pass. */
const book = (t: Test, telling = TELLING, folder = t.testdir()) => {
  const lines: string[] = []
  const path = join(folder, 'incidents.jsonl')
  const make = (): Incidents => new Incidents(path, telling, (level, event, facts) => void lines.push(`${level} ${event} ${String(facts?.incident ?? '')}`))
  let incidents = make()
  const take = async (minute: number, causes: readonly Cause[], unsure = false): Promise<void> => {
    const look = new Look(new Date(START + minute * MINUTE))
    for (const one of causes) look.find(one)
    if (unsure) look.unsure(() => true)
    await incidents.take(look)
  }
  const moments = async (): Promise<readonly IncidentMoment[]> => {
    const now = new AbortController()
    const found = incidents.moments.after(0, now.signal, () => () => true)
    setImmediate(() => now.abort())
    return found
  }
  const restart = async (): Promise<void> => {
    await incidents.close()
    incidents = make()
  }
  t.teardown(() => incidents.close())
  return { take, moments, restart, lines, path, incidents: () => incidents }
}
const told = (moments: readonly IncidentMoment[]): string[] => moments.map(({ moment, about }) => `${moment} ${(about as { id: number }).id}`)

t.test('one cause is one incident: opened once, its numbers go on, resolved once it has been gone for a while', async (t) => {
  const { take, moments, lines, incidents } = book(t)
  for (let minute = 0; minute < 10; minute++) await take(minute, [cause('a', { count: minute + 1 })])
  t.match(incidents().open(), [{ id: 1, state: 'open', count: 10, last: new Date(START + 9 * MINUTE), openedAt: new Date(START), times: 1 }])
  await take(10, [])
  await take(11, [cause('a')])
  await take(12, [])
  t.equal(incidents().open().length, 1, 'it flaps, and is one')
  await take(13, [], true)
  await take(15, [])
  t.equal(incidents().open().length, 1, 'what cannot be told now is not gone')
  await take(17, [])
  t.match(incidents().get(1), { state: 'resolved', resolvedAt: new Date(START + 17 * MINUTE) })
  t.strictSame(lines, ['warn incident opened: a waits. 1', 'info incident resolved: a waits. 1'])
  t.strictSame(told(await moments()), ['opened 1', 'resolved 1'])
})

t.test('what comes back soon continues its incident, each time with more patience; what comes back late is another', async (t) => {
  const { take, moments, incidents } = book(t)
  await take(0, [cause('a')])
  await take(1, [])
  await take(3, [])
  t.equal(incidents().get(1).state, 'resolved')
  await take(20, [cause('a')])
  t.match(incidents().open(), [{ id: 1, times: 2, openedAt: new Date(START) }])
  await take(21, [])
  await take(24, [])
  t.equal(incidents().get(1).state, 'open', 'twice the grace')
  await take(25, [])
  t.equal(incidents().get(1).state, 'resolved')
  await take(56, [cause('a')])
  t.match(incidents().open(), [{ id: 2, times: 1 }])
  const keys = (await moments()).map(({ key }) => key)
  t.equal(keys.length, 5)
  t.equal(new Set(keys).size, 5, 'each opening is a message of its own')
})

t.test('a flood is told of in one incident, which ends with the last of them', async (t) => {
  const { take, moments, incidents, restart } = book(t)
  const many = Array.from({ length: 50 }, (_, n) => cause(`channel-${n}`))
  await take(0, many)
  t.equal(incidents().open().length, 4)
  t.match(incidents().open()[0], { kind: 'many', count: 47, what: /47 more things are wrong than the 3 that are told of within an hour, in channel-10, .* and 37 more\./ })
  await take(1, [...many, cause(null, { kind: 'disk', destination: null })])
  t.equal(incidents().open().length, 5, 'the disk is told of all the same')
  for (let minute = 2; minute < 130; minute += 10) await take(minute, many)
  t.equal(incidents().open().filter(({ kind }) => kind === 'oldest').length, 3, 'those in it stay in it')
  await restart()
  await take(140, many)
  t.equal(incidents().open().filter(({ kind }) => kind === 'oldest').length, 3, 'over a restart too')
  for (const minute of [150, 153]) await take(minute, many.slice(0, 3))
  t.equal(incidents().open().length, 3, 'the rest is gone')
  t.equal(told(await moments()).filter((line) => line.startsWith('opened')).length, 5)
})

t.test('a restart keeps what is open, tells nothing twice, and resolves what is gone', async (t) => {
  const { take, moments, restart, lines, incidents } = book(t)
  await take(0, [cause('a'), cause('b')])
  await incidents().acknowledge(1, 'ada', 'the lab moves', new Date(START + MINUTE))
  await restart()
  t.match(incidents().get(1), { state: 'acknowledged', acknowledged: { by: 'ada', why: 'the lab moves', at: new Date(START + MINUTE) }, openedAt: new Date(START) })
  await take(2, [cause('a', { count: 7 }), cause('b')])
  t.match(incidents().get(1), { state: 'acknowledged', count: 7 })
  t.equal(lines.filter((line) => line.startsWith('warn incident opened')).length, 2)
  await take(3, [])
  await restart()
  await take(4, [])
  await take(6, [])
  t.strictSame(told(await moments()), ['opened 1', 'opened 2', 'acknowledged 1', 'resolved 2', 'resolved 1'])
  await t.rejects(incidents().acknowledge(9, 'ada', 'x', new Date()), { code: 'NOT_FOUND' })
})

t.test('a crash while writing leaves all that was told before; damaged lines do not hide the others', async (t) => {
  const { take, restart, path, lines, incidents } = book(t)
  await take(0, [cause('a'), cause('b')])
  const whole = readFileSync(path)
  appendFileSync(path, '{"position":3,"moment":"resol')
  await restart()
  t.equal(incidents().open().length, 2)
  await take(1, [cause('a'), cause('b'), cause('c')])
  t.equal(readFileSync(path, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as unknown).length, 3, 'every line is whole')
  for (let length = 0; length <= whole.length; length += 37) {
    writeFileSync(`${path}.cut`, whole.subarray(0, length))
    const cut = new Incidents(`${path}.cut`, TELLING, () => {})
    t.ok(cut.open().length <= 2)
  }
  writeFileSync(path, Buffer.concat([Buffer.from('no json\n{"position":1}\n'), whole]))
  await restart()
  t.equal(incidents().open().length, 2)
  t.ok(lines.some((line) => line.startsWith('warn some lines of the log of incidents cannot be read')))
})

t.test('what cannot be written holds in memory, is given to channels only once it is written, and is written later', async (t) => {
  const folder = t.testdir()
  const { take, moments, incidents, restart, lines } = book(t, TELLING, join(folder, 'data'))
  await take(0, [cause('a')])
  t.equal(incidents().open().length, 1)
  t.ok(lines.some((line) => line.startsWith('error incidents could not be written down')))
  t.strictSame(told(await moments()), [])
  mkdirSync(join(folder, 'data'))
  await take(1, [cause('a')])
  t.strictSame(told(await moments()), ['opened 1'])
  await restart()
  t.equal(incidents().open().length, 1)
})

t.test('what was resolved long ago is forgotten, and the file does not grow for ever', async (t) => {
  const { take, incidents, path, restart } = book(t, { ...TELLING, grace: 0, again: 0, hourly: 10_000, keep: 100 * MINUTE })
  for (let minute = 0; minute < 700; minute++) await take(minute, minute % 2 === 0 ? [cause('a')] : [])
  const last = incidents().list({ limit: 1 }).incidents[0]?.id
  t.ok(incidents().list({ limit: 500 }).incidents.length <= 60)
  for (let minute = 700; minute < 1300; minute++) await take(minute, minute % 2 === 0 ? [cause('a')] : [])
  t.ok(readFileSync(path, 'utf8').split('\n').length < 1200)
  t.notOk(existsSync(`${path}.next`))
  await restart()
  t.ok((incidents().list({ limit: 1 }).incidents[0]?.id ?? 0) > (last ?? Number.POSITIVE_INFINITY), 'the newest are kept')
})

t.test('lists have the open ones first and come in pages', async (t) => {
  const { take, incidents } = book(t, { ...TELLING, hourly: 100, grace: 0 })
  await take(0, ['a', 'b', 'c', 'd', 'e'].map((channel) => cause(channel)))
  await take(1, ['b', 'd'].map((channel) => cause(channel)))
  const channels = (after?: string): { names: (string | null)[]; next: string | null } => {
    const { incidents: found, next } = incidents().list({ limit: 2, ...(after && { after }) })
    return { names: found.map(({ channel }) => channel), next }
  }
  const [one, two] = [channels(), channels(channels().next ?? '')]
  t.strictSame([one.names, two.names, channels(two.next ?? '').names], [['d', 'b'], ['e', 'c'], ['a']])
  t.equal(channels(two.next ?? '').next, null)
  t.strictSame(incidents().list({ limit: 9, state: 'unresolved', channel: 'b' }).incidents.length, 1)
  t.strictSame(incidents().list({ limit: 9, kind: 'disk' }).incidents.length, 0)
  t.throws(() => incidents().list({ limit: 2, after: 'x' }), { code: 'USAGE' })
})
