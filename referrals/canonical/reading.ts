/** Values of FHIR types as the desk's plain facts, each with the path that it stands at. */
import type { Address as FhirAddress, CodeableConcept, ContactPoint, HumanName, Identifier as FhirIdentifier } from 'fhir/r4.js'
import type { Address, Coded, Identifier, PersonName } from '../contracts.js'

export interface Located<Value> { readonly value: Value; readonly at: string }

/** Keeps the paths of facts under their names, and gives the facts. */
export interface Paths {
  many<Value>(name: string, located: readonly Located<Value>[]): readonly Value[] // "reasons" → "reasons[0]", "reasons[1]"
  one<Value>(name: string, located: readonly Located<Value>[]): Value | null // the first
  thing(name: string, at: string): void
}
export const pathsInto = (paths: Record<string, string>): Paths => ({
  many: (name, located) => located.map(({ value, at }, index) => {
    paths[`${name}[${index}]`] = at
    return value
  }),
  one: (name, [first]) => {
    if (!first) return null
    paths[name] = first.at
    return first.value
  },
  thing: (name, at) => { paths[name] = at },
})

export const NPI = 'http://hl7.org/fhir/sid/us-npi'
export const IDENTIFIER_TYPES = 'http://terminology.hl7.org/CodeSystem/v2-0203'
const NOT_NAMED = 'not named' // what the field maps write where FHIR wants something and the message has nothing

/** Something for every element of a list, with the path of each. */
export const each = <Item, Value>(items: readonly Item[] | undefined, at: string, read: (item: Item, at: string) => readonly Located<Value>[]): readonly Located<Value>[] =>
  (items ?? []).flatMap((item, index) => read(item, `${at}[${index}]`))

/** Text that says something. */
export const said = (value: string | undefined, at: string): readonly Located<string>[] => {
  const text = value?.trim()
  return text && text !== NOT_NAMED ? [{ value: text, at }] : []
}

export const codings = (concept: CodeableConcept | undefined, at: string): readonly Located<Coded>[] =>
  each(concept?.coding, `${at}.coding`, ({ system, code, display }, place) => {
    if (!code && !display) return []
    return [{ value: { system: system ?? null, code: code ?? null, text: display ?? concept?.text ?? null }, at: place }]
  })

/** The words of a concept that none of its codings says. */
export const ownWords = (concept: CodeableConcept | undefined, at: string): readonly Located<string>[] =>
  said(concept?.text, `${at}.text`).filter(({ value }) => !concept?.coding?.some(({ display }) => display && sameWords(display, value)))

/** A concept's codings, and its own words as one more, where no coding goes by them. */
export const coded = (concept: CodeableConcept | undefined, at: string): readonly Located<Coded>[] => {
  const codes = codings(concept, at)
  return [...codes, ...ownWords(concept, at).filter((words) => !codes.some(({ value }) => value.text === words.value)).map((words) => ({ value: { system: null, code: null, text: words.value }, at: words.at }))]
}

export const identifier = ({ system, value, type }: FhirIdentifier, at: string): readonly Located<Identifier>[] =>
  value?.trim() ? [{ value: { system: system ?? null, value: value.trim(), type: type?.coding?.find(({ code }) => code)?.code ?? type?.text ?? null }, at }] : []

/** A name; one that is written in a single line is taken apart at its comma, or before its last word. */
export const personName = (name: HumanName, at: string): readonly Located<PersonName>[] => {
  const parts = name.family || name.given ? { family: name.family?.trim() ?? '', given: (name.given ?? []).map((one) => one.trim()).filter(Boolean) } : inOneLine(name.text ?? '')
  return parts.family || parts.given.length > 0 ? [{ value: { ...parts, suffix: name.suffix?.join(' ').trim() || null, use: name.use ?? null }, at }] : []
}

export const inOneLine = (text: string): Pick<PersonName, 'family' | 'given'> => {
  const [before = '', after] = text.split(',').map((part) => part.trim())
  const words = before.split(/\s+/).filter(Boolean)
  return after === undefined ? { family: words.at(-1) ?? '', given: words.slice(0, -1) } : { family: before, given: after.split(/\s+/).filter(Boolean) }
}

export const address = ({ line, city, state, postalCode, text }: FhirAddress, at: string): readonly Located<Address>[] => {
  const lines = line?.filter(Boolean) ?? (text && !city && !postalCode ? [text] : [])
  return lines.length > 0 || city || state || postalCode ? [{ value: { lines, city: city ?? null, state: state ?? null, postalCode: postalCode ?? null }, at }] : []
}

export interface Telecoms {
  readonly phones: readonly Located<string>[]
  readonly faxes: readonly Located<string>[]
  readonly emails: readonly Located<string>[]
  readonly directAddresses: readonly Located<string>[]
  readonly x360Addresses: readonly Located<string>[]
}
/** Numbers and addresses by kind, as they are written; those that are of old are left out. */
export const telecoms = (points: readonly ContactPoint[] | undefined, at: string): Telecoms => {
  const current = each(points, `${at}.telecom`, (point, place) => (point.use !== 'old' && point.value?.trim() ? [{ value: point, at: place }] : []))
  const kind = (test: (point: ContactPoint) => boolean) => current.filter(({ value }) => test(value)).map((one) => ({ value: withoutScheme(one.value.value ?? ''), at: `${one.at}.value` }))
  return {
    phones: kind(({ system, value = '' }) => system === 'phone' || system === 'sms' || (system === undefined && !value.includes('@') && /\d{3}/.test(value))),
    faxes: kind(({ system }) => system === 'fax'),
    emails: kind((point) => isMail(point) && !isDirect(point)),
    directAddresses: kind(isDirect),
    x360Addresses: kind(isX360),
  }
}

const isMail = ({ system, value = '' }: ContactPoint): boolean => system === 'email' || (system !== 'url' && value.includes('@'))
/** A Direct address: US Core's extension says so, or its domain does, as Direct domains are named. */
const isDirect = (point: ContactPoint): boolean => {
  const marked = point.extension?.find(({ url }) => url === 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-direct')?.valueBoolean
  return isX360(point) || (marked ?? (/@(.*\.)?direct\./i.test(point.value ?? '') && !/\s/.test(point.value?.trim() ?? '')))
}
/** Of a telecom: by which way it can be answered, where its kind alone does not say it (`360x`). */
export const WAY = 'urn:refero:way'
const isX360 = ({ extension }: ContactPoint): boolean => extension?.some(({ url, valueCode }) => url === WAY && valueCode === '360x') ?? false
const withoutScheme = (value: string): string => value.trim().replace(/^(?:tel|fax|mailto|sms):/i, '')

/** The first of each that is not the same as one before it. */
export const distinct = <Value>(located: readonly Located<Value>[], key: (value: Value) => string = (value) => JSON.stringify(value)): readonly Located<Value>[] => {
  const seen = new Set<string>()
  return located.filter(({ value }) => !seen.has(key(value)) && seen.add(key(value)))
}

export const sameWords = (one: string, other: string): boolean => wordsOf(one) === wordsOf(other)
const wordsOf = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim()
