/** A referrer whose systems are down hears by the next way in minutes, once, and not again when they are back. */
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { createServer, type Server } from 'node:net'
import t from 'tap'
import { freePort } from './product.js'
import { FACILITY, openWays, prd } from './ways-world.js'

const [mllp, http] = [await freePort(), await freePort()]
const base = `http://127.0.0.1:${http}/fhir`
const w = await openWays(t, { REFERO_REFERRER_PORT: String(mllp), REFERO_REFERRER_URL: base })
await w.scene.load()

t.test('what nobody listens for goes by the next way after some minutes, with why; who is back later is not told again', async (t) => {
  const npi = '1990000014'
  const office = 'office@prairie.example'
  await w.provider({ npi, family: 'Novak', ways: { hl7: FACILITY, fhir: base, email: office } })
  const reference = await w.refer({ number: '2026-6001', from: prd(npi, 'NOVAK') })
  const passing = setInterval(() => w.pass(30_000), 100)
  t.teardown(() => clearInterval(passing))
  await w.says(reference, /It goes by email now/)
  clearInterval(passing) // what is sent now has its time
  const words = await w.says(reference, /The referrer was told that it is here: .*by e-mail/)
  t.match((await w.mailTo(office)).text, reference)
  t.match(words, /by hl7 was not delivered: unavailable: .*\(given up after 8 attempts\)\. It goes by fhir now/)
  t.match(words, /by fhir was not delivered: .*\(given up after 8 attempts\)\. It goes by email now/)
  t.same((await w.notices(reference, 'acknowledgement')).map(({ way, status }) => `${way} ${status}`), ['hl7 failed', 'fhir failed', 'email sent'])

  let knocked = 0
  const back: Server[] = [createServer(() => { knocked += 1 }).listen(mllp, '127.0.0.1'), createHttp((_request, response) => { knocked += 1; response.writeHead(201).end() }).listen(http, '127.0.0.1')]
  await Promise.all(back.map((server) => once(server, 'listening')))
  t.teardown(() => { for (const server of back) server.close() })
  w.pass(24 * 3_600_000)
  const next = await w.refer({ number: '2026-6002', from: prd('1990000022', 'OTHER') })
  await w.scene.event(next, 'received')
  t.equal(knocked, 0, 'they were told by e-mail')
  t.equal((await w.notices(reference, 'acknowledgement')).length, 3)
})
