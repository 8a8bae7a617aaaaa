/** How a referrer is answered, with the whole product over sockets: by the best way that they can receive, the next where it fails, each with its reason and its proof; where none is left a person is asked. */
import t from 'tap'
import { person } from '../demo/people.js'
import { type Answer, until } from './product.js'
import { FACILITY, openWays, prd } from './ways-world.js'

const w = await openWays(t)
await w.scene.load()
const NPI = '1990000014'
const ALL = { '360x': 'novak@360x.prairie.example', direct: 'novak@direct.prairie.example', hl7: FACILITY, fhir: w.fhir.base, fax: '+16085550142', email: 'office@prairie.example' }
const id = await w.provider({ npi: NPI, family: 'Novak', ways: ALL })
const from = prd(NPI, 'NOVAK')
const REASONS: Readonly<Record<string, RegExp>> = { '360x': /no such mailbox/, direct: /550 5\.1\.1/, hl7: /AE/, fhir: /404/, fax: /not in service/, email: /no such user/ }
const inDays = (days: number): Date => new Date(Math.floor(w.now().getTime() / 60_000) * 60_000 + days * 86_400_000)

t.test('the best way first, and each next one where it fails, with why; once none is left a person is asked', async (t) => {
  w.hisp.unknown.add(ALL.direct)
  w.hl7.codes.push('AE')
  w.fhir.fault = () => ({ status: 404 })
  const reference = await w.refer({ number: '2026-5001', from })
  await w.hisp.mdn(await w.mailTo(ALL['360x']), 'failed')
  await w.faxed('failed', await w.faxTo(ALL.fax), { reason: 'The number is not in service' })
  await w.mail.bounce(await w.mailTo(ALL.email), '5.1.1', 'no such user')
  const words = await w.says(reference, /It could not be delivered, the acknowledgement: .*by e-mail/)
  t.match(words, /by 360X, as <[^>]+>; Their mail system could not deliver it \(MDN failed\): no such mailbox; it goes by direct now/)
  t.match(words, /by hl7 was not delivered: .*answered AE.*It goes by fhir now/)
  t.match(words, /The acknowledgement was taken by what carries it \(fax\); their confirmation is waited for\. \| By fax; they can be reached by .*; 360x, direct, hl7, fhir did not get through/, 'and why it is the fax')

  const told = await w.notices(reference, 'acknowledgement')
  t.same(told.map(({ way, status }) => `${way} ${status}`), Object.keys(ALL).map((way) => `${way} failed`))
  for (const { way, because } of told) t.match(because, REASONS[way] as RegExp, `why not by ${way}`)
  const waiting = (await w.get('/api/referrals/worklist')).groups.find(({ group }: Answer) => group === 'notice').referrals.find((one: Answer) => one.reference === reference)
  t.match(waiting.because, /no such user\. Tried before: by 360x: .*no such mailbox; by direct: .*550 5\.1\.1.*; by hl7: .*AE.*; by fhir: .*404.*; by fax: .*not in service\.$/)
  t.match(waiting.do[0], { says: /Tell the acknowledgement to Alex Novak once more, the same way \(email\) or by another `way`|once more/, call: /notices\/\d+\/retry$/ })
  t.notMatch(words, /The referrer was told that it is here: .*by a file/, 'a letter that lies in a folder tells nobody')
  t.match((await w.get(`/api/providers/${id}`)).ways.filter((one: Answer) => one.failed).map(({ way }: Answer) => way), ['360x', 'direct', 'fax', 'email'])

  w.fhir.fault = () => null
  w.hisp.unknown.clear()
  await w.post(`/api/referrals/${reference}/notices/${told.at(-1).id}/retry`, { way: 'fhir' })
  t.match(await w.says(reference, /The referrer was told that it is here: through loop-fhir; by FHIR/), /Their system answered: kept as Bundle\/1/)
  t.match((await w.get(`/api/referrals/${reference}`)).holds, [])
  await w.post(`/api/providers/${id}`, { reset: ['360x', 'direct', 'fax', 'email'].map((way) => ({ way, address: ALL[way as 'fax'] })) }, 'PATCH')
})

/** What proves that it arrived, by each way; `after` is what the timeline says. */
const PROOFS: readonly { readonly way: keyof typeof ALL; readonly arrives: (reference: string) => Promise<unknown>; readonly proof: object; readonly says: RegExp }[] = [
  { way: '360x', arrives: async (reference) => w.hisp.mdn(await w.mailTo(ALL['360x'], reference), 'processed'), proof: { stage: 'processed', sentAs: [/^<.+@direct\.heart\.example>$/] }, says: /by 360X, as <.+>; Their mail system confirmed receipt \(MDN processed\)/ },
  { way: 'direct', arrives: async (reference) => w.hisp.mdn(await w.mailTo(ALL.direct, reference), 'dispatched'), proof: { stage: 'dispatched' }, says: /by Direct, as <.+>; Their mail system confirmed receipt \(MDN dispatched\)/ },
  { way: 'hl7', arrives: async () => {}, proof: { stage: 'processed', sentAs: [/^R-.*-\d+$/], steps: [{ says: /Their system answered: AA to R-/ }] }, says: /by HL7, as R-.*; Their system answered: AA to R-/ },
  { way: 'fhir', arrives: async () => {}, proof: { stage: 'processed', sentAs: [/^Bundle\/\d+$/] }, says: /by FHIR, as Bundle\/\d+; Their system answered: kept as Bundle\/\d+/ },
  { way: 'fax', arrives: async () => w.faxed('delivered', await w.faxTo(ALL.fax, 2), { pages: 2 }), proof: { stage: 'delivered', pages: 2, sentAs: [/^</, 'generic-json:out-2'] }, says: /by fax, as generic-json:out-2; Fax delivered, 2 pages/ },
  { way: 'email', arrives: async () => {}, proof: { stage: 'accepted', sentAs: [/^<.+@heart\.example>$/] }, says: /by e-mail, as <.+>/ },
]
t.test('each way has its proof: MDN, ACK, what a server keeps it as, the pages of a fax, the relay; nothing counts as told before it', async (t) => {
  for (const [index, { way, arrives, proof, says }] of PROOFS.entries()) {
    const reference = await w.refer({ number: `2026-51${index}0`, from, patient: person(`HC10${String(index + 2).padStart(2, '0')}`) })
    await until(async () => (await w.notices(reference))[0]?.proof !== undefined && (await w.notices(reference))[0]?.proof !== null, w.scene.product.output)
    const confirms = ['360x', 'direct', 'fax'].includes(way)
    t.equal((await w.scene.event(reference, 'acknowledged')) === undefined, confirms, `${way}: ${confirms ? 'taken is not told' : 'told'}`)
    await arrives(reference)
    await w.scene.reached(reference, 'acknowledged')
    const [notice, ...more] = await w.notices(reference, 'acknowledgement')
    t.same(more, [], 'by one way alone')
    t.match(notice, { way, status: 'sent', proof: { ...proof, confirmBy: null } })
    const line = (await w.words(reference)).split('\n').filter((one) => one.startsWith('The referrer was told that it is here'))
    t.match(line, [says])
    await w.post(`/api/providers/${id}`, { forget: [{ way, address: ALL[way] }] }, 'PATCH')
  }
  const letter = await w.mailTo(ALL.email, '', 2)
  t.match(letter.text, /heart\.example\/portal/)
  t.notMatch(letter.text, new RegExp(person('HC1007').family, 'i'))
  await w.post(`/api/providers/${id}`, { learn: Object.entries(ALL).map(([way, address]) => ({ way, address })) }, 'PATCH')
})

t.test('the appointment and the consult note go the same way as the acknowledgement, each by itself; receipts that repeat, or are of nothing, change nothing', async (t) => {
  const reference = await w.refer({ number: '2026-5201', from, patient: person('HC1008') })
  const acknowledgement = await w.mailTo(ALL['360x'], reference)
  await w.hisp.mdn(acknowledgement, 'processed', 70)
  await w.hisp.mdn(acknowledgement, 'processed', 70)
  await w.hisp.mdn(acknowledgement, 'processed')
  await w.hisp.mdn(acknowledgement, 'dispatched')
  await w.hisp.mdn({ to: ALL['360x'], id: '<nobody@direct.heart.example>' }, 'processed')
  await w.says(reference, /MDN dispatched/)
  t.equal((await w.scene.timeline(reference)).filter(({ name }) => name === 'acknowledged').length, 1)
  await until(async () => (await w.get('/api/referrals/worklist')).strays.passedOver.channels['referrals-direct'] === 1, w.scene.product.output)

  const item = await w.scene.inQueue('2026-5201')
  w.hisp.unknown.add(ALL['360x'])
  const booking = await w.scene.ehr.book(item, inDays(4))
  await w.says(reference, /by 360x was not delivered: .*550.*It goes by direct now/)
  const [appointment] = (await w.notices(reference, 'status')).filter(({ way }) => way === 'direct')
  await w.hisp.mdn(await w.mailTo(ALL.direct, reference), 'processed')
  await w.says(reference, /The other side was told where it stands: .*by Direct/)
  t.match(await w.notices(reference, 'status'), [{ way: '360x', status: 'failed' }, { id: appointment.id, way: 'direct', status: 'sent' }])
  await w.scene.ehr.arrive(booking)
  await w.scene.reached(reference, 'seen')
  await w.scene.ehr.write([item], 'Persistent atrial fibrillation.')
  const outcome = await w.mailTo(ALL.direct, reference, 2)
  t.match(outcome.text, /consultation-note\.xml/)
  t.notOk(await w.scene.event(reference, 'outcome-sent'))
  await w.hisp.mdn(outcome, 'dispatched')
  await w.scene.reached(reference, 'closed')
  t.match(await w.says(reference, /The consult note was sent to the referrer/), /by Direct, as <.+>; Their mail system confirmed receipt \(MDN dispatched\)/)
  t.equal(w.hl7.received.filter((text) => text.includes('2026-5201')).length, 0, 'and nothing went another way as well')
})
