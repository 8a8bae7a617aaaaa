/** How much of the guide is carried: what counts as carried and what does not, and the guide itself where it is at hand. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import coverageCommand from '../../../engine/commands/coverage.js'
import { openMappings } from '../../../engine/mappings.js'
import { coverage, stale } from '../../../engine/v2-to-fhir/coverage.js'
import { readCoverage } from '../../../engine/v2-to-fhir/coverage-files.js'
import { guideRows } from '../../../engine/v2-to-fhir/guide-rows.js'
import { ROOT } from './kit.js'

const HEADER = 'segment,map,hl7_field,hl7_name,condition,fhir_attribute,fhir_type,datatype_map,vocab_map,assignment'
const folder = join(ROOT, 'mappings')
const { maps, engine, leftOut } = readCoverage(folder, openMappings(folder))
const carried = (...rows: readonly string[]): readonly string[] => {
  const guide = guideRows([HEADER, ...rows].join('\n'))
  const missing = coverage(guide, maps, [], []).flatMap((each) => each.leftOut.map(({ row }) => row))
  return guide.filter((row) => !missing.includes(row)).map(({ attribute }) => attribute)
}

t.test('a row is carried where its field reaches its element, directly or along a reference', async (t) => {
  t.same(carried(
    'PID,PID[Patient],PID-5,Name,,name[1],HumanName,,,',
    'PV1,PV1[Encounter],PV1-7,Doctor,,participant[1].individual(Practitioner),,,,',
    'PV1,PV1[Encounter],PV1-7,Doctor,,participant[1].type.coding.code,,,,"""ATND"""',
    'IN1,IN1[Coverage],IN1-10,Group,,policyHolder([1]Organization.identifier),,,,',
    'PID,PID[Patient],PID-17,Religion,,extension[2].url,,,,"""http://hl7.org/fhir/StructureDefinition/patient-religion"""',
    'PID,PID[Patient],PID-17,Religion,,extension[2].valueCodeableConcept,,,,',
    'ROL,ROL[Encounter-PractitionerRole],ROL-11,"Address, of an office",,participant[1].individual(PractitionerRole.practioner(Practitioner.address)),,,,',
  ).length, 7)
})

t.test('another field, element, resource, value or extension is not', async (t) => {
  t.same(carried(
    'PID,PID[Patient],PID-5,Name,,contact.name,,,,',
    'PID,PID[Patient],PID-99,Name,,name[1],,,,',
    'PID,PID[Person],PID-5,Name,,name[1],,,,',
    'PV1,PV1[Encounter],PV1-7,Doctor,,participant[1].type.coding.code,,,,"""ADM"""',
    'PV1,PV1[Encounter],PV1-7,Doctor,,participant[1].individual(RelatedPerson),,,,',
    'PID,PID[Patient],PID-17,Religion,,extension[2].url,,,,"""http://hl7.org/fhir/StructureDefinition/patient-importance"""',
  ), [])
})

t.test('a remark explains what is left out, and is stale once nothing is', async (t) => {
  const guide = guideRows(`${HEADER}\nPID,PID[Patient],PID-5,Name,,name[1],,,,\nPID,PID[Patient],PID-5,Name,,photo,,,,`)
  const about = { map: 'PID[Patient]', field: 'PID-5', attribute: 'photo', reason: 'a name is no photo' }
  t.match(coverage(guide, maps, [], [about]), [{ segment: 'PID', rows: 2, carried: 1, leftOut: [{ reason: 'a name is no photo' }] }])
  t.match(coverage(guide, maps, [about], []), [{ carried: 2, byEngine: 1, leftOut: [] }])
  t.same(stale(guide, maps, [about, { ...about, attribute: 'name[1]' }]).map(({ attribute }) => attribute), ['name[1]'])
  t.throws(() => guideRows('a,b\n1,2'), /the first line must be segment,map/)
})

t.test('the command counts, and fails where a segment falls below', async (t) => {
  const file = join(t.testdir(), 'guide.csv')
  writeFileSync(file, `${HEADER}\nPID,PID[Patient],PID-5,Name,,name[1],,,,\nPID,PID[Patient],PID-5,Name,,photo,,,,\n`)
  const run = async (words: readonly string[], options: Readonly<Record<string, string>> = {}): Promise<{ code: number; lines: readonly string[] }> => {
    const lines: string[] = []
    const code = await coverageCommand.run({ words, text: (name) => options[name], flag: (name) => name in options }, {
      environment: {}, interactive: false, out: (line) => lines.push(line), err: (line) => lines.push(line), confirm: async () => false,
    })
    return { code, lines }
  }
  t.match(await run([file], { segment: 'PID' }), { code: 0, lines: [/^PID +1 of +2 +50 % +1 left out without a reason/, /no reason is given/, /PID-5 → photo/] })
  t.match(await run([file], { segment: 'PID', below: '60' }), { code: 1 })
  t.match(JSON.parse((await run([file], { segment: 'PID', json: '' })).lines[0] ?? ''), { segments: [{ segment: 'PID', carried: 1, leftOut: [{ field: 'PID-5', reason: null }] }] })
  await t.rejects(run([file], { segment: 'ZZZ' }), /have no segment ZZZ; they have PID/)
  await t.rejects(run([]), /Name the table/)
  await t.rejects(run([join(file, 'none.csv')]), /none\.csv/)
})

t.test('of the guide itself nine rows of ten of every segment are carried, and the others explained', async (t) => {
  const file = join(ROOT, '../shared/corpora/v2-to-fhir/coverage-rows.csv')
  if (!existsSync(file)) return t.comment('skipped: the guide is not beside the project')
  const guide = guideRows(readFileSync(file, 'utf8'))
  for (const { segment, rows, carried: number, leftOut: others } of coverage(guide, maps, engine, leftOut)) {
    t.ok(number / rows >= 0.9, `${segment}: ${number} of ${rows}`)
    t.same(others.filter(({ reason }) => reason === null).map(({ row }) => `${row.map} ${row.field} ${row.attribute}`), [], `${segment}: what is left out has its reason`)
  }
  t.same(stale(guide, maps, [...engine, ...leftOut]), [], 'every remark is about something')
})
