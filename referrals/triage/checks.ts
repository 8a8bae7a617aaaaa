/** The checks that mappings/triage/completeness.yaml may name: whether a value is there, and whether it can be true. */
import type { ReferralFacts } from '../contracts.js'

/** What a check found: all well, nothing, or a value that cannot be what it should (a problem of the table, and the value). */
export type Found = 'there' | 'missing' | { readonly problem: Problem; readonly value: string }

export const PROBLEMS = ['placeholder', 'not-a-phone-number', 'not-a-date', 'date-in-future', 'too-old', 'date-incomplete', 'npi-length', 'npi-check-digit', 'says-nothing', 'only-attached'] as const
export type Problem = (typeof PROBLEMS)[number]

export interface CheckContext {
  readonly today: string | null // YYYY-MM-DD
  readonly reachable: boolean // the provider directory has an address that the referrer can be answered at
  isPlaceholder(text: string): boolean // "n/a", "unknown"
  saysNothing(text: string): boolean // "eval and treat": a reason that gives none
  readonly selfPay: boolean
}

type Check = (facts: ReferralFacts, context: CheckContext) => Found

const OLDEST = 120

/** Every name is a value of `check:`. */
export const CHECKS = {
  'patient-name': ({ patient }, context) => firstFit(patient.names.map(({ family, given }) => [...given, family].join(' ').trim()), (name) => (context.isPlaceholder(name) ? { problem: 'placeholder', value: name } : 'there')),
  'birth-date': ({ patient }, { today }) => birthDate(patient.birthDate, today),
  'patient-living': ({ patient }) => (patient.deceased ? 'missing' : 'there'),
  confirmation: () => 'missing', // the item's own conditions are the question: whoever meets them is asked
  sex: ({ patient }) => (patient.sex === null || patient.sex === 'unknown' ? 'missing' : 'there'),
  'patient-phone': ({ patient }) => firstFit(patient.phones, phone),
  'patient-address': ({ patient }, context) => firstFit(patient.addresses.map(({ lines, city, postalCode }) => [...lines, city, postalCode].filter(Boolean).join(', ')), (address) => (context.isPlaceholder(address) ? { problem: 'placeholder', value: address } : 'there')),
  payer: ({ coverage }, context) => (context.selfPay ? 'there' : firstFit(coverage.map(({ payer, plan }) => payer ?? plan ?? ''), (payer) => (context.isPlaceholder(payer) ? { problem: 'placeholder', value: payer } : 'there'))),
  'member-id': ({ coverage, patient }, context) => (context.selfPay ? 'there' : firstFit([...coverage.map(({ memberId }) => memberId ?? ''), ...patient.memberIds], (id) => (context.isPlaceholder(id) || isRepeated(id) ? { problem: 'placeholder', value: id } : 'there'))),
  authorization: ({ coverage }, context) => firstFit(coverage.map(({ authorization }) => authorization ?? ''), (number) => (context.isPlaceholder(number) || isRepeated(number) ? { problem: 'placeholder', value: number } : 'there')),
  reason: (facts, context) => reason(facts, context),
  diagnosis: ({ diagnoses }, context) => firstFit(diagnoses.map(({ code, text }) => code ?? text ?? ''), (diagnosis) => (context.isPlaceholder(diagnosis) ? { problem: 'placeholder', value: diagnosis } : 'there')),
  service: ({ services }) => (services.some(({ code, text }) => code ?? text) ? 'there' : 'missing'),
  'referrer-name': ({ referrer }) => (referrer?.name || referrer?.practice ? 'there' : 'missing'),
  'referrer-npi': ({ referrer }) => firstFit([referrer?.npi ?? '', ...(referrer?.identifiers ?? []).filter(({ type }) => type === 'NPI').map(({ value }) => value)], npi),
  'referrer-return': ({ referrer }, { reachable }) => {
    if (!referrer) return 'missing'
    const found = referrer.directAddresses.length + referrer.emails.filter((email) => email.includes('@')).length > 0 ? 'there' : firstFit(referrer.faxes, phone)
    return found === 'missing' && reachable ? 'there' : found // a number that cannot be one is asked for all the same
  },
  'referrer-phone': ({ referrer }) => firstFit(referrer?.phones ?? [], phone),
  'clinical-notes': ({ documents, notes, findings }) => (documents.length > 0 || findings.length > 0 || notes.join(' ').length >= LONG_NOTES ? 'there' : 'missing'),
} as const satisfies Record<string, Check>
export type CheckName = keyof typeof CHECKS

/** Characters from which a note is a clinical note of its own. */
const LONG_NOTES = 400

/** The first value that is well; else what is wrong with the first that is there; else nothing is. */
const firstFit = (values: readonly string[], check: (value: string) => Found): Found => {
  const found = values.map((value) => value.trim()).filter((value) => value !== '').map(check)
  return found.find((one) => one === 'there') ?? found[0] ?? 'missing'
}

/** A NANP number of ten digits (or seven), or any other with a country code of 8 to 15 digits (E.164). */
const phone = (written: string): Found => {
  const digits = written.replace(/(?:ext?\.?|x|#)\s*\d+\s*$/i, '').replace(/\D/g, '')
  if (digits.length < 7 || digits.length > 15) return { problem: 'not-a-phone-number', value: written }
  const local = digits.replace(/^1(?=\d{10}$)/, '')
  if (isRepeated(local) || isRepeated(local.slice(-7)) || /^(0123456789|1234567890|9876543210|1234567|5551234)$/.test(local)) return { problem: 'placeholder', value: written }
  return !written.trim().startsWith('+') && local.length !== 10 && local.length !== 7 ? { problem: 'not-a-phone-number', value: written } : 'there'
}

const birthDate = (date: string | null, today: string | null): Found => {
  if (date === null || date.trim() === '') return 'missing'
  const value = date.trim()
  if (/^\d{4}(-\d{2})?$/.test(value)) return { problem: 'date-incomplete', value }
  const day = /^\d{4}-\d{2}-\d{2}/.exec(value)?.[0]
  const time = day === undefined ? Number.NaN : Date.parse(`${day}T00:00:00Z`)
  if (day === undefined || Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== day) return { problem: 'not-a-date', value }
  if (/^(1900-01-01|1901-01-01|1111-11-11|0001-01-01|1800-01-01)$/.test(day)) return { problem: 'placeholder', value }
  if (today === null) return 'there'
  if (day > today.slice(0, 10)) return { problem: 'date-in-future', value }
  return Number(today.slice(0, 4)) - Number(day.slice(0, 4)) > OLDEST ? { problem: 'too-old', value } : 'there'
}

/** The Luhn check of ISO/IEC 7812 over 80840 and the ten digits (45 CFR 162.406). */
const npi = (written: string): Found => {
  const digits = written.replace(/[\s-]/g, '')
  if (!/^[12]\d{9}$/.test(digits)) return { problem: 'npi-length', value: written }
  const sum = [...`80840${digits}`].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0 ? 'there' : { problem: 'npi-check-digit', value: written }
}

/** A diagnosis, or words that say why. "See attached" is a reason only where something that can be read is attached. */
const reason = ({ diagnoses, reasons, documents }: ReferralFacts, context: CheckContext): Found => {
  const texts = [...diagnoses.map(({ code, text }) => code ?? text ?? ''), ...reasons].map((text) => text.trim()).filter((text) => text !== '' && !context.isPlaceholder(text))
  if (texts.some((text) => !context.saysNothing(text))) return 'there'
  if (documents.some(({ text }) => (text?.trim().length ?? 0) > 0)) return 'there'
  if (texts[0] === undefined) return 'missing'
  return documents.some(({ unread }) => unread) ? { problem: 'only-attached', value: texts[0] } : { problem: 'says-nothing', value: texts[0] }
}

/** "0000000", "xxxx": one character over and over. */
const isRepeated = (text: string): boolean => {
  const plain = text.replace(/[^\p{L}\p{N}]/gu, '')
  return plain.length > 1 && new Set(plain.toLowerCase()).size === 1
}
