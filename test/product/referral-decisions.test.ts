/** What people decide about referrals through the API, and what follows on the wire. One product for all of them. */
import t from 'tap'
import { person } from '../demo/people.js'
import { openScene } from '../demo/scene.js'
import type { Answer } from './product.js'

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
