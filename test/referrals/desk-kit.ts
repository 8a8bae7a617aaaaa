/** What the tests of the desk share: a desk on real files with the shipped rules, a clock that is moved, and messages as different senders write them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import type t from 'tap'
import type { Clock } from '../../engine/contracts.js'
import type { Way } from '../../referrals/contracts.js'
import type { EventName, Notice, NoticeKind, ReferralEvent, ReferralState, Stage } from '../../referrals/desk-contracts.js'
import { createDesk, type Desk } from '../../referrals/desk.js'
import type { FeedbackTaken } from '../../referrals/feedback/feedback.js'
import { NOTICE_KINDS } from '../../referrals/names.js'
import type { Offer } from '../../referrals/offers.js'
import { readRules } from '../../referrals/open-desk.js'
import type { Opened, Opening } from '../../referrals/opening.js'
import { openPatientIndex } from '../../referrals/patients/patient-index.js'
import { openProviderDirectory } from '../../referrals/providers/sqlite-directory.js'
import { WAYS } from '../../referrals/providers/ways.js'
import type { Rules } from '../../referrals/rules.js'
import type { NoticeFate } from '../../referrals/settling.js'
import { openDesk as openDeskOf } from '../../referrals/store/desk-store.js'
import { openDeskFile } from '../../referrals/store/file.js'
import { mapped } from './canonical/kit.js'
import { MAPPINGS, SETTINGS } from './patients/settings.js'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const MONDAY = '2026-03-02T15:15:00.000Z' // 09:15 in Chicago

/** Time that passes when it is told to. */
export interface MovedClock extends Clock {
  /** Resolves once whoever slept has looked at what is due, and sleeps again. */
  pass(milliseconds: number): Promise<void>
}

export const movedClock = (start = MONDAY): MovedClock => {
  let now = Date.parse(start)
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()
  let rested: () => void = () => {}
  return {
    now: () => new Date(now),
    sleep: (milliseconds, signal) => new Promise((resolve) => {
      const wake = (): void => {
        sleepers.delete(one)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const one = { until: now + milliseconds, wake }
      if (signal?.aborted) return resolve()
      signal?.addEventListener('abort', wake)
      sleepers.add(one)
      rested()
    }),
    pass: async (milliseconds) => {
      if (sleepers.size === 0) await new Promise<void>((resolve) => { rested = resolve })
      now += milliseconds
      const due = [...sleepers].filter(({ until }) => until <= now)
      if (due.length === 0) return
      const again = new Promise<void>((resolve) => { rested = resolve })
      for (const { wake } of due) wake()
      await again
    },
  }
}

/** The shipped rules, read once: they take some time. */
const RULES = readRules({ mapping: MAPPINGS.mapping, csv: MAPPINGS.csv, names: MAPPINGS.names }, movedClock())

/** Channels that carry whatever is owed. */
const ALL: Offer = { channel: 'all', kinds: NOTICE_KINDS }

export interface World {
  readonly desk: Desk
  readonly clock: MovedClock
  readonly folder: string
  close(): Promise<void>
}

/** A desk on files in a folder of its own, or in one where a desk was before; `rules` change the shipped ones. */
export function world(test: Pick<typeof t, 'teardown'>, { folder = mkdtempSync(join(tmpdir(), 'desk-')), clock = movedClock(), carried = ALL, rules = {} }: { readonly folder?: string; readonly clock?: MovedClock; readonly carried?: Offer; readonly rules?: Partial<Rules> } = {}): World {
  const file = openDeskFile(join(folder, 'referrals.db'))
  const store = { ...openDeskOf(file), close: async () => file.close() }
  const providers = openProviderDirectory(file, { now: () => clock.now() })
  const problems: unknown[] = []
  const log = (_level: string, event: string, facts?: Readonly<Record<string, unknown>>): void => void problems.push(event, facts)
  const desk = createDesk({ store, providers, patients: openPatientIndex(join(folder, 'patients.db'), SETTINGS), rules: () => ({ ...RULES, ...rules }), clock, log })
  desk.offer(carried)
  let open = true
  const close = async (): Promise<void> => {
    if (!open) return
    open = false
    await desk.close()
    if (problems.length > 0) throw new Error(`the desk complained: ${JSON.stringify(problems, (_key, value: unknown) => (value instanceof Error ? value.stack : value))}`)
  }
  test.teardown(async () => {
    await close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { desk, clock, folder, close }
}

// ── Messages ────────────────────────────────────────────────────────────────────────────

let messages = 0
export const v2 = (...segments: readonly (string | null | false | undefined)[]): string => `${segments.filter(Boolean).join('\r')}\r`
const stamp = (iso: string): string => `${iso.slice(0, 19).replace(/[-:T]/g, '')}+0000`
export const header = (type: string, at: string, from = 'EPIC|HEART CENTER'): string => `MSH|^~\\&|${from}|REFERO|DESK|${stamp(at)}||${type}|M${++messages}|P|2.5.1`

export interface Person { readonly family: string; readonly given: string; readonly birth: string; readonly sex: string; readonly mrn: string; readonly street?: string; readonly phone?: string }
export const EVE: Person = { family: 'EVERYWOMAN', given: 'EVE', birth: '19610615', sex: 'F', mrn: 'HC4471', street: '14 ELM ST', phone: '5550117' }
export const ADAM: Person = { family: 'ABERNATHY', given: 'ADAM', birth: '19550102', sex: 'M', mrn: 'HC5001', street: '3 OAK AVE', phone: '5550131' }
export const pid = ({ family, given, birth, sex, mrn, street = '1 HIGH ST', phone = '5550100' }: Person, authority = '^^^HC^MR'): string =>
  `PID|1||${mrn}${authority}||${family}^${given}||${birth}|${sex}|||${street}^^MADISON^WI^53704^USA||(608)${phone}`
/** As a feed that sends no more than it must. */
export const barePid = ({ family, given, birth, mrn }: Person): string => `PID|1||${mrn}||${family}^${given}||${birth}`

export interface Practice { readonly npi: string; readonly family: string; readonly given: string; readonly practice: string; readonly fax: string; readonly direct?: string }
export const OKAFOR: Practice = { npi: '1548291735', family: 'OKAFOR', given: 'NKECHI', practice: 'LAKESIDE FAMILY MEDICINE', fax: '5550143', direct: 'nokafor@direct.lakesidefm.example' }
export const TANAKA: Practice = { npi: '1730155920', family: 'TANAKA', given: 'KENJI', practice: 'NORTH CLINIC', fax: '5550163' }
export const RAO: Practice = { npi: '1234567893', family: 'RAO', given: 'ANITA', practice: 'HEART CENTER CARDIOLOGY', fax: '5550191', direct: 'arao@direct.heart.example' }
const prd = (role: string, { npi, family, given, practice, fax, direct }: Practice): string =>
  `PRD|${role}|${family}^${given}^^^DR^MD|120 LAKE ST^^MADISON^WI^53703|^^^${practice}^^^^^${practice}|^WPN^FX^^^608^${fax}${direct ? `~^NET^Internet^${direct}` : ''}||${npi}^NPI`

export interface Asked {
  readonly number?: string // RF1-6 or ORC-2 with its authority
  readonly patient?: Person
  readonly from?: Practice
  readonly to?: Practice
  readonly diagnosis?: string
  readonly reason?: string
  readonly at?: string
  readonly more?: readonly string[]
  readonly event?: string
  readonly authority?: string
}
/** REF^I12 with all that is asked for, unless a part is taken away. */
export const ref = ({ number = 'R-117^LFM^1.3.6.1.4.1.99999.1.7^ISO', patient = EVE, from = OKAFOR, to, diagnosis = 'I48.91^Unspecified atrial fibrillation^I10', reason = 'New atrial fibrillation', at = MONDAY, more = [], event = 'I12', authority = '^^^LFM^MR' }: Asked = {}): string => v2(
  header(`REF^${event}^REF_I12`, at, 'CLINICOS|LAKESIDE'), `RF1|P|R|Med|||${number}||||^${reason}`, prd('RP', from), to && prd('RT', to), pid({ ...patient, mrn: `L${patient.mrn}` }, authority),
  'IN1|1|GOLD|60054|Great Lakes Health Plan|||||||||||||||||||||||||||||||||GLH551920034', diagnosis && `DG1|1||${diagnosis}||20260227|W`, ...more)
/** ORM^O01 as an EHR writes an order to refer. */
export const orm = ({ number = 'ORD-1^EHR', patient = EVE, from = OKAFOR, diagnosis = 'I48.91^Unspecified atrial fibrillation^I10', at = MONDAY, more = [], authority = '^^^LFM^MR', event = 'NW' }: Asked & { readonly group?: string } = {}, service = '99244^Office consultation^C4', group = ''): string => v2(
  header('ORM^O01^ORM_O01', at, 'NGEN|NORTH'), pid({ ...patient, mrn: `L${patient.mrn}` }, authority), 'IN1|1|MCR|00001|Medicare Part B', `ORC|${event}|${number}||${group}|||||${stamp(at)}|||${from.npi}^${from.family}^${from.given}^^^DR^MD^^NPI^L^^^NPI||(608)${from.fax}|||||||${from.practice}`,
  `OBR|1|${number}||${service}|||||||||Palpitations|||${from.npi}^${from.family}^${from.given}^^^DR^MD^^NPI^L^^^NPI`, diagnosis && `DG1|1||${diagnosis}||20260227|W`, ...more)

export interface Booked { readonly event: string; readonly at: string; readonly id?: string; readonly start?: string; readonly patient?: Person; readonly order?: string; readonly filler?: string; readonly status?: string; readonly visit?: string; readonly place?: string; readonly who?: string; readonly service?: string; readonly pid?: string; readonly note?: string }
export const siu = ({ event, at, id = 'APT-1', start = '2026-03-09T15:00:00Z', patient = EVE, order = '', filler = '', status = '', visit, place = 'CARD^^^MAIN ST', who = '1234567893^RAO^ANITA', service = '99204^New patient visit', pid: said, note }: Booked): string => v2(
  header(`SIU^${event}^SIU_S12`, at), `SCH||${id}|||||||30|min|^^^${stamp(start)}|||||771^KIM^SU|||||||||${status}|${order}|${filler}`, note && `NTE|1||${note}`, said ?? pid(patient), visit && `PV1|1|O|${place}||||||||||||||||${visit}`, 'RGS|1|A',
  service && `AIS|1|A|${service}`, place && `AIL|1|A|${place}`, who && `AIP|1|A|${who}`)
export interface Visited { readonly event: string; readonly at: string; readonly visit?: string; readonly patient?: Person; readonly place?: string; readonly who?: string; readonly service?: string; readonly began?: string }
export const adt = ({ event, at, visit = '', patient = EVE, place = 'CARD^^^MAIN ST', who = '1234567893^RAO^ANITA', service = 'CAR', began = at }: Visited): string =>
  v2(header(`ADT^${event}^ADT_A01`, at), `EVN|${event}|${stamp(at)}`, pid(patient), `PV1|1|O|${place}||||${who}|||${service}|||||||||${visit}|||||||||||||||||||||||||${stamp(began)}`)
export interface Written { readonly event?: string; readonly at: string; readonly id?: string; readonly parent?: string; readonly order?: string; readonly filler?: string; readonly status?: string; readonly visit?: string; readonly patient?: Person; readonly who?: string; readonly place?: string; readonly text?: string; readonly title?: string }
export const mdm = ({ event = 'T02', at, id = 'DOC-1', parent = '', order = '', filler = '', status = 'AU', visit = '', patient = EVE, who = '1234567893^RAO^ANITA', place = 'CARD^^^MAIN ST', text = 'Seen for palpitations. Plan: apixaban.', title = 'Consultation note' }: Written): string => v2(
  header(`MDM^${event}^MDM_T02`, at), `EVN|${event}|${stamp(at)}`, pid(patient), `PV1|1|O|${place}||||||||||||||||${visit}`,
  `TXA|1|CN^Consultation|TX|${stamp(at)}|${who}||||${who}|||${id}|${parent}|${order}|${filler}||${status}||AV||||||||${title}`, text && `OBX|1|TX|11488-4^Consultation note^LN||${text}||||||F`)
export const oru = ({ at, order = '', filler = 'RPT-1', status = 'F', patient = EVE, text = 'Consultation: rate controlled.' }: { readonly at: string; readonly order?: string; readonly filler?: string; readonly status?: string; readonly patient?: Person; readonly text?: string }): string => v2(
  header('ORU^R01^ORU_R01', at), pid(patient), `OBR|1|${order}|${filler}|11488-4^Consultation note^LN|||${stamp(at)}|||||||||||||||||||${status}`, `OBX|1|TX|11488-4^Consultation note^LN||${text}||||||${status}`)
export const rri = ({ at, number, answer = 'A', filler = '', patient = EVE, reason = '' }: { readonly at: string; readonly number: string; readonly answer?: string; readonly filler?: string; readonly patient?: Person | null; readonly reason?: string }): string => v2(
  header('RRI^I12^RRI_I12', at, 'SPEC|HEART'), 'MSA|AA|M0', `RF1|${answer}|R|Med|||${number}||||${reason}|${filler}`, prd('RP', OKAFOR), patient && pid({ ...patient, mrn: `S${patient.mrn}` }, '^^^SPEC^MR'))
export const osu = ({ at, number, status = 'IP', control = 'SC', filler = '', patient = EVE }: { readonly at: string; readonly number: string; readonly status?: string; readonly control?: string; readonly filler?: string; readonly patient?: Person | null }): string =>
  v2(header('OSU^O51^OSU_O51', at), patient && pid(patient), `ORC|${control}|${number}|${filler}||${status}||||${stamp(at)}`)
export const a28 = (patient: Person, at = MONDAY, event = 'A28'): string => v2(header(`ADT^${event}^ADT_A05`, at), `EVN|${event}|${stamp(at)}`, pid(patient), 'PV1|1|N')
export const a40 = (survivor: Person, merged: string, at = MONDAY): string => v2(header('ADT^A40^ADT_A39', at), `EVN|A40|${stamp(at)}`, pid(survivor), `MRG|${merged}^^^HC^MR`)

export const a37 = (one: Person, other: Person, at = MONDAY): string => v2(header('ADT^A37^ADT_A37', at), `EVN|A37|${stamp(at)}`, pid(one), 'PV1|1|N', pid(other), 'PV1|1|N')

/** By which map a message becomes FHIR. */
const MAPS: Readonly<Record<string, string>> = { REF: 'referral', ORM: 'referral', OMG: 'referral', SIU: 'appointment', MDM: 'document', ORU: 'results', ADT: 'adt', RRI: 'referral-answer', OSU: 'order-status' }
export const bundleOf = (message: string): Bundle<FhirResource> => mapped(message, MAPS[/\|(REF|ORM|OMG|SIU|MDM|ORU|ADT|RRI|OSU)\^/.exec(message.split('\r')[0] ?? '')?.[1] ?? ''] ?? 'none')

// ── What is done with them ──────────────────────────────────────────────────────────────

let commands = 0
export const BY = { kind: 'channel', name: 'intake' } as const

export const open = ({ desk, clock }: World, message: string | object, more: Partial<Opening> = {}): Promise<Opened> =>
  desk.open({ command: `open ${++commands}`, bundle: typeof message === 'string' ? bundleOf(message) : message, direction: 'inbound', by: BY, via: 'intake', at: clock.now(), ...more })
/** A message is heard when it is sent, or now if that is later. */
export const feed = async ({ desk, clock }: World, message: string | object, ehr: string | null = 'epic-main', command = `feed ${++commands}`): Promise<FeedbackTaken> => {
  const sent = typeof message === 'string' ? /\|(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\+0000\|/.exec(message) : null
  const ahead = sent ? Date.UTC(+(sent[1] ?? 0), +(sent[2] ?? 1) - 1, +(sent[3] ?? 1), +(sent[4] ?? 0), +(sent[5] ?? 0)) - clock.now().getTime() : 0
  if (ahead > 0) await clock.pass(ahead)
  return desk.feedback({ command, bundle: typeof message === 'string' ? bundleOf(message) : message, by: { kind: 'channel', name: 'feedback' }, via: ehr ?? 'specialists', at: clock.now(), ...(ehr !== null && { ehr }) })
}
export const chart = ({ desk, clock }: World, message: string, ehr = 'epic-main') =>
  desk.charts({ command: `charts ${++commands}`, bundle: bundleOf(message), ehr, by: { kind: 'channel', name: 'adt' }, via: 'adt', at: clock.now() })

export const state = async ({ desk }: World, id: string): Promise<ReferralState> => {
  const found = await desk.store.state(id)
  if (!found) throw new Error(`there is no referral ${id}`)
  return found
}
export const events = ({ desk }: World, id: string): Promise<readonly ReferralEvent[]> => desk.store.events(id)
/** Names of applied events, of those that are asked for. */
export const happened = async (of: World, id: string, ...names: readonly EventName[]): Promise<readonly EventName[]> =>
  (await events(of, id)).filter(({ applied, name }) => applied && (names.length === 0 || names.includes(name))).map(({ name }) => name)
export const stage = async (of: World, id: string): Promise<Stage> => (await state(of, id)).stage
export const notices = async ({ desk }: World, id: string, kind?: NoticeKind): Promise<readonly Notice[]> => (await desk.store.notices(id)).filter((one) => kind === undefined || one.kind === kind)
export const strays = ({ desk }: World) => desk.store.strays(true, 100)

let marks = 0
export const fate = (of: Pick<World, 'clock'>, more: Partial<NoticeFate> = {}): NoticeFate =>
  ({ mark: `mark ${++marks}`, outcome: 'sent', at: of.clock.now(), channel: 'loop', reason: null, doubtful: false, confirmed: true, receipt: null, identifiers: [], ...more })

/** Delivers whatever is owed now, as channels would; a way that is broken fails. Returns what was delivered, with its bundle. */
export async function carry(of: World, { broken = [], kinds = NOTICE_KINDS, hand = {} }: { readonly broken?: readonly (Way | 'ehr')[]; readonly kinds?: readonly NoticeKind[]; readonly hand?: Partial<NoticeFate> } = {}): Promise<readonly { readonly notice: Notice; readonly bundle: Bundle<FhirResource> }[]> {
  const delivered: { notice: Notice; bundle: Bundle<FhirResource> }[] = []
  for (let after = 0; ; ) {
    const found = await of.desk.toTell({ channel: 'carry', kinds }, after, 50)
    if (found.length === 0) return delivered
    for (const { notice, bundle } of found) {
      after = notice.id
      if (bundle === null) continue
      const fails = broken.includes(notice.way ?? 'ehr')
      await of.desk.settle(notice.id, fate(of, fails ? { outcome: 'failed', reason: 'no route to host' } : notice.kind === 'hand-off' ? hand : {}))
      if (!fails) delivered.push({ notice, bundle: JSON.parse(bundle) as Bundle<FhirResource> })
    }
  }
}
export const ways = WAYS

/** A referral that is in the EHR's work queue, its patient matched with a chart there. */
export async function handedOff(of: World, asked: Asked = {}): Promise<string> {
  await chart(of, a28(asked.patient ?? EVE))
  const { state: { id } } = await open(of, ref(asked))
  await carry(of)
  const now = await stage(of, id)
  if (now !== 'handed-off') throw new Error(`the referral is ${now}: ${JSON.stringify((await state(of, id)).holds)}`)
  return id
}
