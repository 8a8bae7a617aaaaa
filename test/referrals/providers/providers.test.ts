/** Providers: the embedded directory, how names and NPIs are read, and imports of NPPES files and FHIR bundles. */
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import t from 'tap'
import { openMappings } from '../../../engine/mappings.js'
import type { Provider } from '../../../referrals/contracts.js'
import type { ProviderDirectory } from '../../../referrals/providers/directory.js'
import { providersIn } from '../../../referrals/providers/from-fhir.js'
import { importFhir, importNppes } from '../../../referrals/providers/import.js'
import { addressKey, compareNames, nameText, normalName, practiceKey } from '../../../referrals/providers/names.js'
import { isNpi } from '../../../referrals/providers/npi.js'
import { migrateProviders } from '../../../referrals/providers/schema.js'
import { openProviderDirectory } from '../../../referrals/providers/sqlite-directory.js'
import { inOrder, waysOrder } from '../../../referrals/providers/ways.js'
import { openDeskFile } from '../../../referrals/store/file.js'
import { named, NOON, providerConformance } from '../../conformance/providers.js'
import { person, randomOf } from '../routing/made.js'

const open = (folder: string, now: () => Date): ProviderDirectory => {
  const file = openDeskFile(join(folder, 'referrals.db'))
  return { ...openProviderDirectory(file, { now }), close: async () => file.close() }
}
await providerConformance(t, 'SQLite', open)

t.test('a file of a newer program is refused', async (t) => {
  const file = openDeskFile(join(t.testdir(), 'referrals.db'))
  migrateProviders(file.database)
  file.database.exec('insert into provider_version (version) values (99)')
  t.throws(() => openProviderDirectory(file), { code: 'STORE_TOO_NEW' })
  file.close()
})

t.test('an NPI is checked by its last digit: every wrong digit is caught', async (t) => {
  for (const npi of ['1234567893', '1245319599', '1548291735', '2000000002']) {
    const last = Array.from({ length: 10 }, (_, digit) => `${npi.slice(0, 9)}${digit}`).filter(isNpi)
    t.equal(last.length, 1, 'one check digit is right')
  }
  for (let at = 1; at < 10; at++) for (let digit = 0; digit < 10; digit++) {
    const changed = `${'1234567893'.slice(0, at)}${digit}${'1234567893'.slice(at + 1)}`
    if (isNpi(changed) !== (changed === '1234567893')) t.fail(changed)
  }
  for (const wrong of ['', '123456789', '12345678930', '3234567893', 'abcdefghij']) t.equal(isNpi(wrong), false, wrong)
})

t.test('names are read however they are written', async (t) => {
  for (const [name, text] of [
    [named('OKAFOR', 'NKECHI', 'A', 'MD'), 'Nkechi A Okafor'], [named('OKAFOR, NKECHI A MD'), 'Nkechi A Okafor'], [named('Dr. Nkechi Okafor'), 'Nkechi Okafor'], [named('Nkechi Okafor, MD, FACC'), 'Nkechi Okafor'],
    [named("O'BRIEN", 'SEAN'), "Sean O'Brien"], [named('van der Berg', 'Anna'), 'Anna van der Berg'], [named('SMITH-JONES', 'MARY ANN'), 'Mary Ann Smith-Jones'], [named('Gomez Jr', 'Luis'), 'Luis Gomez Jr'],
    [{ ...named('Gomez', 'Luis'), suffix: 'MD Jr.' }, 'Luis Gomez Jr'], [named('Do', 'Linh'), 'Linh Do'], [named('Okafor', 'Nkechi, M.D.'), 'Nkechi Okafor'], [named('Pa', 'Wei', 'PA-C'), 'Wei Pa'],
  ] as const) t.equal(nameText(normalName(name)), text)
  t.equal(compareNames(named('Núñez', 'José'), named('NUNEZ', 'JOSE')), 'same')
  t.equal(compareNames(named('Okafor', 'N'), named('Okafor', 'Nkechi')), 'likely')
  t.equal(compareNames(named('Okafor', 'Nkechi', 'A'), named('Okafor', 'Nkechi', 'B')), 'different')
  t.equal(compareNames({ ...named('Gomez', 'Luis'), suffix: 'Jr' }, { ...named('Gomez', 'Luis'), suffix: 'Sr' }), 'different')
  t.equal(practiceKey('The Lakeside Family & Women’s Practice, P.C.'), practiceKey('LAKESIDE FAMILY AND WOMEN S PRACTICE PC'))
  t.equal(addressKey('fax', '+1 (608) 555-0142 ext. 3'), addressKey('fax', '608.555.0142'))
})

t.test('the order of the ways back is a mapping, checked by its schema', async (t) => {
  const place = (...keys: readonly (string | number)[]): string => `ways.yaml:1:${keys.length + 1}`
  t.same(waysOrder({ value: { order: ['fax', 'direct'] }, place }).slice(0, 3), ['fax', 'direct', '360x'])
  t.throws(() => waysOrder({ value: { order: ['fax', 'dirct'] }, place }), /^ways\.yaml:1:3: /)
  t.equal(waysOrder(openMappings(join(import.meta.dirname, '../../../../mappings')).mapping('providers/ways'))[0], '360x', 'the shipped one')
  const ways: Provider['ways'] = [{ way: 'phone', address: '1', learned: '' }, { way: 'fax', address: '2', learned: '' }, { way: 'fax', address: '3', learned: '' }]
  t.same(inOrder(ways, 'phone', ['fax', 'phone']).map(({ address }) => address), ['1', '2', '3'])
  t.same(inOrder(ways, null, ['fax', 'phone']).map(({ address }) => address), ['2', '3', '1'])
})

const COLUMNS = [
  'NPI', 'Entity Type Code', 'Replacement NPI', 'Employer Identification Number (EIN)', 'Provider Organization Name (Legal Business Name)', 'Provider Last Name (Legal Name)', 'Provider First Name', 'Provider Middle Name', 'Provider Name Prefix Text',
  'Provider Name Suffix Text', 'Provider Credential Text', 'Provider First Line Business Practice Location Address', 'Provider Second Line Business Practice Location Address', 'Provider Business Practice Location Address City Name',
  'Provider Business Practice Location Address State Name', 'Provider Business Practice Location Address Postal Code', 'Provider Business Practice Location Address Telephone Number', 'Provider Business Practice Location Address Fax Number',
  'NPI Deactivation Date', 'NPI Reactivation Date', 'Healthcare Provider Taxonomy Code_1', 'Healthcare Provider Primary Taxonomy Switch_1', 'Healthcare Provider Taxonomy Code_2', 'Healthcare Provider Primary Taxonomy Switch_2',
]
const record = (cells: Readonly<Record<string, string>>): string => COLUMNS.map((name) => `"${cells[name] ?? ''}"`).join(',')
const PERSON = {
  'NPI': '1234567893', 'Entity Type Code': '1', 'Provider Last Name (Legal Name)': 'OKAFOR', 'Provider First Name': 'NKECHI', 'Provider Middle Name': 'A', 'Provider Credential Text': 'M.D.', 'Provider First Line Business Practice Location Address': '1 LAKE ST',
  'Provider Business Practice Location Address City Name': 'MADISON', 'Provider Business Practice Location Address State Name': 'WI', 'Provider Business Practice Location Address Postal Code': '537031234', 'Provider Business Practice Location Address Telephone Number': '6085550100',
  'Provider Business Practice Location Address Fax Number': '6085550142', 'Healthcare Provider Taxonomy Code_1': '207R00000X', 'Healthcare Provider Primary Taxonomy Switch_1': 'N', 'Healthcare Provider Taxonomy Code_2': '207Q00000X', 'Healthcare Provider Primary Taxonomy Switch_2': 'Y',
}
const PRACTICE = { 'NPI': '1245319599', 'Entity Type Code': '2', 'Provider Organization Name (Legal Business Name)': 'LAKESIDE, LLC', 'Provider Business Practice Location Address State Name': 'WI', 'Provider Business Practice Location Address Postal Code': '53703' }
const GONE = { ...PERSON, 'NPI': '1548291735', 'NPI Deactivation Date': '01/02/2020' }
const csv = (...records: readonly Readonly<Record<string, string>>[]): Readable => Readable.from([`\uFEFF${COLUMNS.map((name) => `"${name}"`).join(',')}\n`, ...records.map((one) => `${record(one)}\n`)])

t.test('NPPES files are read by their column names, in a stream, with progress and only what is wanted', async (t) => {
  const directory = open(t.testdir(), () => NOON)
  const options = { file: 'npidata.csv', at: NOON }
  const told: number[] = []
  t.same(await importNppes(csv(PERSON, PRACTICE, GONE), directory, { ...options, progress: ({ read }) => { told.push(read) } }), { read: 3, added: 2, known: 0, skipped: 1 })
  t.same(told, [3])
  t.match((await directory.search({ npi: '1234567893', limit: 1 }))[0], { kind: 'person', name: named('Okafor', 'Nkechi', 'A'), specialty: { code: '207Q00000X' }, address: { postalCode: '537031234' }, faxes: ['6085550142'] })
  t.match((await directory.search({ npi: '1245319599', limit: 1 }))[0], { kind: 'practice', practice: 'LAKESIDE, LLC' })
  t.same(await importNppes(csv(PERSON, PRACTICE), directory, options), { read: 2, added: 0, known: 2, skipped: 0 })
  for (const [wanted, count] of [[{ states: ['wi'] }, 0], [{ states: ['IL'] }, 2], [{ zips: ['537'], taxonomies: ['207Q'] }, 1], [{ taxonomies: ['208'] }, 2]] as const) {
    t.equal((await importNppes(csv(PERSON, PRACTICE), directory, { ...options, ...wanted })).skipped, count, JSON.stringify(wanted))
  }
  const endpoints = '"NPI","Endpoint Type","Endpoint Type Description","Endpoint"\n"1234567893","DIRECT","Direct Messaging Address","nokafor@direct.lakeside.example"\n"1234567893","FHIR","FHIR URL","https://fhir.lakeside.example"\n"1548291735","DIRECT","","x@direct.example"\n'
  t.same(await importNppes(Readable.from([endpoints]), directory, { ...options, file: 'endpoint.csv' }), { read: 3, added: 0, known: 1, skipped: 2 })
  t.same((await directory.search({ npi: '1234567893', limit: 1 }))[0]?.directAddresses, ['nokafor@direct.lakeside.example'])
  await t.rejects(importNppes(Readable.from(['a,b\n1,2\n']), directory, options), /The file has no column `NPI`/)
  await t.rejects(importNppes(Readable.from(['"NPI\n']), directory, options), /Quote/)
  const stopped = new AbortController()
  stopped.abort()
  await t.rejects(importNppes(csv(PERSON), directory, { ...options, signal: stopped.signal }), { name: 'AbortError' })
  await directory.close()
})

const BUNDLE: Bundle<FhirResource> = {
  resourceType: 'Bundle', type: 'searchset', entry: [
    { resource: { resourceType: 'PractitionerRole', id: 'r', practitioner: { reference: 'Practitioner/p' }, organization: { reference: 'Organization/o' }, endpoint: [{ reference: 'Endpoint/e' }], telecom: [{ system: 'fax', value: '608-555-0142' }], specialty: [{ coding: [{ system: 'http://nucc.org/provider-taxonomy', code: '207Q00000X' }] }] } },
    { resource: { resourceType: 'Practitioner', id: 'p', identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }], name: [{ family: 'Okafor', given: ['Nkechi'] }] } },
    { resource: { resourceType: 'Organization', id: 'o', name: 'Lakeside' } }, { resource: { resourceType: 'Organization', id: 'o2', name: 'Northside', endpoint: [{ reference: 'Endpoint/e2' }] } }, { resource: { resourceType: 'Practitioner', id: 'gone', active: false, name: [{ family: 'Gone' }] } },
    { resource: { resourceType: 'Endpoint', id: 'e', status: 'active', connectionType: { code: 'direct-project' }, payloadType: [{}], address: 'mailto:nokafor@direct.lakeside.example' } },
    { resource: { resourceType: 'Endpoint', id: 'e2', status: 'active', connectionType: { code: 'direct-project' }, payloadType: [{}], address: 'front@direct.northside.example' } },
  ],
}

t.test('FHIR providers are read with their practice, their specialty and the Direct addresses of their endpoints', async (t) => {
  const found = providersIn(BUNDLE)
  t.match(found, [
    { npi: '1234567893', name: { family: 'Okafor' }, practice: 'Lakeside', faxes: ['608-555-0142'], directAddresses: ['nokafor@direct.lakeside.example'], specialty: { code: '207Q00000X' } },
    { name: null, practice: 'Northside', directAddresses: ['front@direct.northside.example'] },
  ])
  t.equal(found.length, 2)
  const directory = open(t.testdir(), () => NOON)
  t.same(await importFhir(BUNDLE, directory, { file: 'providers.json', at: NOON }), { read: 2, added: 2, known: 0, skipped: 0 })
  t.same(await importFhir(BUNDLE, directory, { file: 'providers.json', at: NOON }), { read: 2, added: 0, known: 2, skipped: 0 })
  await directory.close()
})

t.test('2,000 messages of 200 made people in 40 practices, with what they say left out at random, never make one of two', async (t) => {
  const random = randomOf(3)
  const directory = open(t.testdir(), () => NOON)
  const families = Array.from({ length: 60 }, (_, index) => `Fam${String.fromCharCode(97 + (index % 26))}${String.fromCharCode(97 + Math.floor(index / 26))}`)
  const people = Array.from({ length: 200 }, (_, index) => {
    const practice = index % 40
    const stem = `1${String(100_000_000 + index * 7919).slice(-8)}`
    const npi = Array.from({ length: 10 }, (_each, digit) => `${stem}${digit}`).find(isNpi) as string
    return { index, npi, name: named(families[Math.floor(random() * 60)] as string, `${['Ada', 'Ben', 'Cleo', 'Dan', 'Eve'][Math.floor(random() * 5)]}`, String.fromCharCode(65 + (index % 26))), practice: `Practice ${practice}`, fax: `608555${1000 + practice}` }
  })
  const messages = Array.from({ length: 2000 }, () => {
    const one = people[Math.floor(random() * people.length)] as (typeof people)[number]
    const some = (chance: number): boolean => random() < chance
    return { one, facts: person({ npi: some(0.5) ? one.npi : null, name: one.name, practice: some(0.5) ? one.practice : null, faxes: some(0.8) ? [one.fax] : [], directAddresses: some(0.3) ? [`p${one.index}@direct.example`] : [] }) }
  })
  const owners = new Map<string, Set<number>>()
  const recognised = await Promise.all(messages.map(({ facts }) => directory.recognise(facts, { at: NOON, via: 'made' })))
  for (const [index, { provider }] of recognised.entries()) owners.set(provider.id, (owners.get(provider.id) ?? new Set()).add(messages[index]?.one.index as number))
  t.same([...owners].filter(([, who]) => who.size > 1), [])
  const alone = recognised.filter(({ isNew, uncertain }) => isNew && uncertain).length
  t.ok(owners.size - alone < 270, `${owners.size} entries, of which ${alone} were a name alone`)
  await directory.close()
})
