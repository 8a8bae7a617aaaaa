/** One life of a desk store, to be killed: opens and changes referrals until then, and says of each command when it was kept. Run: node life.js <file> <number of the life> */
import { writeSync } from 'node:fs'
import type { Change } from '../../../referrals/desk-contracts.js'
import { openSqliteDeskStore } from '../../../referrals/store/desk-store.js'
import { after, changeOf, documentOf, noticeOf } from '../../conformance/desk-kit.js'

/** So many changes make a referral. */
export const STEPS = 4
const SIDE_BY_SIDE = 5

/** A word that only this referral has. */
export const wordOf = (id: string, step: number): string => `${id.replaceAll('-', 'x')}step${step}`

/** The change that takes a referral to its `step`th state: every step leaves something in every table. */
export const changeTo = (id: string, step: number): Change => changeOf(id, step * 2, {
  events: [step === 0 ? 'received' : 'noted', 'noted'], state: { stage: step === 0 ? 'received' : 'scheduled' }, bundle: JSON.stringify({ id, step, filling: 'x'.repeat(20_000) }), nextDue: after(step),
  notices: [noticeOf(id, { event: step * 2 + 1 }), noticeOf(id, { event: step * 2 + 1, kind: 'status', status: 'waiting' })], keys: [{ kind: 'message', value: `${id} ${step}` }, { kind: 'pair', value: 'all' }],
  documents: [documentOf(`document ${step}`)], withdrawn: step > 0 ? [`document ${step - 1}`] : [], found: { text: wordOf(id, step), payer: null },
})

if (process.argv[1] === import.meta.filename) {
  const [, , file = '', life = ''] = process.argv
  const desk = openSqliteDeskStore(file)
  const live = async (lane: number): Promise<never> => {
    for (let serial = 0; ; serial++) {
      for (let step = 0; step < STEPS; step++) {
        const change = changeTo(`${life}-${lane}-${serial}`, step)
        await desk.commit(change)
        writeSync(1, `${change.command}\n`)
        if (serial % 3 === lane % 3) await desk.gather(after(0))
      }
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, (_, lane) => live(lane)))
}
