/** The `patients` destination: keeps the index of charts as the feeds of EHRs tell it: ADT as FHIR bundles, or FHIR Patients. */
import { Type } from 'typebox'
import { defineDestination } from '../../engine/define.js'
import { sentence } from '../../engine/errors.js'
import type { Desk } from '../../referrals/desk.js'
import { DeskRefusal } from '../../referrals/refusal.js'

export default defineDestination({
  name: 'patients',
  needs: 'referrals',
  summary: 'Keeps the index of patients by which referrals find their charts: adds, changes, merges and unmerges as a feed says.',
  settings: Type.Object({
    ehr: Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$', description: 'Whose charts they are: the EHR as routing tables and desk.yaml call it.' }),
  }, { additionalProperties: false }),
  examples: [{ ehr: 'epic-main' }],
  create({ ehr }, tools) {
    const desk = (): Desk => tools.service('referrals') as Desk
    return {
      open: async () => void desk(),
      async deliver({ id, channel, destination, payload, receivedAt }) {
        try {
          const done = await desk().charts({ command: `${channel}/${destination}/${id}`, bundle: JSON.parse(payload.toString()) as unknown, ehr, by: { kind: 'channel', name: channel }, via: channel, at: receivedAt })
          return { kind: 'sent', response: Buffer.from(JSON.stringify(done)) }
        } catch (error) {
          if (error instanceof DeskRefusal || error instanceof SyntaxError) return { kind: 'refused', reason: error instanceof DeskRefusal ? error.message : 'The patient index takes FHIR as JSON; put `to-fhir` among the steps.' }
          return { kind: 'unavailable', reason: sentence(error) } // the same charts can be put again
        }
      },
      close: async () => undefined,
    }
  },
})
