/** HD, a namespace or an assigning authority (2.A.33), and what an identifier gets of it. */
import { authorityOf, authorityParts } from '../code-systems.js'
import type { Datatype, Lookup, Use, Written } from '../datatype.js'
import { type Draft, leaf } from '../draft.js'
import { type Part, leafOf } from '../part.js'

/** The `system` of an identifier and, where the authority has a name, its `assigner`; no system is invented. */
export const authority = (part: Part, use: Use): { system?: Draft; assigner?: Draft } => {
  const [namespace, universal, kind] = [part.part(1), part.part(2), part.part(3)]
  const system = authorityOf(namespace.text, universal.text, kind.text, use.lookup)
  const origin = universal.text ? universal.origin : namespace.origin
  const told = leafOf(namespace) ?? (system ? undefined : leafOf(universal))
  const isSystem = system === `urn:oid:${namespace.text}` || use.lookup('assigning-authority').lookup(namespace.text.toUpperCase()) !== undefined
  return { ...(system ? { system: leaf(system, origin) } : {}), ...(told && !isSystem ? { assigner: { display: told } } : {}) }
}

/** The way back: [namespace, universal id, type] of an identifier. */
export const authorityFields = (identifier: { readonly system?: string; readonly assigner?: { readonly display?: string } }, lookup: Lookup): readonly string[] => {
  const [namespace, universal, kind] = identifier.system ? authorityParts(identifier.system, lookup) : ['', '', '']
  return [identifier.assigner?.display ?? namespace, universal, kind]
}

/** An HD that stands alone: who sent it. */
export const HD: Datatype = {
  makes: ['Identifier', 'Reference', 'string', 'uri', 'url', 'Organization', 'Location', 'Device'],
  read: (part, use) => {
    const { system } = authority(part, use)
    const name = leafOf(part.part(1)) ?? leafOf(part.part(2))
    if (use.target === 'uri' || use.target === 'url') return system
    if (use.target === 'string') return name
    const universal = leafOf(part.part(2)) && { ...(system ? { system: 'urn:ietf:rfc:3986' } : {}), value: system ?? leafOf(part.part(2)) }
    if (use.target === 'Organization' || use.target === 'Location') return name && { identifier: [{ value: name }, universal].filter((each) => each !== undefined), name }
    if (use.target === 'Device') return name && { identifier: [{ value: name }, universal].filter((each) => each !== undefined), deviceName: [{ name, type: 'user-friendly-name' }] }
    const identifier = universal ?? { value: name }
    return use.target === 'Reference' ? { identifier, display: name } : identifier
  },
  write: (value, use): Written | undefined => {
    if (typeof value === 'string') return use.target === 'uri' ? authorityParts(value, use.lookup) : value
    return undefined
  },
}
