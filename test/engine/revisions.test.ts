/** The history of channels: what is kept, what survives a crash at any moment, and a source that hangs in its start. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import Type from 'typebox'
import { clock } from '../../engine/clock.js'
import type { LoadedChannel } from '../../engine/channel-loader.js'
import type { DestinationConnector, SourceConnector } from '../../engine/contracts.js'
import { defineDestination, defineFormat, defineSource } from '../../engine/define.js'
import { Engine } from '../../engine/engine.js'
import { Events } from '../../engine/events.js'
import { type Disk, disk } from '../../engine/revisions/disk.js'
import { History, type NewRevision } from '../../engine/revisions/history.js'
import { nameOf, pathOf } from '../../engine/revisions/snapshot.js'
import { Undertakings } from '../../engine/revisions/undertaking.js'
import { Wishes } from '../../engine/revisions/wishes.js'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { echo } from '../small-world.js'

const revision = (text: string, more: Partial<NewRevision> = {}): NewRevision =>
  ({ revision: text, at: '2026-11-23T08:00:00.000Z', by: 'ada', why: 'because', from: 'api', of: null, file: 'channels/one.yaml', text, files: [], ...more })

class Died extends Error {}

/** A disk that dies at its nth operation: before it, or right after it. */
function mortal(dies: number, after: boolean): Disk & { readonly operations: () => number } {
  let operations = 0
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    operations++
    if (operations === dies && after) await work()
    if (operations >= dies) throw new Died()
    await work()
  }
  return { operations: () => operations, write: (path, content, encoding) => attempt(() => disk.write(path, content, encoding)), remove: (path) => attempt(() => disk.remove(path)) }
}

/** A folder with a channel file and a script at their first revision, and a change of both. */
async function begun() {
  const folder = mkdtempSync(join(tmpdir(), 'refero-revisions-'))
  const [file, script, fixture, kept] = [join(folder, 'one.yaml'), join(folder, 'one.js'), join(folder, 'new', 'one.hl7'), join(folder, 'revisions')]
  writeFileSync(file, 'old')
  writeFileSync(script, 'old script')
  await new History(kept, disk).append('one', revision('old'))
  const undertaking = { channel: 'one', files: [{ path: file, before: 'old', after: 'new' }, { path: script, before: 'old script', after: 'new script' }, { path: fixture, before: null, after: '/wA=', encoding: 'base64' as const }], revision: revision('new', { carried: [{ name: 'fixtures/one.hl7', before: null, after: '/wA=', encoding: 'base64' }], files: [{ name: 'channels/one.js', content: 'new script' }] }) }
  return { kept, file, script, undertaking, found: () => `${readFileSync(file, 'utf8')}, ${readFileSync(script, 'utf8')}${existsSync(fixture) ? `, ${readFileSync(fixture, 'hex')}` : ''}` }
}

t.test('whatever dies while a change is made, all of it is done or none, and the history says the same', async (t) => {
  const ends = new Map<string, number>()
  for (const after of [false, true]) {
    for (let dies = 1; ; dies++) {
      const { kept, undertaking, found } = await begun()
      const failing = mortal(dies, after)
      const died = await new Undertakings(kept, new History(kept, failing), failing).carryOut(undertaking).then(() => false, () => true)
      const history = new History(kept, disk)
      await new Undertakings(kept, history, disk).recover()
      const end = `${found()}: ${history.list('one', Number.POSITIVE_INFINITY, 10).map(({ sequence, by, why, text }) => `${sequence} ${by} ${why} ${history.content(text)}`).join(', ')}`
      ends.set(end, (ends.get(end) ?? 0) + 1)
      t.notOk(readdirSync(kept).includes('pending.json'), 'nothing is left to be done')
      if (!died) break
    }
  }
  t.same([...ends.keys()].sort(), ['new, new script, ff00: 2 ada because new, 1 ada because old', 'old, old script: 1 ada because old'], `the two ends: ${[...ends.values()].join(' and ')} times`)
})

t.test('what somebody wrote after a crash is not overwritten by the change that was under way', async (t) => {
  const { kept, file, undertaking, found } = await begun()
  const failing = mortal(3, false) // the plan and the first file are written
  await t.rejects(new Undertakings(kept, new History(kept, failing), failing).carryOut(undertaking), { code: 'CANNOT_WRITE' })
  t.equal(found(), 'new, old script')
  writeFileSync(file, 'by hand')
  const history = new History(kept, disk)
  await new Undertakings(kept, history, disk).recover()
  t.equal(found(), 'by hand, old script')
  t.equal(history.head('one')?.sequence, 1)
})

t.test('where the disk takes nothing more, everything is put back as it was', async (t) => {
  const { kept, undertaking, found } = await begun()
  let operations = 0
  const full: Disk = { ...disk, write: async (path, content, encoding) => (++operations === 3 ? Promise.reject(new Error('ENOSPC')) : disk.write(path, content, encoding)) }
  await t.rejects(new Undertakings(kept, new History(kept, full), full).carryOut(undertaking), { code: 'CANNOT_WRITE', message: /everything is as it was.*ENOSPC/ })
  t.equal(found(), 'old, old script')
  t.notOk(readdirSync(kept).includes('pending.json'))
})

t.test('a content is kept once however many revisions have it, and a damaged record hides no other', async (t) => {
  const kept = mkdtempSync(join(tmpdir(), 'refero-revisions-'))
  const history = new History(kept, disk)
  const table = { name: 'mappings/codes/a.yaml', content: 'rows' }
  for (const text of ['a', 'b', 'a']) await history.append('one', revision(text, { files: [table] }))
  await history.append('two', revision('c', { files: [table, { name: 'channels/gone.js', content: null }] }))
  const contents = readdirSync(join(kept, 'contents'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  t.equal(contents.length, 4, 'three texts and one table')
  const again = new History(kept, disk)
  t.same(again.channels(), ['one', 'two'])
  t.match(again.head('two'), { sequence: 1, files: [{ name: 'mappings/codes/a.yaml' }, { content: null }] })
  t.same(again.list('one', 3, 1).map(({ sequence }) => sequence), [2])
  writeFileSync(join(kept, 'channels/one/000003.json'), '{')
  const damaged = new History(kept, disk)
  t.equal(damaged.head('one')?.sequence, 2)
  t.equal((await damaged.append('one', revision('d'))).sequence, 4, 'no number is given twice')
  t.throws(() => damaged.get('one', 3), { code: 'NOT_FOUND', message: /no revision 3; it has 1 to 4/ })
})

t.test('files are named from their folders, and a name leads nowhere else', async (t) => {
  const folders = { channels: '/site/channels', mappings: '/site/mappings', fixtures: '/site/fixtures' }
  t.equal(nameOf('/site/mappings/codes/a.yaml', folders), 'mappings/codes/a.yaml')
  t.equal(nameOf('/elsewhere/a.js', folders), '/elsewhere/a.js')
  t.equal(pathOf('channels/a/b.js', folders), '/site/channels/a/b.js')
  for (const name of ['/elsewhere/a.js', 'channels/../a.js', 'other/a.js', 'channels']) t.equal(pathOf(name, folders), null, name)
})

t.test('a wish holds until it is undone, each destination’s by itself, and who wished is remembered', async (t) => {
  const kept = mkdtempSync(join(tmpdir(), 'refero-revisions-'))
  const by = { by: 'ada', why: '', at: '2026-11-23T08:00:00.000Z' }
  const first = new Wishes(new History(kept, disk), disk)
  t.same(first.controlOf('one'), { channel: null, destinations: {}, wishes: [] })
  await first.add('one', { what: 'paused', destination: 'ehr', ...by })
  await first.add('one', { what: 'stopped', destination: null, ...by })
  const again = new Wishes(new History(kept, disk), disk)
  t.match(again.controlOf('one'), { channel: { state: 'stopped', by: 'ada' }, destinations: { ehr: { state: 'paused' } } })
  await again.add('one', { what: 'started', destination: 'ehr', ...by, by: 'bob' })
  t.match(again.controlOf('one'), { channel: { state: 'stopped' }, destinations: {} })
  t.notOk('ehr' in again.controlOf('one').destinations)
  t.same(again.of('one').map(({ what, by: who }) => `${what} ${who}`), ['started bob', 'stopped ada', 'paused ada'])
})

t.test('a source that hangs in its start holds up neither the others nor its own end, and is closed once it has opened after all', async (t) => {
  const opened: { open?: () => void; stopped?: true } = {}
  const sources: Record<string, SourceConnector> = {
    hangs: { start: () => new Promise((open) => { opened.open = () => open('at last') }), stop: async () => { opened.stopped = true } },
    starts: { start: async () => 'at once', stop: async () => {} },
  }
  const nothing = Type.Object({})
  const define = (name: string) => defineSource({ name, summary: '', settings: nothing, examples: [], create: () => sources[name] as SourceConnector })
  const receiver: DestinationConnector = { open: async () => {}, deliver: async () => ({ kind: 'sent' }), close: async () => {} }
  const pieces = {
    sources: new Map(['hangs', 'starts'].map((name) => [name, define(name)] as const)),
    destinations: new Map([['receiver', defineDestination({ name: 'receiver', summary: '', settings: nothing, examples: [], create: () => receiver })]]),
    formats: new Map([['echo', defineFormat({ name: 'echo', summary: '', settings: nothing, examples: [], create: () => echo })]]),
    transforms: new Map(),
  }
  const channel = (name: string): LoadedChannel => ({
    file: `${name}.yaml`, text: name, files: [], revision: '1',
    definition: {
      name, description: '', enabled: true, source: { name, settings: {} }, format: { name: 'echo', settings: {} }, acknowledge: 'received', acknowledgeWithin: '5s', duplicates: { within: '7d' },
      index: {}, steps: [], concurrency: 1, retain: { content: '1d', facts: '1d' }, tests: [],
      destinations: [{ name: 'out', to: { name: 'receiver', settings: {} }, steps: [], partition: null, timeout: '5s', retry: { every: '1s', growth: 1, longest: '1s', jitter: 0, attempts: 'unlimited' }, retryOn: [], whenRefused: 'error', whenUnknown: 'resend' }],
    },
  }) as unknown as LoadedChannel
  const unused = (): never => { throw new Error('not used here') }
  // Ten seconds of patience pass at once; all other waits are real.
  const impatient = { ...clock, sleep: (milliseconds: number, signal?: AbortSignal) => clock.sleep(milliseconds === 10_000 || milliseconds === 5_000 ? 20 : milliseconds, signal) }
  const store = openSqliteStore(':memory:')
  const engine = new Engine({ pieces, mappings: { table: unused, mapping: unused }, store, clock: impatient, log: () => {}, events: new Events(), dataFolder: '.', serve: unused }, 60_000)
  await engine.apply([channel('hangs'), channel('starts')], [])
  t.match(engine.status(), [{ name: 'hangs', state: 'starting', trouble: /has not started within 10 s/ }, { name: 'starts', state: 'running', listening: 'at once' }])
  t.match(engine.troubles(), [/channel hangs is starting: its source has not started/])
  await engine.apply([channel('starts')], [])
  t.same(engine.status().map(({ name }) => name), ['starts'], 'it can be taken away while it hangs')
  opened.open?.()
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(opened.stopped, 'what opens too late is closed')
  t.ok(await engine.stop(1_000))
  await store.close()
})
