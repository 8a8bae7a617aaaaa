/** A FHIR Patient as the facts and charts of the index, and a chart as a FHIR Patient. */
import type { Address, Chart, Identifier, PatientFacts, PersonName } from '../contracts.js'

/** More of a kind than these is no person's: the rest is not read. */
const MOST = 50
const TABLE_0203 = 'http://terminology.hl7.org/CodeSystem/v2-0203'
const SEXES: readonly string[] = ['male', 'female', 'other', 'unknown']

/** Facts of whatever a Patient says; never throws, for a sender's resource may be anything. Names and addresses no longer used (`old`) count too. */
export const patientFacts = (patient: fhir4.Patient): PatientFacts => {
  const identifiers = list(patient.identifier).flatMap(identifierOf)
  const telecom = list(patient.telecom).filter(({ value }) => typeof value === 'string' && value !== '')
  return {
    identifiers: identifiers.filter(({ type }) => type !== 'MB'),
    names: list(patient.name).flatMap(nameOf),
    birthDate: text(patient.birthDate),
    sex: SEXES.includes(String(patient.gender)) ? patient.gender as PatientFacts['sex'] : null,
    addresses: list(patient.address).flatMap(addressOf),
    phones: telecom.filter(({ system }) => system === 'phone' || system === 'sms' || system === undefined).map(({ value }) => value as string),
    emails: telecom.filter(({ system }) => system === 'email').map(({ value }) => value as string),
    memberIds: identifiers.filter(({ type }) => type === 'MB').map(({ value }) => value),
    birthOrder: typeof patient.multipleBirthInteger === 'number' ? patient.multipleBirthInteger : null,
    deceased: patient.deceasedBoolean === true || typeof patient.deceasedDateTime === 'string',
    language: text((list(patient.communication).find(({ preferred }) => preferred) ?? list(patient.communication)[0])?.language?.coding?.[0]?.code),
  }
}

/** The chart of a Patient in the system `source`, called as `chartId` says; null where nothing can be its number. */
export const chart = (source: string, patient: fhir4.Patient): Chart | null => {
  const id = chartId(patient)
  return id === null ? null : { ...patientFacts(patient), source, id, active: patient.active !== false }
}

/** The number that `chart` goes by: the first identifier of type MR, else of PI or PT, else one of no type, else Patient.id; an old one (A47) only where there is no other. */
export const chartId = (patient: fhir4.Patient): string | null => {
  const numbers = list(patient.identifier).filter(each => text(each.value) !== null)
  for (const old of [false, true]) {
    for (const types of NUMBERS) {
      const found = numbers.find(each => types.includes(typeOf(each)) && (each.use === 'old') === old)
      if (found) return text(found.value)
    }
    if (!old && text(patient.id) !== null) return text(patient.id)
  }
  return null
}
const NUMBERS: readonly (readonly (string | null)[])[] = [['MR'], ['PI', 'PT'], [null]]

/** The chart as a Patient; `id` is the chart's own, and its system is told in meta.source. */
export const toFhir = (of: Chart): fhir4.Patient => ({
  resourceType: 'Patient',
  ...(/^[A-Za-z0-9.-]{1,64}$/.test(of.id) ? { id: of.id } : {}),
  meta: { source: `urn:refero:${encodeURIComponent(of.source)}` },
  active: of.active,
  ...some('identifier', [...of.identifiers, ...of.memberIds.map(value => ({ system: null, value, type: 'MB' }))].map(identifierTo)),
  ...some('name', of.names.map(({ family, given, suffix, use }): fhir4.HumanName => ({ ...(use ? { use: use as 'usual' } : {}), ...(family ? { family } : {}), ...some('given', given), ...some('suffix', suffix ? [suffix] : []) }))),
  ...some('telecom', [...of.phones.map((value): fhir4.ContactPoint => ({ system: 'phone', value })), ...of.emails.map((value): fhir4.ContactPoint => ({ system: 'email', value }))]),
  ...(of.sex ? { gender: of.sex } : {}),
  ...(of.birthDate ? { birthDate: of.birthDate } : {}),
  ...(of.deceased ? { deceasedBoolean: true } : {}),
  ...some('address', of.addresses.map(({ lines, city, state, postalCode }): fhir4.Address => ({ ...some('line', lines), ...(city ? { city } : {}), ...(state ? { state } : {}), ...(postalCode ? { postalCode } : {}) }))),
  ...(of.birthOrder === null ? {} : { multipleBirthInteger: of.birthOrder }),
  ...(of.language ? { communication: [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: of.language }] } }] } : {}),
})

/** What a sender calls a list may be anything: only objects in a real list are read. */
const list = <Item>(value: readonly Item[] | undefined): readonly Item[] => (Array.isArray(value) ? value.slice(0, MOST).filter(item => typeof item === 'object' && item !== null) : [])
const texts = (value: readonly string[] | undefined): readonly string[] => (Array.isArray(value) ? value.slice(0, MOST).filter(item => typeof item === 'string' && item !== '') : [])
const text = (value: unknown): string | null => (typeof value === 'string' && value.trim() !== '' ? value : null)
const some = <Name extends string, Item>(name: Name, items: readonly Item[]) => (items.length > 0 ? { [name]: [...items] } as { [Key in Name]: Item[] } : {})

const typeOf = ({ type }: fhir4.Identifier): string | null => text((list(type?.coding).find(({ system }) => system === undefined || system === TABLE_0203) ?? list(type?.coding)[0])?.code) ?? text(type?.text)

/** Who gave a number is its system, or else its assigner's name, as HL7 v2 senders have it. */
const identifierOf = (identifier: fhir4.Identifier): Identifier[] => {
  const value = text(identifier.value)
  return value === null ? [] : [{ system: text(identifier.system) ?? text(identifier.assigner?.display) ?? text(identifier.assigner?.identifier?.value), value, type: typeOf(identifier) }]
}
const identifierTo = ({ system, value, type }: Identifier): fhir4.Identifier => ({
  ...(type ? { type: { coding: [{ system: TABLE_0203, code: type }] } } : {}), value,
  ...(system ? /^[a-z][a-z0-9+.-]*:/i.test(system) ? { system } : { assigner: { display: system } } : {}),
})

const nameOf = ({ family, given, suffix, use, text: whole }: fhir4.HumanName): PersonName[] => {
  const said = text(family)
  if (said !== null || texts(given).length > 0) return [{ family: said ?? '', given: texts(given), suffix: texts(suffix).join(' ') || null, use: text(use) }]
  const [last = '', first] = (text(whole) ?? '').includes(',') ? (whole ?? '').split(',') : [(whole ?? '').split(' ').at(-1), (whole ?? '').split(' ').slice(0, -1).join(' ')]
  return text(whole) === null ? [] : [{ family: last.trim(), given: first?.trim() ? first.trim().split(/\s+/) : [], suffix: null, use: text(use) }]
}

const addressOf = ({ line, city, state, postalCode, text: whole }: fhir4.Address): Address[] => {
  const lines = texts(line).length > 0 ? texts(line) : text(whole) === null ? [] : [whole as string]
  return lines.length === 0 && !text(city) && !text(postalCode) ? [] : [{ lines, city: text(city), state: text(state), postalCode: text(postalCode) }]
}
