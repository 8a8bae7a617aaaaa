/** What a person does about what waits for them, and which call does it. */
import type { Hold, Notice, ReferralState } from '../desk-contracts.js'
import { ENDS } from '../life-cycle.js'
import { providerTo } from '../scope.js'

export interface Action { readonly says: string; readonly call: string }
type Waiting = Pick<ReferralState, 'reference' | 'direction' | 'provider' | 'route' | 'stage'>
type Untold = Pick<Notice, 'id' | 'kind' | 'to' | 'way' | 'status'>

/** The ways out of a hold, the nearest first; each call takes `by` and `reason` too. `notices` are those of the referral. */
export function actionsFor(hold: Hold, state: Waiting, notices: readonly Untold[]): readonly Action[] {
  const call = (path: string): string => `POST /api/referrals/${state.reference}/${path}`
  const address: Action = { says: 'Say to which specialist it goes: `provider`, an id that GET /api/providers finds or POST /api/providers gives.', call: call('provider') }
  switch (hold) {
    case 'reading':
      return [
        { says: 'Read the documents (GET …/documents), and enter what they say: `values`.', call: call('read') },
        ...(state.stage === 'received' ? [{ says: 'Or say why it is no referral: `notReferral`, with `words` where the sender is to be told.', call: call('read') }] : []),
        { says: 'Or say that they bring nothing new: `nothingNew: true`.', call: call('read') },
      ]
    case 'information':
      return [{ says: 'Say what is known now (`answered`), or what it goes on `without`, in `words`.', call: call('information') }]
    case 'patient':
      return [{ says: 'Say whose referral it is: `choose` one of the charts, `createPending: true` for none of them, or `notThese`.', call: call('patient') }]
    case 'routing':
      return state.direction === 'outbound' && state.route !== null ? [address] : [{ says: 'Say where it goes: `ehr`, and `queue`, `location` or `practitioner`.', call: call('route') }]
    case 'late':
      return [...(state.direction === 'outbound' && state.stage === 'declined' ? [address] : []), ...(ENDS.includes(state.stage) ? [{ says: 'Open it again.', call: call('reopen') }] : []), { says: 'Or leave it as it is: `what: late`.', call: call('leave') }]
    case 'appointment':
      return [{ says: 'Cancel it where it is booked; an EHR that tells so is enough. Else say so: `what: cancelled`.', call: call('appointment') }, { says: 'Or let the patient keep it: `what: appointment`.', call: call('leave') }]
    case 'way-back':
    case 'notice':
    case 'hand-off':
      return untold(hold, state, notices, call, address)
  }
}

function untold(hold: Hold, state: Waiting, notices: readonly Untold[], call: (path: string) => string, address: Action): readonly Action[] {
  const failed = notices.filter(({ status, kind }) => status === 'failed' && KINDS[hold]?.(kind))
  const unknown = failed.some(({ to }) => to === 'provider')
  const written = hold === 'way-back' && state.direction === 'inbound' ? notices.filter(({ way, status }) => way === 'file' && status !== 'superseded') : []
  const providers = [...new Set([...failed.filter(({ way }) => way === null), ...written].flatMap(({ to }) => providerTo(to) ?? []))]
  const again = failed.filter(({ to }) => to !== 'provider').map(({ id, kind, to, way }): Action => ({
    says: `Tell the ${kind} to ${to} once more${to.startsWith('ehr ') ? '' : `, the same way${way === null ? '' : ` (${way})`} or by another \`way\``}.`, call: call(`notices/${id}/retry`),
  }))
  return [
    ...(unknown && state.direction === 'inbound' ? [{ says: 'Say who sent it: `provider`, an id that GET /api/providers finds or POST /api/providers gives; what could not be told is told then.', call: call('provider') }] : []),
    ...providers.map((id): Action => ({ says: `Add an address by which they can be told: \`learn\` (way: fax, direct, email, …); what could not be told${written.length > 0 ? `, or was only written to a file (${[...new Set(written.map(({ kind }) => kind))].join(', ')}),` : ''} goes by it then. Where they get letters by post: \`address\`.`, call: `PATCH /api/providers/${id}` })),
    ...again,
    ...(failed.some(({ kind }) => kind === 'hand-off') ? [{ says: 'Or send it elsewhere: `ehr`.', call: call('route') }] : []),
    ...(failed.some(({ kind }) => kind === 'referral') ? [address] : []),
  ]
}

const HANDED: readonly Notice['kind'][] = ['hand-off', 'referral', 'withdrawal', 'report']
const KINDS: Partial<Record<Hold, (kind: Notice['kind']) => boolean>> = { 'hand-off': (kind) => HANDED.includes(kind), 'way-back': (kind) => !HANDED.includes(kind), 'notice': (kind) => !HANDED.includes(kind) }
