/** The `incidents` source: which moments become messages, once each, and what happens while they cannot be kept. */
import t, { type Test } from 'tap'
import source from '../../connectors/incidents/source.js'
import type { Inbound, IncidentMoment, Reply } from '../../engine/contracts.js'
import { mistakes } from '../../engine/schema-errors.js'
import { KINDS } from '../../engine/watch/incident.js'
import { Moments } from '../../engine/watch/moments.js'
import { accepted, failing, rejected, testTools } from './tools.js'

const AT = Date.parse('2026-03-02T14:15:00Z') // when the clock of the tools begins
const moment = (position: number, more: Partial<IncidentMoment> = {}): IncidentMoment =>
  ({ position, key: `incident/${position}`, at: new Date(AT), moment: 'opened', kind: 'silent', channel: 'adt', about: { id: position }, ...more })

/** A source over some moments, and what it gives to its channel. */
const running = async (t: Test, settings: object, all: readonly IncidentMoment[], reply: (given: number) => Reply = () => accepted) => {
  const moments = new Moments()
  moments.set(all)
  const tools = { ...testTools(t.testdir()), incidents: (after: number, signal: AbortSignal) => moments.after(after, signal, () => () => true) }
  const given: Inbound[] = []
  let told: () => void = () => {}
  const connector = source.create(settings, tools)
  const start = () => connector.start(async (inbound) => {
    given.push(inbound)
    told()
    return reply(given.length)
  })
  t.equal(await start(), 'the incidents of this engine')
  t.teardown(() => connector.stop())
  const until = async (count: number): Promise<readonly string[]> => {
    while (given.length < count) await new Promise<void>((resolve) => { told = resolve })
    return given.map(({ key }) => key ?? '')
  }
  return { until, given, moments, tools, connector, start }
}

t.test('each moment that is wanted is one message, in order, with a key of its own', async (t) => {
  const { until, given, moments } = await running(t, {}, [moment(1), moment(2, { moment: 'acknowledged' }), moment(3, { moment: 'resolved', channel: null, kind: 'disk' })])
  t.strictSame(await until(2), ['incident/1', 'incident/3'])
  t.match(given[0], { origin: 'incidents', bytes: Buffer.from('{"id":1}') })
  moments.set([moment(1), moment(3), moment(4)])
  t.strictSame(await until(3), ['incident/1', 'incident/3', 'incident/4'], 'what comes later is given as it comes')
})

t.test('kinds, channels, moments and age say which', async (t) => {
  const all = [moment(1), moment(2, { kind: 'held' }), moment(3, { channel: 'lab' }), moment(4, { channel: null, kind: 'disk' }), moment(5, { moment: 'resolved' }), moment(6, { at: new Date(AT - 2 * 86_400_000) })]
  const keys = async (settings: object, count: number): Promise<readonly string[]> => {
    const { until, connector } = await running(t, settings, all)
    const found = await until(count)
    await new Promise(setImmediate)
    await connector.stop()
    return found.map((key) => key.slice(-1))
  }
  t.strictSame(await keys({}, 5), ['1', '2', '3', '4', '5'])
  t.strictSame(await keys({ kinds: ['held', 'disk'] }, 2), ['2', '4'])
  t.strictSame(await keys({ channels: ['lab'] }, 1), ['3'])
  t.strictSame(await keys({ moments: ['resolved'] }, 1), ['5'])
  t.strictSame(await keys({ since: '3d', channels: ['adt'], kinds: ['silent'], moments: ['opened'] }, 2), ['1', '6'])
})

t.test('what could not be kept is given again, later; what was rejected is not', async (t) => {
  const { until, tools } = await running(t, {}, [moment(1), moment(2)], (given) => (given < 3 ? failing : given === 3 ? rejected : accepted))
  t.strictSame(await until(1), ['incident/1'])
  await tools.clock.asleep(1_000)
  tools.clock.advance(1_000)
  t.strictSame(await until(2), ['incident/1', 'incident/1'])
  await tools.clock.asleep(2_000)
  tools.clock.advance(2_000)
  t.strictSame(await until(4), ['incident/1', 'incident/1', 'incident/1', 'incident/2'])
})

t.test('it stops while it waits, and gives the same keys when it starts again', async (t) => {
  const { until, connector, start } = await running(t, {}, [moment(1)])
  await until(1)
  await connector.stop()
  await start()
  t.strictSame(await until(2), ['incident/1', 'incident/1'])
  await connector.stop()
})

t.test('its kinds are those that there are', async (t) => {
  t.strictSame(mistakes(source.settings, { kinds: Object.keys(KINDS) }, { name: '`incidents`' }), [])
  t.match(mistakes(source.settings, { kinds: ['slient'] }, { name: '`incidents`', written: () => 'slient' }), [{ message: /did you mean `silent`\?/ }])
})
