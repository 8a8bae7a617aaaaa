/** Schemas that the routes of the referral desk share: who decides and why, what a referral is called, and where it stands. */
import Type from 'typebox'
import { Instant, orNull, strict } from '../../engine/api/schemas.js'
import { EVENT_NAMES, NOTICE_KINDS } from '../names.js'
import { STAGES } from '../life-cycle.js'
import { WAYS } from '../providers/ways.js'
import { PROOF_STAGES } from '../receipts/receipt.js'

export const HOLDS = ['information', 'patient', 'routing', 'way-back', 'hand-off', 'notice', 'late', 'appointment', 'reading'] as const
export const URGENCIES = ['routine', 'urgent', 'asap', 'stat'] as const

const SAYS_SOMETHING = '\\S'
export const text = (longest: number, description: string) => Type.String({ minLength: 1, maxLength: longest, pattern: SAYS_SOMETHING, description })

export const Person = Type.String({ minLength: 1, maxLength: 100, pattern: SAYS_SOMETHING, description: 'Who decides, for the history.', examples: ['ada'] })
export const Reason = Type.String({ minLength: 1, maxLength: 500, pattern: SAYS_SOMETHING, description: 'Why, for the history; it is told to nobody outside.', examples: ['the birth date on the insurance card is the chart’s'] })
export const Command = Type.String({ minLength: 8, maxLength: 200, pattern: '^[\\x21-\\x7E]+$', description: 'Names this request: sent again with it, it is done once. As good as the header Idempotency-Key.' })

/** What every decision about a referral says. */
export const deciding = {
  by: Person, reason: Reason, command: Type.Optional(Command),
  seen: Type.Optional(Type.Integer({ minimum: 1, description: 'The `sequence` of the referral as the person saw it: where another person has decided since, nothing is done, and the answer is 409 with what happened.' })),
}
export const Keyed = Type.Object({ 'idempotency-key': Type.Optional(Command) })

export const Named = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64, description: 'The id of a referral, or its reference number in any spelling.', examples: ['R-7K3M-9QX4'] }) })
export const ChartKey = Type.Object({
  source: Type.String({ minLength: 1, maxLength: 64, description: 'The system that keeps the chart, as routing tables call it.', examples: ['epic-main'] }),
  id: Type.String({ minLength: 1, maxLength: 128, description: 'Its number there.', examples: ['E1042'] }),
}, strict)
export const Way = Type.Enum([...WAYS])
export const Event = Type.Enum([...EVENT_NAMES])
export const Stage = Type.Enum([...STAGES])
export const Hold = Type.Enum([...HOLDS])
export const Urgency = Type.Enum([...URGENCIES])

export const Route = Type.Object({ ehr: Type.String(), location: orNull(Type.String()), practitioner: orNull(Type.String()), queue: orNull(Type.String()), tasks: Type.Array(Type.String()) })
const Held = Type.Object({ hold: Hold, since: Instant, reason: Type.String(), waits: Type.Integer({ description: 'Seconds.' }) })
const Appointment = Type.Object({ id: orNull(Type.String()), start: orNull(Type.String()), with: orNull(Type.String()), at: orNull(Type.String()), heardAt: Instant, last: Event })

export const Action = Type.Object({ says: Type.String({ description: 'What to do.' }), call: Type.String({ description: 'Which request does it; it says `by` and `reason` too.', examples: ['POST /api/referrals/R-7K3M-9QX4/provider'] }) })
export const summary = {
  id: Type.String(), reference: Type.String({ examples: ['R-7K3M-9QX4'] }), direction: Type.Enum(['inbound', 'outbound']), stage: Stage, since: Instant, receivedAt: Instant,
  sequence: Type.Integer({ description: 'Of its last event: `seen` of a decision.' }),
  urgency: Urgency, specialty: orNull(Type.String()), route: orNull(Route), provider: orNull(Type.String({ description: 'Id of the referrer; outbound: of the specialist.' })),
  patient: Type.Object({ status: Type.Enum(['unmatched', 'matched', 'uncertain', 'pending']), chart: orNull(ChartKey) }),
  missing: Type.Array(Type.Object({ item: Type.String(), says: Type.String(), blocks: Type.Boolean() })),
  holds: Type.Array(Held, { description: 'What only a person can settle, the oldest first.' }),
  appointment: orNull(Appointment), attempts: Type.Integer({ description: 'To reach the patient.' }), lastTold: orNull(Instant),
  sameAs: orNull(Type.String({ description: 'Id of the referral that this one repeats.' })),
}
export const Summary = Type.Object(summary)

const Duty = Type.Object({
  id: Type.String(), kind: Type.String(), owedBy: Type.Enum(['desk', 'practice', 'referrer', 'specialist']), since: Instant, due: Instant, says: Type.String(),
  overdue: Type.Boolean(), said: Type.Integer({ description: 'The last of its reminders that was due, 0: none yet.' }),
})
const ProofStage = Type.Enum([...PROOF_STAGES])
const Proof = Type.Object({
  sentAs: Type.Array(Type.String(), { description: 'What it was sent as, or is kept as there, by which receipts name it.' }), stage: ProofStage, at: Instant, reason: orNull(Type.String()), pages: orNull(Type.Integer()), confirmBy: orNull(Instant),
  steps: Type.Array(Type.Object({ stage: ProofStage, at: Instant, says: Type.String() })),
})
const Notice = Type.Object({
  id: Type.Integer(), kind: Type.Enum([...NOTICE_KINDS]), event: orNull(Type.Integer()), to: Type.String({ examples: ['ehr epic-main', 'provider 17'] }), way: orNull(Way),
  status: Type.Enum(['waiting', 'open', 'sent', 'failed', 'superseded']), notBefore: Instant, due: Instant, tried: Type.Array(Way), because: orNull(Type.String({ description: 'Why it failed.' })),
  proof: orNull(Proof),
})
const Facts = Type.Unknown({ description: 'Identifiers, names, birthDate, sex, addresses, phones, emails, memberIds.' })
const Candidate = Type.Object({
  chart: Facts, score: Type.Number(), weight: Type.Number(), says: Type.String({ description: 'What agrees and what differs, in words.' }), contradictions: Type.Array(Type.String()),
  compared: Type.Array(Type.Object({ field: Type.String(), ours: orNull(Type.String()), theirs: orNull(Type.String()), agreement: Type.Enum(['same', 'close', 'different', 'unknown']), weight: Type.Number(), says: Type.String() }), { description: 'Side by side, the weightiest first.' }),
})

export const Whole = Type.Object({
  ...summary,
  owed: Type.Array(Duty, { description: 'What is owed by whom by when, the earliest first.' }),
  notices: Type.Array(Notice, { description: 'What was told to whom, or is to be.' }),
  who: Type.Object({
    says: Facts, chart: orNull(Facts), match: orNull(Type.Object({ grade: Type.Enum(['certain', 'possible', 'none']), reasons: Type.Array(Type.String()), candidates: Type.Array(Candidate) })),
    ruledOut: Type.Array(ChartKey, { description: 'Charts that a person has said are somebody else’s.' }),
  }, { description: 'What the referral says of its patient, the chart it was matched with, and, where none is certain, the candidates side by side.' }),
  routed: orNull(Type.Object({ at: Instant, by: Type.String(), row: orNull(Type.String()), why: orNull(Type.String()) })),
  receipt: orNull(Type.Unknown({ description: 'Where it landed in the EHR, and what each field became there.' })),
  counterpart: orNull(Type.Unknown({ description: 'The referrer, or the specialist: how they can be reached.' })),
  next: Type.Array(Type.String(), { description: 'What happens next, in sentences.' }),
  do: Type.Array(Action, { description: 'What a person may do about what waits for them.' }),
})

export const Decided = Type.Object({
  ...Whole.properties, repeated: Type.Boolean({ description: 'It was done before, by the same command.' }),
  events: Type.Array(Type.Object({ name: Event, applied: Type.Boolean(), because: orNull(Type.String()) }), { description: 'What this request made happen.' }),
})
