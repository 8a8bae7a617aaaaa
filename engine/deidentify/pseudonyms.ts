/** What stands in for the values of people: the same for the same under one key, of the same shape, and never one of the originals. */
import { createHmac } from 'node:crypto'
import { residue, type Originals, remember } from './originals.js'
import type { Kind, Words } from './rules.js'

export interface Pseudonyms {
  /** Another value for one of a kind; '' stays ''. `shift` of dates in days. */
  of(kind: Kind, text: string, shift: number): string
  /** By how many days the dates of one patient are shifted: whole weeks, between one and four years back. */
  shiftFor(patient: string): number
  /** Whether a name, id, date or number seen so far stands in a text that would stay. */
  leaks(text: string, prose: boolean): boolean
}

const DAY = 24 * 60 * 60 * 1000
const MOST_TRIES = 1000
const SHORT_NAME = /^[^\s]{1,12}$/
const REMOVED = Buffer.from('removed').toString('base64')

export const pseudonyms = (key: Buffer, words: Words): Pseudonyms => {
  const originals: Originals = { words: new Set(), ids: new Set(), dates: new Set() }
  const known = new Set(words.known.map((word) => word.toUpperCase()))
  const digest = (...parts: readonly string[]): Buffer => createHmac('sha256', key).update(parts.join('\0')).digest()
  /** The first of a series of candidates that is neither the original nor another original. */
  const other = (text: string, candidate: (random: Buffer) => string, kind: string): string => {
    for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
      const found = candidate(digest(kind, text.trim().toLowerCase(), String(attempt)))
      if (found.toLowerCase() !== text.toLowerCase() && !residue(originals, found, true)) return found
    }
    return scrubbed(text)
  }
  const listed = (kind: 'family' | 'given' | 'street' | 'city' | 'organization', text: string): string => {
    const list = words[kind]
    const found = other(text, (random) => {
      const word = list[random.readUInt32BE(0) % list.length] ?? 'x'
      const number = 1 + (random.readUInt32BE(4) % 9999) // so that two of them stay two
      return kind === 'street' ? `${number} ${word}` : kind === 'organization' ? `${word} ${number}` : word
    }, kind)
    return text === text.toUpperCase() ? found.toUpperCase() : found
  }
  /** A short name of an authority or system (LFM) gets another of its shape. */
  const organization = (text: string): string =>
    known.has(text.toUpperCase()) ? text : SHORT_NAME.test(text) ? other(text, (random) => shaped(text, random), 'organization') : listed('organization', text)
  const of = (kind: Kind, text: string, shift: number): string => {
    if (text === '') return ''
    if (kind !== 'organization' || !known.has(text.toUpperCase())) remember(originals, kind, text)
    switch (kind) {
      case 'family': case 'given': case 'street': case 'city': return listed(kind, text)
      case 'organization': return organization(text)
      case 'id': return other(text, (random) => (UUID.test(text) ? uuid(random) : shaped(text, random)), 'id')
      case 'phone': return text.includes('@') ? of('email', text, shift) : other(text, (random) => phone(text, random), 'phone')
      case 'zip': return other(text, (random) => shaped(text, random).replace(/^\d\d/, '00'), 'zip')
      case 'email': return other(text, (random) => `person.${random.toString('hex', 0, 4)}@example.org`, 'email')
      case 'reference': return reference(text, (id) => of('id', id, shift))
      case 'date': return shifted(text, shift) ?? scrubbed(text)
      case 'data': return REMOVED
      case 'text': return scrubbed(text)
      default: return text
    }
  }
  return {
    of,
    shiftFor: (patient) => -7 * (58 + (digest('shift', patient).readUInt32BE(0) % 143)),
    leaks: (text, prose) => residue(originals, text, prose),
  }
}

/** Letters become x and digits 9; what is between them stays. */
export const scrubbed = (text: string): string => text.replace(/\p{L}/gu, 'x').replace(/\p{N}/gu, '9')

/** A number of as many digits, all nines. */
export const withNines = (value: number): number => Number(String(value).replace(/\d/g, '9'))

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const uuid = (random: Buffer): string => random.toString('hex', 0, 16).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5')

/** Every id in a reference becomes another; of an address only the type and the ids are left. What is no reference is one id. */
const reference = (text: string, another: (id: string) => string): string => {
  const [, urn, inUrn = ''] = /^(urn:[a-z]+:)(.+)$/i.exec(text) ?? []
  if (urn !== undefined) return `${urn}${another(inUrn)}`
  const [, address, type, id, history, fragment] = REFERENCE.exec(text) ?? []
  const after = (mark: string, part: string | undefined): string => (part === undefined ? '' : `${mark}${another(part)}`)
  if (type !== undefined && id !== undefined) return `${address ? 'https://example.org/' : ''}${type}/${another(id)}${after('/_history/', history)}${after('#', fragment)}`
  return text.startsWith('#') ? after('#', text.slice(1)) : another(text)
}

/** https://host/base/Patient/1/_history/2#3 (RESTful references, FHIR R4 section 2.3.0.1). */
const REFERENCE = /^([a-z][a-z0-9+.-]*:\/\/(?:[^/]+\/)*?)?([A-Z][A-Za-z]+)\/([^/?#|]+)(?:\/_history\/([^/?#|]+))?(?:#(.+))?$/

/** Digit for digit and letter for letter; a National Provider Identifier stays one, and a social security number becomes one that is never given out. */
const shaped = (text: string, random: Buffer): string => {
  let at = 0
  const next = (): number => random[at++ % random.length] ?? 0
  const found = text.replace(/\p{N}|\p{Lu}|\p{L}/gu, (letter) => {
    if (/\p{N}/u.test(letter)) return String(letter === '0' && at === 0 ? 0 : at === 0 ? 1 + (next() % 9) : next() % 10)
    return String.fromCharCode((/\p{Lu}/u.test(letter) ? 65 : 97) + (next() % 26))
  })
  if (/^\d{3}-?\d{2}-?\d{4}$/.test(text)) return `9${found.slice(1)}`
  return isNpi(text) ? npi(`${text.charAt(0)}${found.slice(1, 9)}`) : found
}

const isNpi = (text: string): boolean => /^[12]\d{9}$/.test(text) && npi(text.slice(0, 9)) === text
/** Nine digits and their check digit: Luhn over them with 80840 before (45 CFR 162.406). */
const npi = (nine: string): string => {
  const sum = [...nine].reverse().reduce((total, digit, at) => total + (at % 2 === 0 ? (Number(digit) * 2 > 9 ? Number(digit) * 2 - 9 : Number(digit) * 2) : Number(digit)), 24)
  return `${nine}${(10 - (sum % 10)) % 10}`
}

/** The last seven digits become 555-01xx, which is nobody's. */
const phone = (text: string, random: Buffer): string => {
  const count = text.replace(/\D/g, '').length
  let at = 0
  const fiction = `55501${String(random.readUInt32BE(4) % 100).padStart(2, '0')}`
  return text.replace(/\d/g, () => {
    const fromEnd = count - at++
    return count >= 7 && fromEnd <= 7 ? fiction.charAt(7 - fromEnd) : String(2 + ((random[at % random.length] ?? 0) % 8))
  })
}

/** A date of HL7 v2 (YYYY[MM[DD[…]]]) or FHIR (YYYY[-MM[-DD[T…]]]), shifted; its precision, time and zone stay. Null where it is none. */
export const shifted = (text: string, days: number): string | null => {
  const found = /^(\d{4})(?:(-?)(\d{2})(?:\2(\d{2})(.*))?)?$/s.exec(text)
  if (!found) return null
  const [, year = '', dash = '', month, day, rest = ''] = found
  if (rest !== '' && !/^T?[\d:.]*(Z|[+-]\d{2}:?\d{2})?$/.test(rest)) return null
  const date = new Date(Date.UTC(Number(year), Number(month ?? 7) - 1, Number(day ?? 15)))
  if (date.getUTCMonth() !== Number(month ?? 7) - 1) return null
  const moved = new Date(date.getTime() + days * DAY).toISOString()
  return `${moved.slice(0, 4)}${month ? `${dash}${moved.slice(5, 7)}` : ''}${day ? `${dash}${moved.slice(8, 10)}` : ''}${rest}`
}
