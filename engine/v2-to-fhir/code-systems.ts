/** HL7's names for code systems and assigning authorities, and the URIs that FHIR has for them. */
import type { Lookup } from './datatype.js'

const V2 = 'http://terminology.hl7.org/CodeSystem/v2-'

/** The URI of a coding system named as table 0396 does (`I10`, `LN`, `HL70001`), or undefined where none is known. */
export const systemOf = (name: string, lookup: Lookup): string | undefined => {
  const table = /^HL7[-_]?(\d{1,4})$/i.exec(name)?.[1]
  if (table) return V2 + table.padStart(4, '0')
  const known = lookup('coding-system').lookup(name.toUpperCase())?.system
  if (known) return known
  if (/^\d+(\.\d+)+$/.test(name)) return `urn:oid:${name}`
  return /^(https?:\/\/|urn:)\S+$/.test(name) ? name : undefined
}

/** The name of table 0396 for a URI; the URI's OID or the URI itself where there is none. */
export const nameOf = (system: string, lookup: Lookup): string => {
  if (system.startsWith(V2)) return `HL7${system.slice(V2.length)}`
  return lookup('coding-system').reverse(system) ?? system.replace(/^urn:oid:/, '')
}

/** The system of an HD (2.A.33) or of the parts of an EI: namespace, universal id and its type. Undefined rather than invented. */
export const authorityOf = (namespace: string, universal: string, kind: string, lookup: Lookup): string | undefined => {
  const known = lookup('assigning-authority').lookup(universal)?.system ?? lookup('assigning-authority').lookup(namespace.toUpperCase())?.system
  if (known) return known
  if ((kind === 'ISO' || kind === '') && /^\d+(\.\d+)+$/.test(universal)) return `urn:oid:${universal}`
  if (/^(UUID|GUID)$/.test(kind) && /^[0-9a-f-]{36}$/i.test(universal)) return `urn:uuid:${universal.toLowerCase()}`
  // 360X and others write the bare OID as the namespace.
  if (universal === '' && /^\d+(\.\d+){3,}$/.test(namespace)) return `urn:oid:${namespace}`
  return /^(URI|URL)$/.test(kind) && /^[a-z][a-z0-9+.-]*:\S+$/i.test(universal) ? universal : undefined
}

/** The HD of a system: [namespace, universal id, type]. */
export const authorityParts = (system: string, lookup: Lookup): readonly [string, string, string] => {
  const namespace = lookup('assigning-authority').reverse(system)
  if (namespace) return [namespace, '', '']
  if (system.startsWith('urn:oid:')) return ['', system.slice(8), 'ISO']
  if (system.startsWith('urn:uuid:')) return ['', system.slice(9), 'UUID']
  return ['', system, 'URI']
}

export const codeSystem = (table: string): string => V2 + table
