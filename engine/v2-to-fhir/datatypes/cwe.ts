/** CWE, CE and CNE, coded values (2.A.13): the code, its alternates and the sender's words. */
import type { CodeTable } from '../../contracts.js'
import { nameOf, systemOf } from '../code-systems.js'
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, type Leaf, leaf, unreadable } from '../draft.js'
import { type Part, leafOf } from '../part.js'

/** Where the code, its words, its system, the system's version and the system's OID stand, for each of the three codes of a CWE. */
const CODES = [[1, 2, 3, 7, 14], [4, 5, 6, 8, 17], [10, 11, 12, 13, 20]] as const

/** A coding; the name of a system that has no known URI is kept beside the empty `system`. */
const coding = (part: Part, [code, display, system, version, oid]: (typeof CODES)[number], use: Use): Draft | undefined => {
  const value = leafOf(part.part(code))
  if (!value) return undefined
  const name = part.part(system)
  const uri = systemOf(name.text, use.lookup) ?? systemOf(part.part(oid).text, use.lookup)
  const named = uri ? leaf(uri, (name.text ? name : part.part(oid)).origin) : name.text ? unreadable(name.text, name.origin) : undefined
  return { system: named, version: leafOf(part.part(version)), code: value, display: leafOf(part.part(display)) }
}

/** The first code through the row's table; undefined where the table does not have it. */
const translated = (part: Part, use: Use): { code: Leaf; system?: Leaf; display?: Leaf } | undefined => {
  const row = use.table?.lookup(part.text) ?? use.table?.lookup(part.text.toUpperCase())
  if (!row?.code) return undefined
  const from = part.part(1).origin
  return {
    ...(row.system ? { system: leaf(row.system, from) } : {}),
    code: leaf(row.code, from),
    ...(row.display ? { display: leaf(row.display, from) } : {}),
  }
}

const concept = (part: Part, use: Use): Draft | undefined => {
  const found = translated(part, use)
  const own = CODES.flatMap((places) => coding(part, places, use) ?? [])
  const words = leafOf(part.part(9)) ?? (own.length === 0 ? leafOf(part.part(2)) ?? leafOf(part.part(5)) : undefined)
  // What a table says comes first and what the sender wrote stays behind it, unless they are the same thing.
  // A code without a system is the table's own where the way back would write it again.
  const same = found && ((part.part(3).text === '' && use.table && senderCode(String(plain(found.code)), use.table) === part.text) || (plain(found.system) === systemOf(part.part(3).text, use.lookup) && plain(found.code) === part.text))
  const kept = same ? own.slice(1) : own
  const codes = [...(found ? [found] : []), ...kept]
  return { coding: codes.length > 0 ? codes : undefined, text: words }
}

/** The code that a table's code is written as on the way back: itself where senders may write it, else the first that leads to it. */
const senderCode = (code: string, table: CodeTable): string | undefined => (table.lookup(code)?.code === code ? code : table.reverse(code))

const plain = (value: Leaf | undefined): unknown => value?.value

const read = (part: Part, use: Use): Draft | undefined => {
  switch (use.target) {
    case 'CodeableConcept': return concept(part, use)
    case 'Coding': return translated(part, use) ?? coding(part, CODES[0], use)
    case 'Quantity': return unit(part, use)
    case 'Identifier': return part.text ? { system: coded(part, use), value: leafOf(part.part(1)) } : undefined
    case 'code': case 'uri': return code(part, use)
    case 'Organization': return named(part, use, (name) => ({ name }))
    case 'Device': return named(part, use, (name) => ({ deviceName: name && [{ name, type: 'user-friendly-name' }] }))
    case 'Annotation': return words(part) && { text: words(part) }
    case 'Reference': return words(part) && { display: words(part) }
    default: return words(part)
  }
}

const words = (part: Part): Draft | undefined => leafOf(part.part(9)) ?? leafOf(part.part(2)) ?? leafOf(part.part(1))

/** A thing that a code stands for: the code is its number, the words are its name. */
const named = (part: Part, use: Use, naming: (name: Leaf | undefined) => { readonly [name: string]: Draft | undefined }): Draft | undefined => {
  const id = leafOf(part.part(1))
  const name = leafOf(part.part(2)) ?? leafOf(part.part(9))
  return id || name ? { identifier: id && [{ system: coded(part, use), value: id }], ...naming(name) } : undefined
}

const coded = (part: Part, use: Use): Draft | undefined => {
  const system = systemOf(part.part(3).text, use.lookup)
  return system ? leaf(system, part.part(3).origin) : undefined
}

/** A plain code: through the table if the row has one, else as it stands where it can be a code at all. */
const code = (part: Part, use: Use): Draft | undefined => {
  if (part.text === '') return undefined
  const found = translated(part, use)
  if (found) return found.code
  if (!use.table && /^\S+( \S+)*$/.test(part.text)) return leafOf(part.part(1))
  use.issue(part, use.table ? 'has a code that the table does not have' : 'is not a code')
  return unreadable(part.text, part.part(1).origin)
}

/** The unit of a quantity: a UCUM code where the sender says so, else words. */
const unit = (part: Part, use: Use): Draft | undefined => {
  if (part.text === '' && part.part(2).text === '') return undefined
  const system = systemOf(part.part(3).text, use.lookup)
  const unitWords = leafOf(part.part(2)) ?? leafOf(part.part(1))
  return system && part.text ? { unit: unitWords, system: leaf(system, part.part(3).origin), code: leafOf(part.part(1)) } : { unit: unitWords }
}

interface Coding { readonly system?: string; readonly version?: string; readonly code?: string; readonly display?: string; readonly _system?: { readonly extension?: readonly { readonly valueString?: string }[] } }

/** The name of a coding's system: HL7's where it has one, or what the sender wrote. */
const systemName = (held: Coding, use: Use): string => (held.system ? nameOf(held.system, use.lookup) : held._system?.extension?.[0]?.valueString ?? '')

const writeConcept = ({ coding: held = [], text }: { readonly coding?: readonly Coding[]; readonly text?: string }, use: Use): Written => {
  const codes = use.table ? original(held, use) : held
  const [first, second] = codes
  if (!first) return ['', text ?? '']
  const six = [first, second].flatMap((each) => (each ? [each.code ?? '', each.display ?? '', systemName(each, use)] : ['', '', '']))
  return [...six, first.version ?? '', second?.version ?? '', text ?? '']
}

/** A row's table was read through: the sender's own code is kept behind the table's, or is the one that it came from. */
const original = (held: readonly Coding[], use: Use): readonly Coding[] => {
  const [first, ...others] = held
  const code = first?.code === undefined || !use.table ? undefined : senderCode(first.code, use.table)
  if (!first || code === undefined) return held
  const own = others.find((each) => use.table?.lookup(each.code ?? '')?.code === first.code)
  if (own) return [own]
  const named = code === first.code && first.system !== undefined && use.lookup('coding-system').reverse(first.system) !== undefined
  return [{ code, ...(first.display ? { display: first.display } : {}), ...(named ? { system: first.system } : {}) }]
}

const write = (value: unknown, use: Use): Written | undefined => {
  if (typeof value === 'string') return use.table ? use.table.reverse(value) : use.target === 'code' || use.target === 'uri' ? value : ['', value]
  if (use.target === 'Coding') return writeConcept({ coding: [value as Coding] }, use)
  if (use.target === 'CodeableConcept') return writeConcept(value as { coding?: Coding[] }, use)
  if (use.target === 'Quantity') return writeUnit(value as { unit?: string; code?: string; system?: string }, use)
  const held = value as { system?: string; value?: string; display?: string; text?: string; name?: string; deviceName?: readonly { name?: string }[]; identifier?: Coding & { value?: string } | readonly { value?: string; system?: string }[] }
  if (use.target === 'Organization' || use.target === 'Device') {
    const [id] = [held.identifier ?? []].flat()
    return [id?.value, held.name ?? held.deviceName?.[0]?.name ?? held.display, id?.system && nameOf(id.system, use.lookup)]
  }
  return use.target === 'Identifier' ? [held.value, '', held.system && nameOf(held.system, use.lookup)] : ['', held.display ?? held.text]
}

const writeUnit = (held: { unit?: string; code?: string; system?: string }, use: Use): Written | undefined =>
  held.code || held.unit ? [held.code ?? held.unit, held.code && held.unit !== held.code ? held.unit : '', held.system && nameOf(held.system, use.lookup)] : undefined

/** A coded value; CE and CNE are read in the same places. */
export const CWE: Datatype = { makes: ['CodeableConcept', 'Coding', 'code', 'uri', 'string', 'markdown', 'Identifier', 'Quantity', 'Annotation', 'Reference', 'Organization', 'Device'], read, write }

/** A code of a table that has no components (2.A.35, 2.A.36): only the code is written. */
export const ID: Datatype = { ...CWE, write: (value, use) => {
  const written = write(value, use)
  return typeof written === 'string' || written === undefined ? written : written[0]
} }
