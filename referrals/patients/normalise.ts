/** A person in the form that is compared: names in plain capitals, digits only, addresses in parts, placeholders taken for nothing. */
import type { Address, PatientFacts, PersonName } from '../contracts.js'
import type { Vocabulary } from './vocabulary.js'
import { digitsOf, words } from './strings.js'

export interface PlainName {
  readonly family: string // all its words joined; empty: not known
  readonly familyParts: readonly string[] // of a double name its parts, without DE, VAN …
  readonly given: string // the first given name, its words joined; empty: not known
  readonly givenParts: readonly string[] // every word of all given names
  readonly middle: string // the second given name; empty: not known
  readonly generation: number | null // 1 Sr., 2 Jr. or II, 3 …
  readonly newborn: string // "BABY BOY A", where that stands for a name; else empty
}
export interface PlainDate { readonly year: number; readonly month: number; readonly day: number; readonly text: string } // 0: not known
export interface PlainAddress { readonly number: string; readonly street: string; readonly more: string; readonly unit: string; readonly zip: string; readonly city: string }
export interface PlainIdentifier { readonly system: string | null; readonly type: string | null; readonly value: string; readonly text: string }

export interface Person {
  readonly names: readonly PlainName[]
  readonly birth: PlainDate | null
  readonly sex: string | null
  readonly addresses: readonly PlainAddress[]
  readonly phones: readonly string[] // 7 to 10 digits
  readonly emails: readonly string[]
  readonly memberIds: readonly string[]
  readonly identifiers: readonly PlainIdentifier[]
  readonly birthOrder: number | null
  readonly deceased: boolean
}

/** No person is compared by more values of a kind than these: the first ones count. */
const MOST = 6
const PARTICLES = new Set(['DE', 'LA', 'LAS', 'LOS', 'DEL', 'VAN', 'VON', 'DER', 'DEN', 'DA', 'DI', 'DOS', 'DAS', 'EL', 'AL', 'BIN', 'MC', 'MAC', 'ST', 'SAN', 'Y', 'LE', 'DU'])
const GENERATIONS: Readonly<Record<string, number>> = { SR: 1, SENIOR: 1, I: 1, JR: 2, JUNIOR: 2, II: 2, '2ND': 2, III: 3, '3RD': 3, IV: 4, '4TH': 4 }
const TITLES = new Set(['MR', 'MRS', 'MS', 'MISS', 'DR', 'MX'])

/** Never throws, whatever the facts hold. */
export const person = (facts: PatientFacts, vocabulary: Vocabulary): Person => ({
  names: distinct(facts.names.slice(0, MOST).map(name => plainName(name, vocabulary)).filter(({ family, given, newborn }) => family || given || newborn), ({ family, givenParts, newborn }) => `${family}|${givenParts.join(' ')}|${newborn}`),
  birth: plainDate(facts.birthDate, vocabulary),
  sex: facts.sex === 'male' || facts.sex === 'female' ? facts.sex : null,
  addresses: distinct(facts.addresses.slice(0, MOST).flatMap(address => plainAddress(address, vocabulary)), ({ number, street, more, unit, zip }) => `${number}|${street}|${more}|${unit}|${zip}`),
  phones: distinct(facts.phones.slice(0, MOST).flatMap(phone => plainPhone(phone, vocabulary)), phone => phone),
  emails: distinct(facts.emails.slice(0, MOST).flatMap(email => plainEmail(email, vocabulary)), email => email),
  memberIds: distinct(facts.memberIds.slice(0, MOST).flatMap(id => plainNumber(id, vocabulary)), id => id),
  identifiers: distinct(facts.identifiers.slice(0, 2 * MOST).flatMap(({ system, type, value }) => {
    if (type !== null && vocabulary.notOfPersons.has(type)) return []
    const number = plainNumber(value, vocabulary)[0]
    const kind = type === 'SS' || system === SSN ? SSN : system?.trim().toUpperCase() || null
    return number === undefined || (kind === SSN && NEVER_GIVEN.test(number)) ? [] : [{ system: kind, type, value: number, text: numberText(kind, type, number) }]
  }), ({ text }) => text),
  birthOrder: facts.birthOrder,
  deceased: facts.deceased,
})

const numberText = (system: string | null, type: string | null, value: string): string => `${system ?? type}|${value}`

/** Social security numbers that are given to nobody: area 000 or 666, group 00, serial 0000. */
const NEVER_GIVEN = /^(?:000|666)\d{6}$|^\d{3}00\d{4}$|^\d{5}0000$/

export const SSN = 'http://hl7.org/fhir/sid/us-ssn'

/** A person as text that is short to keep and quick to read again. */
export const packed = ({ names, birth, sex, addresses, phones, emails, memberIds, identifiers, birthOrder, deceased }: Person): string => JSON.stringify([
  names.map(({ family, familyParts, given, givenParts, middle, generation, newborn }) => [family, familyParts, given, givenParts, middle, generation, newborn]),
  birth?.text ?? null, sex, addresses.map(({ number, street, more, unit, zip, city }) => [number, street, more, unit, zip, city]), phones, emails, memberIds,
  identifiers.map(({ system, type, value }) => [system, type, value]), birthOrder, deceased,
])

type Packed = readonly [
  names: readonly (readonly [string, readonly string[], string, readonly string[], string, number | null, string])[], birth: string | null, sex: string | null, addresses: readonly (readonly [string, string, string, string, string, string])[],
  phones: readonly string[], emails: readonly string[], memberIds: readonly string[], identifiers: readonly (readonly [string | null, string | null, string])[], birthOrder: number | null, deceased: boolean,
]
export const unpacked = (text: string): Person => {
  const [names, birth, sex, addresses, phones, emails, memberIds, identifiers, birthOrder, deceased] = JSON.parse(text) as Packed
  return {
    names: names.map(([family, familyParts, given, givenParts, middle, generation, newborn]) => ({ family, familyParts, given, givenParts, middle, generation, newborn })),
    birth: birth === null ? null : dateOf(birth), sex,
    addresses: addresses.map(([number, street, more, unit, zip, city]) => ({ number, street, more, unit, zip, city })),
    phones, emails, memberIds, identifiers: identifiers.map(([system, type, value]) => ({ system, type, value, text: numberText(system, type, value) })), birthOrder, deceased,
  }
}

const distinct = <Value>(values: readonly Value[], key: (value: Value) => string): readonly Value[] =>
  values.length < 2 ? values : [...new Map(values.map(value => [key(value), value])).values()]

const plainName = (name: PersonName, vocabulary: Vocabulary): PlainName => {
  const family = words(name.family)
  const given = name.given.slice(0, MOST).map(words).filter(one => one.length > 0)
  let generation = GENERATIONS[words(name.suffix ?? '')[0] ?? ''] ?? null
  const take = (list: string[]): void => {
    const last = GENERATIONS[list.at(-1) ?? '']
    if (list.length > 1 && last !== undefined) [generation] = [generation ?? last, list.pop()]
  }
  take(family)
  const lastGiven = given.at(-1)
  if (lastGiven && given.length > 1 && lastGiven.length === 1 && lastGiven[0] !== 'I' && GENERATIONS[lastGiven[0] ?? ''] !== undefined) [generation] = [generation ?? GENERATIONS[lastGiven[0] ?? ''] ?? null, given.pop()]
  else if (lastGiven) take(lastGiven)
  while (given.length > 0 && TITLES.has(given[0]?.[0] ?? '') && given.flat().length > 1) given[0]?.length === 1 ? given.shift() : given[0]?.shift()

  const parts = given.flat()
  const joined = family.join('')
  const whole = `${given[0]?.join(' ') ?? ''} ${family.join(' ')}`
  if (vocabulary.persons.has(whole)) return NOBODY
  const newborn = vocabulary.newborn.has(parts[0] ?? '') ? parts.join(' ') : ''
  const unnamed = newborn !== '' || vocabulary.names.has(parts.join('')) || vocabulary.names.has(given[0]?.join('') ?? '')
  const known = unnamed ? [] : parts
  return {
    family: vocabulary.names.has(joined) ? '' : joined,
    familyParts: family.length > 1 ? family.filter(part => part.length > 2 && !PARTICLES.has(part)) : [],
    given: unnamed ? '' : given[0]?.join('') ?? '',
    givenParts: known,
    middle: unnamed ? '' : given[1]?.join('') ?? (given[0] && given[0].length > 1 ? given[0].slice(1).join('') : ''),
    generation, newborn,
  }
}
const NOBODY: PlainName = { family: '', familyParts: [], given: '', givenParts: [], middle: '', generation: null, newborn: '' }

const plainDate = (text: string | null, vocabulary: Vocabulary): PlainDate | null => {
  const found = /^(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?)?(?:T.*)?$/.exec(text?.slice(0, 40).trim() ?? '')
  if (!found) return null
  const year = Number(found[1])
  if (year < 1880 || year > 2200) return null // a month 13 is a slip that still agrees with what was meant
  const plain = `${found[1]}-${found[2] ?? '00'}-${found[3] ?? '00'}`
  return vocabulary.birthDates.has(plain) ? null : dateOf(plain)
}
const dateOf = (text: string): PlainDate => ({ year: Number(text.slice(0, 4)), month: Number(text.slice(5, 7)), day: Number(text.slice(8)), text })

const plainAddress = (address: Address, vocabulary: Vocabulary): PlainAddress[] => {
  const [line = [], ...others] = address.lines.slice(0, 3).map(each => words(each.replaceAll('#', ' UNIT ')).map(word => vocabulary.streetWords.get(word) ?? word)).filter(each => each.length > 0)
  const more = others.filter(each => !isUnit(each, vocabulary)).flat().join(' ')
  const digits = digitsOf(address.postalCode ?? '')
  const zip = /^\d{4,5}/.exec(digits)?.[0] ?? words(address.postalCode ?? '').join('')
  const city = words(address.city ?? '').join('')
  const place = { zip: vocabulary.postalCodes.has(zip) ? '' : zip, city: vocabulary.names.has(city) ? '' : city }
  const at = line.findIndex((word, position) => position > 0 && vocabulary.units.has(word))
  const box = /\bP O BOX (\w+)|\bPO BOX (\w+)|\bPOB (\w+)/.exec(line.join(' '))
  const street = at > 0 ? line.slice(0, at) : line
  const number = box ? `BOX${box[1] ?? box[2] ?? box[3]}` : street.find(word => /^\d+[A-Z]?$/.test(word)) ?? ''
  const name = box ? '' : street.filter((word, position) => word !== number || position !== street.indexOf(number)).join(' ')
  const unknown = vocabulary.addresses.has(street.join('')) || (vocabulary.addresses.has(street[0] ?? '') && number === '')
  if (unknown || (number === '' && name === '')) return place.zip || place.city ? [{ number: '', street: '', more: '', unit: '', ...place }] : []
  const unit = [...(at > 0 ? line.slice(at) : []), ...others.filter(each => isUnit(each, vocabulary)).flat()].filter(word => !vocabulary.units.has(word)).join('')
  return [{ number, street: name, more, unit, ...place }]
}

/** "Apt 4", "12B": a line that says where in the house. */
const isUnit = (line: readonly string[], vocabulary: Vocabulary): boolean =>
  vocabulary.units.has(line[0] ?? '') || (line.length === 1 && (line[0]?.length ?? 0) <= 4 && /\d/.test(line[0] ?? ''))

const plainPhone = (text: string, vocabulary: Vocabulary): string[] => {
  const digits = digitsOf(text.replace(/(?:ext?\.?|x)\s*\d+\s*$/i, ''))
  const number = digits.length > 10 ? digits.slice(-10) : digits
  const seven = number.slice(-7)
  return number.length < 7 || /^(\d)\1+$/.test(seven) || vocabulary.phones.has(seven) ? [] : [number]
}

const plainEmail = (text: string, vocabulary: Vocabulary): string[] => {
  const email = text.slice(0, 254).trim().toLowerCase().replace(/^mailto:/, '')
  const [name = '', domain = ''] = email.split('@')
  return name === '' || !domain.includes('.') || vocabulary.emails.has(name.replace(/[^a-z0-9]/g, '')) ? [] : [email]
}

const plainNumber = (text: string, vocabulary: Vocabulary): string[] => {
  const number = words(text).join('')
  return number.length < 2 || (/^(\d)\1+$/.test(number) && number.length > 3) || vocabulary.identifiers.has(number) ? [] : [number]
}
