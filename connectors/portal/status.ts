/** What a referrer may know of a referral: what letters tell, and nothing of how we work on it. */
import type { Bundle } from 'fhir/r4.js'
import { same } from '../../engine/web/authentication.js'
import { contentOf, documentsIn } from '../../referrals/api/documents.js'
import { factsOf } from '../../referrals/canonical/facts.js'
import type { MissingItem } from '../../referrals/contracts.js'
import { stateThrough } from '../../referrals/decisions/same-as.js'
import type { Desk } from '../../referrals/desk.js'
import type { EventName, ReferralEvent, ReferralState } from '../../referrals/desk-contracts.js'
import { LIFE_CYCLE } from '../../referrals/life-cycle.js'
import { readReference } from '../../referrals/reference.js'
import type { Session } from './session.js'

export interface Told { readonly at: string; readonly says: string; readonly reason: string | null; readonly appointment: ReferralState['appointment'] | NonNullable<ReferralEvent['facts']['appointment']> | null }
export interface Report { readonly id: string; readonly part: number; readonly title: string | null; readonly addedAt: string | null }
export interface Status {
  readonly reference: string
  readonly zone: string
  readonly now: string // where it stands, as letters call it
  readonly timeline: readonly Told[] // the first first
  readonly appointment: ReferralState['appointment'] // one that is to come
  readonly missing: readonly MissingItem[]
  readonly reports: readonly Report[] // empty for whoever only knows number and date of birth
}

/** Events that letters tell of, beside what they are called there (LIFE_CYCLE, `says`). */
const TOLD: ReadonlySet<EventName> = new Set([
  'needs-information', 'information-added', 'accepted', 'declined', 'contacted', 'unable-to-reach', 'scheduled', 'rescheduled', 'appointment-cancelled', 'no-show', 'seen', 'visit-cancelled',
  'interim-report', 'reported', 'report-withdrawn', 'closed', 'cancelled', 'cancel-refused', 'reopened',
])
/** Of which letters say why. */
const WITH_REASON: ReadonlySet<EventName> = new Set(['declined', 'unable-to-reach', 'cancelled', 'appointment-cancelled'])

/** The referral to us that a number names, through what repeats another; null where there is none. */
export const findReferral = async ({ store }: Desk, text: string): Promise<ReferralState | null> => {
  const reference = readReference(text)
  const [found] = reference === null ? [] : await store.find([{ kind: 'reference', value: reference }])
  const state = found ? await stateThrough(store, found.referral) : null
  return state?.direction === 'inbound' ? state : null
}

/** Whether a patient was born on a date: without a referral, or a date in it, as long in coming and no. */
export const isBorn = async ({ store }: Desk, state: ReferralState | null, date: string): Promise<boolean> => {
  const text = state && (await store.bundle(state.id))
  const born = text ? factsOf(JSON.parse(text) as Bundle).patient.birthDate : null
  return same(born ?? '', date) && born !== null
}

/** Whether a session is that of the referrer: by an address that the directory has of them, and not from what was entered in this portal, where anybody may write any NPI. */
export const isReferrer = async ({ providers }: Desk, { provider }: ReferralState, { email }: Session, portal: string): Promise<boolean> => {
  const known = provider === null || email === null ? null : await providers.get(provider)
  return known?.ways.some(({ way, address, learned }) => way === 'email' && learned !== portal && address.toLowerCase() === email?.toLowerCase()) ?? false
}

export const statusOf = async ({ store, rules }: Desk, state: ReferralState, full: boolean): Promise<Status> => {
  const [events, reports] = await Promise.all([store.events(state.id), full ? reportsOf(store, state.id) : []])
  const told = events.filter(({ name, applied, facts }) => applied && TOLD.has(name) && facts.quiet !== true)
  const timeline = told.map(({ name, at, facts }): Told => ({ at, says: LIFE_CYCLE[name].says ?? name, reason: WITH_REASON.has(name) ? (facts.reason ?? null) : null, appointment: facts.appointment?.start ? facts.appointment : null }))
  const appointment = state.stage === 'scheduled' && state.appointment?.start ? state.appointment : null
  const last = told.findLast(({ name }) => name !== 'information-added' && (name !== 'needs-information' || state.missing.length > 0))
  return { reference: state.reference, zone: rules().zone, now: (last && LIFE_CYCLE[last.name].says) ?? 'Received', timeline: [{ at: state.receivedAt, says: 'Received', reason: null, appointment: null }, ...timeline], appointment, missing: state.missing, reports }
}

const isReport = ({ role, status }: Awaited<ReturnType<typeof documentsIn>>[number]): boolean => (role === 'outcome' || role === 'interim') && status === 'current'

const reportsOf = async (store: Desk['store'], referral: string): Promise<readonly Report[]> =>
  (await documentsIn(store, referral)).filter(isReport).flatMap(({ id, title, addedAt, parts }) => parts.flatMap(({ url }, n) => (url === null ? [{ id, part: n + 1, title, addedAt }] : [])))

/** The bytes of a report, and of nothing else that belongs to the referral; null where there is none. */
export const reportIn = async ({ store }: Desk, referral: string, id: string, part: number): Promise<{ readonly bytes: Buffer; readonly contentType: string; readonly name: string } | null> => {
  const found = (await reportsOf(store, referral)).some((one) => one.id === id && one.part === part)
  return found ? contentOf(store, referral, id, part) : null
}
