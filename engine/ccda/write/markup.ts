/** CDA as it is written: elements, and FHIR's values as CDA's datatypes. What is not known is said to be (nullFlavor). */
import type { Address, CodeableConcept, Coding, ContactPoint, HumanName, Identifier, Quantity } from 'fhir/r4.js'
import { escapeXml } from '../../formats/xml/tree.js'
import type { Lookup } from '../../v2-to-fhir/datatype.js'
import { dateTimeText } from '../../v2-to-fhir/datatypes/dtm.js'

export interface Writing {
  readonly lookup: Lookup
  readonly oid: string // of whoever writes: the root of numbers that have none
}

type Attributes = Readonly<Record<string, string | undefined>>

/** `<name a="…">…</name>`; attributes that are undefined are left out, children that are empty too. */
export const element = (name: string, attributes: Attributes, ...children: readonly string[]): string => {
  const written = Object.entries(attributes).map(([key, value]) => (value === undefined ? '' : ` ${key}="${escapeXml(value).replace(/\n/g, ' ')}"`)).join('')
  const inner = children.join('')
  return inner ? `<${name}${written}>${inner}</${name}>` : `<${name}${written}/>`
}

export const text = (name: string, words: string, attributes: Attributes = {}): string => element(name, attributes, escapeXml(words))
export const unknown = (name: string, flavor: 'UNK' | 'NI' = 'UNK'): string => element(name, { nullFlavor: flavor })

/** II: an OID or a UUID as its root; numbers of other systems under the writer's own OID, with whose they are as a name. */
export const id = ({ system, value = '' }: Identifier, { lookup, oid }: Writing): string => {
  const own = /^urn:(?:oid|uuid):(.+)$/.exec(system === 'urn:ietf:rfc:3986' ? value : '')?.[1]
  if (own) return element('id', { root: own })
  const root = system === undefined ? undefined : (lookup('cda-identifier').reverse(system) ?? /^urn:(?:oid|uuid):(.+)$/.exec(system)?.[1])
  return element('id', { root: root ?? oid, extension: value, ...(root || !system ? {} : { assigningAuthorityName: system }) })
}
export const ids = (all: readonly Identifier[] | undefined, writing: Writing): string => (all ?? []).filter(({ value }) => value).map((one) => id(one, writing)).join('') || unknown('id')

const codeAttributes = ({ system, code, display }: Coding, { lookup }: Writing): Attributes => {
  const oid = system === undefined ? undefined : (lookup('cda-code-system').reverse(system) ?? /^urn:oid:(.+)$/.exec(system)?.[1])
  return { code, codeSystem: oid, displayName: display, ...(oid ? {} : { codeSystemName: system }) }
}

/** CD: the coding of the wanted system, the others as translations; without it OTH. `type` is an xsi:type. */
export const code = (name: string, concept: CodeableConcept | undefined, writing: Writing, { system, type }: { readonly system?: string; readonly type?: string } = {}): string => {
  const codings = (concept?.coding ?? []).filter((one) => one.code)
  const main = system ? codings.find((one) => one.system === system) : codings[0]
  const others = codings.filter((one) => one !== main).map((one) => element('translation', codeAttributes(one, writing)))
  const original = concept?.text ? text('originalText', concept.text) : ''
  const typed = type ? { 'xsi:type': type } : {}
  if (main) return element(name, { ...typed, ...codeAttributes(main, writing) }, original, ...others)
  return element(name, { ...typed, nullFlavor: others.length > 0 || original ? 'OTH' : 'UNK' }, original, ...others)
}

/** TS, to the precision that is known. */
export const time = (name: string, value: string | undefined): string => {
  const written = dateTimeText(value).replace(/\.\d+/, '')
  return written ? element(name, { value: written }) : unknown(name)
}

const NAME_USES: Readonly<Record<string, string>> = { official: 'L', usual: 'L', nickname: 'P', maiden: 'SRCH' }
export const name = (one: HumanName | undefined): string => {
  if (!one || (!one.family && !one.given && !one.text)) return unknown('name')
  const born = one.use === 'maiden' ? { qualifier: 'BR' } : {}
  if (!one.family && !one.given) return text('name', one.text ?? '')
  return element('name', { use: NAME_USES[one.use ?? ''] }, ...(one.prefix ?? []).map((part) => text('prefix', part)), ...(one.given ?? []).map((part) => text('given', part)), one.family ? text('family', one.family, born) : unknown('family'), ...(one.suffix ?? []).map((part) => text('suffix', part)))
}

const ADDRESS_USES: Readonly<Record<string, string>> = { home: 'HP', work: 'WP', temp: 'TMP', old: 'BAD' }
export const address = (one: Address | undefined): string => {
  if (!one) return unknown('addr')
  const lines = one.line ?? (one.text && !one.city ? [one.text] : [])
  const part = (tag: string, value: string | undefined): string => (value ? text(tag, value) : '')
  return element('addr', { use: ADDRESS_USES[one.use ?? ''] }, ...(lines.length > 0 ? lines.map((line) => text('streetAddressLine', line)) : [unknown('streetAddressLine')]), one.city ? text('city', one.city) : unknown('city'), part('state', one.state), part('postalCode', one.postalCode), text('country', one.country ?? 'US'))
}

const SCHEMES: Readonly<Record<string, string>> = { phone: 'tel:', fax: 'fax:', email: 'mailto:', sms: 'sms:' }
const TELECOM_USES: Readonly<Record<string, string>> = { home: 'HP', work: 'WP', mobile: 'MC', temp: 'TMP', old: 'BAD' }
export const telecoms = (all: readonly ContactPoint[] | undefined): string =>
  (all ?? []).filter(({ value }) => value).map(({ system, value = '', use }) => element('telecom', { value: /^[a-z]+:/i.test(value) ? value : `${SCHEMES[system ?? ''] ?? ''}${value}`, use: TELECOM_USES[use ?? ''] })).join('') || unknown('telecom')

export const quantity = (tag: string, { value, code: unit, unit: words }: Quantity): string => element(tag, { 'xsi:type': 'PQ', value: String(value), unit: unit ?? words ?? '1' })
