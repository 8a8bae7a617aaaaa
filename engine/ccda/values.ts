/** CDA's datatypes of codes, numbers, times and texts (HL7 V3 datatypes R1), as FHIR has them. */
import type { Place } from '../formats/xml/tree.js'
import { attributeOf } from '../formats/xml/tree.js'
import { systemOf } from '../v2-to-fhir/code-systems.js'
import { dateTime } from '../v2-to-fhir/datatypes/dtm.js'
import { type Draft, leaf } from '../v2-to-fhir/draft.js'
import type { Part } from '../v2-to-fhir/part.js'
import { narrativeText } from './narrative.js'
import { type Datatype, type Use, attribute, isNull, named, words } from './datatype.js'

const OID = /^\d+(\.\d+)+$/
const UUID = /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/

/** II: a root alone is a UUID or an OID itself; with an extension it is who gave the number. */
const identifier = (place: Place, { lookup }: Use): Draft | undefined => {
  const [root, extension] = [attribute(place, 'root'), attribute(place, 'extension')]
  const oid = root ? String(root.value) : ''
  if (isNull(place.element) || (!root && !extension)) return undefined
  if (!extension) {
    if (!root || (!UUID.test(oid) && !OID.test(oid))) return undefined
    return { system: 'urn:ietf:rfc:3986', value: { ...root, value: UUID.test(oid) ? `urn:uuid:${oid.toLowerCase()}` : `urn:oid:${oid}` } }
  }
  const known = lookup('cda-identifier').lookup(oid)
  const system = known?.system || lookup('assigning-authority').lookup(oid)?.system || (OID.test(oid) ? `urn:oid:${oid}` : UUID.test(oid) ? `urn:uuid:${oid.toLowerCase()}` : undefined)
  return {
    ...(known?.type ? { type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: known.type }] } } : {}),
    system: root && system ? leaf(system, root.origin) : undefined, value: extension,
  }
}

/** A code with its system; undefined where the element has no code. */
const coding = (place: Place, { lookup }: Use): Draft | undefined => {
  const code = attribute(place, 'code')
  if (!code || isNull(place.element)) return undefined
  const [oid, name, display] = [attribute(place, 'codeSystem'), attribute(place, 'codeSystemName'), attribute(place, 'displayName')]
  const byOid = oid && (lookup('cda-code-system').lookup(String(oid.value))?.system ?? (OID.test(String(oid.value)) ? `urn:oid:${oid.value}` : undefined))
  const byName = oid || !name ? undefined : systemOf(String(name.value), lookup)
  return { system: oid && byOid ? leaf(byOid, oid.origin) : name && byName ? leaf(byName, name.origin) : undefined, code, display }
}

/** CD, CE, CV: the code, its translations, and the words that stood where it was taken from. A code that is OTH or UNK leaves those. */
const concept = (place: Place, use: Use): Draft | undefined => {
  const seen = new Set<string>()
  const codings = [place, ...named(place, 'translation')].flatMap((one) => {
    const key = `${attributeOf(one.element, 'codeSystem')} ${attributeOf(one.element, 'code')}`
    const read = seen.has(key) ? undefined : coding(one, use)
    seen.add(key)
    return read === undefined ? [] : [read]
  })
  const text = named(place, 'originalText').flatMap((one) => words(one, use) ?? [])[0] ?? (codings.length === 0 ? attribute(place, 'displayName') : undefined)
  return codings.length > 0 || text ? { coding: codings.length > 0 ? codings : undefined, text } : undefined
}

/** CS and others that a table turns into one of FHIR's own codes. A code that the table does not have is told, and left out. */
const code = (place: Place, { table, issue }: Use): Draft | undefined => {
  const found = attribute(place, 'code') ?? attribute(place, 'value')
  if (!found || isNull(place.element)) return undefined
  if (!table) return found
  const known = table.lookup(String(found.value))?.code
  if (known) return leaf(known, found.origin)
  issue(found.origin, 'has a code that the table does not have')
  return undefined
}

/** The element's own typeCode through a table. */
const typeCode = (place: Place, { table }: Use): Draft | undefined => {
  const found = attribute(place, 'typeCode')
  const known = found && table?.lookup(String(found.value))?.code
  return found && known ? leaf(known, found.origin) : undefined
}

/** The same as a CodeableConcept or Coding of the table's system. */
const translated = (place: Place, use: Use): Draft | undefined => {
  const found = attribute(place, 'code')
  const row = found && use.table?.lookup(String(found.value))
  if (!found || !row) return use.target === 'Coding' ? coding(place, use) : concept(place, use)
  const one = { system: row.system ? leaf(row.system, found.origin) : undefined, code: leaf(row.code ?? '', found.origin), display: row.display ? leaf(row.display, found.origin) : undefined }
  return use.target === 'Coding' ? one : { coding: [one] }
}

const time = (place: Place, use: Use): Draft | undefined => {
  const value = attribute(place, 'value')
  if (!value || isNull(place.element)) return undefined
  const tidied = String(value.value).replace(/^(\d{14}\.\d{4})\d+/, '$1').replace(/^(\d{4,14})(?:0000)(?=[+-]\d{4}$)/, (whole, digits: string) => (digits.length === 8 ? whole : `${digits}0000`))
  return dateTime(partOf(tidied, value.origin), { target: use.target, table: undefined, lookup: use.lookup, timezone: use.timezone, issue: ({ origin }, reason) => use.issue(origin, reason) })
}

const partOf = (text: string, origin: string): Part => ({ origin, text, whole: text, deleted: false, divided: false, part: () => partOf(text, origin) })

/** IVL_TS, or a moment where it has no ends. */
const period = (place: Place, use: Use): Draft | undefined => {
  const end = (name: string): Draft | undefined => named(place, name).flatMap((one) => time(one, { ...use, target: 'dateTime' }) ?? [])[0]
  const [start, last] = [end('low'), end('high')]
  if (start || last) return { start, end: last }
  const moment = time(place, { ...use, target: 'dateTime' })
  return moment === undefined ? undefined : { start: moment, end: moment }
}

/** The beginning of a time span, or its moment. */
const since = (place: Place, use: Use): Draft | undefined => named(place, 'low').flatMap((one) => time(one, use) ?? [])[0] ?? time(place, use)

const quantity = (place: Place, use: Use): Draft | undefined => {
  const [value, unit] = [attribute(place, 'value'), attribute(place, 'unit')]
  if (!value || isNull(place.element)) return undefined
  if (!/^[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?$/.test(String(value.value))) {
    use.issue(value.origin, 'is not a number')
    return undefined
  }
  return { value: leaf(Number(value.value), value.origin), ...(unit && unit.value !== '1' ? { unit, system: leaf('http://unitsofmeasure.org', unit.origin), code: unit } : {}) }
}

const range = (place: Place, use: Use): Draft | undefined => {
  const end = (name: string): Draft | undefined => named(place, name).flatMap((one) => quantity(one, use) ?? [])[0]
  const [low, high] = [end('low'), end('high')]
  return low || high ? { low, high } : undefined
}

const integer = (place: Place): Draft | undefined => {
  const value = attribute(place, 'value')
  return value && /^-?\d{1,9}$/.test(String(value.value)) ? leaf(Number(value.value), value.origin) : undefined
}

const boolean = (place: Place): Draft | undefined => {
  const value = attribute(place, 'value')
  return value && /^(?:true|false|1|0)$/.test(String(value.value)) ? leaf(value.value === 'true' || value.value === '1', value.origin) : undefined
}

const LANGUAGE = /^([A-Za-z]{2,3})(-.+)?$/
/** A language as BCP 47 has it: `eng` is en, `en-US` is itself. */
const language = (place: Place, { lookup }: Use): Draft | undefined => {
  const code = attribute(place, 'code')
  const [, primary = '', rest = ''] = LANGUAGE.exec(String(code?.value ?? '')) ?? []
  const known = lookup('language').lookup(primary.toLowerCase())
  const tag = known?.code ?? (primary.length === 2 ? primary.toLowerCase() : undefined)
  return code && tag ? { coding: [{ system: 'urn:ietf:bcp:47', code: leaf(tag + rest, code.origin) }] } : code ? { text: code } : undefined
}

/** US Core's extensions of race and ethnicity: one category or detail for each code (CDC Race & Ethnicity). */
const race = (place: Place, { lookup, table }: Use): Draft | undefined => {
  const found = attribute(place, 'code')
  if (!found || isNull(place.element)) return undefined
  const row = table?.lookup(String(found.value))
  const display = attribute(place, 'displayName') ?? (row?.display ? leaf(row.display, found.origin) : undefined)
  const one = { system: lookup('cda-code-system').lookup('2.16.840.1.113883.6.238')?.system, code: found, display }
  return [{ url: row?.level === 'omb' ? 'ombCategory' : 'detailed', valueCoding: one }]
}

export const VALUES: Readonly<Record<string, Datatype>> = {
  II: { makes: ['Identifier'], read: identifier },
  CD: { makes: ['CodeableConcept'], read: concept },
  CV: { makes: ['Coding'], read: coding },
  CS: { makes: ['code'], read: code },
  'code-of': { makes: ['code'], read: typeCode },
  translated: { makes: ['CodeableConcept', 'Coding'], read: translated },
  TS: { makes: ['date', 'dateTime', 'instant'], read: time },
  IVL_TS: { makes: ['Period'], read: period },
  since: { makes: ['date', 'dateTime', 'instant'], read: since },
  PQ: { makes: ['Quantity'], read: quantity },
  IVL_PQ: { makes: ['Range'], read: range },
  INT: { makes: ['integer', 'positiveInt', 'unsignedInt'], read: integer },
  BL: { makes: ['boolean'], read: boolean },
  ST: { makes: ['string', 'code', 'uri', 'markdown'], read: (place, use) => words(place, use) },
  display: { makes: ['string'], read: (place) => attribute(place, 'displayName') ?? attribute(place, 'code') },
  number: { makes: ['string'], read: (place) => attribute(place, 'extension') ?? attribute(place, 'root') },
  language: { makes: ['CodeableConcept'], read: language },
  race: { makes: ['Extension'], read: race },
  narrative: { makes: ['string', 'markdown'], read: (place) => narrativeText(place) },
}
