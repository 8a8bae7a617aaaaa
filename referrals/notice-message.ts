/** The FHIR bundle by which a channel tells a notice: the referral as it is, and what is to be said of it. */
import type { Bundle } from 'fhir/r4.js'
import type { Provider } from './contracts.js'
import type { Notice, ReferralEvent, ReferralState } from './desk-contracts.js'
import { factsOf } from './canonical/facts.js'
import { withPatient, withPatientToo, withRequestStatus, withRoute } from './canonical/changes.js'
import { withPerformer } from './canonical/performer.js'
import { digestBundle, type NoticeInput, noticeBundle, type Recipient } from './canonical/notice.js'
import type { DeskParts } from './change.js'
import { withConsultantReport } from './measures/consultant-report.js'
import { daysIn } from './measures/days.js'
import type { Rules } from './rules.js'
import { providerTo } from './scope.js'
import { lineOf, partsOf, standingOf, topicOf } from './notice-words.js'

/** As JSON; null where the referral is not there any more. */
export async function noticeMessage(parts: DeskParts, notice: Notice): Promise<string | null> {
  if (notice.referral !== null) {
    const told = await toldOf(parts, notice, notice.referral, notice.event)
    return told && JSON.stringify(noticeBundle(told))
  }
  const told = (await Promise.all(notice.items.map(({ referral, event }) => toldOf(parts, notice, referral, event)))).filter((one) => one !== null)
  const [first] = told
  if (!first) return null
  const items = told.map(({ bundle, state, event, words }) => ({ bundle, state, task: words.task, text: lineOf(state, event, patientName(bundle)) }))
  return JSON.stringify(digestBundle({ items, notice, recipient: first.recipient, words: { topic: `${items.length} referrals: where they stand`, sent: first.words.sent } }))
}

/** The bundle that tells one event of a referral to a channel that asked for events. */
export async function eventMessage(parts: DeskParts, referral: string, event: ReferralEvent): Promise<string | null> {
  const told = await toldOf(parts, { id: event.sequence, kind: 'status', to: 'subscriber', way: null }, referral, event.sequence)
  return told && JSON.stringify(noticeBundle(told))
}

const patientName = (bundle: Bundle): string | null => {
  const [name] = factsOf(bundle).patient.names
  return name ? [...name.given.slice(0, 1), name.family].join(' ') : null
}

type Told = Omit<NoticeInput, 'state' | 'event'> & { readonly state: ReferralState; readonly event: ReferralEvent }

async function toldOf(parts: DeskParts, notice: Pick<Notice, 'id' | 'kind' | 'to' | 'way'>, referral: string, sequence: number | null): Promise<Told | null> {
  const { store, providers, clock } = parts
  const [state, text, events, all] = await Promise.all([store.state(referral), store.bundle(referral), store.events(referral), store.documents(referral)])
  const event = events.find((one) => one.sequence === sequence)
  if (!state || text === null || !event) return null
  const other = providerTo(notice.to)
  const provider = other === null ? null : await providers.get(other)
  const wanted = new Set(event.facts.documents ?? [])
  const documents = all.filter(({ id, status }) => wanted.has(id) && status !== 'withdrawn')
  const whole = await numbered(parts, JSON.parse(text) as Bundle, state, notice)
  const addressed = provider && state.direction === 'outbound' && other !== state.provider ? withPerformer(whole, provider, null) : whole // who had it before is told of it as it was
  const bundle = BUNDLES[notice.kind]?.(addressed, state, event, parts.rules()) ?? addressed
  const words = { topic: topicOf(notice.kind, state, event), sent: clock.now().toISOString(), task: standingOf(state, event, notice.way === 'hl7' || notice.to.startsWith('ehr ')) }
  return { bundle, state, event, notice, documents, recipient: recipientOf(notice, provider), words, appointment: event.facts.appointment ? state.appointment : null, parts: partsOf(notice.kind, state, event, parts.rules()) }
}

/** What some notices make of the bundle: a withdrawal takes the request back; a report brings the Task that CMS50 counts. */
const BUNDLES: Partial<Record<Notice['kind'], (bundle: Bundle, state: ReferralState, event: ReferralEvent, rules: Rules) => Bundle>> = {
  'hand-off': (bundle, { route }) => (route ? withRoute(bundle, route) : bundle),
  withdrawal: (bundle) => withRequestStatus(bundle, 'revoked'),
  report: (bundle, state, event, { measures, zone }) => {
    const [code] = measures.cms50.consultantReport
    return code ? withConsultantReport(bundle, { state, receivedAt: state.reportedAt ?? event.at, document: null, days: daysIn(zone), code }) : bundle
  },
}

function recipientOf({ to, way }: Pick<Notice, 'to' | 'way'>, provider: Provider | null): Recipient {
  if (!to.startsWith('provider') || !provider) return { id: to.replace(/^ehr /, ''), facts: null, way, address: null, language: null }
  return { id: provider.id, facts: provider, way, address: provider.ways.find((one) => one.way === way)?.address ?? null, language: null }
}

/** An EHR is told the number of its own chart; who refers by 360X, which both sides' systems work with, ours beside their own. */
async function numbered({ patients }: DeskParts, bundle: Bundle, { patient, direction }: ReferralState, { to, way }: Pick<Notice, 'to' | 'way'>): Promise<Bundle> {
  const ofEhr = patient.chart !== null && to === `ehr ${patient.chart.source}`
  const beside = way === '360x' && direction === 'inbound'
  const chart = patient.chart !== null && (ofEhr || beside) ? await patients.get(patient.chart) : null
  if (chart === null) return bundle
  return ofEhr ? withPatient(bundle, chart) : withPatientToo(bundle, chart)
}
