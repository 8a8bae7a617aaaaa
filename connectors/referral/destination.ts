/** The `referral` destination: gives a message to the referral desk, which does what it asks once, and keeps it before this calls it sent. */
import { Type } from 'typebox'
import type { Outcome } from '../../engine/contracts.js'
import { defineDestination } from '../../engine/define.js'
import { sentence } from '../../engine/errors.js'
import type { Desk } from '../../referrals/desk.js'
import { DeskRefusal } from '../../referrals/refusal.js'
import { readReceipt } from '../../referrals/receipts/receipt.js'
import { WAYS } from '../../referrals/providers/ways.js'

const Word = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' })

export default defineDestination({
  name: 'referral',
  needs: 'referrals',
  summary: 'Gives a FHIR bundle to the referral desk: a referral, more about one, or what became of one.',
  settings: Type.Object({
    action: Type.Enum(['open', 'outbound', 'feedback', 'receipt'], {
      description: '`open`: a referral to us, more about one, or its cancellation. `outbound`: one that our own EHR sends to a specialist. `feedback`: what an EHR or a specialist tells of appointments, visits, notes and answers. `receipt`: what a mail or fax system says became of something that was sent, as the step `read-receipt` writes it.',
    }),
    ehr: Type.Optional(Type.String({ ...Word, description: 'The EHR that speaks, as routing tables and desk.yaml call it. `outbound` needs it.' })),
    strays: Type.Optional(Type.Enum(['ours', 'all'], { description: 'Of `feedback` that fits no referral, what waits for a person. `ours`: what names a reference number of ours, answers a referral, or is about a patient with an open one; the rest is only counted (the worklist says how much). `all`: everything. Where nothing is said `ours` of an `ehr`, which tells of all its patients, else `all`.' })),
    answer: Type.Optional(Type.Object({
      by: Type.Enum([...WAYS], { description: 'How whoever sends through this channel can be answered.' }),
      address: Type.String({ minLength: 1, maxLength: 320, description: 'Where: an address of that kind, or a name that the loop channel knows.' }),
    }, { additionalProperties: false })),
  }, { additionalProperties: false }),
  examples: [{ action: 'open' }, { action: 'open', answer: { by: 'hl7', address: 'LFM' } }, { action: 'feedback', ehr: 'epic-main' }, { action: 'feedback', ehr: 'epic-main', strays: 'all' }, { action: 'outbound', ehr: 'epic-main' }, { action: 'receipt' }],
  create({ action, ehr, answer, strays }, tools) {
    if (action === 'outbound' && ehr === undefined) throw new Error('`action: outbound` needs `ehr`: the EHR that the referral comes from, and that its report goes back to.')
    if (action !== 'feedback' && strays !== undefined) throw new Error('`strays` is for `action: feedback`; what opens a referral is never one.')
    if (action === 'receipt' && (ehr !== undefined || answer !== undefined)) throw new Error('`ehr` and `answer` are of referrals; a receipt says itself what it is of.')
    const desk = (): Desk => tools.service('referrals') as Desk

    return {
      open: async () => void desk(),
      async deliver({ id, channel, destination, payload, receivedAt }): Promise<Outcome> {
        const command = `${channel}/${destination}/${id}`
        try {
          if (action === 'receipt') {
            const { what } = await desk().receipt({ command, receipt: readReceipt(parsed(payload, 'receipts as JSON; put `read-receipt` among the steps')), via: channel, at: receivedAt })
            return { kind: 'sent', response: Buffer.from(JSON.stringify({ what })) }
          }
          const from = { command, bundle: parsed(payload, 'FHIR bundles as JSON; put `to-fhir` among the steps'), by: { kind: 'channel', name: channel } as const, via: channel, at: receivedAt, ...(ehr !== undefined && { ehr }) }
          const done = action === 'feedback'
            ? await desk().feedback({ ...from, ...(strays && { strays }) })
            : await desk().open({ ...from, direction: action === 'outbound' ? 'outbound' : 'inbound', ...(answer && { answer: { way: answer.by, address: answer.address } }) })
          return { kind: 'sent', response: Buffer.from(JSON.stringify(answerOf(done))) }
        } catch (error) {
          if (error instanceof DeskRefusal) return { kind: 'refused', reason: error.message }
          return { kind: 'unavailable', reason: sentence(error) } // asked again, it is done once
        }
      },
      close: async () => undefined,
    }
  },
})

const parsed = (payload: Buffer, what: string): unknown => {
  try {
    return JSON.parse(payload.toString())
  } catch (error) {
    throw new DeskRefusal(`The desk takes ${what}.`, { cause: error })
  }
}

type Done = Awaited<ReturnType<Desk['open']>> | Awaited<ReturnType<Desk['feedback']>>
const answerOf = (done: Done): object => ('state' in done && done.state ? { what: done.what, reference: done.state.reference, stage: done.state.stage } : { what: done.what })
