/** XAD, an address (2.A.87). */
import type { Datatype, Written } from '../datatype.js'
import { type Leaf, leaf } from '../draft.js'
import { type Part, leafOf } from '../part.js'
import { period } from './cx.js'
import { dateTimeText } from './dtm.js'
import { type Used, usage, usageCode } from './use.js'

/** The street lines: written out (SAD.1), and its number and name (SAD.3, SAD.2) where they say more. */
const streets = (part: Part): readonly Leaf[] => {
  const written = leafOf(part.part(1))
  const built = [part.part(3).text, part.part(2).text].filter(Boolean).join(' ')
  const said = part.part(2).text !== '' && part.part(1).text.includes(part.part(2).text)
  return [...(written ? [written] : []), ...(built && !said ? [leaf(built, part.part(2).text ? part.part(2).origin : part.part(3).origin)] : [])]
}

interface Address extends Used {
  readonly type?: string
  readonly text?: string
  readonly line?: readonly string[]
  readonly city?: string
  readonly district?: string
  readonly state?: string
  readonly postalCode?: string
  readonly country?: string
  readonly period?: { readonly start?: string; readonly end?: string }
}

export const XAD: Datatype = {
  makes: ['Address', 'string'],
  read: (part, use) => {
    if (use.target === 'string') return part.whole ? leaf(part.whole, part.origin) : undefined
    const line = [...streets(part.part(1)), leafOf(part.part(2)), leafOf(part.part(19))].filter((each) => each !== undefined)
    const made = {
      line, city: leafOf(part.part(3)), district: leafOf(part.part(9)), state: leafOf(part.part(4)),
      postalCode: leafOf(part.part(5)), country: leafOf(part.part(6)),
    }
    if (line.length === 0 && !made.city && !made.district && !made.state && !made.postalCode && !made.country) return undefined
    const kind = part.part(7)
    const row = use.lookup('address-use').lookup(kind.text)
    return {
      use: usage(kind, 'address-use', 'use', use), type: row?.type ? leaf(row.type, kind.origin) : undefined,
      ...made, period: period(part.part(13), part.part(14), use) ?? period(part.part(12).part(1), part.part(12).part(2), use),
    }
  },
  write: (value, use): Written | undefined => {
    if (typeof value === 'string') return value
    const held = value as Address
    const [first = held.text ?? '', ...others] = held.line ?? []
    const kind = held.type === 'postal' ? 'M' : usageCode(held, 'address-use', use)
    return [first, others.join(', '), held.city, held.state, held.postalCode, held.country, kind, '', held.district, '', '', '', dateTimeText(held.period?.start), dateTimeText(held.period?.end)]
  },
}
