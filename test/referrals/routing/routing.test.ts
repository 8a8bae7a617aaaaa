/** Routing: what a cell means, which row wins, what is said about it, and that the fast way agrees with the slow one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openMappings } from '../../../engine/mappings.js'
import { checkTables } from '../../../referrals/check-tables.js'
import type { Routing } from '../../../referrals/contracts.js'
import { age } from '../../../referrals/routing/columns.js'
import { decide } from '../../../referrals/routing/decide.js'
import { miles } from '../../../referrals/routing/distance.js'
import { lintRouting } from '../../../referrals/routing/lint.js'
import { problemText } from '../../../referrals/routing/problem.js'
import { route } from '../../../referrals/routing/route.js'
import type { RoutingContext } from '../../../referrals/routing/rows.js'
import { routingTable } from '../../../referrals/routing/table.js'
import { madeReferral, madeTable, randomOf, referral, type Said } from './made.js'
import { reference, referenceTable } from './reference.js'

const csv = (text: string): { text: string; file: string } => ({ text, file: 'routing.csv' })
const routed = (text: string, said: Said, context?: RoutingContext): Routing => route(routingTable(csv(text), context), ...referral(said))
const queue = (text: string, said: Said, context?: RoutingContext): string | null => routed(text, said, context).route?.queue ?? null
/** Whether a cell of a column takes a referral. */
const takes = (column: string, cell: string, said: Said, context?: RoutingContext): boolean => queue(`${column},ehr,queue\n"${cell}",e,yes\n,e,no`, said, context) === 'yes'
const problems = (text: string, context?: RoutingContext): readonly string[] => lintRouting(csv(text), context).map(problemText)

t.test('10,000 made referrals, through 50 made tables, get the row that the slow way gives', async (t) => {
  const random = randomOf(11)
  const seen = { chosen: 0, tied: 0 }
  for (let round = 0; round < 50; round++) {
    const text = madeTable(random, 10 + round, round % 2 === 0)
    const [table, slow] = [routingTable(csv(text)), referenceTable(text)]
    for (let each = 0; each < 200; each++) {
      const [facts, triage] = madeReferral(random)
      const { row, tied, near } = decide(table, { facts, triage, day: facts.authoredOn })
      const expected = reference(slow, facts, triage)
      const found = row ? [row.id] : tied.map(({ id }) => id)
      if (!found.every((id) => expected.best.includes(id)) || found.length === 0 || (expected.best.length === 1 && !row)) t.strictSame(found, expected.best, `round ${round}, referral ${each}`)
      if (near.map(({ row: missed }) => missed.id).join() !== expected.near.join()) t.strictSame(near.map(({ row: missed }) => missed.id), expected.near, `near misses, round ${round}, referral ${each}`)
      if (row) seen.chosen++
      else seen.tied++
    }
  }
  t.ok(seen.chosen > 8000 && seen.tied > 50, `${seen.chosen} were taken by one row, ${seen.tied} by several`)
})

t.test('a cell says which values it takes', async (t) => {
  const cases: readonly (readonly [column: string, cell: string, yes: readonly Said[], no: readonly Said[]])[] = [
    ['diagnosis', 'I48.*', [{ diagnoses: ['I48.91'] }, { diagnoses: ['i4891'] }, { diagnoses: ['I48'] }, { diagnoses: ['E11.9', 'I48.0'] }], [{ diagnoses: ['I49.1'] }, { diagnoses: [] }, {}]],
    ['diagnosis', 'I60–I69', [{ diagnoses: ['I69.354'] }, { diagnoses: ['I60'] }], [{ diagnoses: ['I70.0'] }, { diagnoses: ['I59'] }]],
    ['diagnosis', 'M05-M14', [{ diagnoses: ['M1A.00X0'] }], [{ diagnoses: ['M15.0'] }]],
    ['diagnosis', 'C43', [{ diagnoses: ['C43.9'] }], [{ diagnoses: ['C4A.9'] }]],
    ['diagnosis', 'I00-I99|!I48', [{ diagnoses: ['I50.9'] }], [{ diagnoses: ['I48.0'] }, { diagnoses: ['I50.9', 'I48.0'] }]],
    ['primary-diagnosis', 'I48', [{ diagnoses: ['I48.0', 'E11.9'] }], [{ diagnoses: ['E11.9', 'I48.0'] }]],
    ['service', '93300-93350|57133-1', [{ services: ['93306'] }, { services: ['57133-1'] }], [{ services: ['93351'] }, { services: ['9330'] }]],
    ['service', 'G01*', [{ services: ['G0105'] }], [{ services: ['G0205'] }]],
    ['payer', '!medicaid', [{ payers: ['Aetna'] }], [{ payers: ['Wisconsin Medicaid'] }, { payers: [] }]],
    ['payer', '!medicaid|?', [{ payers: [] }], [{ payers: ['Wisconsin Medicaid'] }]],
    ['payer', '*', [{ payers: ['Aetna'] }], [{}]],
    ['zip', '537*|54601|53500-53599', [{ zip: '53711-1234' }, { zip: '54601' }, { zip: '53590' }], [{ zip: '53600' }, { zip: 'K1A 0B1' }, {}]],
    ['language', 'es', [{ language: 'es-MX' }, { language: 'es' }], [{ language: 'est' }, {}]],
    ['urgency', 'urgent+', [{ urgency: 'stat' }, { urgency: 'urgent' }], [{ urgency: 'routine' }]],
    ['age', '<18', [{ born: '2008-03-03' }], [{ born: '2008-03-02' }, { born: '2008' }, {}]],
    ['age', '65+', [{ born: '1961-03-02' }, { born: '1900-01-01' }], [{ born: '1961-03-03' }]],
    ['sex', 'female', [{ sex: 'female' }], [{ sex: 'male' }, {}]],
    ['provider', 'lakeside family', [{ referrer: { practice: 'Lakeside Family Practice, LLC' } }], [{ referrer: { practice: 'Family Practice' } }]],
    ['provider', '1234567893', [{ referrer: { npi: '1234567893' } }], [{ referrer: { npi: '1548291735' } }]],
    ['wanted', 'Dr. Rao', [{ wanted: { name: { family: 'Rao', given: ['Anita'], suffix: null, use: null } } }], [{ wanted: { practice: 'North' } }]],
    ['sub-specialty', 'electrophysiology', [{ others: ['electrophysiology'] }], [{}]],
  ]
  for (const [column, cell, yes, no] of cases) {
    for (const said of yes) t.equal(takes(column, cell, said), true, `${column} ${cell} takes ${JSON.stringify(said)}`)
    for (const said of no) t.equal(takes(column, cell, said), false, `${column} ${cell} does not take ${JSON.stringify(said)}`)
  }
})

t.test('a distance is measured between ZIP codes whose places the installation has, and an unknown one is near nothing', async (t) => {
  const zips = { file: 'zips.csv', text: 'zip,lat,long\n53703,43.0747,-89.3837\n53711,43.0355,-89.4526\n54601,43.7990,-91.2190\n' }
  t.equal(takes('within', '15 of 53703', { zip: '53711' }, { zips }), true)
  t.equal(takes('within', '15 of 53703', { zip: '54601' }, { zips }), false)
  t.equal(takes('within', '15 of 53703', { zip: '99999' }, { zips }), false)
  t.ok(Math.abs(miles([40.6413, -73.7781], [33.9416, -118.4085]) - 2475) < 10, 'New York to Los Angeles is about 2,475 miles')
  t.match(problems('within,ehr\n15 of 99999,e\n,e', { zips })[0], 'routing.csv:2:1 error bad-cell: `within`: `15 of 99999` is from a ZIP code that mappings/routing/zips.csv does not know: 99999.')
  t.match(problems('within,ehr\n15 of 53703,e\n,e')[0], 'needs mappings/routing/zips.csv')
  t.strictSame(problems('within,ehr\n15 of 53703,e\n,e', { zips: { file: 'zips.csv', text: '53703,43\n' } }), ['zips.csv:1:1 error unreadable: A line is a ZIP code, its latitude and its longitude in degrees: 53703,43.0747,-89.3837.'])
})

t.test('the larger priority wins, then more conditions, then narrower in one column and wider in none', async (t) => {
  const said: Said = { specialty: 'cardiology', diagnoses: ['I48.91'], urgency: 'urgent', zip: '53703' }
  t.equal(queue('specialty,diagnosis,ehr,queue\ncardiology,,e,A\ncardiology,I48,e,B\n,,e,C', said), 'B')
  t.equal(queue('specialty,priority,diagnosis,ehr,queue\ncardiology,1,,e,A\ncardiology,,I48,e,B\n,,,e,C', said), 'A')
  t.equal(queue('diagnosis,ehr,queue\nI00-I99,e,A\nI48.9,e,B\nI48,e,C\nI48.9|I50,e,D', said), 'B')
  t.equal(queue('urgency,zip,ehr,queue\nurgent+,53703,e,A\nurgent,53703,e,B', said), 'B')
})

t.test('where rows tie, the first diagnosis of the referral decides, then that all lead to the same place, else a person', async (t) => {
  const two = 'row,diagnosis,ehr,queue\nheart,I48,e,A\nskin,C43,e,B\n,,e,C'
  t.equal(queue(two, { diagnoses: ['C43.9', 'I48.0'] }), 'B')
  t.match(routed(two, { diagnoses: ['I48.0', 'C43.9'] }), { route: { queue: 'A' }, reasons: [/^Row heart takes it: diagnosis I48.0 is in I48\.$/, /names the diagnosis that stands first/] })
  t.equal(queue('zip,payer,ehr,queue\n53703,,e,A\n,aetna,e,A', { zip: '53703', payers: ['Aetna'] }), 'A')
  const tied = routed('row,zip,payer,ehr,queue\n1,53703,,e,A\n2,,aetna,e,B\n3,,,e,C', { zip: '53703', payers: ['Aetna'] })
  t.match(tied, { route: null, row: null, reasons: ['Rows 1 and 2 of routing.csv take it, lead to different places, and none is more specific: a person must choose.'] })
  t.match(routed('zip,ehr\n53703,e', { zip: '53711' }), { route: null, reasons: [/None of the 1 rows/] })
})

t.test('the answer names the row, why it was taken, what else nearly was, and what the form wanted instead', async (t) => {
  const text = readFileSync(join(import.meta.dirname, '../../../../mappings/routing/default.csv'), 'utf8')
  const table = routingTable({ text, file: 'mappings/routing/default.csv' })
  const line = text.split('\n').findIndex((each) => each.startsWith('2,cardiology')) + 1
  const wanted = { name: { family: 'Chen', given: ['Wei'], suffix: null, use: null }, practice: 'North Clinic', specialty: { system: null, code: null, text: 'Dermatology' } }
  t.strictSame(route(table, ...referral({ specialty: 'cardiology', confidence: 0.62, diagnoses: ['E11.9', 'I48.91'], urgency: 'stat', born: '1950-01-01', wanted })), {
    route: { ehr: 'epic-main', location: 'Main St', practitioner: 'Dr Rao', queue: 'CARD-EP', tasks: ['Call the patient today'] },
    row: `mappings/routing/default.csv:${line} (row 2)`,
    reasons: ['Row 2 takes it: specialty is cardiology; diagnosis I48.91 is in I48.*; urgency stat is in urgent+.', 'Row 1 takes it too, and is less specific.', 'The specialty is only 62 % sure.'],
    nearMisses: [
      { row: `mappings/routing/default.csv:${line + 1} (row 3)`, because: 'specialty is cardiology, and must be dermatology' },
      { row: `mappings/routing/default.csv:${line + 3} (row 5)`, because: 'specialty is cardiology, and must be gastroenterology' },
      { row: `mappings/routing/default.csv:${line + 5} (row 7)`, because: 'specialty is cardiology, and must be orthopedics' },
    ],
    disagreement: 'The form asks for Wei Chen, not Dr Rao; for North Clinic, not Main St; for Dermatology, not cardiology.',
  })
  const agreed = route(table, ...referral({ specialty: 'cardiology', diagnoses: ['I48.91'], wanted: { name: { family: 'RAO', given: ['Anita'], suffix: null, use: null }, practice: 'Main Street Clinic', specialty: { system: null, code: null, text: 'Cardiovascular Disease' } } }))
  t.equal(agreed.disagreement, null, 'the same practice and specialty in other words')
  t.match(agreed.reasons.at(-1), 'The form asks for Anita RAO; the row names no practitioner.')
  t.strictSame(agreed.nearMisses[0], { row: `mappings/routing/default.csv:${line} (row 2)`, because: 'urgency is routine, and must be urgent+' })
  t.match(route(table, ...referral({ specialty: 'orthopedics' })).nearMisses[0]?.because, 'age is not said, and must be <18')
})

t.test('the shipped table is clean', async (t) => {
  const text = readFileSync(join(import.meta.dirname, '../../../../mappings/routing/default.csv'), 'utf8')
  t.strictSame(lintRouting({ text, file: 'default.csv' }, { ehrs: ['epic-main', 'ecw-north'], locations: ['Main St', 'North'] }), [])
})

t.test('ages count whole years on the day, and say so where the birth date is not whole', async (t) => {
  for (const [born, day, years] of [['2000-02-29', '2026-02-28', '25'], ['2000-02-29', '2026-03-01', '26'], ['2000', '2026-03-02', '25-26'], ['2000-03', '2026-03-02', '25-26'], ['2000-01', '2026-03-02', '26'], ['2027-01-01', '2026-03-02', null], ['x', '2026-03-02', null]] as const) t.equal(age(born, day), years, `${born} on ${day}`)
})

t.test('lint names the place of what is wrong, and what was probably meant', async (t) => {
  const cases: readonly (readonly [text: string, problem: string | RegExp, context?: RoutingContext])[] = [
    ['row,specialy,ehr\n1,,e', 'routing.csv:1:5 error unknown-column: `specialy` is no column of a routing table; did you mean `specialty`?'],
    ['row;specialty;ehr\n1;cardiology;e\n2;;e', /1:1 error no-commas/],
    ['sub-specialty,ehr\ncardiolgy,e\n,e', /2:1 error unknown-sub-specialty/, { specialties: ['cardiology'] }],
    ['zip,zip,ehr\n,,e', /1:5 error column-twice/],
    ['row\n1', /1:1 error missing-column: The table has no column `ehr`/],
    ['zip,ehr\n2138,e\n,e', /2:1 error bad-cell: `zip`: `2138` is no ZIP code.*write 02138/],
    ['# a note\n\n"zip","ehr"\n"53703|53x","e"\n,e', /4:1 error bad-cell: `zip`: `53x`/],
    ['diagnosis,ehr\nI69-I60,e\n,e', /`I69-I60` ends before it begins; write I60-I69/],
    ['diagnosis,ehr\nI48||I49,e\n,e', /has an empty alternative/],
    ['urgency,ehr\nurgnt+,e\n,e', /`urgnt\+` is not one of .*did you mean `urgent`\?/],
    ['age,ehr\nyoung,e\n,e', /`young` is no age in years/],
    ['priority,ehr\nhigh,e\n,e', /`high` is no whole number/],
    ['row,zip,ehr\n1,53703,e\n1,53704,e\n2,,e', /3:1 error row-twice: Row 1 stands in line 2 already/],
    ['row,zip,ehr\n1,53703,e', /1:1 error no-default/],
    ['row,ehr\n1,epic-man', /2:3 error unknown-ehr: No EHR is called `epic-man`; did you mean `epic-main`\?/, { ehrs: ['epic-main'] }],
    ['specialty,ehr\ncardiolgy,e\n,e', /2:1 error unknown-specialty: No specialty is called `cardiolgy`; did you mean `cardiology`\?/, { specialties: ['cardiology'] }],
    ['row,zip,payer,ehr,queue\n1,53703,,e,A\n2,,aetna,e,B\n3,,,e,C', /3:1 error overlap: A referral may be taken by row 2 and by row 1 \(line 2\)/],
    ['row,zip,ehr,queue\n1,537*,e,A\n2,53700-53799,e,B\n3,,e,C', /3:1 error overlap/],
    ['row,zip,ehr,queue\n1,537*,e,A\n2,537*,e,A\n3,,e,C', /3:1 warning same-row/],
    ['row,priority,diagnosis,ehr\n1,1,I00-I99,e\n2,,I48.0,e\n3,,,e', /3:1 error unreachable: Row 2 is never reached: row 1 \(line 2\)/],
    ['row,diagnosis,ehr\n1,I48|!I40-I49,e\n3,,e', /2:3 error unreachable: Row 1 takes nothing/],
    ['row,ehr\n1,"e', /2:3 error unreadable: This cell opens a quote that is never closed/],
    ['row,ehr\n1,e,f', /2:5 error extra-cell/],
  ]
  for (const [text, problem, context] of cases) t.match(problems(text, context), [problem], text)
})

t.test('lint is silent where rows cannot meet, one is narrower, or a further row takes what both would', async (t) => {
  for (const text of [
    'row,diagnosis,ehr,queue\n1,I48,e,A\n2,C43,e,B\n3,,e,C', 'row,diagnosis,ehr,queue\n1,I00-I99,e,A\n2,I48,e,B\n3,,e,C', 'row,payer,ehr,queue\n1,medicaid,e,A\n2,!medicaid,e,B\n3,,e,C',
    'row,zip,payer,ehr,queue\n1,53703,,e,A\n2,,aetna,e,B\n3,53703,aetna,e,D\n4,,,e,C', 'row,age,ehr,queue\n1,<18,e,A\n2,18-64,e,B\n3,65+,e,D\n4,,e,C', 'row,zip,ehr,queue\n1,?,e,A\n2,*,e,B\n4,,e,C',
    'row,diagnosis,ehr,queue\n1,I00-I99|!I48,e,A\n2,I48,e,B\n3,,e,C',
  ]) t.strictSame(problems(text), [], text)
})

t.test('a table that cannot be read is refused with all its problems, and quoted cells keep their commas and lines', async (t) => {
  t.throws(() => routingTable(csv('zip,ehr\n1,e\n2,e')), { message: /routing\.csv:2:1 .*\nrouting\.csv:3:1 / })
  t.throws(() => routingTable(csv('')), /The table is empty/)
  const { route: found } = routed('\uFEFFehr,location,tasks\r\n"e","Main St, ""North""\nfloor 2","Call | Ask for notes"\r\n', {})
  t.strictSame(found, { ehr: 'e', location: 'Main St, "North"\nfloor 2', practitioner: null, queue: null, tasks: ['Call', 'Ask for notes'] })
})

t.test('`refero check` knows the specialties of triage and the places of zips.csv', async (t) => {
  const mappings = openMappings(join(import.meta.dirname, '../../../../mappings'))
  const own: Readonly<Record<string, string>> = { 'routing/default': 'row,specialty,zip,within,ehr\n1,cardiolgy,,,epic-main\n2,,,15 of 53703,epic-main\n9,,,,epic-main', 'routing/zips': 'zip,lat,long\n53703,43.07,-89.38' }
  const checked = checkTables({
    ...mappings,
    csv: (path: string) => ({ text: own[path] ?? '', file: `${path}.csv` }),
    names: (under: string, extension?: '.csv') => (extension ? Object.keys(own).filter((path) => path.startsWith(under)) : mappings.names(under)),
  })
  t.match(checked.map(problemText), [/default\.csv:2:3 error unknown-specialty: .*did you mean `cardiology`/])
})
