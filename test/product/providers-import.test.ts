/** Providers read into a running desk from files, on the command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { refero, startProduct } from './product.js'

const product = await startProduct(t)
const folder = mkdtempSync(join(tmpdir(), 'refero-import-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return name
}
const imported = (...words: string[]): ReturnType<typeof refero> => refero(['providers', 'import', ...words], { cwd: folder, env: { REFERO_TOKEN: product.token, REFERO_HTTP_PORT: String(product.http), USER: 'ada' } })

const PLACE = 'Business Practice Location Address'
const HEADER = `NPI,Entity Type Code,Provider Organization Name (Legal Business Name),Provider Last Name (Legal Name),Provider First Name,Provider ${PLACE} State Name,Provider ${PLACE} Fax Number\n`

t.test('an NPPES file, in portions, only of the states that are wanted; read again all are known', async (t) => {
  const body = Array.from({ length: 2_500 }, (_, n) => `"","2","Practice ${n}","","","${n % 2 === 0 ? 'WI' : 'IL'}","60855${String(n).padStart(5, '0')}"\r\n`).join('')
  const name = file('npidata_pfile.csv', `\uFEFF${HEADER}${body}`)
  t.match(await imported(name, '--state', 'WI,MN', '--why', 'our neighbours'), { code: 0, out: 'npidata_pfile.csv: 2500 read: 1250 added, 0 known, 1250 skipped.\n' })
  t.same(JSON.parse((await imported(name, '--state', 'WI', '--json')).out), { files: [name], read: 2500, added: 0, known: 1250, skipped: 1250 })
  const { providers } = (await product.api('/api/providers?text=practice%202498')).body
  t.match((await product.api(`/api/providers/${providers[0].id}`)).body.history, [{ by: 'ada', why: 'our neighbours', what: 'added' }])
})

t.test('FHIR of several files is one: a role finds its person and its practice', async (t) => {
  const people = file('people.ndjson', '{"resourceType":"Practitioner","id":"a","name":[{"family":"Voss","given":["Imke"]}]}\n{"resourceType":"Organization","id":"o","name":"Harbor Nephrology"}\n')
  const roles = file('roles.json', '{\n"resourceType":"PractitionerRole","practitioner":{"reference":"Practitioner/a"},"organization":{"reference":"Organization/o"},"telecom":[{"system":"fax","value":"608-555-0177"}]}')
  t.match(await imported(people, roles), { code: 0, out: 'people.ndjson, roles.json: 1 read: 1 added, 0 known, 0 skipped.\n' })
  t.match((await product.api('/api/providers?text=voss')).body.providers, [{ practice: 'Harbor Nephrology', ways: [{ way: 'fax', address: '608-555-0177' }] }])
})

t.test('what is wrong with a file is said with its place, and what to do', async (t) => {
  for (const [name, text, says] of [
    ['quote.csv', `${HEADER}1,2,"x"y,,,,\n`, /quote\.csv:2:7: this is no CSV: after a closing quote/],
    ['open.csv', `${HEADER}1,2,"x,,,,\n`, /open\.csv:\d+:\d+: this is no CSV: a quoted field does not end/],
    ['column.csv', 'a,b\n1,2\n', /column\.csv:1:1: The file has no column `NPI`/],
    ['empty.csv', '', /empty\.csv:1:1: the file is empty/],
    ['patient.ndjson', '{"resourceType":"Practitioner"}\n{"resourceType":"Patient"}\n', /patient\.ndjson:2:1: a Patient is no provider: Practitioner, /],
    ['colon.ndjson', '{"resourceType":"Practitioner"}\n{"resourceType" "Patient"}\n', /colon\.ndjson:2:17: the JSON needs a colon/],
  ] as const) {
    const { code, err } = await imported(file(name, text))
    t.equal(code, 2, name)
    t.match(err, says)
  }
  t.match(JSON.parse((await imported('quote.csv', '--json')).out), { code: 'WRONG_FILE', error: /quote\.csv:2:7/, hint: /./ })
  t.match(await imported('nowhere.csv'), { code: 2, err: /no such file/ })
  t.match(await imported(), { code: 2, err: /Name a file/ })
})
