/** The patient index, direct and in its thread, through the conformance suite; its file, and what is so of any charts whatever. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Chart, PatientFacts } from '../../../referrals/contracts.js'
import { openPatientIndex } from '../../../referrals/patients/patient-index.js'
import { openThreadedPatientIndex } from '../../../referrals/patients/threaded-index.js'
import { asChart, household, onForm, pick, type Random, random, town } from '../../bench/match-people.js'
import { chartOf, form, named, patientIndexConformance, ROSA } from '../../conformance/patient-index.js'
import { SETTINGS } from './settings.js'

await patientIndexConformance(t, 'SQLite', folder => openPatientIndex(join(folder, 'patients.db'), SETTINGS))
await patientIndexConformance(t, 'SQLite in a thread', folder => openThreadedPatientIndex(join(folder, 'patients.db'), SETTINGS))

const people = (seed: number, count: number): { readonly charts: readonly Chart[]; readonly forms: readonly PatientFacts[] } => {
  const place = town(seed)
  const all = Array.from({ length: count }, () => household(place)).flat()
  return { charts: all.map(asChart), forms: Array.from({ length: 60 }, () => onForm(place, pick(all, place.next))) }
}
const shuffled = <Value>(list: readonly Value[], next: Random): readonly Value[] => list.map(value => ({ value, at: next() })).sort((a, b) => a.at - b.at).map(({ value }) => value)

t.test('whoever is looked up, the order in which charts came, and how often, makes no difference', async (t) => {
  for (const seed of [11, 12, 13]) {
    const { charts, forms } = people(seed, 150)
    const next = random(seed)
    const [straight, mixed] = [openPatientIndex(':memory:', SETTINGS), openPatientIndex(':memory:', SETTINGS)]
    await straight.put(charts)
    const wrong = charts.map(chart => ({ ...chart, names: named('Nobody', 'Else'), phones: ['217-555-0199'] }))
    await mixed.put(shuffled(wrong, next).slice(0, 100))
    for (const chart of shuffled([...charts, ...charts.slice(0, 200)], next)) await mixed.put([chart])
    t.equal(await mixed.count(), await straight.count())
    for (const facts of forms) t.same(await mixed.match(facts), await straight.match(facts), `seed ${seed}`)
    await Promise.all([straight.close(), mixed.close()])
  }
})

t.test('merges taken back, in whatever order, leave what was before', async (t) => {
  const { charts, forms } = people(21, 60)
  const next = random(21)
  const index = openPatientIndex(':memory:', SETTINGS)
  await index.put(charts)
  const before = await Promise.all(forms.map(facts => index.match(facts)))
  const pairs = shuffled(charts, next).slice(0, 40).map((chart, at, all) => [chart, all[(at + 1) % 20 + 20] ?? chart] as const).filter(([a, b]) => a.id !== b.id).slice(0, 20)
  for (const [merged, survivor] of pairs) await index.merge(survivor, merged)
  for (const facts of forms) {
    const found = (await index.match(facts)).candidates.map(({ chart }) => chart.id)
    t.equal(new Set(found).size, found.length, 'nobody twice')
    t.notOk(found.some(id => pairs.some(([merged]) => merged.id === id)), 'nobody merged')
  }
  for (const [merged, survivor] of shuffled(pairs, next)) await index.unmerge(survivor, merged)
  t.same(await Promise.all(forms.map(facts => index.match(facts))), before)
  await index.close()
})

t.test('nothing that is put or asked ends it: emptiness, other scripts, endless names, hundreds of values', async (t) => {
  const index = openPatientIndex(':memory:', SETTINGS)
  const empty: PatientFacts = { identifiers: [], names: [], birthDate: null, sex: null, addresses: [], phones: [], emails: [], memberIds: [], birthOrder: null, deceased: false, language: null }
  const long = 'Ab'.repeat(5000)
  const odd: readonly PatientFacts[] = [
    empty,
    { ...empty, names: named('', '') }, { ...empty, names: named('👩‍⚕️', '🎉🎉'), phones: ['☎️'], birthDate: '🎂' }, { ...empty, names: named(long, long), addresses: [{ lines: [long], city: long, state: long, postalCode: long }], emails: [`${long}@x.example`], memberIds: [long] },
    { ...empty, names: Array.from({ length: 500 }, (_, n) => named(`Name${n}`, `Given${n}`)).flat(), phones: Array.from({ length: 500 }, (_, n) => `217555${1000 + n}`), identifiers: Array.from({ length: 500 }, (_, n) => ({ system: null, value: `${n}`, type: null })) },
    { ...ROSA, names: named('王', '小明') }, { ...ROSA, birthDate: '0000-00-00' }, { ...ROSA, birthDate: '1971-99-99' }, { ...ROSA, birthDate: '1971' }, { ...ROSA, names: named("'; drop table chart; --", '%') },
    { ...empty, names: named('𝕼𝖚𝖎𝖓𝖙𝖊𝖗𝖔\u0000', '\ud800') }, { ...empty, phones: ['0'.repeat(20_000)] },
  ]
  await index.put(odd.map((facts, at) => ({ ...facts, source: 'odd', id: `${at}`, active: at % 3 > 0 })))
  t.equal(await index.count(), odd.length)
  for (const facts of odd) t.match((await index.match(facts)).grade, /certain|possible|none/)
  t.equal((await index.match(empty)).grade, 'none')
  await t.rejects(index.put([chartOf('huge', { phones: Array.from({ length: 200_000 }, () => '217-555-0100') })]), /larger than/)
  await index.close()
})

t.test('where the settings make other keys, an index that is there makes them anew', async (t) => {
  const file = join(t.testdir(), 'patients.db')
  const index = openPatientIndex(file, SETTINGS)
  await index.put([chartOf('1', { names: named('Placeholder', 'Rosa') })])
  await index.close()
  const changed = openPatientIndex(file, { ...SETTINGS, placeholders: { ...SETTINGS.placeholders, names: [...SETTINGS.placeholders.names, 'PLACEHOLDER'] } })
  t.match(await changed.match(form({ names: named('Placeholder', 'Rosa') })), { grade: 'possible', reasons: [/does not say the family name/] })
  await changed.close()
})

t.test('another program’s file is left alone, and the sentence says so', async (t) => {
  const file = join(t.testdir(), 'patients.db')
  writeFileSync(file, 'this is a letter'.repeat(100))
  t.throws(() => openPatientIndex(file, SETTINGS), { code: 'STORE_CORRUPT' })
  await t.rejects(openThreadedPatientIndex(file, SETTINGS), { code: 'STORE_CORRUPT' })
})
