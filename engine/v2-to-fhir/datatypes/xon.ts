/** XON, an organization (2.A.88.1). */
import type { Datatype, Use, Written } from '../datatype.js'
import type { Draft } from '../draft.js'
import { type Part, leafOf } from '../part.js'
import { checkDigit, checkFields, identifierSystem, identifierType, typeCode } from './cx.js'
import { type Identifier, entityFields } from './ei.js'
import { assigningFacility, authority } from './hd.js'

/** XON.10, or XON.3 of versions before 2.5, with its check digit, authority, type and the facility that gave it. */
const identifier = (part: Part, use: Use): Draft | undefined => {
  const value = leafOf(part.part(10)) ?? leafOf(part.part(3))
  if (!value) return undefined
  const { system, assigner } = authority(part.part(6), use)
  const extension = [...checkDigit(part.part(4), part.part(5)), ...assigningFacility(part.part(8), 'Location', use)]
  return { extension, type: identifierType(part.part(7), use), system: identifierSystem(part.part(7).text, part.part(7), system, use.lookup), value, assigner }
}

export const XON: Datatype = {
  makes: ['Organization', 'Reference', 'Identifier', 'string'],
  read: (part, use) => {
    const name = leafOf(part.part(1))
    if (use.target === 'string') return name
    const id = identifier(part, use)
    if (use.target === 'Identifier') return id
    return use.target === 'Reference' ? { identifier: id, display: name } : { identifier: id && [id], name }
  },
  write: (value, use): Written | undefined => {
    if (typeof value === 'string') return value
    const held = value as { identifier?: Identifier | readonly Identifier[]; name?: string; display?: string }
    const [id] = [held.identifier ?? []].flat()
    const [number = '', ...hd] = id ? entityFields(id, use.lookup) : []
    return [held.name ?? held.display, '', '', ...(id ? checkFields(id) : ['', '']), hd, id ? typeCode(id) : '', '', '', number]
  },
}
