/** EI and EIP, identifiers of things such as orders (2.A.28, 2.A.29). */
import type { Datatype, Lookup, Use, Written } from '../datatype.js'
import type { Draft } from '../draft.js'
import { type Part, leafOf, shifted } from '../part.js'
import { authority, authorityFields } from './hd.js'

export interface Identifier { readonly value?: string; readonly system?: string; readonly assigner?: { readonly display?: string } }

const identifier = (part: Part, use: Use): Draft | undefined => {
  const value = leafOf(part.part(1))
  if (!value) return undefined
  if (use.target === 'string') return value
  // The authority's three components follow the value: they are read as one HD.
  const made = { value, ...authority(shifted(part, 2), use) }
  return use.target === 'Reference' ? { identifier: made } : made
}


export const entityFields = (value: Identifier, lookup: Lookup): readonly string[] => [value.value ?? '', ...authorityFields(value, lookup)]

const write = (value: unknown, use: Use): Written | undefined => {
  if (typeof value === 'string') return value
  const held = (value as { identifier?: Identifier }).identifier ?? (value as Identifier)
  return held.value ? entityFields(held, use.lookup) : undefined
}

export const EI: Datatype = { makes: ['Identifier', 'string', 'Reference'], read: identifier, write }

/** The placer's half of a pair; senders of older versions put an EI there, which is read as one. */
export const EIP: Datatype = {
  makes: EI.makes,
  read: (part, use) => identifier(part.part(1).divided ? part.part(1) : part, use),
  write: (value, use) => {
    const written = write(value, use)
    return written === undefined ? undefined : [written]
  },
}
