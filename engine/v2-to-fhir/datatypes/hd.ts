/** HD, a namespace or an assigning authority (2.A.33), and what an identifier gets of it. */
import { authorityOf, authorityParts } from '../code-systems.js'
import type { Datatype, Lookup, Use, Written } from '../datatype.js'
import { type Draft, leaf, own, unreadable } from '../draft.js'
import { type Part, leafOf } from '../part.js'

/** The `system` of an identifier and, where the authority has a name, its `assigner`; no system is invented. */
export const authority = (part: Part, use: Use): { system?: Draft; assigner?: Draft } => {
  const [namespace, universal, kind] = [part.part(1), part.part(2), part.part(3)]
  const system = authorityOf(namespace.text, universal.text, kind.text, use.lookup)
  const origin = universal.text ? universal.origin : namespace.origin
  const told = leafOf(namespace) ?? (system ? undefined : leafOf(universal))
  const isSystem = system === `urn:oid:${namespace.text}` || use.lookup('assigning-authority').lookup(namespace.text.toUpperCase()) !== undefined
  return { ...(system ? { system: leaf(system, origin) } : {}), ...(told && !isSystem ? { assigner: own('Organization', named(part, system), told) } : {}) }
}

/** Whoever an HD names: by its namespace and by its universal id. */
const named = (part: Part, system: string | undefined): { readonly identifier: readonly Draft[]; readonly name: Draft } | undefined => {
  const name = leafOf(part.part(1)) ?? leafOf(part.part(2))
  const universal = universalId(part, system)
  return name && { identifier: [leafOf(part.part(1)) && { value: name }, universal].filter((each) => each !== undefined), name }
}

/** A URI where the universal id is one, else the id as it stands. An OID is the OID even where FHIR has another URI for what it names. */
const universalId = (part: Part, known: string | undefined): Draft | undefined => {
  const value = leafOf(part.part(2))
  const system = known && /^\d+(\.\d+)+$/.test(part.part(2).text) ? `urn:oid:${part.part(2).text}` : known
  return value && (system ? { system: 'urn:ietf:rfc:3986', value: leaf(system, value.origin) } : { value })
}

/** The URI of an HD; a universal id that is none is kept beside the empty element. */
const address = (part: Part, system: string | undefined): Draft | undefined => {
  const universal = part.part(2)
  if (system !== undefined) return leaf(system, (universal.text ? universal : part.part(1)).origin)
  return universal.text ? unreadable(universal.text, universal.origin) : undefined
}

/** The way back: [namespace, universal id, type] of an identifier. */
export const authorityFields = (identifier: { readonly system?: string; readonly assigner?: { readonly display?: string } }, lookup: Lookup): readonly string[] => {
  const [namespace, universal, kind] = identifier.system ? authorityParts(identifier.system, lookup) : ['', '', '']
  return [identifier.assigner?.display ?? namespace, universal, kind]
}

/** The facility where an identifier was given; the guide has no URL for its extension. */
export const assigningFacility = (part: Part, type: 'Location' | 'Organization', use: Use): readonly Draft[] => {
  const facility = HD.read(part, { ...use, target: type })
  return facility ? [{ url: 'urn:refero:assigning-facility', valueReference: own(type, facility, leafOf(part.part(1)) ?? leafOf(part.part(2))) }] : []
}

/** The kind of place that the guide says an HD is. */
const SITE = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/location-physical-type', code: 'si', display: 'Site' }] }

/** An HD that stands alone: who sent it. */
export const HD: Datatype = {
  makes: ['Identifier', 'Reference', 'string', 'uri', 'url', 'Organization', 'Location', 'Device'],
  read: (part, use) => {
    const system = authorityOf(part.part(1).text, part.part(2).text, part.part(3).text, use.lookup)
    const name = leafOf(part.part(1)) ?? leafOf(part.part(2))
    if (use.target === 'uri' || use.target === 'url') return address(part, system)
    if (use.target === 'string') return name
    const whole = named(part, system)
    if (use.target === 'Organization') return whole
    if (use.target === 'Location') return whole && { ...whole, physicalType: SITE }
    if (use.target === 'Device') return whole && { identifier: whole.identifier, deviceName: [{ name: whole.name, type: 'user-friendly-name' }] }
    const identifier = universalId(part, system) ?? { value: name }
    return use.target === 'Reference' ? { identifier, display: name } : identifier
  },
  write: (value, use): Written | undefined => {
    if (typeof value === 'string') return use.target === 'uri' ? authorityParts(value, use.lookup) : value
    return undefined
  },
}
