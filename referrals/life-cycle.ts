/** The life of a referral: which event may follow where, where it leads, and what it is called on every wire. Both directions. */
import type { Direction } from './contracts.js'
import type { EventName, Stage } from './desk-contracts.js'

/** What an event is called by others. */
export interface Wire {
  /** FHIR Task.status, and Task.businessStatus as code and words: BSeR TaskBusinessStatusCS, COW, and two codes of our own. */
  readonly task?: readonly [status: TaskStatus, business: string, words: string]
  /** IHE 360X: the message, and ORC-1/ORC-5 of those that are orders. */
  readonly x360?: { readonly message: string; readonly control?: string; readonly status?: string }
  /** HL7 v2 to the referrer; `answer` is RF1-1 (table 0283). */
  readonly v2?: { readonly message: string; readonly answer?: string }
  /** For the referrer, in a few words. */
  readonly says?: string
}
export type TaskStatus = 'requested' | 'received' | 'accepted' | 'rejected' | 'in-progress' | 'on-hold' | 'cancelled' | 'completed'

export interface Rule extends Wire {
  /** Where it may happen and leads on to `to`. */
  readonly moves: readonly Stage[]
  readonly to: Stage | null
  /** Where it may happen too, and leads nowhere: it came late, or is about something else than progress. */
  readonly also: readonly Stage[]
  /** Where it happens in one direction alone. */
  readonly only?: Direction
}

/** The practice works on it. */
const WORKED: readonly Stage[] = ['handed-off', 'accepted', 'contacted', 'unable-to-reach', 'scheduled', 'rebooking']
/** It lies with the specialist, who has not accepted it yet. */
const AWAY: readonly Stage[] = ['sent', 'delivered', 'acknowledged']
export const OPEN: readonly Stage[] = ['received', 'routed', ...AWAY, ...WORKED, 'seen', 'reported']
export const ENDS: readonly Stage[] = ['closed', 'declined', 'cancelled']
/** The referral was given up before the patient was seen. */
export const GIVEN_UP: readonly Stage[] = ['declined', 'cancelled']
export const STAGES: readonly Stage[] = [...OPEN, ...ENDS]

/** The open stages that a referral of a direction can stand at: only ours goes to a specialist, only theirs into our EHR. */
export const openStages = (direction: Direction): readonly Stage[] => OPEN.filter((stage) => (direction === 'inbound' ? !AWAY.includes(stage) : stage !== 'handed-off'))

/** An appointment can be made once the referral has gone to whoever makes it, even before we hear that it arrived. */
const BOOKABLE: readonly Stage[] = ['routed', ...AWAY, ...WORKED]
const LATER: readonly Stage[] = ['seen', 'reported', ...ENDS]

const ADDRESSABLE: readonly Stage[] = ['received', 'routed', 'declined']
const RECALLABLE: readonly Stage[] = [...AWAY, 'accepted', 'contacted', 'unable-to-reach', 'scheduled', 'rebooking']
const besides = (stages: readonly Stage[]): readonly Stage[] => STAGES.filter((stage) => !stages.includes(stage))

const anywhere = (wire: Wire = {}): Rule => ({ moves: [], to: null, also: STAGES, ...wire })
const whileOpen = (wire: Wire = {}): Rule => ({ moves: [], to: null, also: OPEN, ...wire })

export const LIFE_CYCLE: Readonly<Record<EventName, Rule>> = {
  'received': { moves: [], to: null, also: ['received'], task: ['received', '2.0', 'Created'], v2: { message: 'ACK' }, says: 'Received' },
  'read': whileOpen(),
  'triaged': whileOpen(),
  'needs-information': whileOpen({ task: ['received', 'awaiting-information', 'Awaiting information'], v2: { message: 'RRI^I12', answer: 'P' }, says: 'Information is missing' }),
  'information-added': anywhere({ says: 'Information added' }),
  'matched': anywhere(),
  'match-uncertain': whileOpen(),
  'patient-pending': whileOpen(),
  'routed': { moves: ['received', 'routed'], to: 'routed', also: [] },
  'route-uncertain': { moves: [], to: null, also: ['received', 'routed'] },
  'addressed': { moves: ADDRESSABLE, to: 'routed', also: besides(ADDRESSABLE), says: 'Addressed' },
  'acknowledged': anywhere(),
  'handed-off': { moves: ['received', 'routed'], to: 'handed-off', also: [...WORKED, ...LATER], only: 'inbound' }, // received: reopened while it was on its way
  'written-back': { moves: [], to: null, also: [...WORKED, ...LATER, ...AWAY, 'routed'] },
  'accepted': {
    moves: ['routed', 'handed-off', ...AWAY], to: 'accepted', also: ['accepted', 'contacted', 'scheduled', 'rebooking', 'unable-to-reach', 'seen'],
    task: ['accepted', '3.0', 'Accepted'], x360: { message: 'OSU^O51', control: 'OK', status: 'IP' }, v2: { message: 'RRI^I12', answer: 'A' }, says: 'Accepted',
  },
  'declined': {
    moves: ['received', 'routed', ...WORKED, ...AWAY], to: 'declined', also: [],
    task: ['rejected', '4.0', 'Declined'], x360: { message: 'OSU^O51', control: 'UA', status: 'CA' }, v2: { message: 'RRI^I12', answer: 'R' }, says: 'Declined',
  },
  'contacted': {
    moves: ['routed', 'handed-off', 'accepted', 'contacted', 'unable-to-reach', 'rebooking', ...AWAY], to: 'contacted', also: ['scheduled'],
    task: ['in-progress', 'contacted', 'Patient contacted'], v2: { message: 'OSU^O51' }, says: 'Patient contacted',
  },
  'unable-to-reach': {
    moves: ['routed', 'handed-off', 'accepted', 'contacted', 'unable-to-reach', 'rebooking', ...AWAY], to: 'unable-to-reach', also: [],
    task: ['on-hold', 'unable-to-reach', 'Unable to reach the patient'], x360: { message: 'OSU^O51', control: 'SC', status: 'HD' }, v2: { message: 'OSU^O51' }, says: 'Unable to reach the patient',
  },
  'scheduled': { moves: BOOKABLE, to: 'scheduled', also: [], task: ['in-progress', '5.1.1', 'Event Scheduled'], x360: { message: 'SIU^S12' }, v2: { message: 'SIU^S12' }, says: 'Scheduled' },
  'rescheduled': { moves: BOOKABLE, to: 'scheduled', also: [], task: ['in-progress', '5.1.1', 'Event Scheduled'], x360: { message: 'SIU^S13' }, v2: { message: 'SIU^S13' }, says: 'Rescheduled' },
  'appointment-cancelled': {
    moves: ['scheduled'], to: 'rebooking', also: GIVEN_UP, task: ['in-progress', '5.1.3', 'Scheduled Event Cancelled'], x360: { message: 'SIU^S15' }, v2: { message: 'SIU^S15' }, says: 'Appointment cancelled',
  },
  'no-show': { moves: ['scheduled'], to: 'rebooking', also: [], task: ['in-progress', '5.1.2', 'Scheduled Event Unattended'], x360: { message: 'SIU^S26' }, v2: { message: 'SIU^S26' }, says: 'Patient did not come' },
  'seen': { moves: BOOKABLE, to: 'seen', also: ['seen', 'reported'], task: ['in-progress', '5.1.4', 'Event Completed'], v2: { message: 'OSU^O51' }, says: 'Seen' },
  'visit-cancelled': { moves: ['seen'], to: 'scheduled', also: [], task: ['in-progress', 'visit-cancelled', 'Visit taken back'], v2: { message: 'OSU^O51' }, says: 'The visit did not take place' },
  'interim-report': { moves: [], to: null, also: ['routed', ...AWAY, ...WORKED, 'seen'], task: ['in-progress', '5.1.4', 'Event Completed'], x360: { message: 'OMG^O19', status: 'A' }, v2: { message: 'MDM^T02' }, says: 'Interim report' },
  'reported': {
    moves: ['routed', ...WORKED, 'seen', 'closed'], to: 'reported', also: ['reported'], only: 'inbound',
    task: ['completed', '7.0', 'Fulfillment Completed'], x360: { message: 'OMG^O19', status: 'CM' }, v2: { message: 'MDM^T02' }, says: 'Consult note',
  },
  'report-received': { moves: [...AWAY, ...WORKED, 'routed', 'seen', 'closed'], to: 'reported', also: ['reported'], only: 'outbound', task: ['completed', '7.0', 'Fulfillment Completed'], says: 'Consult note received' },
  'report-withdrawn': { moves: ['reported', 'closed'], to: 'seen', also: [], task: ['in-progress', '5.1.4', 'Event Completed'], v2: { message: 'MDM^T11' }, says: 'The consult note was withdrawn' },
  'status-sent': anywhere(),
  'outcome-sent': anywhere(),
  'closed': { moves: OPEN, to: 'closed', also: [], task: ['completed', '7.0', 'Fulfillment Completed'], says: 'Closed' },
  'cancelled': { moves: OPEN, to: 'cancelled', also: [], task: ['cancelled', '6.0', 'Fulfillment Cancelled'], x360: { message: 'OSU^O51', control: 'CR' }, v2: { message: 'RRI^I14', answer: 'R' }, says: 'Cancelled' },
  'cancel-refused': { moves: [], to: null, also: ['seen', 'reported', 'closed'], x360: { message: 'OSU^O51', control: 'UC' }, v2: { message: 'RRI^I14', answer: 'A' }, says: 'It can no longer be cancelled' },
  'reopened': { moves: [...ENDS, 'unable-to-reach'], to: 'received', also: [], says: 'Reopened' },
  'overdue': anywhere(),
  'notice-failed': anywhere(),
  'noted': anywhere(),
  'sent': { moves: ['received', 'routed'], to: 'sent', also: [...AWAY, ...WORKED, ...LATER], only: 'outbound' },
  'delivered': { moves: ['received', 'routed', 'sent'], to: 'delivered', also: ['delivered', 'acknowledged', ...WORKED, ...LATER], only: 'outbound' },
  'recalled': {
    moves: RECALLABLE, to: 'routed', also: besides(RECALLABLE), only: 'outbound',
    task: ['cancelled', '6.0', 'Fulfillment Cancelled'], x360: { message: 'OMG^O19', control: 'CA' }, v2: { message: 'REF^I14' }, says: 'Taken back',
  },
  'acknowledged-by-them': { moves: ['routed', 'sent', 'delivered'], to: 'acknowledged', also: ['acknowledged', ...WORKED, ...LATER], only: 'outbound' },
}

/** Systems of Task.businessStatus: BSeR's published codes begin with a digit; COW's and ours do not. */
export const businessSystem = (code: string): string =>
  /^\d/.test(code) ? 'http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS' : code === 'awaiting-information' ? 'http://hl7.org/fhir/uv/cow/CodeSystem/coordination-task-business-status' : 'urn:refero:business-status'

/** The event that a Task of somebody else tells, or null where its status tells none. A businessStatus says more than the status. */
export const eventOfTask = (status: string | undefined, business: string | undefined): EventName | null => {
  const code = business === undefined ? undefined : Object.keys(TOLD).find((name) => LIFE_CYCLE[name as EventName].task?.[1] === business)
  if (code && business !== '5.1.1') return code as EventName
  if (business === '5.1.1') return 'scheduled'
  return OF_STATUS[status ?? ''] ?? null
}

/** Events that a Task can tell, the one meant first where two share a code. */
const TOLD: Partial<Record<EventName, true>> = {
  'needs-information': true, 'accepted': true, 'declined': true, 'contacted': true, 'unable-to-reach': true, 'scheduled': true, 'appointment-cancelled': true, 'no-show': true, 'seen': true, 'reported': true, 'cancelled': true,
}
const OF_STATUS: Readonly<Record<string, EventName>> = { received: 'acknowledged-by-them', accepted: 'accepted', 'in-progress': 'accepted', rejected: 'declined', cancelled: 'cancelled', failed: 'declined', completed: 'seen' } // completed without a document: the note is still owed
