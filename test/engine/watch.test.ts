/** Watching: what a channel file may say of it, and what a look at the engine finds. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadChannel, type LoadedChannel } from '../../engine/channel-loader.js'
import { checkChannels } from '../../engine/check/check.js'
import type { MessageArchive, QueueHead } from '../../engine/contracts.js'
import { StoreError } from '../../engine/errors.js'
import type { EngineEvent } from '../../engine/events.js'
import { CertificateProbe, certificatesIn } from '../../engine/watch/certificate-probe.js'
import { DestinationProbe } from '../../engine/watch/destination-probe.js'
import type { EngineView, WatchedChannel } from '../../engine/watch/engine-view.js'
import { instantIn, span } from '../../engine/watch/incident.js'
import { lookAtChannels, lookAtDisk, lookAtSearch, lookAtStore } from '../../engine/watch/installation-probe.js'
import { Look } from '../../engine/watch/look.js'
import type { Watch } from '../../engine/watch/settings.js'
import { SourceProbe } from '../../engine/watch/source-probe.js'
import { Traffic } from '../../engine/watch/traffic.js'
import { context } from './stand-ins.js'

const [MINUTE, HOUR] = [60_000, 3_600_000]
const NEW_YORK = 'America/New_York'

t.test('a channel file with a wrong `watch:` is told of by line and column', async (t) => {
  const rest = 'source: { mllp: { port: 1 } }\nformat: hl7v2\ndestinations: [ { name: out, to: { mllp: { host: a, port: 2 } } } ]\n'
  const load = async (watch: string) => {
    const folder = t.testdir({ 'one.yaml': `name: one\nwatch: ${watch}\n${rest}` })
    return loadChannel(join(folder, 'one.yaml'), context())
  }
  const problems = async (watch: string): Promise<readonly string[]> => (await load(watch)).problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
  t.match((await load('{ silent: 4h, oldest: 5m, depth: 1000, refused: 3, errors: { count: 10, within: 1h }, disconnected: 2m, certificate: 30d, hours: "Mon-Fri 07:00-19:00, Sat 08:00-12:00", zone: America/New_York }')).channel?.definition.watch, { silent: '4h', depth: 1000, refused: 3, errors: { count: 10 } })
  t.strictSame((await loadChannel(join(t.testdir({ 'one.yaml': `name: one\n${rest}` }), 'one.yaml'), context())).channel?.definition.watch, {}, 'nothing said')
  t.match(await problems('{ silnet: 4h }'), [/^2:10 `silnet` is not a setting of `watch`; did you mean `silent`\?/])
  t.match(await problems('{ silent: 4 h }'), [/^2:18 `silent` must be a duration/])
  t.match(await problems('{ silent: 4h, hours: "Mun-Fri 07:00-19:00" }'), [/^2:29 `hours`: `Mun` is no day; did you mean `Mon`\?/])
  t.match(await problems('{ silent: 4h, hours: Mon-Fri 7-19 }'), [/^2:29 `hours`: `7-19` is no span of time; write days and times such as/])
  t.match(await problems('{ hours: Mon, zone: Berlin }'), [/^2:28 `zone`: `Berlin` is no time zone; did you mean `Europe\/Berlin`\?/])
  t.match(await problems('{ oldest: 0s }'), [/^2:18 `oldest`: it is never shorter than this/])
  t.match(await problems('{ refused: 0 }'), [/^2:19 `refused` must be a whole number from 1/])
})

t.test('`refero check` tells of settings of `watch:` that have no effect', async (t) => {
  const said = async (watch: string): Promise<readonly string[]> => {
    const folder = t.testdir({ 'one.yaml': `name: one\nsource: { mllp: { port: 1 } }\nformat: hl7v2\nwatch: ${watch}\ndestinations: [ { name: out, to: { mllp: { host: a, port: 2 } } } ]\n` })
    const { channel } = await loadChannel(join(folder, 'one.yaml'), context())
    return checkChannels(channel ? [channel] : [], context()).filter(({ rule }) => rule === 'no-effect').map(({ line, column, severity, message }) => `${line}:${column} ${severity} ${message}`)
  }
  t.strictSame(await said('{ silent: 4h, hours: Mon-Fri, zone: UTC }'), [])
  t.match(await said('{ hours: Mon-Fri, oldest: 5m }'), [/^4:10 warning `hours` has no effect: only `silent` and `disconnected`/])
  t.match(await said('{ silent: 4h, zone: UTC }'), [/^4:22 warning `zone` has no effect/])
})

const START = Date.parse('2026-03-02T14:00:00Z')

/** An engine with one channel, as watching sees it, and what happens to it. */
const watched = (watch: Watch, more: { source?: object; to?: object; steps?: readonly object[]; file?: string } = {}) => {
  const definition = {
    name: 'adt', watch, source: { name: 'mllp', settings: more.source ?? {} },
    steps: more.steps ?? [], destinations: [{ name: 'ehr', to: { name: 'mllp', settings: more.to ?? {} }, steps: [] }],
  }
  const channel = { name: 'adt', state: 'running', trouble: null as string | null, loaded: { definition, file: more.file ?? 'adt.yaml' } as unknown as LoadedChannel }
  const world = { connections: null as number | null, last: null as Date | null, queues: [] as { waiting: number; held: number; oldest: Date | null; head?: QueueHead }[], storeWorks: true, stuck: [] as Date[], left: [] as object[] }
  const engine: EngineView = { status: () => [channel], channel: () => channel.loaded, connections: () => world.connections, problems: [], otherProblems: [], storeTrouble: null }
  const archive = {
    search: async ({ status, until = new Date(8.64e15) }: { status?: string; until?: Date }) => (!world.storeWorks ? Promise.reject(new Error('the disk is full'))
      : status === 'received' ? world.stuck.filter((receivedAt) => receivedAt <= until).map((receivedAt) => ({ id: receivedAt.getTime(), receivedAt })) : world.last ? [{ receivedAt: world.last }] : []),
    queues: async () => (world.storeWorks ? [...world.left, ...world.queues].map((queue) => ({ channel: 'adt', destination: 'ehr', failed: 0, head: null, ...queue })) : Promise.reject(new Error('the disk is full'))),
  } as unknown as Pick<MessageArchive, 'search' | 'queues'>
  let hear: (event: EngineEvent) => void = () => {}
  const started = new Date(START)
  const traffic = new Traffic(started, () => watch)
  traffic.listen({ listen: (listener: typeof hear) => { hear = listener; return () => {} } } as never)
  const [sources, destinations] = [new SourceProbe(engine, archive, traffic, 'UTC'), new DestinationProbe(archive, traffic, 'UTC', '1h')]
  const at = async (when: number | string): Promise<Look> => {
    const look = new Look(typeof when === 'number' ? new Date(START + when * MINUTE) : new Date(when))
    await sources.look([channel as WatchedChannel], look)
    await destinations.look([channel as WatchedChannel], ['adt', 'switched-off'], look)
    return look
  }
  const happens = (what: EngineEvent['what'], when: number | string, destination: string | null = null): void =>
    hear({ what, channel: 'adt', destination, at: typeof when === 'number' ? new Date(START + when * MINUTE) : new Date(when) } as EngineEvent)
  return { channel, world, at, happens, traffic }
}
const kinds = (look: Look): string[] => look.causes.map(({ kind, destination }) => (destination ? `${kind} ${destination}` : kind))
const silence = (since: number | string) => ({ kind: 'silent', channel: 'adt', destination: null, subject: null, since: typeof since === 'number' ? new Date(START + since * MINUTE) : new Date(since) }) as const

t.test('a channel that is silent in its hours is found; a quiet weekend is not', async (t) => {
  const { at, happens } = watched({ silent: '4h', hours: 'Mon-Fri 07:00-19:00', zone: NEW_YORK })
  await at('2026-03-05T14:00:00Z')
  happens('received', '2026-03-06T20:00:00Z') // Friday 15:00
  t.strictSame(kinds(await at('2026-03-06T23:59:00Z')), [], 'Friday 18:59')
  t.strictSame(kinds(await at('2026-03-08T20:00:00Z')), ['silent'], 'the four hours were over on Friday at 19:00')
  happens('received', '2026-03-06T23:00:00Z') // Friday 18:00
  for (const when of ['2026-03-07T15:00:00Z', '2026-03-08T22:00:00Z', '2026-03-09T11:00:00Z', '2026-03-09T13:59:00Z']) t.strictSame(kinds(await at(when)), [], when)
  const look = await at('2026-03-09T14:00:00Z') // Monday 10:00, daylight time
  t.match(look.causes, [{ kind: 'silent', since: new Date('2026-03-06T23:00:00Z'), what: 'Channel adt has received nothing since Fri 2026-03-06 18:00 EST: longer than 4h of its hours (Mon-Fri 07:00-19:00).' }])
  happens('duplicate', '2026-03-09T14:01:00Z')
  const after = await at('2026-03-09T14:02:00Z')
  t.strictSame(kinds(after), [])
  t.notOk(after.isUnsure(silence('2026-03-06T23:00:00Z')), 'that silence has ended')
})

t.test('after a restart the silence before it counts, once senders had a moment to come back', async (t) => {
  const { at, world, channel } = watched({ silent: '1h' })
  world.last = new Date(START - 3 * HOUR)
  const first = await at(0)
  t.strictSame(kinds(first), [])
  t.ok(first.isUnsure(silence(-180)), 'an incident of before stays as it is')
  t.strictSame(kinds(await at(5)), ['silent'])
  channel.state = 'failed'
  t.ok((await at(6)).isUnsure(silence(-180)), 'a channel that has failed is told of as such')
  channel.state = 'paused'
  t.notOk((await at(7)).isUnsure(silence(-180)), 'a person wants it silent')
  const dark = watched({ silent: '1h' })
  dark.world.storeWorks = false
  t.ok((await dark.at(0)).isUnsure(silence(0)))
})

t.test('a source with nobody connected, and a destination that cannot be reached', async (t) => {
  const { at, channel, happens, world } = watched({ disconnected: '2m' })
  t.strictSame(kinds(await at(0)), [], 'a source that cannot tell is not watched')
  world.connections = 0
  await at(1)
  channel.trouble = 'The password is wrong.'
  t.match((await at(3)).causes, [{ kind: 'disconnected', destination: null, because: 'The password is wrong.' }], 'with why, where the source knows')
  channel.trouble = null
  world.connections = 1
  t.strictSame(kinds(await at(4)), [])
  world.connections = 0
  t.strictSame(kinds(await at(5)), [])
  happens('received', 5.5)
  t.strictSame(kinds(await at(7)), [], 'a sender that connects for each message')
  t.strictSame(kinds(await at(8)), ['disconnected'])
  world.connections = 1

  world.queues = [{ waiting: 4, held: 0, oldest: new Date(START + 8 * MINUTE) }]
  happens('unavailable', 9, 'ehr')
  happens('unavailable', 10, 'ehr')
  t.strictSame(kinds(await at(10.5)), [])
  t.match((await at(11)).causes, [{ kind: 'disconnected', destination: 'ehr', since: new Date(START + 9 * MINUTE), count: 4, what: 'ehr in channel adt cannot be reached since Mon 2026-03-02 14:09 UTC; 4 deliveries wait.' }])
  happens('refused', 12, 'ehr')
  t.strictSame(kinds(await at(12)), [], 'whoever refuses is there')
  happens('unavailable', 13, 'ehr')
  world.queues = [{ waiting: 0, held: 0, oldest: null }]
  t.strictSame(kinds(await at(20)), [], 'nothing waits for it any more')
})

t.test('queues: too old, too deep, held', async (t) => {
  const { at, world } = watched({ oldest: '5m', depth: 10 })
  world.queues = [{ waiting: 3, held: 0, oldest: new Date(START) }]
  t.strictSame(kinds(await at(4)), [])
  t.match((await at(5)).causes, [{ kind: 'oldest', destination: 'ehr', count: 3, since: new Date(START), what: '3 deliveries wait for ehr in channel adt, the oldest since Mon 2026-03-02 14:00 UTC: longer than 5m.' }])
  const head = { message: 7, delivery: 9, status: 'queued', attempts: 4, due: new Date(START + 6 * MINUTE) } as const
  world.queues = [{ waiting: 3, held: 0, oldest: new Date(START), head: { ...head, reason: 'unavailable: nothing listens there (ECONNREFUSED)' } }]
  t.match((await at(5)).causes, [{ because: 'The last attempt, at message 7: nothing listens there (ECONNREFUSED).' }])
  world.queues = [{ waiting: 3, held: 0, oldest: new Date(START), head: { ...head, reason: 'refused for now: MRN 123 is unknown' } }]
  t.match((await at(5)).causes, [{ because: null }], 'what a receiver says may quote a message')
  world.queues = [{ waiting: 10, held: 2, oldest: new Date(START + 6 * MINUTE) }]
  t.strictSame(kinds(await at(7)), ['held ehr', 'depth ehr'])
  world.storeWorks = false
  const dark = await at(8)
  t.strictSame(kinds(dark), [])
  t.ok(dark.isUnsure({ ...silence(0), kind: 'depth', destination: 'ehr' }))
  const unsaid = watched({})
  unsaid.world.queues = [{ waiting: 1, held: 1, oldest: new Date(START) }]
  t.strictSame(kinds(await unsaid.at(59)), ['held ehr'], 'held is told of without being asked for')
  t.strictSame(kinds(await unsaid.at(60)), ['held ehr', 'oldest ehr'], 'and so is what waits for an hour')
})

t.test('what is stuck before its steps, and what waits in a channel that has no file any more', async (t) => {
  const { at, world } = watched({ oldest: '5m' })
  world.stuck = [new Date(START + MINUTE), new Date(START)]
  t.strictSame(kinds(await at(4)), [])
  t.strictSame(kinds(await at(5)), [], 'what is replayed is old too, and goes on')
  t.match((await at(6)).causes, [{ kind: 'oldest', channel: 'adt', destination: null, count: 2, since: new Date(START), what: '2 messages have not been through the steps of channel adt, one since Mon 2026-03-02 14:00 UTC: longer than 5m.' }])
  world.stuck = [new Date(START + MINUTE)]
  t.strictSame(kinds(await at(7)), [], 'another than before: they go through')
  world.stuck = []
  t.strictSame(kinds(await at(8)), [])
  world.left = [{ channel: 'old', waiting: 2, held: 1, oldest: new Date(START) }, { channel: 'switched-off', waiting: 1, held: 0, oldest: new Date(START) }, { channel: 'older', waiting: 0, held: 0, oldest: null }]
  t.match((await at(9)).causes, [{ kind: 'oldest', channel: 'old', destination: 'ehr', count: 3, what: /^3 deliveries wait for ehr in channel old, which no channel file is for/ }])
  t.equal((await at(9)).causes.length, 1)
  world.storeWorks = false
  t.ok((await at(10)).isUnsure({ ...silence(0), kind: 'oldest' }))
  t.ok((await at(10)).isUnsure({ ...silence(0), kind: 'oldest', channel: 'old', destination: 'ehr' }))
})

t.test('refusals and errors: so many in a row, or within a time', async (t) => {
  const row = watched({ refused: 3, errors: 2 })
  const about = { ...silence(0), kind: 'refused', destination: 'ehr' } as const
  t.ok((await row.at(0)).isUnsure(about), 'nobody knows what was before the start')
  for (const when of [1, 2]) row.happens('refused', when, 'ehr')
  t.strictSame(kinds(await row.at(2)), [])
  for (let n = 3; n < 500; n++) row.happens('refused', 3, 'ehr')
  t.match((await row.at(4)).causes, [{ kind: 'refused', count: 499, since: new Date(START + MINUTE), what: 'ehr in channel adt has refused 499 deliveries one after the other.' }])
  row.happens('sent', 5, 'ehr')
  const after = await row.at(5)
  t.strictSame([kinds(after), after.isUnsure(about)], [[], false])
  row.happens('error', 6)
  row.happens('filtered', 6, 'ehr')
  row.happens('unreadable', 7)
  t.match((await row.at(7)).causes, [{ kind: 'errors', count: 2, destination: null }])
  row.happens('transformed', 8)
  t.strictSame(kinds(await row.at(8)), [])

  const within = watched({ refused: { count: 3, within: '10m' } })
  for (const when of [0, 4, 8]) {
    within.happens('refused', when, 'ehr')
    within.happens('sent', when, 'ehr')
  }
  t.match((await within.at(9)).causes, [{ kind: 'refused', count: 3, what: 'ehr in channel adt has refused 3 deliveries within 10m.' }])
  const later = await within.at(11)
  t.strictSame([kinds(later), later.isUnsure(about)], [[], false])
})

t.test('certificates: those that end soon, in files and as PEM, of both ends', async (t) => {
  const folder = t.testdir({ tls: {} })
  const make = (name: string, days: number): string => {
    const [key, pem] = [join(folder, `tls/${name}.key`), join(folder, `tls/${name}.pem`)]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(days), '-subj', `/CN=${name}`, '-keyout', key, '-out', pem], { stdio: 'pipe' })
    return readFileSync(pem, 'utf8')
  }
  const [soon, long] = [make('soon', 10), make('long', 400)]
  writeFileSync(join(folder, 'tls/both.pem'), soon + long)
  const at = async (source: object, to: object, watch: Watch = {}): Promise<Look> => {
    const { channel } = watched(watch, { source, to, file: join(folder, 'adt.yaml') })
    const look = new Look(new Date())
    await new CertificateProbe('UTC', '30d').look([channel as WatchedChannel], look)
    return look
  }
  t.match((await at({ port: 1, tls: { cert: 'tls/soon.pem', key: 'tls/soon.key' } }, { tls: { ca: long } })).causes, [
    { kind: 'certificate', channel: 'adt', destination: null, subject: 'tls.cert', what: /^The certificate `tls\.cert` \(soon\.pem\) of the source in channel adt is valid until .*: 9d 23h more\.$/ },
  ])
  t.match((await at({}, { tls: { cert: `${long}${soon}` } })).causes, [{ destination: 'ehr', subject: 'tls.cert', what: /^The certificate `tls\.cert` of ehr/ }], 'of a chain the first to end')
  t.strictSame((await at({ tls: { cert: 'tls/long.pem', clients: 'tls/both.pem' } }, {})).causes, [], 'of authorities one is enough')
  t.strictSame((await at({ tls: { cert: 'tls/soon.pem' } }, {}, { certificate: '5d' })).causes, [], 'the channel says how soon')
  const none = await at({ tls: { cert: 'tls/none.pem' } }, { tls: { ca: 'nonsense' } })
  t.strictSame(none.causes, [])
  t.ok(none.isUnsure({ ...silence(0), kind: 'certificate', subject: 'tls.cert' }))
  execFileSync('openssl', ['pkcs12', '-export', '-passout', 'pass:open', '-inkey', join(folder, 'tls/soon.key'), '-in', join(folder, 'tls/soon.pem'), '-out', join(folder, 'tls/soon.p12')], { stdio: 'pipe' })
  execFileSync('openssl', ['x509', '-in', join(folder, 'tls/soon.pem'), '-outform', 'DER', '-out', join(folder, 'tls/soon.der')], { stdio: 'pipe' })
  const smime = { identities: [{ address: 'direct.heart.example', certificate: 'tls/soon.p12', passphrase: 'open' }], anchors: ['tls/both.pem', 'tls/soon.der'], bundles: [{ url: 'https://x.example/b.p7b', signer: 'tls/soon.pem' }], certificates: ['tls/long.pem'] }
  t.same((await at({}, { smime })).causes.map(({ destination, subject }) => [destination, subject]), [['ehr', 'smime.identities.0.certificate'], ['ehr', 'smime.anchors.1'], ['ehr', 'smime.bundles.0.signer']], 'of S/MIME in every form')
  t.same((await at({ cert: 'tls/soon.pem', saml: { anchors: 'tls/soon.pem' } }, { ca: 'tls/soon.pem', host: 'relay.heart.example' })).causes.map(({ destination, subject }) => [destination, subject]), [[null, 'cert'], [null, 'saml.anchors'], ['ehr', 'ca']], 'of mail servers, ours and theirs, and of SAML')
  const { channel } = watched({}, { source: {}, to: {}, steps: [{ name: 'open-smime', settings: { identities: smime.identities, anchors: ['tls/long.pem'] } }], file: join(folder, 'adt.yaml') })
  const look = new Look(new Date())
  await new CertificateProbe('UTC', '30d').look([channel as WatchedChannel], look)
  t.match(look.causes, [{ destination: null, subject: 'identities.0.certificate', what: /of the step open-smime in channel adt is valid until/ }])
  t.strictSame(certificatesIn({ certificate: 'x', a: { tls: { cert: 'y', key: 'z' } } }), [{ path: 'a.tls.cert', value: 'y', authorities: false }])
})

t.test('the disk, the store, and channels that cannot start', async (t) => {
  const disk = async (space: string, free: number): Promise<Look> => {
    const look = new Look(new Date(START))
    await lookAtDisk(space, '.', look, async () => ({ free, whole: 100 * 1024 ** 3 }))
    return look
  }
  t.match((await disk('5%', 4 * 1024 ** 3)).causes, [{ kind: 'disk', what: 'The disk of the data folder has 4.0 GB free (4.0%): less than 5%.' }])
  t.match((await disk('2GB', 1024 ** 2)).causes, [{ what: /1\.0 MB free \(0\.0%\): less than 2GB/ }])
  t.strictSame((await disk('0%', 0)).causes, [])
  t.ok((await disk('5%', 5.2 * 1024 ** 3)).isUnsure({ ...silence(0), kind: 'disk' }), 'a little more than too little does not end it')
  t.notOk((await disk('5%', 6 * 1024 ** 3)).isUnsure({ ...silence(0), kind: 'disk' }))
  const look = new Look(new Date(START))
  await lookAtDisk('5%', join(t.testdir(), 'none'), look)
  t.ok(look.isUnsure({ ...silence(0), kind: 'disk' }))
  const engine: EngineView = {
    status: () => [{ name: 'a', state: 'failed', trouble: 'Cannot listen: port 1 is in use.' }, { name: 'b', state: 'running', trouble: null }, { name: 'c', state: 'starting', trouble: null }],
    channel: () => undefined, connections: () => null, storeTrouble: 'The disk is full.',
    otherProblems: [{ file: 'table.csv', line: 3, column: 2, rule: 'x', message: 'No such EHR.', hint: '', severity: 'error' }],
    problems: [1, 2].map((line) => ({ file: 'd.yaml', line, column: 1, rule: 'x', message: `Wrong ${line}.`, hint: '', severity: 'error' as const })),
  }
  lookAtStore(engine, look)
  lookAtChannels(engine, look)
  t.match(look.causes, [
    { kind: 'store', because: 'The disk is full.' }, { kind: 'channel-failed', channel: 'a', because: 'Cannot listen: port 1 is in use.' },
    { kind: 'channel-failed', channel: null, subject: 'd.yaml', count: 2, because: 'd.yaml:1:1: Wrong 1. d.yaml:2:1: Wrong 2.' },
    { kind: 'channel-failed', channel: null, subject: 'table.csv', count: 1, what: /^The table table\.csv is broken/, because: 'table.csv:3:2: No such EHR.' },
  ])
  t.ok(look.isUnsure({ ...silence(0), kind: 'channel-failed', channel: 'c' }))
  const search = new Look(new Date(START))
  await lookAtSearch({ textIndexed: async () => ({ indexed: 1, newest: 2 }) }, search)
  t.strictSame(search.causes, [], 'to be behind is no fault')
  await lookAtSearch({ textIndexed: () => Promise.reject(new StoreError('failed', 'search.db cannot be written to.')) }, search)
  t.match(search.causes, [{ kind: 'store', subject: 'search', what: /search by words fails/, because: /search\.db cannot be written to/ }])
})

t.test('times are said as people say them', async (t) => {
  t.strictSame([0, 999, 5_000, 65_000, 3 * HOUR, 76 * HOUR].map(span), ['0s', '0s', '5s', '1m 5s', '3h', '3d 4h'])
  t.equal(instantIn(NEW_YORK, new Date('2026-07-01T04:00:00Z')), 'Wed 2026-07-01 00:00 EDT')
})
