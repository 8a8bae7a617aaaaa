/** The types of one value: text (ST, TX, FT), codes of one component (ID, IS), numbers (NM, SI) and yes or no. */
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, leaf, unreadable } from '../draft.js'
import type { Part } from '../part.js'

/** Text of several parts or lines as one value; what has no text is left out. */
const textOf = (parts: readonly Part[], use: Use): Draft | undefined => {
  const words = parts.map((part) => part.whole).filter(Boolean).join('\n')
  const [first] = parts
  if (!words || !first) return undefined
  const value = leaf(words, first.origin)
  if (use.target === 'Annotation') return { text: value }
  if (use.target === 'CodeableConcept') return { text: value }
  if (use.target === 'Reference' || use.target === 'Coding') return { display: value }
  if (use.target === 'Identifier') return { value }
  return value
}

const writeText = (value: unknown): Written | undefined => {
  if (typeof value !== 'object' || value === null) return String(value)
  const held = value as { text?: string; display?: string; value?: string; coding?: readonly { display?: string; code?: string }[] }
  return held.text ?? held.display ?? held.value ?? held.coding?.[0]?.display ?? held.coding?.[0]?.code
}

/** Text; a component that a sender wrote into it without escaping is kept after a space. */
export const ST: Datatype = {
  makes: ['string', 'markdown', 'uri', 'url', 'id', 'Annotation', 'CodeableConcept', 'Coding', 'Reference', 'Identifier'],
  read: (part, use) => textOf([part], use),
  write: writeText,
}

/** Text whose repetitions are its lines. */
export const TX: Datatype = { ...ST, readAll: textOf }

const number = (part: Part, use: Use): Draft | undefined => {
  if (part.text === '') return undefined
  if (/^[+-]?(\d{1,15}(\.\d{0,10})?|\.\d{1,10})$/.test(part.text) && fits(Number(part.text), use.target)) return leaf(Number(part.text), part.origin)
  use.issue(part, use.target === 'positiveInt' ? 'is not a whole number above 0' : 'is not a number')
  return unreadable(part.text, part.origin)
}

const fits = (value: number, target: string): boolean => {
  if (target === 'decimal' || target === 'Quantity' || target === 'Duration') return true
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31 && value >= ({ positiveInt: 1, unsignedInt: 0 }[target] ?? -(2 ** 31))
}

/** A number; of a Quantity its value. */
export const NM: Datatype = {
  makes: ['decimal', 'integer', 'positiveInt', 'unsignedInt', 'Quantity', 'string', 'Duration'],
  read: (part, use) => {
    if (use.target === 'string') return textOf([part], use)
    // Laboratories write `<5` as a number.
    const [, comparator, rest] = use.target === 'Quantity' ? (/^(<=|>=|<|>)\s*(\d[\d.]*)$/.exec(part.text) ?? []) : []
    const value = rest === undefined ? number(part, use) : number({ ...part, text: rest }, use)
    return use.target === 'Quantity' || use.target === 'Duration' ? value && { value, comparator: comparator && leaf(comparator, part.origin) } : value
  },
  // A quantity with a comparator is more than a number: SN writes it.
  write: (value): Written | undefined => {
    if (typeof value !== 'object' || value === null) return String(value)
    const held = value as { readonly value?: number; readonly comparator?: string }
    return held.value === undefined || held.comparator ? undefined : String(held.value)
  },
}

/** Table 0136: Y and N. */
export const boolean: Datatype = {
  makes: ['boolean'],
  read: (part, use) => {
    if (part.text === '') return undefined
    if (/^(Y|N|YES|NO)$/i.test(part.text)) return leaf(/^Y/i.test(part.text), part.origin)
    use.issue(part, 'is neither Y nor N')
    return unreadable(part.text, part.origin)
  },
  write: (value) => (value === true ? 'Y' : value === false ? 'N' : undefined),
}
