/** The desk store's search: every condition alone and with others, words, newest first, page by page; against a plain filter of the same referrals. */
import type { ReferralQuery } from '../../referrals/desk-contracts.js'
import { newReference } from '../../referrals/reference.js'
import { after, changeOf, failure, found, type Given, idOf, NOON, open } from './desk-kit.js'
import type { OnDesk } from './desk-store.js'

const pick = <Value>(values: readonly Value[], serial: number, stride: number): Value => values[Math.floor(serial / stride) % values.length] as Value
const STAGES = ['received', 'routed', 'scheduled', 'closed'] as const
const URGENCIES = ['routine', 'urgent', 'stat'] as const

/** The `serial`th of a mixed lot: every property changes with a rhythm of its own. */
const mixed = (serial: number): Given => ({
  state: {
    stage: pick(STAGES, serial, 1), direction: pick(['inbound', 'outbound'], serial, 7), urgency: pick(URGENCIES, serial, 2), receivedAt: after((serial * 37) % 400),
    provider: pick(['17', '18', null], serial, 3), specialty: pick(['cardiology', 'neurology', null], serial, 4),
    route: serial % 5 === 0 ? null : { ehr: pick(['epic-main', 'nextgen'], serial, 6), location: pick(['north', 'south', null], serial, 2), practitioner: null, queue: null, tasks: [] },
    patient: serial % 6 === 0 ? { status: 'matched', chart: { source: pick(['epic-main', 'nextgen'], serial, 6), id: String(serial % 4) } } : { status: 'unmatched', chart: null },
    holds: { ...(serial % 9 === 0 ? { patient: { since: NOON, reason: 'two' } } : {}), ...(serial % 6 === 1 ? { notice: { since: NOON, reason: 'no way' } } : {}) },
    overdue: serial % 8 === 0 ? { 'first-outreach': 1 } : {},
  },
  found: { text: `EVERYWOMAN, Eve MRN${1000 + serial} ${pick(['chest pain', 'Müller’s palpitations', 'numbness'], serial, 1)}`, payer: pick(['Acme', 'Umbra', null], serial, 5) },
})

type State = NonNullable<ReturnType<typeof changeOf>['state']>
const meets = (query: Partial<ReferralQuery>, state: State, { text, payer }: { text: string; payer: string | null }): boolean => [
  query.stage?.includes(state.stage), query.direction && state.direction === query.direction, query.hold && (query.hold === 'any' ? Object.keys(state.holds).length > 0 : query.hold in state.holds),
  query.provider && state.provider === query.provider, query.specialty && state.specialty === query.specialty, query.ehr && state.route?.ehr === query.ehr, query.location && state.route?.location === query.location,
  query.payer && payer === query.payer, query.urgency && state.urgency === query.urgency, query.patient && state.patient.chart?.source === query.patient.source && state.patient.chart.id === query.patient.id,
  query.overdue === undefined ? undefined : (Object.keys(state.overdue).length > 0) === query.overdue, query.since && state.receivedAt >= query.since, query.until && state.receivedAt < query.until,
  query.text && text.toLowerCase().includes(query.text),
].every((met) => met === undefined || met === true)

const QUERIES: readonly Partial<ReferralQuery>[] = [
  {}, ...STAGES.map((stage) => ({ stage: [stage] })), { stage: ['routed', 'closed', 'routed'] }, { stage: ['seen'] }, { direction: 'outbound' }, { hold: 'any' }, { hold: 'patient' }, { hold: 'notice' }, { hold: 'routing' },
  { provider: '17' }, { provider: 'nobody' }, { specialty: 'neurology' }, { ehr: 'nextgen' }, { location: 'south' }, { payer: 'Umbra' }, { urgency: 'stat' }, { patient: { source: 'epic-main', id: '0' } },
  { overdue: true }, { overdue: false }, { since: after(100) }, { until: after(100) }, { since: after(100), until: after(200) }, { text: 'palpit' }, { text: 'mrn1007' }, { text: 'everywoman' },
  { stage: ['received', 'scheduled'], ehr: 'nextgen', urgency: 'routine' }, { hold: 'any', provider: '17', since: after(50) }, { text: 'chest', stage: ['closed', 'received'], overdue: false },
  { direction: 'inbound', payer: 'Acme', specialty: 'cardiology', until: after(300) }, { patient: { source: 'nextgen', id: '2' }, direction: 'inbound' },
]

export const deskSearchConformance = (on: OnDesk): void => {
  on('finds by every condition, alone and with others, newest first, and page by page', async (t, desk) => {
    const all = Array.from({ length: 90 }, (_, serial) => ({ serial, change: changeOf(idOf(serial), 0, mixed(serial)) }))
    await Promise.all(all.map(({ change }) => desk.commit(change)))
    const newest = all.sort((one, other) => Date.parse(other.change.state.receivedAt) - Date.parse(one.change.state.receivedAt) || other.serial - one.serial)
    for (const query of QUERIES) {
      const expected = newest.filter(({ change: { state, found } }) => meets(query, state, found ?? { text: '', payer: null })).map(({ change }) => change.state.id)
      const name = JSON.stringify(query)
      t.same(await found(desk, { ...query, limit: 200 }), expected, name)
      const paged: string[] = []
      for (let page = await found(desk, { ...query, limit: 7 }); page.length > 0; page = await found(desk, { ...query, limit: 7, before: page.at(-1) as string })) paged.push(...page)
      t.same(paged, expected, `${name} page by page`)
    }
    t.same(await found(desk, { before: 'nobody' }), [], 'nothing goes on from a referral that there is not')
    t.same((await desk.search({ limit: 1, provider: '17' }))[0], newest.find(({ change }) => change.state.provider === '17')?.change.state, 'whole states')
  })

  on('finds by what a referral has become', async (t, desk) => {
    await open(desk, 'a', mixed(0))
    await desk.commit(changeOf('a', 1, { state: { stage: 'accepted', provider: '99', holds: { routing: { since: NOON, reason: 'no row' } }, patient: { status: 'matched', chart: { source: 'nextgen', id: '9' } } } }))
    const now: readonly Partial<ReferralQuery>[] = [{ stage: ['accepted'] }, { provider: '99' }, { hold: 'routing' }, { patient: { source: 'nextgen', id: '9' } }, { overdue: false }]
    for (const query of now) t.same(await found(desk, query), ['a'], JSON.stringify(query))
    const before: readonly Partial<ReferralQuery>[] = [{ stage: ['received'] }, { provider: '17' }, { hold: 'patient' }, { patient: { source: 'epic-main', id: '0' } }, { overdue: true }]
    for (const query of before) t.same(await found(desk, query), [], JSON.stringify(query))
  })

  on('finds words in any order, by their beginnings, without regard to case and accents, and a reference however it is spelt', async (t, desk) => {
    const reference = newReference()
    await open(desk, 'a', { found: { text: `Müller, Zoë 00123456 ${reference} atrial fibrillation, O'Neil Ng`, payer: null } })
    await open(desk, 'b', { found: { text: 'Mulligan 00999999 Ngo', payer: null } })
    for (const text of ['zoe mull', 'MÜLLER', 'fibril', '00123', reference, reference.replaceAll('-', '').toLowerCase(), 'o’neil', 'ng zoë', '(müller) AND "zoe*"'.replace('AND', '')]) t.same(await found(desk, { text }), ['a'], text)
    t.same(await found(desk, { text: 'mul' }), ['b', 'a'])
    t.same(await found(desk, { text: 'ng' }), ['a'], 'a short word is a whole one')
    t.same(await found(desk, { text: 'muller mulligan' }), [])
    for (const text of ['', ' -*" ', 'x '.repeat(30)]) t.match(await failure(desk.search({ text, limit: 5 })), { code: 'USAGE' })
  })

  on('searches more than it looks at in a step', async (t, desk) => {
    const total = 2600
    const rare = 30 // the oldest
    for (let serial = 0; serial < total; serial += 650) {
      await Promise.all(Array.from({ length: 650 }, (_, n) => desk.commit(changeOf(idOf(serial + n), 0, {
        state: { receivedAt: after(serial + n), urgency: serial + n < 2400 && serial + n >= rare ? 'routine' : 'urgent', specialty: serial + n < rare ? 'neurology' : 'cardiology', stage: (serial + n) % 2 ? 'closed' : 'received', direction: serial + n < rare ? 'outbound' : 'inbound',
          holds: { [(serial + n) % 4 ? 'patient' : 'notice']: { since: NOON, reason: 'x' } } },
        found: { text: (serial + n) % 5 ? 'Everywoman' : 'Quillfeather', payer: null },
      }))))
    }
    t.equal((await found(desk, { stage: ['received', 'closed'], limit: 1000 })).length, 1000)
    t.same((await found(desk, { stage: ['received', 'closed'], overdue: false, direction: 'outbound', limit: 1000 })).length, rare)
    t.same((await found(desk, { stage: ['received', 'closed'], overdue: false, until: after(10), limit: 3 })), [9, 8, 7].map(idOf))
    t.same(await found(desk, { hold: 'notice', limit: 1000 }), Array.from({ length: total / 4 }, (_, n) => idOf(total - 4 - 4 * n)))
    const everywoman = Array.from({ length: total }, (_, n) => total - 1 - n).filter((serial) => serial % 5)
    t.same(await found(desk, { text: 'everyw', limit: 1000 }), everywoman.slice(0, 1000).map(idOf), 'a word that most have')
    t.same(await found(desk, { text: 'everyw', hold: 'notice', limit: 1000 }), everywoman.filter((serial) => serial % 4 === 0).map(idOf))
    t.equal((await found(desk, { limit: 5000 })).length, 1000, 'so many at most')
  })
}
