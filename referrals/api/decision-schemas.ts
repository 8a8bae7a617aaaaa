/** What people may decide about a referral, and what each decision says. */
import Type from 'typebox'
import { orNull, strict } from '../../engine/api/schemas.js'
import { WHATS } from '../decisions/appointment.js'
import { HOWS, OUTCOMES } from '../decisions/contact.js'
import { LEFT } from '../decisions/progress.js'
import { ChartKey, deciding, Named, text, Urgency, Way } from './schemas.js'

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

const value = (longest: number, description: string) => Type.Optional(text(longest, description))
const Page = Type.Integer({ minimum: 1, maximum: 10_000 })
/** Values as they stand in the documents; what is not there is left out. */
export const EnteredValues = Type.Object({
  patient: Type.Optional(Type.Object({
    family: value(100, 'Family name.'), given: value(100, 'Given names, with blanks between them.'), birthDate: Type.Optional(Type.String({ pattern: '^(?:18|19|20)\\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])$', description: 'YYYY-MM-DD.' })),
    sex: Type.Optional(Type.Enum(['male', 'female', 'other', 'unknown'])), phone: value(50, 'As written.'), email: value(254, 'An address.'), number: value(64, 'Of the referrer’s chart.'),
    address: value(200, 'Street and number.'), city: value(100, 'City.'), state: value(50, 'State.'), postalCode: value(20, 'Postal code.'), language: value(20, 'BCP 47: `es`.'),
  }, strict)),
  referrer: Type.Optional(Type.Object({
    family: value(100, 'Family name.'), given: value(100, 'Given names.'), npi: Type.Optional(Type.String({ pattern: '^\\d{10}$', description: 'Ten digits.' })), practice: value(200, 'Its name.'),
    phone: value(50, 'As written.'), fax: value(50, 'Where the answer goes.'), direct: value(254, 'A Direct address.'), email: value(254, 'An address.'),
  }, { ...strict, description: 'Who refers. Without a fax number or an address of their own they are answered as whoever sent the documents.' })),
  number: value(64, 'Of the order, as the referrer calls it.'), reason: value(2000, 'Why, in the words of the document.'), service: value(300, 'What is asked for.'), urgency: Type.Optional(Urgency),
  diagnoses: Type.Optional(Type.Array(Type.Object({ code: Type.Optional(Type.String({ pattern: '^[A-TV-Za-tv-z]\\d[0-9A-Za-z](?:\\.[0-9A-Za-z]{1,4})?$', description: 'ICD-10-CM.', examples: ['I48.91'] })), text: value(300, 'In words.') }, { ...strict, minProperties: 1 }), { minItems: 1, maxItems: 50, description: 'The first is the primary one.' })),
  coverage: Type.Optional(Type.Object({ payer: value(200, 'Its name.'), plan: value(200, 'Its name.'), memberId: value(64, 'Member number.'), group: value(64, 'Group number.'), authorization: value(64, 'Its number.') }, strict)),
}, { ...strict, minProperties: 1, examples: [{ patient: { family: 'EVERYWOMAN', given: 'EVE', birthDate: '1961-06-15', phone: '608-555-0117' }, reason: 'New atrial fibrillation', diagnoses: [{ code: 'I48.91' }] }] })
export const ReadDocuments = Type.Object({
  ...deciding, values: Type.Optional(EnteredValues), page: Type.Optional(Type.Integer({ ...Page, description: 'Where the values stand.' })),
  pages: Type.Optional(Type.Record(Type.String({ pattern: '^[a-zA-Z.]{1,40}$' }), Page, { description: 'Where some stand: `{ "patient": 1, "coverage.memberId": 3 }`.' })),
  notReferral: Type.Optional(text(500, 'Why it is no referral: it ends.')), nothingNew: Type.Optional(Type.Literal(true, { description: 'They have been looked at, and bring nothing new.' })),
  words: Type.Optional(text(2000, 'With `notReferral`: told to the sender. Without it they are told nothing.')),
}, { ...strict, description: 'One of `values`, `notReferral` and `nothingNew`.' })
