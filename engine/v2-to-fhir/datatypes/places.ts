/** PL, a place in a hospital (2.A.53), and PLN, a practitioner's licence or number (2.A.54). */
import { codeSystem } from '../code-systems.js'
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, type Leaf, leaf } from '../draft.js'
import { type Part, leafOf } from '../part.js'
import { CX, identifierSystem, identifierType, typeCode } from './cx.js'
import { dateTime, dateTimeText } from './dtm.js'
import type { Identifier } from './ei.js'

/** The place in words, from the smallest to the largest, or as the sender describes it. */
const words = (part: Part): Leaf | undefined => {
  const [point, room, bed, facility, building, floor] = [1, 2, 3, 4, 7, 8].map((at) => part.part(at).text)
  const parts = [bed && `Bed ${bed}`, room && `Room ${room}`, point, floor && `Floor ${floor}`, building, facility].filter(Boolean)
  return leafOf(part.part(9)) ?? (parts.length > 0 ? leaf(parts.join(', '), part.origin) : undefined)
}

export const PL: Datatype = {
  makes: ['Reference', 'string', 'Location'],
  read: (part, use) => {
    const described = words(part)
    if (use.target === 'string') return described
    return described && (use.target === 'Location' ? { name: described } : { display: described })
  },
  write: (value): Written | undefined => {
    const held = value as { display?: string; name?: string }
    const described = typeof value === 'string' ? value : held.display ?? held.name
    return described ? ['', '', '', '', '', '', '', '', described] : undefined
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
