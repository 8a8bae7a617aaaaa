/** Routing tables and referrals made from a seed, and a referral of which only what matters is said. */
import type { Coded, ProviderFacts, ReferralFacts, Triage, Urgency } from '../../../referrals/contracts.js'

/** mulberry32: the same numbers from 0 to 1 for the same seed, anywhere. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
type Random = () => number
const pick = <Item>(random: Random, list: readonly Item[]): Item => list[Math.floor(random() * list.length)] as Item

const code = (value: string): Coded => ({ system: null, code: value, text: null })
export const person = (over: Partial<ProviderFacts>): ProviderFacts =>
  ({ npi: null, identifiers: [], name: null, practice: null, specialty: null, address: null, phones: [], faxes: [], emails: [], directAddresses: [], ...over })

export interface Said {
  specialty?: string; confidence?: number; others?: readonly string[]; urgency?: Urgency; diagnoses?: readonly string[]; services?: readonly string[]; payers?: readonly string[]
  zip?: string; language?: string; born?: string; sex?: 'male' | 'female'; authoredOn?: string; referrer?: Partial<ProviderFacts>; wanted?: Partial<ProviderFacts>
}

/** What a referral says, and what triage made of it. */
export const referral = (said: Said): readonly [ReferralFacts, Triage] => [{
  placer: null, reference: null, authoredOn: said.authoredOn ?? '2026-03-02', priority: null, revoked: false, services: (said.services ?? []).map(code), diagnoses: (said.diagnoses ?? []).map(code),
  reasons: [], notes: [], findings: [], documents: [], referrer: said.referrer ? person(said.referrer) : null, wanted: said.wanted ? person(said.wanted) : null, paths: {},
  patient: {
    identifiers: [], names: [], birthDate: said.born ?? null, sex: said.sex ?? null, phones: [], emails: [], memberIds: [], birthOrder: null, deceased: false, language: said.language ?? null,
    addresses: said.zip ? [{ lines: [], city: null, state: null, postalCode: said.zip }] : [],
  },
  coverage: (said.payers ?? []).map((payer) => ({ payer, payerId: null, plan: null, memberId: null, group: null, authorization: null })),
}, {
  missing: [], raised: false, kind: { value: 'referral', confidence: 1, evidence: [] }, urgency: { value: said.urgency ?? 'routine', confidence: 1, evidence: [] },
  specialty: said.specialty ? { value: said.specialty, confidence: said.confidence ?? 1, evidence: [] } : null, others: (said.others ?? []).map((value) => ({ value, confidence: 0.5, evidence: [] })),
}]

const SPECIALTIES = ['cardiology', 'dermatology', 'neurology', 'orthopedics', 'urology', 'nephrology', 'endocrinology', 'pulmonology']
const DIAGNOSES = ['I48.91', 'I48.0', 'I50.9', 'I69.354', 'C43.9', 'C4A.9', 'D03.5', 'M10.9', 'M1A.00X0', 'M54.5', 'N18.3', 'N20.0', 'E11.9', 'J44.9', 'G43.909', 'Z12.11']
const SERVICES = ['93306', '93000', '45378', '11042', '95810', '99243', '57133-1', 'G0105']
const PAYERS = ['Blue Cross Blue Shield', 'Wisconsin Medicaid', 'Medicare', 'Aetna', 'UnitedHealthcare']
const ZIPS = ['53703', '53711', '53590', '54601', '02138']

export const madeReferral = (random: Random): readonly [ReferralFacts, Triage] => {
  const some = <Item>(list: readonly Item[], chance: number): Item[] => (random() < chance ? [pick(random, list)] : [])
  const zip = some(ZIPS, 0.9)[0]
  const language = some(['en', 'es', 'es-MX', 'hmn'], 0.7)[0]
  const specialty = some(SPECIALTIES, 0.9)[0]
  return referral({
    ...(specialty && { specialty }), ...(zip && { zip }), ...(language && { language }), urgency: pick(random, ['routine', 'routine', 'urgent', 'asap', 'stat']),
    diagnoses: [...some(DIAGNOSES, 0.9), ...some(DIAGNOSES, 0.4)], services: some(SERVICES, 0.6), payers: some(PAYERS, 0.8), born: `${1930 + Math.floor(random() * 95)}-0${1 + Math.floor(random() * 9)}-15`, sex: pick(random, ['male', 'female']),
  })
}

const CELLS: Readonly<Record<string, readonly string[]>> = {
  specialty: SPECIALTIES,
  diagnosis: ['I48.*', 'I48', 'I48.9', 'I60-I69', 'I00-I99', 'C43-C44', 'C43.*|D03.*', 'M05-M14', '!M54', 'I*|!I48.0', 'N18|N20', 'E11.9|?', '?'],
  service: ['93306', '93300-93350', '9*', '45378-45398|G0105', '!99243', '57133-1', '*'],
  payer: ['medicaid', '!medicaid', 'blue cross', 'medicare|aetna', '?'],
  zip: ['53703', '537*', '53500-53799', '!537*', '02138', '?'],
  language: ['es', 'es-MX', '!en', 'hmn|?'],
  urgency: ['urgent+', 'stat', 'routine', 'urgent|asap', '!routine'],
  age: ['<18', '18-64', '65+', '>=80', '!<18', '<=2'],
  sex: ['female', 'male', '!male'],
}

/** A table as CSV: most rows with a specialty and up to three more conditions, the last one with none; `ranked`: each with a priority of its own, so that none tie. */
export const madeTable = (random: Random, rows: number, ranked = false): string => {
  const names = Object.keys(CELLS)
  const lines = Array.from({ length: rows - 1 }, (_, index) => {
    const filled = new Set(random() < 0.8 ? ['specialty'] : [])
    for (let more = Math.floor(random() * 4); more > 0; more--) filled.add(pick(random, names))
    const cells = names.map((name) => (filled.has(name) ? pick(random, CELLS[name] ?? []) : ''))
    return [index + 1, ranked ? Math.floor(random() * 100) * 1000 + index : random() < 0.05 ? 5 : '', ...cells, pick(random, ['epic-main', 'ecw-north']), '', '', `Q${Math.floor(random() * rows)}`].join(',')
  })
  return [['row', 'priority', ...names, 'ehr', 'location', 'practitioner', 'queue'].join(','), ...lines, ['default', '', ...names.map(() => ''), 'epic-main', '', '', 'REVIEW'].join(',')].join('\r\n')
}
