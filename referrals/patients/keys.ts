/** The keys by which charts are found: two records of one person share at least one, whatever single field is wrong or missing. */
import type { Person, PlainAddress, PlainName } from './normalise.js'
import { soundex } from './strings.js'

/** Changes with what the functions below make of a person, so that an index of other keys is made anew. */
export const KEYS_VERSION = 2

/** More than these no person has: the first ones count. */
const MOST_KEYS = 80

/**
 * A way to find charts. `first`: together these find whoever is certain, and whoever could be as near; `later`: followed where nobody is certain;
 * `weak`: followed then too, but only where few charts share it.
 */
export interface Key { readonly key: number; readonly use: 'first' | 'later' | 'weak' }

/**
 * The keys of a person as 32-bit numbers. Two texts may share a number, which finds one chart too many and no more.
 * Eleven keys of names, birth date, address and phone; two weak ones; then what is somebody's own: identifiers, e-mail, member ids; `phone` and
 * `address` alone are there to be counted (see phoneKey), and find a household.
 */
export const keysOf = (person: Person): readonly number[] => keysWith(person, person.names).map(({ key }) => key)

/** The keys to look a person up by: later also those of its names in each other's place, as forms have them. */
export const askedKeysOf = (person: Person): readonly Key[] => {
  const keys = keysWith(person, person.names)
  const swapped = person.names.filter(({ family, given }) => family && given).map(name => ({ ...name, family: name.given, given: name.family, familyParts: [] }))
  const known = new Set(keys.map(({ key }) => key))
  return [...keys, ...keysWith(person, swapped).filter(({ key }) => !known.has(key)).map(({ key, use }): Key => ({ key, use: use === 'weak' ? 'weak' : 'later' }))]
}

const keysWith = (person: Person, names: readonly PlainName[]): readonly Key[] => {
  const keys = new Map<number, Key>()
  const put = (key: number, use: Key['use'] = 'first'): void => {
    if (keys.size < MOST_KEYS) keys.set(key, { key, use })
  }
  const add = (kind: string, ...parts: readonly string[]): void => {
    if (parts.every(part => part !== '')) put(hash(`${kind}|${parts.join('|')}`), LATER[kind])
  }
  const { birth } = person
  const date = birth && birth.day > 0 ? birth.text : ''
  const year = birth ? String(birth.year) : ''
  const monthDay = date && birth ? [birth.month, birth.day].sort((a, b) => a - b).join('-') : ''
  const addresses = person.addresses.slice(0, 3).flatMap(address => lines(address).map(line => ({ street: streetKey(address.number, line), road: longestWord(line).slice(0, 4), zip: zipKey(address.zip) })))
  const phones = person.phones.slice(0, 3).map(phone => phone.slice(-7))

  for (const name of names.slice(0, 4)) {
    const [first, sounds, both, begin] = [name.given.slice(0, 1), name.family && soundex(name.family), namesKey(name, soundex), namesKey(name, word => word.slice(0, 2))]
    for (const part of [name.family, ...name.familyParts.slice(0, 3)]) add('date+family', monthDay && `${year}-${monthDay}`, part.slice(0, 1))
    add('date+given', date, name.given.slice(0, 2))
    add('names+year', both, year)
    add('names+day', begin, monthDay)
    for (const { street, road, zip } of addresses) {
      add('address+given', street, first)
      add('address+zip+family', street, zip, sounds)
      add('names+zip', begin, zip)
      for (const initial of [first, name.family.slice(0, 1)]) add('road+initial', road, initial)
    }
    for (const phone of phones) {
      add('phone+family', phone, sounds)
      add('phone+given', phone, first)
    }
  }
  add('date', date)
  for (const { zip } of addresses) add('date+zip', date, zip)
  for (const phone of phones) add('phone+year', phone, year)
  for (const email of person.emails) put(emailKey(email))
  for (const key of [...person.phones.map(phoneKey), ...person.addresses.flatMap(addressKey)]) put(key, 'weak')
  for (const { text } of person.identifiers) add('identifier', text)
  for (const id of person.memberIds) add('member', id)
  return [...keys.values()]
}
const LATER: Readonly<Record<string, Key['use']>> = {
  'date+given': 'later', 'names+year': 'later', 'names+day': 'later', 'date+zip': 'later', 'phone+year': 'later', 'address+zip+family': 'later', 'names+zip': 'weak', 'road+initial': 'weak', date: 'weak',
}

/** Keys whose number of charts says how many people share a phone, an address or an e-mail. */
export const phoneKey = (phone: string): number => hash(`phone|${phone.slice(-7)}`)
export const emailKey = (email: string): number => hash(`email|${email}`)
export const addressKey = (address: PlainAddress): readonly number[] => {
  const street = streetKey(address.number, address.street)
  return street ? [hash(`address|${street}|${zipKey(address.zip) || address.city}`)] : []
}

/** In whatever order its digits are: two that have changed places are the commonest slip. */
const zipKey = (zip: string): string => [...zip].sort().join('')

/** The street and what else there is of lines, which change places: each by itself. */
const lines = ({ street, more }: PlainAddress): readonly string[] => (more === '' ? [street] : [street, more])
/** House number and how a line's longest word sounds; empty where there is neither. */
const streetKey = (number: string, line: string): string => {
  const name = longestWord(line)
  return `${number}${name && soundex(name)}`
}
const longestWord = (line: string): string =>
  line.split(' ').reduce((longest, word) => (word.length > longest.length || (word.length === longest.length && word < longest) ? word : longest), '')

/** Both names in either order: forms swap them. */
const namesKey = ({ given, family }: PlainName, short: (word: string) => string): string => (given && family ? [short(given), short(family)].sort().join('') : '')

/** The names and the birth date whose charts are counted. */
export const termsOf = (person: Person): readonly number[] => {
  const terms = new Set<number>()
  for (const { family, given } of person.names) {
    if (family) terms.add(familyTerm(family))
    if (given) terms.add(givenTerm(given))
  }
  if (person.birth) terms.add(birthTerm(person.birth.text))
  return [...terms]
}
export const familyTerm = (family: string): number => hash(`F${family}`)
export const givenTerm = (given: string): number => hash(`G${given}`)
export const birthTerm = (date: string): number => hash(`D${date}`)

/** 32 bits, signed as SQLite stores them in four bytes (FNV-1a, then the last steps of MurmurHash3). */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return value ^ (value >>> 16)
}
