/** The `referral` destination: what can never be a referral is refused, and not tried again for ever. */
import t from 'tap'
import destination from '../../connectors/referral/destination.js'
import source from '../../connectors/referral/source.js'
import { accepted, deliveryOf, never, testTools } from './tools.js'

t.test('what is no JSON is refused with a sentence', async (t) => {
  const connection = destination.create({ action: 'open' }, { ...testTools(t.testdir()), service: () => ({}) })
  await connection.open()
  t.match(await connection.deliver(deliveryOf('MSH|^~\\&|A'), never), { kind: 'refused', reason: /put `to-fhir` among the steps/ })
})

t.test('a way that another channel goes by is left out', async (t) => {
  const none = { offer: (offer: object) => { offers.push(offer); return () => {} }, resume: async () => {}, failed: async () => [], turn: () => new Promise(() => {}), toTell: async () => [] }
  const offers: object[] = []
  const create = (by: readonly ('fax' | 'file')[], unless: object) => source.create({ owed: ['status'], by: [...by], unless }, { ...testTools(t.testdir()), service: () => none })
  for (const fax of [true, false]) {
    const running = create(['fax', 'file'], { fax })
    t.equal(await running.start(async () => accepted), `status owed by ${fax ? '' : 'fax, '}file`)
    await running.stop()
  }
  t.match(offers, [{ ways: ['file'] }, { ways: ['fax', 'file'] }])
  t.throws(() => create(['file'], { fax: true }), /names one that is not there/)
  t.throws(() => create(['fax'], { fax: true }), /leaves no way: switch the channel off/)
})
