/** EHR profiles say what is known, do not contradict themselves or the channels' profiles, and are told as they are. */
import { mkdtempSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openMappings } from '../../../engine/mappings.js'
import { capabilities, capabilityTable, ENTRANCES, lintProfile, readProfile, THINGS } from '../../../referrals/hand-off/profiles.js'
import { ROOT } from '../../transforms/tools.js'

const mappings = openMappings(join(ROOT, 'mappings'))
const NAMES = mappings.names('ehr/').map((path) => path.slice('ehr/'.length))
const EPIC = readFileSync(join(ROOT, 'mappings/ehr/epic.yaml'), 'utf8')

/** What is wrong with epic's profile once a part of it is replaced. */
const lintOf = (from: string, to: string): readonly string[] => {
  if (!EPIC.includes(from)) throw new Error(`epic.yaml has no ${from}`)
  const folder = mkdtempSync(join(tmpdir(), 'refero-ehr-'))
  mkdirSync(join(folder, 'ehr'))
  writeFileSync(join(folder, 'ehr/epic.yaml'), EPIC.replace(from, to))
  const own = openMappings(folder, join(ROOT, 'mappings'))
  return lintProfile('epic', own.mapping('ehr/epic'), own)
}

t.test('every shipped profile is sound, and those that were asked for are there', async (t) => {
  t.strictSame(NAMES, ['athenahealth', 'eclinicalworks-cloud', 'eclinicalworks-onprem', 'epic', 'generic-fhir', 'generic-hl7v2', 'nextgen-enterprise', 'nextgen-office', 'oracle-health'])
  for (const name of NAMES) {
    t.strictSame(lintProfile(name, mappings.mapping(`ehr/${name}`), mappings), [])
    const profile = readProfile(name, mappings)
    t.strictSame(capabilities(profile).map(({ thing }) => thing), THINGS)
    for (const { thing, by, says, source } of capabilities(profile)) {
      t.ok(source, `${name}: somebody says so of ${thing}`)
      if (ENTRANCES.some((way) => by[way] === 'unknown')) t.ok(says, `${name}: what is known of ${thing} is said`)
    }
  }
  const used = NAMES.flatMap((name) => readProfile(name, mappings).ways.flatMap(({ profile }) => profile ?? []))
  t.strictSame(used.sort(), mappings.names('profiles/ehr/').map((path) => path.slice('profiles/'.length)), 'every channel profile of an EHR belongs to one of these')
})

t.test('what contradicts itself is said with its place', async (t) => {
  const cases: [string, string, RegExp][] = [
    ['patient: pending', 'patient: make', /epic\.yaml:4:10: `patient` cannot be `make`/],
    ['api: unknown, v2: yes, direct: yes', 'api: maybe, v2: yes, direct: yes', /epic\.yaml:6:26: `api` cannot be `maybe`/],
    ['patient: pending', 'patient: create', /epic\.yaml:4:10: `create` needs a way by which `takes\.patientCreate` is `yes`/],
    ['messages: [REF^I12, OMG^O19, ORM^O01]', 'messages: [ORM^O01]', /epic\.yaml:13:\d+: ehr\/epic sends ref-i12 where nothing is said, and `messages` begins with orm-o01/],
    ['profile: ehr/epic', 'profile: ehr/epik', /no mapping is called `profiles\/ehr\/epik`.*did you mean `profiles\/ehr\/epic`/],
    ['messages: [REF^I12, OMG^O19, ORM^O01], ', '', /a way by `v2` needs `messages`/],
    ['write: [document]', 'write: [document, appointment]', /^$/],
    [', says: "Appointment $find and $book are public in STU3; a proposed R4 Appointment is not documented."', '', /something of `appointment` is unknown/],
    ['document:       { api: yes', 'document:       { api: no', /`document` is written, and `takes\.document\.api` is `no`/],
    ['landing:', 'landng:', /`landng` is not a setting.*did you mean `landing`/],
  ]
  for (const [from, to, sentence] of cases) t.match(lintOf(from, to).join('\n'), sentence, to)
  t.throws(() => readProfile('epik', mappings), /did you mean `ehr\/epic`/)
})

t.test('the table tells yes and unknown apart, and is the one that is printed', async (t) => {
  const table = capabilityTable(NAMES.map((name) => readProfile(name, mappings)))
  t.match(table, /\| epic \| HL7 v2, Direct, by hand; \*unknown: API\* \|/)
  t.match(table, /\| oracle-health \| HL7 v2, by hand; \*unknown: Direct\* \| API, HL7 v2, Direct, by hand \|/)
  t.equal(table.split('\n').length, NAMES.length + 2)
  t.ok(readFileSync(join(ROOT, 'mappings/ehr/README.md'), 'utf8').includes(table), 'mappings/ehr/README.md holds it as it is')
})
