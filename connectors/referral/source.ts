/** The `referral` source: what the desk owes others, or each event of its referrals, as messages of an ordinary channel. */
import { Type } from 'typebox'
import type { Receive, SourceConnector, Tools } from '../../engine/contracts.js'
import { defineSource } from '../../engine/define.js'
import type { Way } from '../../referrals/contracts.js'
import type { Desk } from '../../referrals/desk.js'
import { EVENT_NAMES, NOTICE_KINDS } from '../../referrals/names.js'
import { WAYS } from '../../referrals/providers/ways.js'
import { giveEvents } from './events.js'
import { giveNotices } from './notices.js'

export default defineSource({
  name: 'referral',
  needs: 'referrals',
  summary: 'Gives what the referral desk owes to EHRs, referrers and specialists, or the events of referrals, as FHIR bundles; and tells the desk what became of each.',
  settings: Type.Object({
    owed: Type.Optional(Type.Array(Type.Enum([...NOTICE_KINDS]), { minItems: 1, uniqueItems: true, description: 'What the desk owes: each is given until it has been delivered.' })),
    ehr: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' }), { minItems: 1, uniqueItems: true, description: 'Of that, what goes to these EHRs.' })),
    by: Type.Optional(Type.Array(Type.Enum([...WAYS]), { minItems: 1, uniqueItems: true, description: 'Of that, what goes to referrers and specialists by these ways.' })),
    unless: Type.Optional(Type.Partial(Type.Record(Type.Union(WAYS.map((way) => Type.Literal(way))), Type.Boolean()), { additionalProperties: false, description: 'Ways of `by` that are left out where this is true, because another channel goes by them then: `{ fax: ${REFERO_LOOP_FAX:false} }`.' })),
    staff: Type.Optional(Type.Boolean({ description: 'What this channel writes is for staff, who send it by the way that is owed: the timeline says so, and nobody’s confirmation is waited for.' })),
    address: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 320 }), { minItems: 1, uniqueItems: true, description: 'With `by`: of that, what goes to one of these addresses, as the provider directory has them; for channels that send to one receiver.' })),
    events: Type.Optional(Type.Array(Type.Enum([...EVENT_NAMES]), { minItems: 1, uniqueItems: true, description: 'Instead: each of these events, once, as it is recorded.' })),
    since: Type.Optional(Type.String({ pattern: '^[0-9]{1,4}[mhd]$', description: 'Of events: how far back a channel that is new begins; `1d` where nothing is said.' })),
  }, { additionalProperties: false }),
  examples: [{ owed: ['hand-off', 'withdrawal'], ehr: ['epic-main'] }, { owed: ['acknowledgement', 'information', 'status', 'digest', 'outcome'], by: ['email'] }, { events: ['scheduled', 'seen'] }],
  create({ unless: left, ...given }, tools): SourceConnector {
    const unless: Partial<Record<Way, boolean>> = left ?? {}
    const by = given.by?.filter((way) => unless[way] !== true)
    const settings = { ...given, ...(by && { by }) }
    const { owed, events } = settings
    if ((owed === undefined) === (events === undefined)) throw new Error('say either `owed` or `events`.')
    if (events !== undefined && (settings.ehr !== undefined || settings.by !== undefined)) throw new Error('`ehr` and `by` narrow what is `owed`; events go to every channel that asks for them.')
    if (Object.keys(unless).some((way) => !given.by?.includes(way as never))) throw new Error('`unless` leaves out ways of `by`, and names one that is not there.')
    if (by?.length === 0) throw new Error('`unless` leaves no way: switch the channel off instead.')
    if (settings.staff === true && owed === undefined) throw new Error('`staff` is of what is `owed`; events are sent to nobody.')
    if (settings.address !== undefined && settings.by === undefined) throw new Error('`address` narrows what goes `by` a way: say which.')
    let stopping = new AbortController()
    let running: Promise<void> = Promise.resolve()
    return {
      start: async (receive) => {
        const desk = tools.service('referrals') as Desk
        stopping = new AbortController()
        running = run(desk, receive, tools, settings, stopping.signal)
        return owed ? `${owed.join(', ')} owed${settings.ehr ? ` to ${settings.ehr.join(', ')}` : ''}${settings.by ? ` by ${settings.by.join(', ')}` : ''}${settings.address ? ` to ${settings.address.join(', ')}` : ''}` : `events of referrals: ${events?.join(', ')}`
      },
      stop: async () => {
        stopping.abort()
        await running
      },
    }
  },
})

type Settings = Parameters<typeof giveNotices>[3] & Parameters<typeof giveEvents>[3]
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 60_000

/** Goes on after whatever fails: what is owed stays owed. */
async function run(desk: Desk, receive: Receive, tools: Tools, settings: Settings, signal: AbortSignal): Promise<void> {
  for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      await (settings.owed ? giveNotices(desk, receive, tools, settings, signal) : giveEvents(desk, receive, tools, settings, signal))
      return
    } catch (error) {
      if (signal.aborted) return
      tools.log('error', 'what the referral desk owes could not be read', { error })
      await tools.clock.sleep(pause, signal)
    }
  }
}
