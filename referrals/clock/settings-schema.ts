/** What mappings/desk/desk.yaml may say. */
import { type Static, Type } from 'typebox'
import { Duration } from '../../engine/units.js'
import type { EventName, Hold, NoticeKind, Stage } from '../desk-contracts.js'
import { STAGES } from '../life-cycle.js'
import { SpanText } from './span.js'

export const HOLDS = ['information', 'patient', 'routing', 'way-back', 'hand-off', 'notice', 'late', 'appointment', 'reading'] as const satisfies readonly Hold[]
/** Events that are told as news of progress; what came, what is missing and the consult note have letters of their own, and are always told. */
export const TOLD = [
  'accepted', 'declined', 'contacted', 'unable-to-reach', 'scheduled', 'rescheduled', 'appointment-cancelled', 'no-show', 'seen', 'visit-cancelled', 'information-added', 'report-withdrawn', 'closed', 'cancelled', 'reopened',
] as const satisfies readonly EventName[]
/** Notices that go to one receiver each; a digest is due when the news in it are. */
export const OWED_NOTICES = ['acknowledgement', 'information', 'status', 'outcome', 'hand-off', 'withdrawal', 'referral', 'report'] as const satisfies readonly NoticeKind[]

const Words = Type.String({ minLength: 1, maxLength: 200 })
const Name = '^[a-z][a-z0-9-]{0,60}$'
const strict = { additionalProperties: false }
const PerUrgency = Type.Object({ stat: SpanText, asap: SpanText, urgent: SpanText, routine: SpanText }, strict)
const Within = Type.Union([SpanText, PerUrgency], { description: 'How long, or how long for each urgency: `72h`, `{ stat: 1h, asap: 4 working hours, urgent: 1 working day, routine: 2 working days }`.' })
const Again = Type.Array(SpanText, { maxItems: 10, description: 'How long after it was due it is said again that it is overdue; nothing more is said after the last.' })
const Tell = Type.Enum(['at-once', 'digest', 'never'], { description: 'When the referrer is told.' })
const OneHold = Type.Enum([...HOLDS], { description: 'What waits for a person.' })
const OneStage = Type.Enum([...STAGES] as Stage[], { description: 'Where a referral stands.' })

export const DutyFile = Type.Object({
  stages: Type.Optional(Type.Array(OneStage, { minItems: 1, uniqueItems: true, description: 'It is owed as long as the referral stands at one of these.' })),
  holds: Type.Optional(Type.Array(OneHold, { minItems: 1, uniqueItems: true, description: 'It is owed as long as one of these waits for a person.' })),
  unless: Type.Optional(Type.Array(OneHold, { minItems: 1, uniqueItems: true, description: 'It is not owed as long as one of these is what must be done first.' })),
  direction: Type.Optional(Type.Enum(['inbound', 'outbound'], { description: 'Only of referrals to us, or from us; without it, of both.' })),
  from: Type.Optional(Type.Enum(['received', 'handed-off', 'sent', 'appointment', 'last-told'], { description: 'What the time counts from: when that happened, the beginning of the appointment, or when the referrer last heard; without it, from when the stage or the hold began.' })),
  within: Within,
  owedBy: Type.Enum(['desk', 'practice', 'referrer', 'specialist']),
  again: Type.Optional(Again),
  do: Type.Optional(Type.String({ ...Words, description: 'What is to be done: said until it is due.' })),
  says: Type.String({ ...Words, description: 'What has not been done: said once it is overdue.' }),
}, strict)

export const DeskFile = Type.Object({
  practice: Type.Object({ name: Words, phone: Type.Optional(Words), fax: Type.Optional(Words), email: Type.Optional(Words), address: Type.Optional(Words) }, { ...strict, description: 'How a referrer can answer.' }),
  zone: Type.String({ minLength: 1, maxLength: 60, description: 'The time zone: `America/Chicago`.' }),
  hours: Type.String({ minLength: 1, maxLength: 300, description: 'When the practice is open: `Mon-Fri 08:00-17:00`.' }),
  holidays: Type.Array(Type.String({ maxLength: 40 }), { maxItems: 100, description: 'When it is closed all the same.' }),
  ehrs: Type.Record(Type.String({ pattern: Name }), Type.Object({
    profile: Type.String({ pattern: Name, description: 'A profile of mappings/ehr: `epic`.' }),
    patient: Type.Enum(['existing', 'pending', 'create'], { description: 'What may be done for a patient without a chart there.' }),
  }, strict), { additionalProperties: false }),
  sameReferral: Duration,
  echoes: Type.Object({
    within: Duration,
    most: Type.Integer({ minimum: 1, maximum: 1000, description: 'How many mails of nothing but words, from one sender and not read yet, are acknowledged.' }),
    since: Duration,
  }, { ...strict, description: 'Programs that answer our letters. `within`: how soon after one what comes may be its answer, and is told in the digest. `since`: how far back `most` is counted.' }),
  attempts: Type.Integer({ minimum: 1, maximum: 20, description: 'To reach a patient, before the referrer is told that it failed.' }),
  tell: Type.Object(Object.fromEntries(TOLD.map((name) => [name, Tell])) as Record<(typeof TOLD)[number], typeof Tell>, strict),
  digest: Type.String({ minLength: 1, maxLength: 300, description: 'When digests go out: `Mon-Fri 16:00`.' }),
  notices: Type.Object(Object.fromEntries(OWED_NOTICES.map((kind) => [kind, Within])) as Record<(typeof OWED_NOTICES)[number], typeof Within>, strict),
  noticesAgain: Again,
  duties: Type.Record(Type.String({ pattern: Name }), DutyFile, { additionalProperties: false }),
}, strict)

export type DeskFile = Static<typeof DeskFile>
export type DutyFile = Static<typeof DutyFile>
