/** Triage is never below what was stated, quotes what it rests on, names what is missing, and knows what a sentence does not say. */
import { join } from 'node:path'
import t from 'tap'
import type { MappingDocument } from '../../../engine/contracts.js'
import { openMappings } from '../../../engine/mappings.js'
import type { ReferralFacts, Urgency } from '../../../referrals/contracts.js'
import { asserting } from '../../../referrals/triage/assertion.js'
import { assertionTriggers } from '../../../referrals/triage/assertion-table.js'
import { phraseProblem, phraseSet } from '../../../referrals/triage/phrases.js'
import { triageTables } from '../../../referrals/triage/tables.js'
import { triage } from '../../../referrals/triage/triage.js'
import { wordsOf } from '../../../referrals/triage/words.js'
import { ASSERTIONS } from './assertions.js'
import { factsOf, TODAY, WHOLE } from './facts.js'
import { LETTERS } from './letters.js'
import { OTHER_ASSERTIONS } from './other-assertions.js'
import { SAMPLES } from './referrals.js'

const mappings = openMappings(join(import.meta.dirname, '../../../../mappings'))
const tables = triageTables(mappings.mapping)
const done = (facts: Partial<ReferralFacts>, options = {}): ReturnType<typeof triage> => triage({ ...WHOLE, ...facts }, tables, { today: TODAY, ...options })
const missing = (facts: Partial<ReferralFacts>, options = {}): readonly string[] => done(facts, options).missing.map(({ item }) => item)
const urgency = (reason: string, age?: number): Urgency => triage(factsOf({ reason, specialty: '', urgency: 'routine', ...(age === undefined ? {} : { age }) }), tables, { today: TODAY }).urgency.value

const findTriggers = phraseSet(assertionTriggers(mappings.mapping('triage/assertion')))
const statusOf = (marked: string): string => {
  const text = marked.replace(/[{}]/g, '')
  const words = wordsOf(text)
  const [begin, end] = [marked.indexOf('{'), marked.indexOf('}') - 1]
  return asserting(text, words, findTriggers(words))(words.findIndex(({ to }) => to > begin), words.findLastIndex(({ from }) => from < end) + 1).status
}

t.test('denials, the past, the family, warnings and doubts are told from what is so, in 0.95 of the labelled sentences and more', async (t) => {
  const judged = Object.entries({ ...ASSERTIONS, ...OTHER_ASSERTIONS }).flatMap(([label, sentences]) => sentences.map((sentence) => ({ label, sentence, status: statusOf(sentence) })))
  t.ok(judged.length >= 280, `${judged.length} sentences`)
  for (const label of new Set(judged.map((one) => one.label))) {
    const right = judged.filter((one) => one.label === label && one.status === label).length
    const precision = right / judged.filter(({ status }) => status === label).length
    const recall = right / judged.filter((one) => one.label === label).length
    const wrong = judged.filter((one) => (one.label === label) !== (one.status === label)).map(({ label, status, sentence }) => `${label} read as ${status}: ${sentence}`)
    t.ok(precision >= 0.95 && recall >= 0.95, `${label}: precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}\n${wrong.join('\n')}`)
  }
})

t.test('short referrals go to the specialty and the urgency that a nurse would give', async (t) => {
  const judged = SAMPLES.map((sample) => ({ sample, ...triage(factsOf(sample), tables, { today: TODAY }) }))
  const specialties = judged.filter(({ sample, specialty }) => specialty?.value === sample.specialty).length
  const urgencies = judged.filter(({ sample, urgency }) => urgency.value === sample.urgency).length
  const wrong = judged.filter(({ sample, specialty, urgency }) => specialty?.value !== sample.specialty || urgency.value !== sample.urgency).map(({ sample, specialty, urgency }) => `${sample.reason}: ${specialty?.value}, ${urgency.value}`)
  t.ok(SAMPLES.length >= 80)
  t.ok(specialties / SAMPLES.length >= 0.93, `${specialties} of ${SAMPLES.length} specialties\n${wrong.join('\n')}`)
  t.ok(urgencies / SAMPLES.length >= 0.95, `${urgencies} of ${SAMPLES.length} urgencies\n${wrong.join('\n')}`)
})

t.test('letters as practices write them go to the specialty and the urgency that a nurse would give', async (t) => {
  const judged = LETTERS.map(([specialties, urgencies, reason, known]) => {
    const read = triage(factsOf({ reason, specialty: '', urgency: 'routine', ...known }), tables, { today: TODAY })
    return { reason, specialty: read.specialty?.value ?? '', urgency: read.urgency.value, specialtyFits: specialties.split(' ').includes(read.specialty?.value ?? ''), urgencyFits: urgencies.split(' ').includes(read.urgency.value) }
  })
  const wrong = judged.filter(({ specialtyFits, urgencyFits }) => !specialtyFits || !urgencyFits).map(({ reason, specialty, urgency }) => `${reason}: ${specialty}, ${urgency}`).join('\n')
  t.ok(LETTERS.length >= 240)
  t.ok(judged.filter(({ specialtyFits }) => specialtyFits).length / LETTERS.length >= 0.95, wrong)
  t.ok(judged.filter(({ urgencyFits }) => urgencyFits).length / LETTERS.length >= 0.97, wrong)
})

t.test('abbreviations, sides, everyday words, Spanish, dictation and lists of signs are read as what they say, and quoted as they stand', async (t) => {
  t.match(done({ reasons: ['Palpable firm L breast mass'] }).urgency, { value: 'urgent', evidence: [{ quote: 'Palpable firm L breast mass' }, {}] })
  t.match(done({ reasons: ['Pérdida súbita de la visión ayer'] }).urgency, { value: 'stat', evidence: [{ quote: 'Pérdida súbita de la visión ayer' }, {}] })
  for (const [said, level] of [
    ['Niega dolor de pecho. Sin sangrado rectal.', 'routine'], ['Niega dolor de pecho y sangrado rectal.', 'routine'], ['HEENT: neg\nCV: + palpitations, - chest pain, - syncope', 'routine'], ['CV: + chest pain, - syncope', 'urgent'], ['Symptoms - chest pain with walking', 'urgent'],
    ['follow up of gerd period he denies rectal bleeding period he denies weight loss', 'routine'], ['he has rectal bleeding comma worse comma for a month period please see him', 'urgent'], ['heavy period and cramps', 'routine'],
    ['PSA 4.2 -> 14.8', 'urgent'], ['PSA 14.8 -> 4.2', 'routine'], ['Potassium 5.1 to 6.6', 'stat'], ['no ketones, glucose 512 in clinic', 'asap'], ['ALLERGIES: PCN - anaphylaxis', 'routine'],
    ['Healed distal radius fx 2018', 'routine'], ['s/p fusion 2017, requesting urgent visit', 'urgent'],
  ] as const) t.equal(urgency(said, 62), level, said)
  const specialty = (reason: string): string | undefined => triage(factsOf({ reason, specialty: '', urgency: 'routine', age: 50 }), tables, { today: TODAY }).specialty?.value
  t.equal(specialty('Numb feet, A1c 6.1, TSH normal'), 'neurology', 'a normal result asks for nobody')
  t.equal(specialty('PT eval and treat after TKA'), 'physical-therapy', 'what is to be done says more than what was')
})

t.test('urgency is raised with the words it rests on and their place, and never lowered', async (t) => {
  const raised = done({ reasons: ['Knee pain. Sudden vision loss in the left eye today.'] })
  t.match(raised, { raised: true, urgency: { value: 'stat', evidence: [{ quote: /^Sudden vision loss in the left eye today\.?$/, at: 'ServiceRequest.reasonCode[0].text' }] } })
  t.match(raised.urgency.evidence, [{}, { says: 'routine is stated', at: 'ServiceRequest.priority' }])
  t.match(done({ priority: 'stat', reasons: ['routine follow up, no hurry'] }), { raised: false, urgency: { value: 'stat' } })
  t.match(done({ priority: null, diagnoses: [] }).urgency, { value: 'routine', confidence: 0.5, evidence: [{ says: /no priority is stated/ }] })
  t.match(done({ diagnoses: [{ system: null, code: 'I26.99', text: null }] }).urgency, { value: 'stat', evidence: [{ quote: 'I26.99', at: 'ServiceRequest.reasonReference[0]' }] })
  t.equal(done({ findings: [{ what: { system: 'http://loinc.org', code: '2823-3', text: 'Potassium' }, value: '6.8' }] }).urgency.value, 'stat')
  t.equal(done({ findings: [{ what: { system: 'http://loinc.org', code: '2823-3', text: 'Potassium' }, value: '4.8' }] }).urgency.value, 'routine')
  t.match(done({ reasons: ['r/o DVT'] }).urgency, { value: 'stat', confidence: 0.6, evidence: [{ says: /in doubt/ }] })
})

t.test('every level of a stated priority holds for every sample', async (t) => {
  const levels: readonly Urgency[] = ['routine', 'urgent', 'asap', 'stat']
  for (const stated of levels) for (const sample of SAMPLES) {
    const { urgency: { value }, raised } = triage(factsOf({ ...sample, stated }), tables, { today: TODAY })
    const [found, asked] = [levels.indexOf(value), levels.indexOf(stated)]
    if (found < asked || raised !== found > asked) t.fail(`${stated} became ${value}: ${sample.reason}`)
  }
  t.pass('none was lowered')
})

t.test('red flags look at the age, and what they do not mean leaves them alone', async (t) => {
  t.same([urgency('fever since last night', 0.1), urgency('fever since last night', 30)], ['stat', 'routine'])
  t.same([urgency('rectal bleeding', 62), urgency('rectal bleeding', 22)], ['urgent', 'routine'])
  t.equal(urgency('62 y/o with rectal bleeding'), 'urgent', 'the age in the words where there is no birth date')
  t.equal(urgency('rectal bleeding'), 'urgent', 'with doubt where no age is known')
  t.equal(urgency('fever'), 'routine', 'and not where only the young are meant')
  for (const harmless of ['Seen at urgent care for a sprain', 'Priority: routine / urgent / STAT', 'Urgency: [x] Routine [ ] Urgent [ ] STAT', 'non-urgent', 'Go to the ER if chest pain develops', 'Mother had a stroke last year', 'PMH: stroke, MI', 'on Eliquis for DVT', 'vitamin K 10 mg', 'BP 138/88', 'Hgb A1c 6.2', 'hemoglobin 13.2', 'suicide prevention hotline given']) t.equal(urgency(harmless, 50), 'routine', harmless)
  for (const [said, level] of [['Urgency: [ ] Routine [x] Urgent [ ] STAT', 'urgent'], ['BP 204/118 in clinic', 'asap'], ['Hgb 6.1, tired', 'stat'], ['please see this week', 'asap'], ['NEW ONSET AFIB', 'urgent']] as const) t.equal(urgency(said, 50), level, said)
})

t.test('the narrowest range decides, conflicts keep all, and the form’s destination is a weak voice', async (t) => {
  const icd = (code: string, system: string | null = 'http://hl7.org/fhir/sid/icd-10-cm'): Partial<ReferralFacts> => ({ diagnoses: [{ system, code, text: null }], reasons: [], documents: [] })
  for (const [code, specialty] of [['I48.91', 'cardiology'], ['I4891', 'cardiology'], ['i63.9', 'neurology'], ['I83.9', 'vascular-surgery'], ['K40.90', 'general-surgery'], ['K21.9', 'gastroenterology'], ['S52.501A', 'orthopedics'], ['S05.01XA', 'ophthalmology'], ['Z12.11', 'gastroenterology'], ['O09.90', 'obstetrics-gynecology'], ['P07.30', 'pediatrics'], ['C44.91', 'dermatology'], ['R97.20', 'urology']] as const) t.equal(done(icd(code)).specialty?.value, specialty, code)
  t.equal(done(icd('E88.0', 'http://hl7.org/fhir/sid/icd-9-cm')).specialty, null, 'a code of another system is not read as ICD-10')
  const both = done({ ...icd('I48.91'), services: [{ system: 'http://www.ama-assn.org/go/cpt', code: '45378', text: null }] })
  t.match(both, { specialty: { value: 'gastroenterology', evidence: [{ says: /45378 is within 45300-45398/, at: 'ServiceRequest.code' }] }, others: [{ value: 'cardiology' }] })
  t.ok((both.specialty?.confidence ?? 1) < (done({ ...icd('Z12.11') }).specialty?.confidence ?? 0), 'a contradiction costs confidence')
  const wanted = { ...WHOLE.referrer, specialty: { system: null, code: '207N00000X', text: null } } as NonNullable<ReferralFacts['wanted']>
  t.match(done({ ...icd('I48.91'), wanted }), { specialty: { value: 'cardiology' }, others: [{ value: 'dermatology' }] })
  t.match(done({ diagnoses: [], reasons: ['see notes'], documents: [], wanted }).specialty, { value: 'dermatology', confidence: 0.45 })
  t.equal(done({ diagnoses: [], documents: [], reasons: ['Cleared by cardiology. Refer to GI for heartburn.'] }).specialty?.value, 'gastroenterology')
  for (const { specialty, others } of SAMPLES.map((sample) => triage(factsOf(sample), tables, { today: TODAY }))) for (const { confidence } of [...(specialty ? [specialty] : []), ...others]) if (confidence >= 1 || confidence <= 0) t.fail(`a confidence of ${confidence}`)
})

t.test('what is missing is named, and a value that cannot be true counts as missing', async (t) => {
  t.same(missing({}), [])
  const patient = (change: Partial<ReferralFacts['patient']>): Partial<ReferralFacts> => ({ patient: { ...WHOLE.patient, ...change } })
  const referrer = (change: object): Partial<ReferralFacts> => ({ referrer: { ...WHOLE.referrer, ...change } as NonNullable<ReferralFacts['referrer']> })
  t.same(missing(patient({ deceased: true })), ['patient-living'])
  const aged = (birthDate: string, reason: string): readonly string[] => missing({ ...patient({ birthDate }), diagnoses: [], reasons: [reason] }).filter((item) => item.startsWith('too-'))
  t.same([aged('2021-05-01', 'Please refer to geriatrics'), aged('1940-05-01', 'Please refer to geriatrics'), aged('1980-05-01', 'Refer to pediatrics'), aged('2021-05-01', 'Refer to pediatrics')], [['too-young'], [], ['too-old'], []])
  for (const phone of ['000-000-0000', '5555555555', '(999) 999-9999', 'none', '217 555']) t.same(missing(patient({ phones: [phone] })), ['patient-phone'], phone)
  for (const phone of ['217-555-0100', '+44 20 7946 0018', '555-0142', '1 (217) 555-0142 x12']) t.same(missing(patient({ phones: [phone] })), [], phone)
  t.match(done(patient({ phones: ['000-000-0000'] })).missing, [{ blocks: true, says: 'the patient\'s phone number ("000-000-0000" is a placeholder)' }])
  t.match(done(patient({ phones: [] }), { language: 'es-MX' }).missing, [{ says: 'el número de teléfono del paciente' }])
  for (const birthDate of ['2031-01-01', '1890-01-01', '1980', '1980-02-30', '1900-01-01', null]) t.same(missing(patient({ birthDate })), ['birth-date'], String(birthDate))
  for (const npi of ['1234567890', '123', '9999999999']) t.same(missing(referrer({ npi })), ['referrer-npi'], npi)
  t.same(missing(referrer({ faxes: [], directAddresses: ['ann@direct.clinic.example'] })), [])
  t.same(missing(referrer({ faxes: [] })), ['referrer-return'])
  t.same(missing(referrer({ faxes: [] }), { reachable: true }), [], 'the directory knows where to')
  t.same(missing(referrer({ faxes: ['000-000-0000'] }), { reachable: true }), ['referrer-return'], 'what cannot be a number is asked for all the same')
  t.same(missing({ coverage: [] }), ['insurance-payer', 'insurance-member-id'])
  t.same(missing({ coverage: [], notes: ['Self-pay patient'] }), [])
  t.same(missing({ coverage: [{ payer: 'Acme HMO', payerId: null, plan: null, memberId: 'pending', group: null, authorization: null }] }), ['insurance-member-id', 'authorization-number'])
  t.ok(missing({ diagnoses: [], reasons: ['Eval and treat please'], documents: [] }).includes('reason'))
  t.notOk(missing({ diagnoses: [], reasons: ['see attached'] }).includes('reason'), 'what is attached can be read')
})

t.test('a specialty asks for its own: attached, found or said, but not merely wanted', async (t) => {
  const cardiac = (reason: string, more: Partial<ReferralFacts> = {}): readonly string[] => missing({ diagnoses: [{ system: null, code: 'I48.91', text: null }], reasons: [reason], ...more }).filter((item) => item === 'ecg')
  t.same([cardiac('Palpitations'), cardiac('Palpitations, please get EKG'), cardiac('Palpitations, EKG pending'), cardiac('Palpitations. No ECG done.')], [['ecg'], ['ecg'], ['ecg'], ['ecg']])
  t.same([cardiac('EKG shows AF'), cardiac('AF', { findings: [{ what: { system: 'http://loinc.org', code: '11524-6', text: null }, value: null }] })], [[], []])
  const unread = { ...WHOLE.documents[0], title: null, type: null, text: null, unread: true } as ReferralFacts['documents'][number]
  t.match(done({ diagnoses: [{ system: null, code: 'I48.91', text: null }], reasons: [], documents: [unread] }).missing, [{ says: /1 attached could not be read yet; it may be among them/ }])
  t.ok(missing({ diagnoses: [{ system: null, code: 'N18.4', text: null }], reasons: ['CKD'], documents: [] }).includes('uacr'))
})

t.test('a referral is told from an order, records, a result and the rest', async (t) => {
  const NOTHING = { services: [], diagnoses: [], reasons: [], notes: [], documents: [] }
  const page = (text: string, code: string | null = null): Partial<ReferralFacts> => ({ ...NOTHING, documents: [{ title: null, type: code === null ? null : { system: 'http://loinc.org', code, text: null }, contentType: 'text/plain', text, unread: false }] })
  const kind = (facts: Partial<ReferralFacts>): string => done(facts).kind.value
  t.equal(kind({}), 'referral')
  t.equal(kind(page('', '57133-1')), 'referral')
  t.equal(kind(page('REFERRAL REQUEST\nPlease evaluate')), 'referral')
  t.equal(kind({ ...NOTHING, services: [{ system: null, code: '80053', text: null }] }), 'order')
  t.equal(kind(page('Laboratory Report\nSpecimen collected 01/02')), 'result')
  t.equal(kind(page('Discharge Summary', '18842-5')), 'records')
  t.equal(kind(page('Refill request: lisinopril 10 mg')), 'other')
  t.match(done({ ...NOTHING }).kind, { value: 'other', evidence: [{ says: /nothing/ }] })
  t.same(missing(page('Refill request: lisinopril')), [], 'what is no referral lacks nothing')
})

t.test('long and hostile texts are cut, said to be cut, and read in one pass', async (t) => {
  const long = done({ notes: [`${'no chest pain, '.repeat(6000)}`] })
  t.match(long.urgency.evidence.at(-1), { says: /its last 24464 characters were not looked at/, at: 'ServiceRequest.note[0].text' })
  for (const text of ['('.repeat(9000), '[ ] '.repeat(9000), 'chest '.repeat(9000), 'a.'.repeat(9000), '1 '.repeat(9000), '\n'.repeat(9000), 'denies '.repeat(9000)]) t.equal(done({ notes: [text] }).urgency.value, 'routine')
})

t.test('a broken table says where, what is allowed and the nearest word', async (t) => {
  const broken = (path: string, change: (value: Record<string, never>) => void): (() => unknown) => () => triageTables((asked): MappingDocument => {
    const file = mappings.mapping(asked)
    if (asked !== `triage/${path}`) return file
    const value = structuredClone(file.value) as Record<string, never>
    change(value)
    return { value, place: file.place }
  })
  // biome-ignore lint/suspicious/noExplicitAny: a table is broken on purpose
  const set = (path: string, change: (value: any) => void): (() => unknown) => broken(path, change as (value: Record<string, never>) => void)
  const at = (path: string): string => `mappings\\/triage\\/${path}\\.yaml:\\d+:\\d+: `
  t.throws(set('assertion', (table) => { table.negation.befor = [] }), new RegExp(`${at('assertion')}.befor. .*did you mean .before.`))
  t.throws(set('assertion', (table) => { table.negation.before[0] = 'no (sign' }), new RegExp(`${at('assertion')}.*bracket`))
  t.throws(set('specialties', (table) => { table.specialties.cardiology.nucc[0] = '207RG0100X' }), new RegExp(`${at('specialties')}207RG0100X is of .cardiology. already`))
  t.throws(set('specialty-diagnoses', (table) => { table.rows[0].is = { cardiolgy: 0.5 } }), new RegExp(`${at('specialty-diagnoses')}.cardiolgy. is no specialty .*did you mean .cardiology.`))
  t.throws(set('specialty-diagnoses', (table) => { table.rows[0].codes = 'B99-A00' }), new RegExp(`${at('specialty-diagnoses')}.B99-A00. ends before it begins`))
  t.throws(set('specialty-diagnoses', (table) => { table.rows.push({ codes: 'I65-I75', is: { neurology: 0.5 } }) }), /`I65-I75` and .* cross/)
  t.throws(set('specialty-services', (table) => { table.rows.push(table.rows[0]) }), new RegExp(`${at('specialty-services')}.* has a row already`))
  t.throws(set('specialty-words', (table) => { table.specialties.neurologie = { strong: ['x'] } }), new RegExp(`${at('specialty-words')}.*did you mean .neurology.`))
  t.throws(set('urgency', (table) => { table.rules[0].raises = 'statt' }), new RegExp(`${at('urgency')}.raises. cannot be .statt.; did you mean .stat.`))
  t.throws(set('urgency', (table) => { table.rules[1].words = undefined; table.rules[1].name = table.rules[0].name }), /can never apply[\s\S]*is called `asks-stat` already/)
  t.throws(set('completeness', (table) => { table.items[3].check = 'patient-fone' }), new RegExp(`${at('completeness')}.check. cannot be .patient-fone.; did you mean .patient-phone.`))
  t.throws(set('completeness', (table) => { table.items[3].says = { es: 'teléfono' } }), new RegExp(`${at('completeness')}.*en`))
  t.throws(set('kinds', (table) => { table.words[0].kind = 'referal' }), new RegExp(`${at('kinds')}.*did you mean .referral.`))
  t.throws(set('kinds', (table) => { table.services[0].codes = 'x' }), new RegExp(`${at('kinds')}.x. is no code`))
  t.throws(set('wordings', (table) => { table.wordings[0].is = 'a|b' }), new RegExp(`${at('wordings')}.*plain words`))
  t.throws(set('wordings', (table) => { table.wordings[1].written = ['x*'] }), new RegExp(`${at('wordings')}.*too short a stem`))
  t.match(phraseProblem('ab*'), /too short a stem/)
  t.match(phraseProblem('... pain'), /begins or ends/)
})
