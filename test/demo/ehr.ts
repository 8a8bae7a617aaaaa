/**
 * An EHR, as Refero meets one: it takes referrals and orders over MLLP, keeps a work queue of them, and tells of charts, appointments, visits, notes and answers,
 * each by the numbers that it was given. Its moods are those of real ones: down, slow, refusing, gone before it answers.
 */
import { call, field, listen, message, segment, timestamp } from './hl7.js'
import { PEOPLE, type Person } from './people.js'

export type Mood = 'well' | 'slow' | 'refuses' | 'dies before answering'

/** What lies in its work queue: one referral or order. */
export interface WorkItem {
  readonly type: string // REF^I12
  readonly controlId: string
  readonly placer: string // the number by which it is known to whoever asked, an EI as it came
  readonly other: string // the number of whoever handed it over, an EI: ours
  readonly filler: string // the EHR's own
  readonly chart: Person | null // null: nobody here has the number or the name and birth date
  readonly patient: string // PID as it came
  readonly service: string
  readonly at: Date
  readonly state: 'open' | 'changed' | 'cancelled'
}
export interface Booking { readonly id: string; readonly item: WorkItem; readonly start: Date; readonly with: string; readonly at: string }
export interface Note { readonly id: string; readonly text: string; readonly signed: boolean; readonly items: readonly WorkItem[] }

export interface Ehr {
  readonly port: number // where it listens
  readonly received: readonly string[] // every message, as it came
  readonly queue: readonly WorkItem[] // as each stands now
  mood: Mood
  chartOf(mrn: string): Person | undefined
  down(): Promise<void>
  up(): Promise<void>
  /** Each resolves with the acknowledgement. */
  register(person: Person): Promise<string> // ADT^A28
  update(person: Person): Promise<string> // ADT^A08
  merge(survivor: Person, merged: Person): Promise<string> // ADT^A40
  part(survivor: Person, merged: Person): Promise<string> // ADT^A37
  arrive(booking: Booking): Promise<string> // ADT^A04
  leave(booking: Booking): Promise<string> // ADT^A03
  unarrive(booking: Booking): Promise<string> // ADT^A11
  book(item: WorkItem, start: Date, more?: { readonly trigger?: 'S12' | 'S13' | 'S15' | 'S26'; readonly id?: string; readonly reason?: string }): Promise<Booking>
  tell(booking: Booking, trigger: 'S13' | 'S15' | 'S26', more?: { readonly start?: Date; readonly reason?: string }): Promise<Booking>
  write(items: readonly WorkItem[], text: string, more?: { readonly trigger?: string; readonly signed?: boolean; readonly id?: string; readonly replaces?: string; readonly type?: string }): Promise<Note>
  result(item: WorkItem, text: string): Promise<string> // ORU^R01
  answer(item: WorkItem, answer: 'A' | 'R' | 'P', reason?: string): Promise<string> // RRI^I12
  status(item: WorkItem, control: 'SC' | 'OK' | 'UA', state: string, reason?: string): Promise<string> // OSU^O51
  order(text: string, to: number): Promise<string> // anything, to another of the engine's ports
  /** The answers to what it told, by control id. */
  readonly acknowledged: ReadonlyMap<string, string>
  close(): Promise<void>
}

const HERE = ['EPIC', 'HEART CENTER'] as const
const AUTHORITY = 'HC&1.3.6.1.4.1.99999.2.5&ISO'
const DOCTOR = '1234567893^RAO^ANITA^^^DR^MD^^NPI^L^^^NPI'
const SLOW = 1_500 // milliseconds

/** `feed` is the engine's port for what this EHR tells; `charts` are those that it has. */
export async function openEhr(feed: () => number, charts: readonly Person[] = PEOPLE): Promise<Ehr> {
  const people = new Map(charts.map((person) => [person.mrn, person]))
  const received: string[] = []
  const queue: WorkItem[] = []
  const acknowledged = new Map<string, string>()
  let numbers = 0
  const next = (prefix: string): string => `${prefix}${(++numbers).toString().padStart(4, '0')}`

  const take = (text: string): string => {
    const type = field(text, 'MSH-9').split('^').slice(0, 2).join('^')
    const referral = type.startsWith('REF')
    const placer = field(text, referral ? 'RF1-6' : 'ORC-2')
    const known = queue.findIndex((one) => one.placer === placer && placer !== '')
    if (type === 'REF^I14' || field(text, 'ORC-1') === 'CA') {
      const there = queue[known]
      if (there) queue[known] = { ...there, state: 'cancelled' }
      return there?.filler ?? ''
    }
    const filler = queue[known]?.filler ?? next('EPIC-R')
    const item: WorkItem = {
      type, controlId: field(text, 'MSH-10'), placer, other: field(text, referral ? 'RF1-11' : 'ORC-3'), filler, chart: chartIn(text, people), patient: segmentOf(text, 'PID'),
      service: field(text, referral ? 'PR1-3' : 'OBR-4').split('^')[1] ?? '', at: new Date(), state: known < 0 ? 'open' : 'changed',
    }
    if (known < 0) queue.push(item)
    else queue[known] = item
    return filler
  }

  const listener = await listen(async (text) => {
    received.push(text)
    if (ehr.mood === 'dies before answering') return null
    if (ehr.mood === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW))
    if (ehr.mood === 'refuses') return answerTo(text, 'AR', '', next('EPIC-A'), 'No interface takes this')
    return answerTo(text, 'AA', take(text), next('EPIC-A'))
  })

  const say = async (type: string, segments: readonly string[], more: Readonly<Record<number, string>> = {}): Promise<string> => {
    const controlId = next('EPIC-M')
    const answer = await call(feed(), message(type, HERE, controlId, new Date(), segments, more))
    acknowledged.set(controlId, answer)
    return answer
  }
  const adt = (event: string, structure: string, person: Person, more: readonly string[] = []): Promise<string> =>
    say(`ADT^${event}^${structure}`, [segment('EVN', { 1: event, 2: timestamp(new Date()) }), pid(person), ...more])
  const visit = (booking: Booking): string => segment('PV1', { 1: '1', 2: 'O', 3: `CARD^EXAM 1^^${booking.at}`, 7: DOCTOR, 10: 'CAR', 19: `V-${booking.id}^^^HC^VN`, 44: timestamp(new Date()) })
  const siu = async (trigger: string, booking: Booking, reason: string): Promise<Booking> => {
    const cancels = trigger === 'S15' || trigger === 'S26'
    const status = { S15: 'Cancelled', S26: 'Noshow' }[trigger] ?? 'Booked'
    await say(`SIU^${trigger}^SIU_S12`, [
      segment('SCH', {
        2: `${booking.id}^${HERE[0]}`, 6: cancels ? `^${reason}` : '', 7: 'NEW^New patient^HL70276', 9: '30', 10: 'min', 11: `^^^${timestamp(booking.start)}^${timestamp(new Date(booking.start.getTime() + 1_800_000))}`,
        16: '771^KIM^SU', 25: `${status}^${status}^HL70278`, 26: booking.item.placer, 27: `${booking.item.filler}^${HERE[0]}`,
      }),
      booking.item.chart ? pid(booking.item.chart) : booking.item.patient,
      segment('RGS', { 1: '1' }), segment('AIL', { 1: '1', 2: 'A', 3: `CARD^^^${booking.at}`, 6: timestamp(booking.start) }), segment('AIP', { 1: '1', 2: 'A', 3: DOCTOR, 4: 'D^Doctor^L', 6: timestamp(booking.start) }),
    ])
    return booking
  }

  const ehr: Ehr = {
    port: listener.port, received, queue, acknowledged, mood: 'well',
    chartOf: (mrn) => people.get(mrn),
    down: () => listener.close(), up: () => listener.reopen(), close: () => listener.close(),
    register: (person) => {
      people.set(person.mrn, person)
      return adt('A28', 'ADT_A05', person, [segment('PV1', { 1: '1', 2: 'N' })])
    },
    update: (person) => {
      people.set(person.mrn, person)
      return adt('A08', 'ADT_A01', person, [segment('PV1', { 1: '1', 2: 'N' })])
    },
    merge: (survivor, merged) => {
      people.delete(merged.mrn)
      return adt('A40', 'ADT_A39', survivor, [segment('MRG', { 1: `${merged.mrn}^^^${AUTHORITY}^MR` })])
    },
    part: (survivor, merged) => {
      people.set(merged.mrn, merged)
      return adt('A37', 'ADT_A37', survivor, [segment('PV1', { 1: '1', 2: 'N' }), pid(merged), segment('PV1', { 1: '1', 2: 'N' })])
    },
    arrive: (booking) => adt('A04', 'ADT_A01', chartOfBooking(booking), [visit(booking)]),
    leave: (booking) => adt('A03', 'ADT_A03', chartOfBooking(booking), [visit(booking)]),
    unarrive: (booking) => adt('A11', 'ADT_A09', chartOfBooking(booking), [visit(booking)]),
    book: (item, start, { trigger = 'S12', id = next('EPIC-A'), reason = '' } = {}) => siu(trigger, { id, item, start, with: 'Dr Rao', at: 'Main St' }, reason),
    tell: (booking, trigger, { start = booking.start, reason = 'No reason was given' } = {}) => siu(trigger, { ...booking, start }, reason),
    write: async (items, text, { trigger = 'T02', signed = true, id = next('EPIC-D'), replaces = '', type = 'CN^Consultation^HL70270' } = {}) => {
      const [first] = items
      if (!first) throw new Error('A note is about something.')
      const orders = items.length > 1 ? items.map((item) => segment('ORC', { 1: 'RE', 2: item.placer, 3: `${item.filler}^${HERE[0]}` })) : []
      const txa = segment('TXA', {
        1: '1', 2: type, 3: 'TX', 4: timestamp(new Date()), 5: DOCTOR, 6: timestamp(new Date()), 9: DOCTOR, 12: `${id}^${HERE[0]}`, 13: replaces ? `${replaces}^${HERE[0]}` : '',
        14: items.length > 1 ? '' : first.placer, 15: items.length > 1 ? '' : `${first.filler}^${HERE[0]}`, 17: signed ? 'LA' : 'DO', 19: trigger === 'T11' ? 'CA' : 'AV', 22: signed ? `${DOCTOR}` : '',
      })
      await say(`MDM^${trigger}^${trigger === 'T11' ? 'MDM_T01' : 'MDM_T02'}`, [
        segment('EVN', { 1: trigger, 2: timestamp(new Date()) }), first.chart ? pid(first.chart) : first.patient, segment('PV1', { 1: '1', 2: 'O', 3: 'CARD' }), ...orders, txa,
        ...(trigger === 'T11' ? [] : text.split('\n').map((line, index) => segment('OBX', { 1: String(index + 1), 2: 'TX', 3: '11488-4^Consultation note^LN', 5: line, 11: signed ? 'F' : 'P' }))),
      ])
      return { id, text, signed, items }
    },
    result: (item, text) => say('ORU^R01^ORU_R01', [
      item.chart ? pid(item.chart) : item.patient, segment('ORC', { 1: 'RE', 2: item.placer, 3: `${item.filler}^${HERE[0]}` }),
      segment('OBR', { 1: '1', 2: item.placer, 3: `${item.filler}^${HERE[0]}`, 4: '93306^Echocardiogram, complete^C4', 7: timestamp(new Date()), 22: timestamp(new Date()), 25: 'F', 32: DOCTOR }),
      segment('OBX', { 1: '1', 2: 'TX', 3: '18745-0^Cardiac catheterization report^LN', 5: text, 11: 'F' }),
    ]),
    answer: (item, code, reason = '') => say('RRI^I12^RRI_I12', [
      segment('MSA', { 1: 'AA', 2: item.controlId }), segment('RF1', { 1: `${code}^${ANSWERS[code]}^HL70283`, 6: item.placer, 9: timestamp(new Date()), 10: reason ? `^${reason}` : '', 11: `${item.filler}^${HERE[0]}` }),
      segment('PRD', { 1: 'RT^Referred to Provider^HL70286', 2: 'RAO^ANITA', 7: '1234567893^NPI' }), item.chart ? pid(item.chart) : item.patient,
    ], { 15: 'AL', 16: 'NE' }), // an answer that comes later is a message of its own: it asks for its acknowledgement
    status: (item, control, state, reason = '') => say('OSU^O51^OSU_O51', [
      item.chart ? pid(item.chart) : item.patient, segment('ORC', { 1: control, 2: item.placer, 3: `${item.filler}^${HERE[0]}`, 5: state, 9: timestamp(new Date()), 16: reason ? `^${reason}` : '' }),
    ]),
    order: (text, to) => call(to, text),
  }
  const chartOfBooking = ({ item }: Booking): Person => {
    if (!item.chart) throw new Error('Nobody can arrive without a chart.')
    return item.chart
  }
  return ehr
}

const ANSWERS = { A: 'Accepted', R: 'Rejected', P: 'Pending' } as const

/** A referral is answered by RRI, an order by ACK; either names the number under which it is worked on. */
function answerTo(text: string, code: 'AA' | 'AR', filler: string, controlId: string, reason = ''): string {
  const msa = segment('MSA', { 1: code, 2: field(text, 'MSH-10'), 3: reason })
  const [type = '', event = ''] = field(text, 'MSH-9').split('^')
  if (type !== 'REF' || code !== 'AA') return message(`ACK^${event}^ACK`, HERE, controlId, new Date(), [msa])
  const rf1 = segment('RF1', { 1: event === 'I14' ? 'R^Rejected^HL70283' : 'P^Pending^HL70283', 6: field(text, 'RF1-6'), 11: filler ? `${filler}^${HERE[0]}` : '' })
  return message(`RRI^${event}^RRI_I12`, HERE, controlId, new Date(), [msa, rf1, segmentOf(text, 'PRD'), segmentOf(text, 'PID')])
}

const segmentOf = (text: string, name: string): string => text.split('\r').find((line) => line.startsWith(`${name}|`)) ?? name

/** By the number of a chart of ours, else by name and birth date. */
function chartIn(text: string, people: ReadonlyMap<string, Person>): Person | null {
  const numbered = field(text, 'PID-3').split('~').flatMap((one) => people.get(one.split('^')[0] ?? '') ?? [])
  const [family = '', given = ''] = field(text, 'PID-5').split('~')[0]?.split('^') ?? []
  return numbered[0] ?? [...people.values()].find((one) => one.family === family.toUpperCase() && one.given === given.toUpperCase() && one.birthDate === field(text, 'PID-7').slice(0, 8)) ?? null
}

export const pid = (person: Person): string => segment('PID', {
  1: '1', 3: `${person.mrn}^^^${AUTHORITY}^MR`, 5: `${person.family}^${person.given}^^^^^L`, 7: person.birthDate, 8: person.sex, 11: `${person.street}^^${person.city}^WI^${person.zip}^USA^H`, 13: `^PRN^PH^^^608^${person.phone}`,
})
