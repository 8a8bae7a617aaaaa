/** What people may decide about a referral, and what each decision says. */
import Type from 'typebox'
import { orNull, strict } from '../../engine/api/schemas.js'
import { WHATS } from '../decisions/appointment.js'
import { HOWS, OUTCOMES } from '../decisions/contact.js'
import { LEFT } from '../decisions/progress.js'
import { ChartKey, deciding, Named, text, Way } from './schemas.js'

const Told = text(2000, 'Told to the other side.')
const Place = (description: string) => Type.Optional(orNull(Type.String({ minLength: 1, maxLength: 200, description })))
const Items = (description: string) => Type.Array(Type.String({ minLength: 1, maxLength: 80 }), { maxItems: 100, uniqueItems: true, default: [], description })
const Moment = Type.String({ minLength: 10, maxLength: 40, description: 'An instant, ISO 8601.', examples: ['2026-11-23T08:00:00Z'] })

export const Plain = Type.Object(deciding, strict)
export const WithWords = Type.Object({ ...deciding, words: Told }, strict)
export const PerhapsWords = Type.Object({ ...deciding, words: Type.Optional(Told) }, strict)

export const Left = Type.Object({ ...deciding, what: Type.Enum([...LEFT], { description: 'What was looked at: what came late, or the appointment of a referral that was given up.' }) }, strict)

export const WhoseReferral = Type.Object({
  ...deciding,
  choose: Type.Optional(ChartKey),
  createPending: Type.Optional(Type.Literal(true, { description: 'None of the charts: it goes on as a pending record, or waits for a chart, as its EHR wants it.' })),
  notThese: Type.Optional(Type.Array(ChartKey, { minItems: 1, maxItems: 50, description: 'Charts of somebody else; the others stay candidates.' })),
}, { ...strict, description: 'One of `choose`, `createPending` and `notThese`.' })
export const TwoCharts = Type.Object({ ...deciding, survivor: ChartKey, merged: ChartKey }, strict)

export const Attempt = Type.Object({
  ...deciding, at: Type.Optional(Moment), how: Type.Enum([...HOWS]), outcome: Type.Enum([...OUTCOMES]), note: Type.Optional(text(2000, 'For the history alone.')),
}, strict)
export const Wanted = Type.Object({
  ...deciding, ehr: Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$', description: 'As desk.yaml calls it.', examples: ['epic-main'] }),
  location: Place('Null: none.'), practitioner: Place('Null: none.'), queue: Place('Null: none.'), tasks: Type.Optional(Type.Array(text(200, 'A task.'), { maxItems: 20 })),
}, { ...strict, description: 'What is not said stays while the EHR is the same.' })
export const Answer = Type.Object({
  ...deciding, answered: Items('Items that are known now, as `missing` names them.'), without: Items('Items that it goes on without.'),
  words: text(4000, 'What was learned: it becomes a note of the referral, which goes along to the EHR.'),
}, strict)
export const Appointment = Type.Object({
  ...deciding, what: Type.Enum([...WHATS]), start: Type.Optional(Moment), with: Type.Optional(text(200, 'Whom the patient sees.')), at: Type.Optional(text(200, 'Where.')),
  id: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Its number.' })), words: Type.Optional(Told),
}, strict)
export const Again = Type.Object({ ...deciding, way: Type.Optional(Way) }, strict)
export const Addressee = Type.Object({
  ...deciding, provider: Type.String({ minLength: 1, maxLength: 20, description: 'Id of the provider: GET /api/providers finds them, POST /api/providers adds them.', examples: ['17'] }),
  words: Type.Optional(text(2000, 'Told to the specialist from whom it is taken back.')),
}, strict)
export const OfNotice = Type.Object({ ...Named.properties, notice: Type.Integer({ minimum: 1 }) })
export const Same = Type.Object({ ...deciding, reference: Type.String({ minLength: 1, maxLength: 64, description: 'The reference number of the one that goes on.' }) }, strict)
