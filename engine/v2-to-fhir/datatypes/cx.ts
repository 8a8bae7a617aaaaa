/** CX, an identifier with its check digit, authority and type (2.A.14). */
import { codeSystem } from '../code-systems.js'
import type { Datatype, Lookup, Use, Written } from '../datatype.js'
import { type Draft, leaf } from '../draft.js'
import { type Part, leafOf } from '../part.js'
import { dateTime, dateTimeText } from './dtm.js'
import { type Identifier, entityFields } from './ei.js'
import { assigningFacility, authority } from './hd.js'

/** The identifier type of table 0203 as a CodeableConcept; a word that the table does not have is kept as text. */
export const identifierType = (part: Part, use: Use): Draft | undefined => {
  const code = leafOf(part)
  if (!code) return undefined
  const known = use.lookup('identifier-type').lookup(part.text)
  if (!known) return { text: code }
  return { coding: [{ system: leaf(codeSystem('0203'), part.origin), code, ...(known.display ? { display: leaf(known.display, part.origin) } : {}) }] }
}

/** Some types are one register for everybody (NPI, SSN), whoever the sender says assigned them. */
export const identifierSystem = (type: string, part: Part, given: Draft | undefined, lookup: Lookup): Draft | undefined => {
  const known = lookup('identifier-system').lookup(type)?.system
  return known ? leaf(known, part.origin) : given
}

/** The check digit of an identifier and the scheme of table 0061 that it follows. */
export const checkDigit = (digit: Part, scheme: Part): readonly Draft[] => [
  ...(digit.text ? [{ url: 'http://hl7.org/fhir/StructureDefinition/identifier-checkDigit', valueString: leafOf(digit) }] : []),
  ...(scheme.text ? [{ url: 'http://hl7.org/fhir/StructureDefinition/namingsystem-checkDigit', valueString: leafOf(scheme) }] : []),
]

export const CX: Datatype = {
  makes: ['Identifier', 'string', 'Reference'],
  read: (part, use) => {
    const value = leafOf(part.part(1))
    if (!value || use.target === 'string') return value
    const { system, assigner } = authority(part.part(4), use)
    const facility = leafOf(part.part(6).part(1))
    const made = {
      extension: [...checkDigit(part.part(2), part.part(3)), ...(assigner || system ? assigningFacility(part.part(6), 'Organization', use) : [])],
      type: identifierType(part.part(5), use),
      system: identifierSystem(part.part(5).text, part.part(5), system, use.lookup),
      value,
      period: period(part.part(7), part.part(8), use),
      assigner: assigner ?? (facility && !system ? { display: facility } : undefined),
    }
    return use.target === 'Reference' ? { identifier: made } : made
  },
  write: (value, use): Written | undefined => {
    if (typeof value === 'string') return value
    const held = ((value as { identifier?: unknown }).identifier ?? value) as Typed
    if (!held.value) return undefined
    const [id = '', ...hd] = entityFields(held, use.lookup)
    return [id, ...checkFields(held), hd, typeCode(held), '', dateTimeText(held.period?.start), dateTimeText(held.period?.end)]
  },
}

/** The way back: [check digit, scheme]. */
export const checkFields = ({ extension }: Pick<Identifier, 'extension'>): readonly string[] =>
  ['identifier-checkDigit', 'namingsystem-checkDigit'].map((name) => extension?.find(({ url }) => url.endsWith(`/${name}`))?.valueString ?? '')

interface Typed extends Identifier {
  readonly type?: { readonly coding?: readonly { readonly code?: string }[]; readonly text?: string }
  readonly period?: { readonly start?: string; readonly end?: string }
}

/** The code of table 0203, or the words, of an identifier. */
export const typeCode = (identifier: Typed): string => identifier.type?.coding?.[0]?.code ?? identifier.type?.text ?? ''

export const period = (start: Part, end: Part, use: Use): Draft | undefined => {
  const whole = { start: dateTime(start, { ...use, target: 'dateTime' }), end: dateTime(end, { ...use, target: 'dateTime' }) }
  return whole.start || whole.end ? whole : undefined
}
