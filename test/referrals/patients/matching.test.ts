/** Who is certain, who is possible, who is nobody: the people that matching must keep apart, and those it must know again. */
import t from 'tap'
import type { Address, Chart, Match, PatientFacts } from '../../../referrals/contracts.js'
import { openPatientIndex } from '../../../referrals/patients/patient-index.js'
import { MATCHING_DOCUMENTS, lintMatching, matchingSettings } from '../../../referrals/patients/settings.js'
import { edits, jaroWinkler, soundex, words } from '../../../referrals/patients/strings.js'
import { asChart, household, town } from '../../bench/match-people.js'
import { chartOf, form, named, ROSA } from '../../conformance/patient-index.js'
import { MAPPINGS, SETTINGS } from './settings.js'

const place = town(5)
const OTHERS = Array.from({ length: 100 }, () => household(place)).flat().map(asChart)
const lookUp = async (charts: readonly Chart[], facts: PatientFacts): Promise<Match> => {
  const index = openPatientIndex(':memory:', SETTINGS)
  await index.put([...OTHERS, ...charts])
  const match = await index.match(facts)
  await index.close()
  return match
}
const home = (line: string, postalCode = '62704'): readonly Address[] => [{ lines: [line], city: 'Fairview', state: 'IL', postalCode }]
const MOVED = { addresses: home('77 Wexford Road', '60611'), phones: ['312-555-0177'] }
const ELI = chartOf('E', { identifiers: [], memberIds: [], emails: [], names: named('Brandt', 'Eli'), birthDate: '2016-05-09', sex: 'male', birthOrder: null })

/** A sentence, the chart or charts, the form, the grade, and what the reasons or contradictions must say. */
const CASES: readonly (readonly [string, readonly Chart[], PatientFacts, Match['grade'], RegExp?])[] = [
  // known again
  ['who says everything as it is charted is certain', [chartOf('1')], form(), 'certain'],
  ['a nickname is the same person', [chartOf('1', { names: named('Quintero', 'William'), sex: 'male' })], form({ names: named('Quintero', 'Bill'), sex: 'male' }), 'certain'],
  ['a slip in the given name, confirmed by address and phone', [chartOf('1')], form({ names: named('Quintero', 'Roza') }), 'certain'],
  ['a slip in the family name', [chartOf('1')], form({ names: named('Quinteero', 'Rosa') }), 'certain'],
  ['day and month swapped, confirmed by the phone', [chartOf('1', { birthDate: '1971-04-03' })], form({ birthDate: '1971-03-04', addresses: [] }), 'certain'],
  ['who has moved and has a new phone, with a rare name', [chartOf('1')], form(MOVED), 'certain'],
  ['a new family name, the rest the same', [chartOf('1')], form({ names: named('Delacroix', 'Rosa') }), 'certain'],
  ['a double family name', [chartOf('1')], form({ names: named('Quintero-Hale', 'Rosa') }), 'certain'],
  ['names in each other’s place', [chartOf('1')], form({ names: named('Rosa', 'Quintero') }), 'certain'],
  ['accents, capitals and punctuation', [chartOf('1', { names: named('O’Néill', 'Rosa') })], form({ names: named('ONEILL', 'ROSA') }), 'certain'],
  ['a maiden name that the chart has kept', [chartOf('1', { names: [...named('Hale', 'Rosa', 'Elena'), ...named('Quintero', 'Rosa', 'Elena')] })], form(MOVED), 'certain'],
  ['a number, a name and a birth date, and no more', [chartOf('1')], { ...form({ addresses: [], phones: [] }), identifiers: ROSA.identifiers }, 'certain'],
  // a person decides
  ['twins: the given names differ', [ELI], { ...form(), names: named('Brandt', 'Noah'), birthDate: '2016-05-09', sex: 'male' }, 'possible', /twins\?/],
  ['twins whose names are alike', [ELI, ...['Hanna', 'Anna'].flatMap(given => Array.from({ length: 30 }, (_, n) => chartOf(`${given}${n}`, { source: 'x', names: named(`Other${n}`, given), birthDate: '1950-01-01', addresses: [], phones: [], identifiers: [], memberIds: [], emails: [] }))), chartOf('H', { ...ELI, source: 'epic-main', id: 'H', names: named('Brandt', 'Hanna'), sex: 'female' })],
    { ...form(), names: named('Brandt', 'Anna'), birthDate: '2016-05-09', sex: 'female' }, 'possible', /each is a name of its own/],
  ['a twin called by the other’s middle name', [chartOf('1', { ...ELI, source: 'epic-main', id: '1', names: named('Brandt', 'Eli', 'Noah') })], { ...form(), names: named('Brandt', 'Noah'), birthDate: '2016-05-09', sex: 'male' }, 'possible', /middle name of the other/],
  ['twins told apart by birth order', [chartOf('1', { birthOrder: 1 })], form({ birthOrder: 2 }), 'possible', /birth order/],
  ['father and son of one name', [chartOf('1', { birthDate: '1948-02-11', sex: 'male' })], form({ birthDate: '1971-04-23', sex: 'male' }), 'possible', /birth dates differ/],
  ['Jr. and Sr.', [chartOf('1', { names: [{ family: 'Quintero', given: ['Rosa'], suffix: 'Sr', use: null }] })], form({ names: [{ family: 'Quintero', given: ['Rosa'], suffix: 'Jr.', use: null }] }), 'possible', /Jr\., Sr\./],
  ['the suffix inside the family name', [chartOf('1', { names: named('Quintero III', 'Rosa') })], form({ names: named('Quintero II', 'Rosa') }), 'possible', /Jr\., Sr\./],
  ['birth dates a generation apart', [chartOf('1', { birthDate: '1941-04-23' })], form(), 'possible', /a generation apart/],
  ['no birth date', [chartOf('1')], form({ birthDate: null }), 'possible', /whole birth date/],
  ['a birth date that is a placeholder', [chartOf('1', { birthDate: '1900-01-01' })], form({ birthDate: '1900-01-01' }), 'possible', /whole birth date/],
  ['only an initial', [chartOf('1')], form({ names: named('Quintero', 'R') }), 'possible', /initial/],
  ['a newborn without a name', [chartOf('1', { names: named('Quintero', 'BABY GIRL') })], form({ names: named('Quintero', 'Baby Girl') }), 'possible', /does not say the given name/],
  ['newborn twins', [chartOf('1', { names: named('Quintero', 'BABY GIRL A') })], form({ names: named('Quintero', 'BABY GIRL B') }), 'possible', /newborns of different names/],
  ['the same number with another birth date', [chartOf('1')], { ...form({ birthDate: '1950-10-10' }), identifiers: ROSA.identifiers }, 'possible', /birth dates differ/],
  ['the same number with another name and birth date', [chartOf('1')], { ...form({ names: named('Okafor', 'Ada'), birthDate: '1950-10-10', ...MOVED }), identifiers: ROSA.identifiers }, 'possible', /given names differ/],
  ['another number of the same system', [chartOf('1')], { ...form(), identifiers: [{ system: 'urn:oid:1.2.3', value: 'M999', type: 'MR' }] }, 'possible', /different numbers/],
  ['a chart of somebody who has died', [chartOf('1', { deceased: true })], form(), 'possible', /has died/],
  ['a chart that has been put away', [chartOf('1', { active: false })], form(), 'possible', /put away/],
  ['other middle names', [chartOf('1')], form({ names: named('Quintero', 'Rosa', 'Isabel') }), 'possible', /middle names differ/],
  ['two slips at once', [chartOf('1')], form({ names: named('Quinteero', 'Roza') }), 'possible', /not quite the same/],
  ['two charts that are equally alike', [chartOf('1'), chartOf('2')], form(), 'possible', /more than one/],
  ['a common name and a birth date without anything that confirms them', [chartOf('1', { names: named('Smith', 'Mary'), ...MOVED })], form({ names: named('Smith', 'Mary'), addresses: [], phones: [], sex: null }), 'possible', /are needed/],
  ['another sex and a nickname', [chartOf('1', { names: named('Quintero', 'Christopher'), sex: 'male' })], form({ names: named('Quintero', 'Chris') }), 'possible', /sex differs/],
  // somebody else
  ['the new spouse', [chartOf('1')], form({ names: named('Quintero', 'Martin'), birthDate: '1969-12-02', sex: 'male' }), 'none'],
  ['a child', [chartOf('1')], form({ names: named('Quintero', 'Lucia'), birthDate: '2004-08-30' }), 'none'],
  ['Jr. and Sr. whose birth dates differ too', [chartOf('1', { names: [{ family: 'Quintero', given: ['Rosa'], suffix: 'Sr', use: null }], birthDate: '1940-11-02' })], form({ names: [{ family: 'Quintero', given: ['Rosa'], suffix: 'Jr', use: null }] }), 'none'],
  ['a namesake of another age', [chartOf('1', MOVED)], form({ birthDate: '1990-09-14' }), 'none'],
  ['who shares a birth date and nothing else', [chartOf('1', { names: named('Okafor', 'Ada'), ...MOVED })], form(), 'none'],
  ['who shares placeholders', [chartOf('1', { names: named('Okafor', 'Unknown'), birthDate: '1900-01-01', phones: ['000-000-0000'], addresses: home('Unknown', '00000'), emails: ['none@none.example'] })],
    form({ names: named('Lindqvist', 'UNKNOWN'), birthDate: '1900-01-01', phones: ['000-000-0000'], addresses: home('UNKNOWN', '00000'), emails: ['none@none.example'] }), 'none'],
]
for (const [sentence, charts, facts, grade, says] of CASES) {
  t.test(`${grade}: ${sentence}`, async (t) => {
    const match = await lookUp(charts, facts)
    t.equal(match.grade, grade, JSON.stringify([match.reasons, match.candidates[0]?.compared.map(({ field, says, weight }) => `${field} ${says} ${weight.toFixed(1)}`)]))
    if (says) t.match([...match.reasons, ...match.candidates.flatMap(({ contradictions }) => contradictions)].join('; '), says)
    if (grade === 'none') t.same(match.candidates, [])
  })
}

t.test('why is said in words: what agrees, and how each of the rest differs', async (t) => {
  const renamed = await lookUp([chartOf('1')], form({ names: named('Delacroix', 'Rosa') }))
  t.match(renamed.reasons, [/^Same date of birth, sex, first name, telephone and address; the last name differs: Delacroix here, Quintero in the chart; no other chart is near \(weight \d+\.\d, \d+\.\d needed\)$/])
  t.equal((await lookUp([ELI], { ...form(), names: named('Brandt', 'Noah'), birthDate: '2016-05-09', sex: 'male' })).candidates[0]?.says, 'Same date of birth, sex, last name, telephone and address; the first name differs: Noah here, Eli in the chart')
})

t.test('an address and a phone that many share confirm nothing', async (t) => {
  const shelter = { addresses: home('1 Harbor Way'), phones: ['217-555-0100'] }
  const residents = OTHERS.slice(0, 60).map((chart, n) => ({ ...chart, ...shelter, id: `S${n}`, memberIds: [], emails: [], identifiers: [] }))
  const facts = form({ birthDate: '1971-04-24', ...shelter })
  t.match(await lookUp([...residents, chartOf('1', shelter)], facts), { grade: 'possible', reasons: [/no address, phone/] })
  t.equal((await lookUp([chartOf('1', shelter)], facts)).grade, 'certain', 'the same of an address of few')
})

t.test('nothing the charts say more than once counts as rare: who shares a common birth date', async (t) => {
  const newYear = Array.from({ length: 300 }, (_, n) => chartOf(`N${n}`, { names: named(`Karim${String.fromCharCode(97 + n % 26)}${n}`, 'Omar'), birthDate: '1985-01-01', addresses: [], phones: [], emails: [], memberIds: [], identifiers: [] }))
  const match = await lookUp(newYear, form({ names: named('Karimb1', 'Omar'), birthDate: '1985-01-01', sex: 'female', addresses: [], phones: [] }))
  t.ok((match.candidates[0]?.compared.find(({ field }) => field === 'birthDate')?.weight ?? 99) < 8, 'a birth date of hundreds weighs little')
})

t.test('words are told apart as the books say', async (t) => {
  t.same([jaroWinkler('MARTHA', 'MARHTA'), jaroWinkler('DIXON', 'DICKSONX'), jaroWinkler('DWAYNE', 'DUANE'), jaroWinkler('A', 'B'), jaroWinkler('', 'X')].map(each => each.toFixed(4)), ['0.9611', '0.8133', '0.8400', '0.0000', '0.0000'])
  t.same(['ROBERT', 'RUPERT', 'ASHCRAFT', 'TYMCZAK', 'PFISTER', 'LEE', 'HONEYMAN'].map(soundex), ['R163', 'R163', 'A261', 'T522', 'P236', 'L000', 'H555'])
  t.same([edits('CA', 'AC'), edits('KITTEN', 'SITTING', 3), edits('SMITH', 'SMYTH'), edits('A', 'ABCDE')], [1, 3, 1, 3])
  t.same(words('  Łukasz O’Brien-Møller, Jr. straße '), ['LUKASZ', 'OBRIEN', 'MOLLER', 'JR', 'STRASSE'])
})

t.test('the shipped settings are sound, and a mistake is told with its place and the nearest word', async (t) => {
  for (const name of MATCHING_DOCUMENTS) t.same(lintMatching(name, MAPPINGS.mapping(name)), [])
  const broken = (name: (typeof MATCHING_DOCUMENTS)[number], change: (value: Record<string, Record<string, unknown>>) => void) => {
    const value = structuredClone(MAPPINGS.mapping(name).value) as Record<string, Record<string, unknown>>
    change(value)
    return lintMatching(name, { value, place: (...keys) => `settings.yaml:${keys.join('.')}` })
  }
  t.match(broken('matching/settings', ({ decide }) => { if (decide) Object.assign(decide, { possible: 30 }) }), [{ at: 'settings.yaml:decide.possible', message: /must be below `certain` \(26\)/ }])
  t.match(broken('matching/settings', ({ decide }) => { if (decide) Object.assign(decide, { margn: 1 }) }), [{ at: 'settings.yaml:decide.margn', message: /did you mean `margin`/ }])
  t.match(broken('matching/settings', ({ weights }) => { if (weights) weights.sex = { same: 1, different: 4 } }), [{ at: 'settings.yaml:weights.sex.different', message: /cannot speak for the same person/ }])
  t.match(broken('matching/nicknames', (value) => { value.groups = [['Bob', 'ROB']] as never }), [{ at: 'settings.yaml:groups.0.0', message: /in capitals.*BOB/ }])
  t.throws(() => matchingSettings(path => (path === 'matching/names' ? { value: { family: {} }, place: () => 'names.yaml:1:1' } : MAPPINGS.mapping(path))), { message: /^names\.yaml:1:1: .*needs `given`/ })
})
