/** CMS50v14: every case by its published logic, of FHIR resources, of the desk's states, and of the Task that the desk writes. */
import t from 'tap'
import type { Bundle, FhirResource, Task } from 'fhir/r4.js'
import { apply } from '../../../referrals/apply.js'
import { canonical } from '../../../referrals/canonical/canonical.js'
import { viewOf } from '../../../referrals/canonical/view.js'
import type { NewEvent, ReferralState } from '../../../referrals/desk-contracts.js'
import { type Cms50, cms50Of } from '../../../referrals/measures/cms50.js'
import { cms50, cms50Facts } from '../../../referrals/measures/cms50-desk.js'
import { cms50OfBundles } from '../../../referrals/measures/cms50-fhir.js'
import { orderFacts } from '../../../referrals/measures/cms50-order.js'
import { CONSULTANT_REPORT, withConsultantReport, withoutConsultantReport } from '../../../referrals/measures/consultant-report.js'
import { daysIn } from '../../../referrals/measures/days.js'
import { openSqliteDeskStore } from '../../../referrals/store/desk-store.js'
import { changeOf, idOf, stateOf } from '../../conformance/desk-kit.js'
import { type Case, CASES, CODES, type Person, type Referral, type Report, type Visit, YEAR, ZONE } from './cms50-cases.js'

const days = daysIn(ZONE)
const period = { year: YEAR, days }
const counts = ({ population, numerator, withoutEncounter }: Cms50): object => ({ population, numerator, withoutEncounter })
const expected = ({ population, numerator, withoutEncounter = 0 }: Case): object => ({ population, numerator, withoutEncounter })
const coding = (code: string): { coding: { system: string; code: string }[] } => ({ coding: [{ system: /\d/.test(code) ? 'http://loinc.org' : 'urn:example:codes', code }] })

// ── The case as an EHR would export it ──────────────────────────────────────────────────

const requestOf = (referral: Referral, patient: string, id: string): FhirResource => ({
  resourceType: 'ServiceRequest', id, status: referral.status ?? 'active', intent: referral.intent ?? 'order', code: coding(referral.code ?? 'referral'), subject: { reference: `Patient/${patient}` }, ...(referral.authoredOn ? { authoredOn: referral.authoredOn } : {}),
})
const visitOf = ({ start, end, status = 'finished', type = 'office-visit', intervention }: Visit, patient: string): FhirResource => {
  const period = { ...(start ? { start } : {}), ...(end ? { end } : {}) }
  const subject = { reference: `Patient/${patient}` }
  return intervention ? { resourceType: 'Procedure', status: intervention, code: coding(type), subject, performedPeriod: period } : { resourceType: 'Encounter', status, class: { code: 'AMB' }, type: [coding(type)], subject, period }
}
const reportOf = ({ at, status = 'completed', code = '11488-4' }: Report, patient: string, request: string | null): Task => ({
  resourceType: 'Task', status, intent: 'order', code: coding(code), for: { reference: `Patient/${patient}` }, ...(request ? { basedOn: [{ reference: `ServiceRequest/${request}` }] } : {}), executionPeriod: { start: '2026-06-01', ...(at ? { end: at } : {}) },
})
const target = ({ basedOn }: Report, own: number): number | null => (basedOn === 'nothing' ? null : (basedOn ?? own))
const bundleOf = (resources: readonly FhirResource[]): Bundle => ({ resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ ...(resource.id ? { fullUrl: `https://ehr.example/fhir/${resource.resourceType}/${resource.id}` } : {}), resource })) })
const exported = ({ visits, referrals }: Person, patient: string): readonly FhirResource[] => [
  { resourceType: 'Patient', id: patient }, ...visits.map((visit) => visitOf(visit, patient)), ...referrals.map((referral, n) => requestOf(referral, patient, `${patient}-${n}`)),
  ...referrals.flatMap(({ reports = [] }, n) => reports.map((report) => { const to = target(report, n); return reportOf(report, patient, to === null ? null : `${patient}-${to}`) })),
]

// ── The case as the desk lived it ───────────────────────────────────────────────────────

/** What the specialist sends as a consultant report; what is no such report is never told as one. */
const tells = ({ at, status = 'completed', code = '11488-4' }: Report): boolean => at !== null && (status === 'completed' || status === 'entered-in-error') && CODES.consultantReport.some((one) => one.code === code)

const lived = ({ visits, referrals }: Person, patient: string): readonly ReferralState[] => referrals.map((referral, n) => {
  const revoked = referral.status === 'revoked'
  const sent = bundleOf([{ resourceType: 'Patient', id: patient }, ...visits.map((visit) => visitOf(visit, patient)), requestOf(revoked ? { ...referral, status: 'active' } : referral, patient, 'x')])
  const event = (name: NewEvent['name'], at: string, facts: NewEvent['facts'] = {}): NewEvent => ({ name, at, by: { kind: 'channel', name: 'outbound' }, facts })
  const reports = referrals.flatMap(({ reports: all = [] }, own) => all.filter((report) => tells(report) && target(report, own) === n))
  const news = [
    event('routed', '2026-01-02T00:00:00Z', { route: { ehr: 'epic-main', location: null, practitioner: null, queue: null, tasks: [] } }), event('sent', '2026-01-02T00:00:01Z'),
    ...reports.flatMap(({ at, status }) => [event('report-received', new Date(at ?? '').toISOString(), { documents: ['note'] }), ...(status === 'entered-in-error' ? [event('report-withdrawn', new Date(at ?? '').toISOString())] : [])]),
    ...(revoked ? [event('cancelled', '2026-12-30T00:00:00Z')] : []),
  ]
  const opened = stateOf(`${patient}-${n}`, 1, { direction: 'outbound', order: orderFacts(sent, CODES, null), patient: { status: 'matched', chart: { source: 'epic-main', id: patient } } })
  return news.reduce((state, one) => {
    const applied = apply(state, one)
    if ('refused' in applied) throw new Error(applied.refused)
    return applied.state
  }, opened)
})

// ── The case as the desk writes it back: a Bundle for each referral; only a record number says that two are about one patient ──

const NUMBER = 'https://ehr.example/mrn'
const written = (person: Person, patient: string): readonly Bundle[] => lived(person, patient).map((state, n) => {
  const referral = person.referrals[n] as Referral
  const url = `urn:uuid:${patient}-of-${n}`
  const who: FhirResource = { resourceType: 'Patient', identifier: [{ type: { coding: [{ code: 'MR' }] }, system: NUMBER, value: patient }] }
  const others = [...person.visits.map((visit) => visitOf(visit, patient)), requestOf(referral, patient, `${patient}-${n}`)]
  const own: Bundle = {
    resourceType: 'Bundle', type: 'collection',
    entry: [{ fullUrl: url, resource: who }, ...others.map((resource, at) => ({ fullUrl: `${url}-${at}`, resource: { ...resource, subject: { reference: url } } as FhirResource }))],
  }
  return !state.reportedAt ? own : withConsultantReport(own, { state, receivedAt: state.reportedAt, document: null, days, code: CODES.consultantReport[0] as (typeof CODES.consultantReport)[number] })
})

t.test('every case counts as the published logic counts it, in FHIR resources, in the desk’s states and in what the desk writes back', async (t) => {
  for (const one of CASES) {
    const people = one.people.map((person, n) => [person, `p${n}`] as const)
    t.strictSame(counts(cms50OfBundles([bundleOf(people.flatMap(([person, id]) => exported(person, id)))], period, CODES)), expected(one), `one Bundle: ${one.says}`)
    t.strictSame(counts(cms50OfBundles(people.flatMap(([person, id]) => exported(person, id).map((resource) => bundleOf([resource]))), period, CODES)), expected(one), `a Bundle each: ${one.says}`)
    t.strictSame(counts(cms50Of(cms50Facts(people.flatMap(([person, id]) => lived(person, id))), period)), expected(one), `the desk: ${one.says}`)
    t.strictSame(counts(cms50OfBundles(people.flatMap(([person, id]) => written(person, id)), period, CODES)), expected(one), `written back: ${one.says}`)
  }
  t.ok(CASES.length >= 25, `${CASES.length} cases`)
  t.equal(new Set(CASES.map(({ says }) => says)).size, CASES.length)
})

t.test('all patients of all cases together count as many as each alone', async (t) => {
  const people = CASES.flatMap((one) => one.people).map((person, n) => [person, `p${n}`] as const)
  const sum = { population: 0, numerator: 0, withoutEncounter: 0 }
  for (const one of CASES) for (const name of ['population', 'numerator', 'withoutEncounter'] as const) sum[name] += one[name] ?? 0
  t.strictSame(counts(cms50OfBundles([bundleOf(people.flatMap(([person, id]) => exported(person, id)))], period, CODES)), sum)
  const desk = openSqliteDeskStore(':memory:')
  t.teardown(() => desk.close())
  let serial = 0
  for (const [person, id] of people) {
    for (const state of lived(person, id)) {
      const change = changeOf(idOf(++serial))
      await desk.commit({ ...change, state: { ...state, id: change.state.id, reference: change.state.reference, sequence: 1 } })
    }
  }
  await desk.commit(changeOf(idOf(++serial), 0, { state: { direction: 'inbound' } }))
  const read = await cms50(desk, period)
  t.strictSame(counts(read), sum, 'read from the store, where an inbound referral is too')
  t.equal(read.rate, Math.round((sum.numerator / sum.population) * 10_000) / 10_000)
  t.equal(read.patients.length, sum.population)
  t.strictSame(read.period, { from: '2026-01-01', to: '2026-12-31', referredUntil: '2026-10-31', zone: ZONE })
})

t.test('where encounters are not known to the desk, they are assumed only if one says so', async (t) => {
  const referred = [{ patient: 'a', id: '1', counts: true, authoredOn: '2026-02-01', reports: ['2026-03-01T00:00:00Z'] }]
  t.match(cms50Of({ referrals: referred, encounters: [] }, period), { population: 0, rate: null, withoutEncounter: 1 })
  t.match(cms50Of({ referrals: referred, encounters: [] }, { ...period, assumeEncounter: true }), { population: 1, numerator: 1, rate: 1, withoutEncounter: 0, patients: [{ referral: '1', met: true }] })
})

t.test('the Task that is written is what an EHR counts, and stays the referral’s only one', async (t) => {
  const { bundle } = canonical(bundleOf([{ resourceType: 'Patient', id: 'p' }, { ...requestOf({ authoredOn: '2026-06-06' }, 'p', 'r'), priority: 'urgent', requester: { display: 'Dr. Adler' }, performer: [{ display: 'Dr. Tanaka' }] } as FhirResource]))
  if (!bundle) return t.fail('no canonical Bundle')
  const received = { state: { reference: 'R-2346-789A', receivedAt: '2026-06-06T13:00:00.000Z' }, receivedAt: '2027-01-01T04:30:00.000Z', document: { reference: 'urn:uuid:note' }, days, code: { system: 'http://loinc.org', code: '11488-4', display: 'Consult note' } }
  const once = withConsultantReport(bundle, received)
  const tasks = (of: Bundle) => viewOf(of).of('Task').map(({ resource }) => resource)
  const [, task] = tasks(once)
  t.match(task, {
    identifier: [{ system: CONSULTANT_REPORT, value: 'R-2346-789A' }], basedOn: [{ reference: viewOf(bundle).request?.url }], status: 'completed', intent: 'order', priority: 'urgent', code: { coding: [{ system: 'http://loinc.org', code: '11488-4' }] },
    for: { reference: viewOf(bundle).patient?.url }, requester: { display: 'Dr. Adler' }, owner: { display: 'Dr. Tanaka' }, output: [{ valueReference: { reference: 'urn:uuid:note' } }],
  })
  t.strictSame(task?.executionPeriod, { start: '2026-06-06T09:00:00.000-04:00', end: '2026-12-31T23:30:00.000-05:00' }, 'its end is in this year for whoever reads the day as it is written')
  t.equal(task?.focus, undefined)
  t.equal(viewOf(once).task?.resource, viewOf(bundle).task?.resource, 'the Task of the referral’s life is still the other one')
  t.equal(withConsultantReport(once, { ...received, receivedAt: '2027-02-01T00:00:00.000Z' }), once, 'the first report counts')
  const withdrawn = withoutConsultantReport(once, '2027-01-02T12:00:00.000Z', days)
  t.match(tasks(withdrawn).map(({ status }) => status), ['requested', 'entered-in-error'])
  const again = withConsultantReport(withdrawn, { ...received, receivedAt: '2027-02-01T00:00:00.000Z', document: null })
  t.match(tasks(again)[1], { status: 'completed', executionPeriod: { end: '2027-01-31T19:00:00.000-05:00' } })
  t.equal(tasks(again)[1]?.output, undefined)
  t.equal(tasks(again).length, 2)
  t.equal(viewOf(canonical(again).bundle as Bundle).task?.resource.code?.coding?.[0]?.code, 'fulfill', 'also where it is read again')
  t.equal(withConsultantReport(bundleOf([]), received).entry?.length, 0, 'nothing is written where there is no referral')
})
