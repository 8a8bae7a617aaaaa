import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openMappings } from '../../../engine/mappings.js'
import { problemLine } from '../../../engine/problem.js'
import { duties } from '../../../referrals/clock/duties.js'
import { readDesk } from '../../../referrals/clock/settings.js'
import { lintDesk } from '../../../referrals/clock/settings-lint.js'
import type { ReferralState } from '../../../referrals/desk-contracts.js'
import { deskRules } from '../../../referrals/desk-rules.js'
import type { Rules } from '../../../referrals/rules.js'

const MAPPINGS = join(import.meta.dirname, '../../../../mappings')
const shipped = openMappings(MAPPINGS)
const settings = readDesk(shipped.mapping('desk/desk'))
const rules = deskRules({ settings, triage: () => { throw new Error() }, route: () => { throw new Error() } } as unknown as Parameters<typeof deskRules>[0])

const STATE: ReferralState = {
  id: 'r1', reference: 'R-1111-1111', direction: 'inbound', stage: 'received', since: '2026-03-03T16:00:00.000Z', receivedAt: '2026-03-03T16:00:00.000Z', sequence: 1,
  patient: { status: 'unmatched', chart: null }, provider: 'p1', urgency: 'routine', specialty: null, route: null, missing: [], holds: {}, appointment: null, attempts: 0,
  times: { received: '2026-03-03T16:00:00.000Z' }, lastTold: null, overdue: {}, toTell: {}, payer: null, via: null, order: null, reportedAt: null,
}
const owed = (state: Partial<ReferralState>) => duties({ ...STATE, ...state }, settings)
const one = (state: Partial<ReferralState>, kind: string) => owed(state).find((duty) => duty.kind === kind)

t.test('the shipped settings are right, and say what they are said to say', async (t) => {
  t.same(lintDesk(shipped.mapping('desk/desk'), ['epic', 'eclinicalworks-cloud']), [])
  t.equal(rules.dueOf('acknowledgement', '2026-03-03T16:00:00.000Z', 'routine'), '2026-03-03T16:15:00.000Z')
  t.equal(rules.dueOf('hand-off', '2026-03-03T16:00:00.000Z', 'stat'), '2026-03-03T16:05:00.000Z')
  t.same(['accepted', 'contacted', 'reopened', 'noted', 'overdue'].map((name) => rules.tells(name as Parameters<Rules['tells']>[0])), ['at-once', 'digest', 'at-once', 'never', 'never'])
  t.equal(rules.nextDigest('2026-03-06T22:00:00.000Z'), '2026-03-09T21:00:00.000Z')
  t.same([rules.ehr('ecw-north'), rules.ehr('ecw-south'), rules.pairWindow, rules.attempts], [{ name: 'ecw-north', profile: 'eclinicalworks-cloud', patient: 'existing' }, null, 30 * 86_400_000, 3])
  t.equal(rules.practice, 'Answer with the reference number by fax 608-555-0191, e-mail referrals@heart.example or phone 608-555-0190, to Heart Center, 900 Heart Way, Madison WI 53705.')
})

const folder = t.testdir()
let changed = 0
const edited = (...edits: readonly (readonly [string | RegExp, string])[]) => {
  let text = readFileSync(join(MAPPINGS, 'desk/desk.yaml'), 'utf8')
  for (const [from, to] of edits) {
    if (text.replace(from, to) === text) throw new Error(`nothing was changed: ${from}`)
    text = text.replace(from, to)
  }
  const own = join(folder, String(changed++))
  mkdirSync(join(own, 'desk'), { recursive: true })
  writeFileSync(join(own, 'desk/desk.yaml'), text)
  return openMappings(own).mapping('desk/desk')
}

t.test('what is wrong is told where it stands, with the word that was meant', async (t) => {
  const cases: readonly (readonly [string, readonly (readonly [string | RegExp, string])[], string])[] = [
    ['a setting', [['attempts:', 'atempts:']], 'did you mean `attempts`?'],
    ['an event that is not told', [['  scheduled: at-once\n', '']], 'needs `scheduled`'],
    ['a stage', [['stages: [contacted], direction: inbound', 'stages: [contaced], direction: inbound']], 'did you mean `contacted`?'],
    ['a hold', [['holds: [routing]', 'holds: [roting]']], 'did you mean `routing`?'],
    ['a span', [['within: 72h', 'within: 72 hours']], '`2 working days`'],
    ['an urgency that is left out', [['within: { stat: 1d, asap: 7d, urgent: 14d, routine: 30d }', 'within: { stat: 1d, asap: 7d, urgent: 14d }']], 'needs `routine`'],
    ['a zone', [['America/Chicago', 'America/Chicgo']], 'did you mean `America/Chicago`?'],
    ['a day', [['Mon-Fri 08:00-17:00', 'Mon-Fry 08:00-17:00']], 'did you mean `Fri`?'],
    ['a digest', [['"Mon-Fri 16:00"', '"Mon-Fri"']], 'no time of the week'],
    ['a holiday', [['[us-federal, 12-24]', '[us-federl, 12-24]']], 'did you mean `us-federal`?'],
    ['who owes', [['owedBy: referrer', 'owedBy: referer']], 'did you mean `referrer`?'],
    ['a profile', [['profile: epic,', 'profile: epc,']], 'did you mean `epic`?'],
    ['nobody can answer', [['phone: 608-555-0190, fax: 608-555-0191, email: referrals@heart.example, ', '']], 'cannot answer'],
    ['a duty of nothing', [['holds: [notice], ', '']], 'either `stages` or `holds`'],
    ['a duty that is called like a notice', [['  news:\n', '  status:\n']], 'the name of a notice'],
    ['escalations out of order', [['again: [7d, 30d]', 'again: [30d, 7d]']], 'later than the one before'],
    ['a stage in which nobody owes anything', [[/ {2}rebooking:\n.*\n/, ''], ['unable-to-reach, rebooking], direction: inbound, from: last-told', 'unable-to-reach], direction: inbound, from: last-told'], ['scheduled, rebooking], direction: inbound, from: received', 'scheduled], direction: inbound, from: received']], 'an inbound referral that is `rebooking`'],
    ['something that waits for nobody', [[/ {2}find-way-back:.*\n/, '']], 'the way-back waits for a person'],
  ]
  for (const [name, edits, wanted] of cases) {
    const document = edited(...edits)
    const problems = lintDesk(document, ['epic', 'eclinicalworks-cloud']).map(problemLine)
    t.ok(problems.length > 0 && problems.some((line) => line.includes(wanted)), `${name}: ${problems.join(' | ')}`)
    t.match(problems[0], /desk\.yaml:\d+:\d+ error [a-z-]+: /, name)
    if (name !== 'a profile') t.throws(() => readDesk(document), { message: wanted }, name)
  }
})

t.test('a patient must be called within the time of the urgency, counted from the hand-off', async (t) => {
  const handed: Partial<ReferralState> = { stage: 'accepted', since: '2026-03-04T22:00:00.000Z', times: { ...STATE.times, 'handed-off': '2026-03-03T16:00:00.000Z' } }
  t.match(one(handed, 'first-outreach'), { id: 'first-outreach:2026-03-03T16:00:00.000Z', owedBy: 'practice', due: '2026-03-05T16:00:00.000Z', next: '2026-03-05T16:00:00.000Z' }, 'accepted later, and not due later for it')
  t.equal(one({ ...handed, urgency: 'urgent' }, 'first-outreach')?.due, '2026-03-04T16:00:00.000Z')
  t.equal(one({ ...handed, urgency: 'stat' }, 'first-outreach')?.due, '2026-03-03T17:00:00.000Z')
  t.equal(one({ ...handed, times: { ...handed.times, reopened: '2026-03-06T16:00:00.000Z' } }, 'first-outreach')?.due, '2026-03-10T15:00:00.000Z', 'from the reopening')
})

t.test('what is overdue is said again so often as the settings say, and then no more', async (t) => {
  const state: Partial<ReferralState> = { stage: 'handed-off', since: '2026-03-03T16:00:00.000Z', times: { ...STATE.times, 'handed-off': '2026-03-03T16:00:00.000Z' } }
  const id = 'first-outreach:2026-03-03T16:00:00.000Z'
  const nexts = [0, 1, 2, 3, 4].map((said) => one({ ...state, overdue: { [id]: said } }, 'first-outreach')?.next)
  t.same(nexts, ['2026-03-05T16:00:00.000Z', '2026-03-06T16:00:00.000Z', '2026-03-10T15:00:00.000Z', '2026-03-19T15:00:00.000Z', null])
})

t.test('an appointment that has passed without a word, whatever it says of its time', async (t) => {
  const scheduled = (start: string | null): Partial<ReferralState> => ({ stage: 'scheduled', appointment: { id: 'a', start, with: null, at: null, heardAt: STATE.since, last: 'scheduled' } })
  t.match(one(scheduled('2026-03-09T10:00:00-05:00'), 'visit'), { id: 'visit:2026-03-09T15:00:00.000Z', due: '2026-03-10T15:00:00.000Z' })
  t.match(one(scheduled('2026-03-09T10:00:00'), 'visit'), { id: 'visit:2026-03-09T10:00:00.000Z' }, 'the same on every machine')
  t.match(one(scheduled('2026-03-09'), 'visit'), { id: 'visit:2026-03-09T00:00:00.000Z' })
  for (const odd of [null, '', 'soon', '+275760-09-13T00:00:00Z']) t.match(one(scheduled(odd), 'visit'), { id: `visit:${STATE.since}` }, String(odd))
})

t.test('a decision that a person owes is owed with its reason; what must wait for it is not', async (t) => {
  const hold = { since: '2026-03-03T16:30:00.000Z', reason: 'Two charts fit.' }
  const held = owed({ stage: 'routed', holds: { patient: hold } })
  t.match(held.find(({ kind }) => kind === 'patient-review'), { id: 'patient-review:patient:2026-03-03T16:30:00.000Z', owedBy: 'practice', says: /Two charts fit\.$/ })
  t.notOk(held.some(({ kind }) => kind === 'hand-over'))
  t.match(one({ holds: { information: hold } }, 'missing-information'), { owedBy: 'referrer' })
})

t.test('what has not been delivered is owed by the desk, at an end too, and nothing else then', async (t) => {
  const since = '2026-03-03T16:00:00.000Z'
  const left = owed({ stage: 'cancelled', toTell: { 'acknowledgement:1': since, 'hand-on': since, 'status:7': since, 'withdrawal:8': since } })
  t.same(left.map(({ kind, owedBy }) => `${owedBy} ${kind}`).sort(), ['desk acknowledgement', 'desk hand-off', 'desk status', 'desk withdrawal'])
  t.match(left.find(({ kind }) => kind === 'status'), { id: `status:7:${since}`, due: '2026-03-03T17:00:00.000Z', next: '2026-03-03T17:00:00.000Z' })
  t.match(one({ direction: 'outbound', stage: 'routed', toTell: { 'hand-on': since } }, 'referral'), { id: `hand-on:${since}`, due: '2026-03-03T17:00:00.000Z' })
  t.same(owed({ stage: 'closed' }), [])
})

t.test('the earliest comes first', async (t) => {
  const dues = owed({ stage: 'unable-to-reach', times: { ...STATE.times, 'handed-off': STATE.since }, toTell: { 'status:3': STATE.since } }).map(({ due }) => due)
  t.ok(dues.length > 3)
  t.same(dues, [...dues].sort())
})
