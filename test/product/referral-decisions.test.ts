/** What people decide about referrals through the API, and what follows on the wire. One product for all of them. */
import t from 'tap'
import { call, message, segment } from '../demo/hl7.js'
import { type Person, person } from '../demo/people.js'
import { referral } from '../demo/referral.js'
import { openScene, referenceIn } from '../demo/scene.js'
import { type Answer, until } from './product.js'

const scene = await openScene(t)
const { ehr, product, refer, reached, mailAbout, inQueue } = scene
await scene.load()

const decide = (reference: string, what: string, body: object): Promise<{ status: number; body: Answer }> => product.api(`/api/referrals/${reference}/${what}`, { by: 'dana', ...body })

t.test('a referral that may be about either of two twins waits, and goes on to the chart that a person chooses', async (t) => {
  const reference = await refer({ number: '2026-2001', patient: { ...person('HC1005'), given: 'A' } })
  await reached(reference, 'match-uncertain')
  const { body } = await product.api(`/api/referrals/${reference}`)
  t.match(body.holds, [{ hold: 'patient' }])
  t.ok(body.who.match.candidates.some(({ chart }: Answer) => chart.id === 'HC1005'))
  t.notOk(ehr.queue.some(({ placer }) => placer.startsWith('2026-2001')), 'nothing is handed over meanwhile')
  t.match(await decide(reference, 'patient', { reason: 'the practice says Ada', choose: { source: 'epic-main', id: 'HC1005' } }), { status: 200, body: { patient: { chart: { id: 'HC1005' } } } })
  t.match((await inQueue('2026-2001')).chart, { mrn: 'HC1005' }, 'the EHR has it under that chart')
  t.match(await reached(reference, 'matched'), { by: { kind: 'person', name: 'dana' }, reason: 'the practice says Ada' })
})

t.test('a patient who cannot be reached is told of after the last attempt, and not before', async (t) => {
  const reference = await refer({ number: '2026-2002', patient: person('HC1010') })
  await reached(reference, 'handed-off')
  const attempt = (outcome: string): ReturnType<typeof decide> => decide(reference, 'contact', { reason: 'called', how: 'call', outcome })
  for (let number = 1; number <= 3; number++) t.equal((await attempt('no-answer')).status, 200)
  await mailAbout('that the patient cannot be reached', ({ subject, text }) => subject === `News of your referral ${reference}` && /could not/.test(text))
  t.equal(scene.mailbox.mails.filter(({ subject }) => subject === `News of your referral ${reference}`).length, 1, 'two attempts were no news')
  t.equal((await product.api(`/api/referrals/${reference}`)).body.stage, 'unable-to-reach')
  t.equal((await attempt('reached')).status, 200)
  await reached(reference, 'contacted')
})

t.test('a person accepts one referral and declines another, and the referrer hears what was said', async (t) => {
  const [first, second] = [await refer({ number: '2026-2003', patient: person('HC1007') }), await refer({ number: '2026-2004', patient: person('HC1013') })]
  for (const reference of [first, second]) await reached(reference, 'handed-off')
  t.equal((await decide(first, 'accept', { reason: 'fits' })).status, 200)
  await mailAbout('the acceptance', ({ subject, text }) => subject === `News of your referral ${first}` && text.includes('accepted'))
  t.equal((await decide(second, 'decline', { reason: 'a pediatric clinic is nearer', words: 'Please refer to the pediatric clinic.' })).status, 200)
  const told = await mailAbout('the refusal', ({ subject, text }) => subject === `News of your referral ${second}` && text.includes('cannot take'))
  t.match(told.text, /Please refer to the pediatric clinic/)
  t.notMatch(told.text, /nearer/, 'the reason is for the history')
})

const ORDER = { patient: person('HC1018'), diagnosis: ['N18.31', 'Chronic kidney disease, stage 3a'], words: 'Falling eGFR', service: '99244^Nephrology consultation^C4' } as const
const specialist = (family: string, given: string, email: string): string => segment('PRD', { 1: 'RT^Referred to Provider^HL70286', 2: `${family}^${given}^^^DR^MD`, 4: '^^^RIVERSIDE NEPHROLOGY^^^^^RIVERSIDE NEPHROLOGY', 5: `^NET^Internet^${email}` })
const answer = (number: string, code: string, { family, given, birthDate, sex }: Person = ORDER.patient): Promise<string> => call(scene.answersPort, message('RRI^I12^RRI_I12', ['RIVERCHART', 'RIVERSIDE'], `A-${number}-${code}`, new Date(), [
  segment('MSA', { 1: 'AA', 2: 'x' }), segment('RF1', { 1: `${code}^Answer^HL70283`, 6: `${number}^MEADOW^1.3.6.1.4.1.99999.3.7^ISO` }), segment('PRD', { 1: 'RT', 2: 'X' }), segment('PID', { 1: '1', 3: 'RN-55^^^RIVERSIDE^MR', 5: `${family}^${given}`, 7: birthDate, 8: sex }),
], { 15: 'AL', 16: 'NE' }))
const sent = (to: string, subject: RegExp): Promise<{ text: string; subject: string }> => mailAbout(`${subject} to ${to}`, (mail) => mail.to.includes(to) && subject.test(mail.subject))
const waiting = async (reference: string): Promise<Answer> => (await product.api('/api/referrals/worklist')).body.groups.flatMap(({ group, referrals }: Answer) => referrals.map((one: Answer) => ({ group, ...one }))).find((one: Answer) => one.reference === reference)

t.test('an order that names no specialist waits for a person who names one, and is sent, accepted and in the history then', async (t) => {
  t.match(await ehr.order(referral({ ...ORDER, number: 'HC-7101', wanted: segment('PRD', { 1: 'PP', 2: 'OKAFOR^NKECHI', 7: '1679576722^NPI' }) }), scene.outboundPort), /MSA\|AA\|/)
  const find = async (): Promise<string | undefined> => (await product.api('/api/referrals?direction=outbound&hold=routing')).body.referrals[0]?.reference
  await until(async () => (await find()) !== undefined)
  const reference = (await find()) as string
  t.match(await waiting(reference), { group: 'routing', because: 'The order names no specialist: say to whom it goes.', do: [{ says: /Say to which specialist it goes/, call: `POST /api/referrals/${reference}/provider` }] })
  const added = await product.api('/api/providers', { by: 'dana', reason: 'on her card', name: { family: 'Voss', given: ['Imke'] }, practice: 'Harbor Nephrology', ways: [{ way: 'email', address: 'office@harbor.example' }] })
  t.match(added, { status: 200, body: { isNew: true, kind: 'person', ways: [{ way: 'email' }], history: [{ by: 'dana', why: 'on her card' }] } })
  t.match(await decide(reference, 'provider', { reason: 'who?', provider: '99999' }), { status: 422, body: { message: /No provider has the number 99999: look for them \(GET \/api\/providers\?text=…\), or add them/ } })
  const named = await decide(reference, 'provider', { reason: 'the doctor said so by telephone', provider: added.body.id })
  t.match(named, { status: 200, body: { stage: 'routed', provider: added.body.id, holds: [], do: [] } })
  const letter = await sent('office@harbor.example', /^Referral|^Our referral|new/i)
  t.match(letter.text, /Voss/)
  t.notMatch(letter.text, /telephone/, 'the reason is for the history')
  await reached(reference, 'sent')
  t.match((await scene.timeline(reference)).find(({ name }) => name === 'addressed'), { by: { kind: 'person', name: 'dana' }, reason: 'the doctor said so by telephone', says: `Addressed: Imke Voss, Harbor Nephrology (provider ${added.body.id}).` })
  t.match((await product.api(`/api/referrals/${reference}/bundle`)).body.entry.map(({ resource }: Answer) => resource).find(({ resourceType }: Answer) => resourceType === 'ServiceRequest').performer, [{ reference: /./ }], 'the order itself says it')
  await answer('HC-7101', 'A')
  await reached(reference, 'accepted')
  t.equal(await waiting(reference), undefined)
})

t.test('an order that was sent is given to another specialist: the first is told, and the second has it; an answer that may be of either is for a person', async (t) => {
  t.match(await ehr.order(referral({ ...ORDER, number: 'HC-7102', patient: person('HC1016'), wanted: specialist('LINDQVIST', 'SOLVEIG', 'solveig@riverside.example') }), scene.outboundPort), /MSA\|AA\|/)
  const reference = referenceIn((await sent('solveig@riverside.example', /./)) as Parameters<typeof referenceIn>[0])
  await reached(reference, 'sent')
  const { body: { provider: first } } = await product.api(`/api/referrals/${reference}`)
  const { body: { id: second } } = await product.api('/api/providers', { by: 'dana', reason: 'nearer', name: { family: 'Amsel', given: ['Jorun'] }, ways: [{ way: 'email', address: 'jorun@amsel.example' }] })
  t.match(await decide(reference, 'provider', { reason: 'again', provider: first }), { status: 409, body: { message: /has it already/ } })
  t.match(await decide(reference, 'provider', { reason: 'the patient moved', provider: second, words: 'The patient has moved.' }), { status: 200, body: { provider: second } })
  t.match((await sent('solveig@riverside.example', /cancelled|taken back|withdrawn/i)).text, /The patient has moved/)
  t.match((await sent('jorun@amsel.example', /./)).text, /N18\.31|kidney/i)
  const way = async (): Promise<readonly string[]> => (await scene.timeline(reference)).map(({ name }) => name).filter((name) => ['sent', 'recalled', 'addressed'].includes(name))
  await until(async () => (await way()).length > 3)
  t.same(await way(), ['sent', 'recalled', 'addressed', 'sent'])
  await answer('HC-7102', 'R', person('HC1016'))
  const stray = async (): Promise<Answer> => (await product.api('/api/referrals/strays')).body.strays.find(({ candidates }: Answer) => candidates.some((one: Answer) => one.reference === reference))
  await until(async () => (await stray()) !== undefined)
  t.match(await stray(), { reason: /taken back from one specialist and given to another/ })
  t.match((await product.api(`/api/referrals/${reference}`)).body.stage, /sent|delivered/)
  const { id } = await stray()
  t.match(await product.api(`/api/referrals/strays/${id}/give`, { by: 'dana', reason: 'it is from Amsel', referrals: [reference] }), { status: 200 })
  t.match(await reached(reference, 'declined'), { by: { name: 'dana' }, reason: 'it is from Amsel' })
  t.match(await product.api(`/api/referrals/strays/${id}`), { status: 200, body: { settled: { by: 'dana' }, bundle: { resourceType: 'Bundle' } } })
  t.match(await decide(reference, 'provider', { reason: 'back to the first', provider: first }), { status: 200, body: { stage: 'routed', provider: first } }, 'what was declined goes to the next')
})
