/** What is read from a canonical Bundle, where it stands, and by what it is found again. */
import t from 'tap'
import type { FhirResource } from 'fhir/r4.js'
import type { Json } from '../../../engine/formats/json/json-text.js'
import type { ReferralFacts } from '../../../referrals/contracts.js'
import { factsOf } from '../../../referrals/canonical/facts.js'
import { keysOf } from '../../../referrals/canonical/keys.js'
import { searchText } from '../../../referrals/canonical/search-text.js'
import { withIdentity } from '../../../referrals/canonical/changes.js'
import { fhir, of, referral, stored } from './kit.js'

/** The fact of a name in `paths`: "patient.phones[1]". */
const factAt = (facts: ReferralFacts, name: string): unknown => name.split(/[.[\]]+/).filter(Boolean).reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], facts)
/** The words of a fact that must stand where its path says. */
const leaf = (fact: unknown): string | null => {
  if (typeof fact === 'string') return fact
  const { code, text, value, family, postalCode } = (fact ?? {}) as Record<string, string | null>
  return code ?? (typeof value === 'string' ? value : null) ?? family ?? postalCode ?? text ?? null
}

t.test('every path of a fact gives the very value, read as FHIRPath by the product', async (t) => {
  let checked = 0
  for (const bundle of [...['ref-i12-cardiology', 'ref-i12-accident', 'ref-i12-document', 'orm-o01-echo', 'omg-o19-360x', 'omg-o19-two-orders'].map((name) => referral(name)), ...['contained', 'transaction', 'searchset', 'task-message'].map((name) => of(stored(`referral-${name}.json`)))]) {
    const facts = factsOf(bundle)
    for (const [name, path] of Object.entries(facts.paths)) {
      if (fhir.checkPath(path) !== null) t.fail(`${name}: ${path}: ${fhir.checkPath(path)}`)
      const there = fhir.read(JSON.parse(JSON.stringify(bundle)) as Json, path)
      const fact = factAt(facts, name)
      if (there.length === 0 || fact === undefined) t.fail(`${name}: nothing is at ${path}`)
      const wanted = /revoked|priority|^documents|^findings|^coverage\[\d\]$|^referrer$|^wanted$|^patient$/.test(name) ? null : leaf(fact)
      const words = there.join(' ')
      if (wanted && !path.startsWith('QuestionnaireResponse') && !words.includes(wanted) && !words.replace(/\s/g, '').includes(wanted.replace(/\s/g, ''))) t.fail(`${name} is ${JSON.stringify(fact)}, and ${path} is ${words.slice(0, 200)}`)
      checked += 1
    }
    for (const name of ['diagnoses', 'services', 'reasons', 'notes', 'findings', 'documents', 'coverage'] as const) for (const index of facts[name].keys()) t.ok(facts.paths[`${name}[${index}]`], `${name}[${index}] has a path`)
  }
  t.ok(checked > 200, `${checked} paths`)
})

t.test('a referral in HL7 v2, whole', async (t) => {
  const facts = factsOf(referral('ref-i12-cardiology'))
  t.match(facts, {
    placer: { system: 'urn:oid:1.3.6.1.4.1.99999.1.7', value: 'R2026-00117', type: 'PLAC' }, reference: null, priority: 'urgent', revoked: false,
    referrer: { npi: '1548291735', practice: 'LAKESIDE FAMILY MEDICINE', faxes: ['(608) 5550143'], emails: [], directAddresses: ['nokafor@direct.lakesidefm.example'] }, wanted: { npi: '1234567893', practice: 'HEART CENTER CARDIOLOGY' },
    patient: { birthDate: '1961-06-15', sex: 'female', language: 'en', deceased: false, birthOrder: null },
  })
  t.same(facts.diagnoses.map(({ code }) => code), ['I48.91', 'I10'], 'the primary diagnosis first')
  t.same(facts.coverage, [{ payer: 'Great Lakes Health Plan', payerId: '60054', plan: 'Gold HMO', memberId: 'GLH551920034', group: 'GRP8812', authorization: 'A7730041', decided: { decision: null, visits: 4, from: '2026-03-02', until: '2026-06-01' } }])
  t.same(facts.reasons, ['New atrial fibrillation, evaluate and treat'])
  t.same(facts.services.slice(0, 2).map(({ code, text }) => [code, text]), [['99244', 'Office consultation'], [null, 'Cardiology consultation']])
  t.same(facts.findings.map(({ value }) => value), ['4.1 mmol/L', 'Atrial fibrillation, ventricular rate 118'])
})

t.test('the second diagnosis is the first where it is the primary one', async (t) => {
  const swapped = referral('ref-i12-cardiology', (text) => text.replace(/(DG1\|1\|.*\|)1(\|1548)/, '$17$2').replace(/(DG1\|2\|[^\r]*\|)2\r/, '$11\r'))
  t.same(factsOf(swapped).diagnoses.map(({ code }) => code), ['I10', 'I48.91'])
})

t.test('a primary care provider who is only named is not the referrer', async (t) => {
  const other = referral('ref-i12-cardiology', (text) => text.replace('PRD|RP^Referring Provider', 'PRD|CP^Consulting Provider').replace(/\rPV1[^\r]*/, ''))
  t.match(factsOf(other).referrer, { npi: null, name: null, practice: 'LAKESIDE FAMILY MEDICINE' }, 'whoever sent the message is')
  const visit = referral('ref-i12-cardiology', (text) => text.replace('PRD|RP^Referring Provider', 'PRD|CP^Consulting Provider'))
  t.match(factsOf(visit).referrer, { npi: '1548291735', name: { family: 'OKAFOR' } }, 'the visit names the referrer (PV1-8)')
})

t.test('a practice that gives its own NPI does not make one provider of all who work there', async (t) => {
  const bundle = of(stored('referral-contained.json'))
  const without = JSON.parse(JSON.stringify(bundle).replace('{"system":"http://hl7.org/fhir/sid/us-npi","value":"1679576722"}', '{"system":"urn:oid:1.2.3","value":"7"}')) as typeof bundle
  t.equal(factsOf(without).referrer?.npi, null)
  const practiceOnly = JSON.parse(JSON.stringify(without).replace(/"practitioner":\{[^}]*\},/, '')) as typeof bundle
  t.match(factsOf(practiceOnly).referrer, { npi: '1003000126', name: null })
})

t.test('documents: text is read, a picture or a PDF that nothing has read says so', async (t) => {
  const facts = factsOf(referral('ref-i12-document'))
  t.match(facts.documents.map(({ contentType, text, unread }) => [contentType, text, unread]), [['application/pdf', null, true], ['image/jpeg', null, true], [null, null, false]])
  const html: FhirResource = { resourceType: 'DocumentReference', status: 'current', content: [{ attachment: { contentType: 'text/html', data: Buffer.from('<style>p{}</style><p>Chest&nbsp;pain &amp; &lt;40%</p><p>since May &#8211; daily</p>').toString('base64') } }, { attachment: { contentType: 'application/pdf', data: 'JVBERi0=' } }] }
  const bundle = referral('ref-i12-minimal')
  const more = factsOf({ ...bundle, entry: [...(bundle.entry ?? []), { fullUrl: 'urn:uuid:0f6c2f40-0000-4000-8000-0000000000aa', resource: html }] })
  t.match(more.documents, [{ text: 'Chest pain & <40%\nsince May – daily', unread: false }])
})

t.test('an authorization of another payer stands alone; one that names no payer is the first one’s', async (t) => {
  const other = referral('ref-i12-cardiology', (text) => text.replaceAll('PAY01^Great Lakes Health Plan^L|Great Lakes Health Plan', 'PAY09^Superior Health^L|Superior Health'))
  t.same(factsOf(other).coverage.map(({ payer, authorization }) => [payer, authorization]), [['Great Lakes Health Plan', null], ['Superior Health', 'A7730041']])
})

t.test('keys: each number under its kind, a control id is none, and the pair', async (t) => {
  const bundle = referral('ref-i12-cardiology')
  const facts = factsOf(bundle)
  const keys = keysOf(bundle, facts)
  t.same(keys.filter(({ kind }) => kind !== 'pair'), [{ kind: 'placer', value: 'urn:oid:1.3.6.1.4.1.99999.1.7|R2026-00117' }])
  const pair = (change: (text: string) => string): string | undefined => {
    const changed = referral('ref-i12-cardiology', change)
    return keysOf(changed, factsOf(changed)).find(({ kind }) => kind === 'pair')?.value
  }
  const same = keys.find(({ kind }) => kind === 'pair')?.value
  t.match(same, /^[0-9a-f]{32}$/)
  t.equal(pair((text) => text.replace('I48.91^Unspecified', 'I48.0^Paroxysmal').replaceAll('EVERYWOMAN^EVE', 'Everywoman^Eva').replace('R2026-00117', 'X')), same, 'spelt otherwise, and another code of the category')
  for (const [what, change] of Object.entries({
    'another birth date': (text: string) => text.replaceAll('19610615', '19610616'), 'another patient': (text: string) => text.replaceAll('EVERYWOMAN', 'OTHERWOMAN'),
    'another reason': (text: string) => text.replace('I48.91', 'K21.9'), 'another referrer': (text: string) => text.replaceAll('1548291735', '1730155928'),
  })) t.not(pair(change), same, what)
  const minimal = referral('ref-i12-minimal')
  t.same(keysOf(minimal, factsOf(minimal)), [], 'without a reason there is no pair, and M0001 is only a control id')
  const echo = referral('orm-o01-echo')
  t.same(keysOf(echo, factsOf(echo)).slice(0, 2), [{ kind: 'placer', value: '|ORD7781' }, { kind: 'placer', value: 'group |GRP90' }], 'a number without a system is bare')
  const unnumbered = referral('omg-o19-two-orders', (text) => text.replace(/ORD800[12]\^EHR/g, ''))
  t.equal(factsOf(unnumbered).placer, null)
  t.same(keysOf(unnumbered, factsOf(unnumbered)).filter(({ kind }) => kind !== 'pair'), [], 'orders without numbers share only the control id of their message')
  const changed = referral('ref-i13')
  t.same(keysOf(changed, factsOf(changed)).filter(({ kind }) => kind === 'filler'), [{ kind: 'filler', value: '|HC-2026-881' }])
  const known = withIdentity(bundle, { reference: 'R-2222-2222' })
  t.same(keysOf(known, factsOf(known)).filter(({ kind }) => kind === 'reference'), [{ kind: 'reference', value: 'R-2222-2222' }])
})

t.test('words to look for: names, numbers as written and in one piece, never a social security number', async (t) => {
  const text = searchText(factsOf(referral('ref-i12-cardiology')), 'R-7K3M-9QX4')
  for (const word of ['R-7K3M-9QX4', 'R7K3M9QX4', 'EVERYWOMAN', 'EVE', '1961-06-15', '19610615', '774411', '6085550117', 'OKAFOR', '1548291735', 'I48.91', 'atrial fibrillation', 'Great Lakes Health Plan', 'GLH551920034', 'A7730041', 'R2026-00117', 'HEART CENTER CARDIOLOGY']) t.ok(text.includes(word), word)
  t.notMatch(text, /999-?71-?4321/)
  t.ok(searchText(factsOf(of(stored('referral-transaction.json'))), 'R-7K3M-9QX4').includes('Tomas'), 'without accents too')
})
