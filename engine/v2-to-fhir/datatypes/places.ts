/** PL, a place in a hospital (2.A.53), and PLN, a practitioner's licence or number (2.A.54). */
import { codeSystem } from '../code-systems.js'
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, type Leaf, leaf, own } from '../draft.js'
import { type Part, leafOf, shifted } from '../part.js'
import { CX, identifierSystem, identifierType, typeCode } from './cx.js'
import { dateTime, dateTimeText } from './dtm.js'
import type { Identifier } from './ei.js'
import { authority, HD } from './hd.js'

/** The place in words, from the smallest to the largest, or as the sender describes it. */
const words = (part: Part): Leaf | undefined => {
  const [point, room, bed, facility, building, floor] = [1, 2, 3, 4, 7, 8].map((at) => part.part(at).text)
  const parts = [bed && `Bed ${bed}`, room && `Room ${room}`, point, floor && `Floor ${floor}`, building, facility].filter(Boolean)
  return leafOf(part.part(9)) ?? (parts.length > 0 ? leaf(parts.join(', '), part.origin) : undefined)
}

const PHYSICAL_TYPE = 'http://terminology.hl7.org/CodeSystem/location-physical-type'

/** The levels of a place, from the largest: its component, its code and its word; R4 has no code for a point of care. */
const LEVELS = [[4, 'si', 'Site'], [7, 'bu', 'Building'], [8, 'lvl', 'Level'], [1, '', 'Point of care'], [2, 'ro', 'Room'], [3, 'bd', 'Bed']] as const

/** One Location for each level that is named, each part of the next larger one; what the field says of the place is the smallest's. */
const location = (part: Part, use: Use): Draft | undefined => {
  const levels = LEVELS.filter(([at]) => part.part(at).whole !== '')
  const described = leafOf(part.part(9))
  if (levels.length === 0) return described && { name: described, mode: 'instance' }
  const kind = leafOf(part.part(6))
  const state = part.part(5).text.toLowerCase()
  const status = /^(active|suspended|inactive)$/.test(state) ? leaf(state, part.part(5).origin) : undefined
  const number = leafOf(part.part(10).part(1))
  return levels.reduce<Draft | undefined>((partOf, [at, code, display], index) => {
    const last = index === levels.length - 1
    const name = leafOf(part.part(at).part(1))
    const universal = part.part(at).part(2).text ? (HD.read(part.part(at), { ...use, target: 'Identifier' })) : undefined
    const made = {
      identifier: [name && { value: name }, universal, last && number ? { value: number, ...numberedBy(part, use) } : undefined].filter((each) => each !== undefined),
      ...(last ? { status } : {}),
      name, ...(last ? { description: described } : {}), mode: 'instance',
      ...(last && kind ? { type: [{ coding: [{ system: codeSystem('0305'), code: kind }] }] } : {}),
      physicalType: code ? { coding: [{ system: PHYSICAL_TYPE, code, display }] } : { text: display },
      partOf,
    }
    return last ? made : own('Location', made, name)
  }, undefined)
}

/** Who gave the place its number: PL.11, or what stands behind the number. */
const numberedBy = (part: Part, use: Use): ReturnType<typeof authority> => ({ ...authority(shifted(part.part(10), 2), use), ...authority(part.part(11), use) })

interface Place { readonly name?: string; readonly description?: string; readonly physicalType?: { readonly text?: string; readonly coding?: readonly { readonly code?: string }[] }; readonly type?: readonly { readonly coding?: readonly { readonly code?: string }[] }[]; readonly status?: string; readonly partOf?: Place; readonly display?: string }

/** The way back: a place and what it is part of. */
const writePlace = (place: Place): readonly Written[] => {
  const fields: string[] = Array<string>(9).fill('')
  fields[4] = place.status ?? ''
  fields[5] = place.type?.[0]?.coding?.[0]?.code ?? ''
  fields[8] = place.description ?? ''
  for (let at: Place | undefined = place; at; at = at.partOf) {
    const code = at.physicalType?.coding?.[0]?.code ?? ''
    const level = at.physicalType && LEVELS.find(([, known]) => known === code)
    fields[(level?.[0] ?? 9) - 1] = at.name ?? at.display ?? ''
  }
  return fields
}

export const PL: Datatype = {
  makes: ['Reference', 'string', 'Location'],
  read: (part, use) => {
    if (use.target === 'Location') return location(part, use)
    const described = words(part)
    return use.target === 'string' ? described : described && { display: described }
  },
  write: (value): Written | undefined => {
    if (typeof value === 'string') return ['', '', '', '', '', '', '', '', value]
    const fields = writePlace(value as Place)
    return fields.some(Boolean) ? fields : undefined
  },
}

/** The kind of number: of table 0203 where that has it, else of table 0338. */
const kind = (part: Part, use: Use): Draft | undefined => {
  if (part.text === '' || use.lookup('identifier-type').lookup(part.text)) return identifierType(part, use)
  return { coding: [{ system: leaf(codeSystem('0338'), part.origin), code: leafOf(part) }] }
}

export const PLN: Datatype = {
  makes: ['Identifier', 'string'],
  read: (part, use) => {
    // Many senders write a CX here.
    if (part.part(2).text === '' && part.part(5).text !== '') return CX.read(part, use)
    const value = leafOf(part.part(1))
    if (!value || use.target === 'string') return value
    const end = dateTime(part.part(4), { ...use, target: 'dateTime' })
    const state = leafOf(part.part(3))
    return {
      type: kind(part.part(2), use), system: identifierSystem(part.part(2).text, part.part(2), undefined, use.lookup), value,
      period: end && { end }, assigner: state && { display: state },
    }
  },
  write: (value): Written | undefined => {
    if (typeof value === 'string') return value
    const held = value as Identifier & { period?: { end?: string } }
    return held.value ? [held.value, typeCode(held), held.assigner?.display, dateTimeText(held.period?.end)] : undefined
  },
}

/** A driver's licence (2.A.21): its number, who issued it, until when. */
export const DLN: Datatype = {
  makes: ['Identifier'],
  read: (part, use) => {
    const value = leafOf(part.part(1))
    if (!value) return undefined
    const end = dateTime(part.part(3), { ...use, target: 'dateTime' })
    const issuer = leafOf(part.part(2))
    return { value, period: end && { end }, assigner: issuer && { display: issuer } }
  },
  write: (value): Written | undefined => {
    const held = value as Identifier & { period?: { end?: string } }
    return held.value ? [held.value, held.assigner?.display, dateTimeText(held.period?.end)] : undefined
  },
}

/** Where somebody was discharged to (2.A.18): a code or a name, of a place. */
export const DLD: Datatype = {
  makes: ['Reference', 'Location', 'string'],
  read: (part, use) => {
    const name = leafOf(part.part(1).part(2)) ?? leafOf(part.part(1))
    if (!name || use.target === 'string') return name
    return use.target === 'Reference' ? { display: name } : { identifier: part.part(1).divided ? [{ value: leafOf(part.part(1)) }] : undefined, name, mode: 'instance' }
  },
  write: (value): Written | undefined => (typeof value === 'string' ? value : (value as Place).name ?? (value as Place).display),
}
