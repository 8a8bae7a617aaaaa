/** What events and notices are called, for schemas. */
import type { EventName, NoticeKind } from './desk-contracts.js'
import { LIFE_CYCLE } from './life-cycle.js'

export const EVENT_NAMES = Object.keys(LIFE_CYCLE) as readonly EventName[]
export const NOTICE_KINDS = ['acknowledgement', 'information', 'status', 'digest', 'outcome', 'hand-off', 'withdrawal', 'referral', 'report'] as const satisfies readonly NoticeKind[]
