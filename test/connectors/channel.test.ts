/** One channel feeding another: what the other says of a message, as a delivery of this one. */
import t from 'tap'
import channelDestination from '../../connectors/channel/destination.js'
import channelSource from '../../connectors/channel/source.js'
import type { Inbound, Reply } from '../../engine/contracts.js'
import { accepted, deliveryOf, failing, never, rejected, testTools } from './tools.js'

const feeding = (answer: () => Promise<Reply>) => {
  const fed: [string, Inbound][] = []
  const tools = testTools('', (channel, inbound) => {
    fed.push([channel, inbound])
    return answer()
  })
  return { fed, destination: channelDestination.create({ name: 'referrals-in' }, tools) }
}

t.test('a delivery reaches the channel it names, with where it comes from and a key of its own', async (t) => {
  const { fed, destination } = feeding(async () => ({ ...accepted, acknowledgements: [Buffer.from('MSA|AA|1\r')] }))
  await destination.open()
  for (const attempts of [1, 2]) t.strictSame(await destination.deliver(deliveryOf('MSH', { attempts }), never), { kind: 'sent', response: Buffer.from('MSA|AA|1\r') })
  await destination.deliver(deliveryOf('MSH', { id: 8 }), never)
  await destination.close()
  const inbound = { bytes: Buffer.from('MSH'), origin: 'channel orders', key: 'orders/out/7' }
  t.strictSame(fed, [['referrals-in', inbound], ['referrals-in', inbound], ['referrals-in', { ...inbound, key: 'orders/out/8' }]])
})

t.test('what the other channel says is what becomes of the delivery', async (t) => {
  const stopped = (): Promise<Reply> => {
    throw new Error('The channel referrals-in is not running.')
  }
  const table: [() => Promise<Reply>, object][] = [
    [async () => accepted, { kind: 'sent' }],
    [async () => rejected, { kind: 'refused', reason: 'PID-3: a value is required.' }],
    [async () => ({ ...rejected, reason: null }), { kind: 'refused', reason: 'The channel rejected it.' }],
    [async () => failing, { kind: 'unavailable', reason: 'The message could not be stored. Send it again later.' }],
    [async () => stopped(), { kind: 'unavailable', reason: 'The channel referrals-in is not running.' }],
    [stopped, { kind: 'unavailable', reason: 'The channel referrals-in is not running.' }],
  ]
  for (const [answer, outcome] of table) t.strictSame(await feeding(answer).destination.deliver(deliveryOf('x'), never), outcome)
})

t.test('a channel that does not answer in time is unavailable: its key makes sending again safe', async (t) => {
  const { destination } = feeding(() => new Promise(() => undefined))
  const deadline = new AbortController()
  const sending = destination.deliver(deliveryOf('x'), deadline.signal)
  deadline.abort()
  t.match(await sending, { kind: 'unavailable' })
  t.match(await destination.deliver(deliveryOf('x'), AbortSignal.abort()), { kind: 'unavailable' })
})

t.test('a destination says which channel it leads to, and a source that it is fed', async (t) => {
  t.equal(channelDestination.leadsTo?.({ name: 'referrals-in' }), 'referrals-in')
  const source = channelSource.create({}, testTools(''))
  t.equal(await source.start(async () => accepted), 'fed by other channels')
  await t.resolves(source.stop())
})
