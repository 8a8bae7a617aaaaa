/** EI and EIP, identifiers of things such as orders (2.A.28, 2.A.29). */
import { codeSystem } from '../code-systems.js'
import type { Datatype, Lookup, Use, Written } from '../datatype.js'
import type { Draft } from '../draft.js'
import { type Part, leafOf, shifted } from '../part.js'
import { authority, authorityFields } from './hd.js'

export interface Identifier {
  readonly value?: string
  readonly system?: string
  readonly assigner?: { readonly display?: string }
  readonly extension?: readonly { readonly url: string; readonly valueString?: string }[]
}

const identifier = (part: Part, use: Use): Draft | undefined => {
  const value = leafOf(part.part(1))
  if (!value) return undefined
  if (use.target === 'string') return value
  // The authority's three components follow the value: they are read as one HD.
  const made = { value, ...authority(shifted(part, 2), use) }
  if (use.target === 'Device') return { identifier: [made] }
  return use.target === 'Reference' ? { identifier: made } : made
}

export const entityFields = (value: Identifier, lookup: Lookup): readonly string[] => [value.value ?? '', ...authorityFields(value, lookup)]

const write = (value: unknown, use: Use): Written | undefined => {
  if (typeof value === 'string') return value
  const held = (value as { identifier?: Identifier }).identifier ?? (value as Identifier)
  return held.value ? entityFields(held, use.lookup) : undefined
}

export const EI: Datatype = {
  makes: ['Identifier', 'string', 'Reference', 'Device'], read: identifier,
  write: (value, use) => write(whose(value), use),
}

/** The first identifier of a device or a specimen, or what is one itself. */
const whose = (value: unknown): unknown => {
  const held = (value as { readonly identifier?: unknown }).identifier
  return Array.isArray(held) ? held[0] : value
}

/** Of a pair both halves, each of its kind. */
const pair = (part: Part, use: Use): Draft | undefined => {
  const halves = ([[1, 'PLAC'], [2, 'FILL']] as const).flatMap(([at, code]): readonly Draft[] => {
    const made = identifier(part.part(at), { ...use, target: 'Identifier' }) as { readonly [name: string]: Draft | undefined } | undefined
    return made ? [{ type: { coding: [{ system: codeSystem('0203'), code }] }, ...made }] : []
  })
  return halves.length > 0 ? { identifier: halves } : undefined
}

interface Held { readonly identifier?: readonly (Identifier & { readonly type?: { readonly coding?: readonly { readonly code?: string }[] } })[] }

const writePair = (value: unknown, use: Use): Written | undefined => {
  const { identifier: held = [] } = value as Held
  const half = (code: string): Written | undefined => {
    const one = held.find(({ type }) => type?.coding?.some((each) => each.code === code))
    return one && entityFields(one, use.lookup)
  }
  const halves = [half('PLAC') ?? (half('FILL') ? undefined : held[0] && entityFields(held[0], use.lookup)), half('FILL')]
  return halves.some(Boolean) ? halves : undefined
}

/** The placer's half of a pair; senders of older versions put an EI there, which is read as one. */
export const EIP: Datatype = {
  makes: ['Identifier', 'string', 'Reference', 'Specimen'],
  read: (part, use) => (use.target === 'Specimen' ? pair(part, use) : identifier(part.part(1).divided ? part.part(1) : part, use)),
  write: (value, use) => {
    if (use.target === 'Specimen') return writePair(value, use)
    const written = write(value, use)
    return written === undefined ? undefined : [written]
  },
}
