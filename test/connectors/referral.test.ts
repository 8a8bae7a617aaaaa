/** The `referral` destination: what can never be a referral is refused, and not tried again for ever. */
import t from 'tap'
import destination from '../../connectors/referral/destination.js'
import { deliveryOf, never, testTools } from './tools.js'

t.test('what is no JSON is refused with a sentence', async (t) => {
  const connection = destination.create({ action: 'open' }, { ...testTools(t.testdir()), service: () => ({}) })
  await connection.open()
  t.match(await connection.deliver(deliveryOf('MSH|^~\\&|A'), never), { kind: 'refused', reason: /put `to-fhir` among the steps/ })
})
