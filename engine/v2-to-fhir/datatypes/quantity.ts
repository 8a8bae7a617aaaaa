/** Amounts: MO (2.A.47), CQ (2.A.15), SN (2.A.70), NR (2.A.51), VR, the range of OBX-7, and DR, a range of dates (2.A.20). */
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, leaf } from '../draft.js'
import { type Part, leafOf, shifted } from '../part.js'
import { period } from './cx.js'
import { CWE } from './cwe.js'
import { dateTimeText } from './dtm.js'
import { NM } from './plain.js'

const decimal = (part: Part, use: Use): Draft | undefined => NM.read(part, { ...use, target: 'decimal' })

export const MO: Datatype = {
  makes: ['Money'],
  read: (part, use) => {
    const value = decimal(part.part(1), use)
    return value && { value, currency: leafOf(part.part(2)) }
  },
  write: (value): Written | undefined => {
    const { value: amount, currency } = value as { value?: number; currency?: string }
    return amount === undefined ? undefined : [String(amount), currency]
  },
}

/** An amount with its unit; the unit's subcomponents are a CWE, and of some senders its components. */
export const CQ: Datatype = {
  makes: ['Quantity', 'Duration'],
  read: (part, use) => {
    const value = decimal(part.part(1), use)
    if (!value) return undefined
    const unit = CWE.read(part.part(3).text ? shifted(part, 2) : part.part(2), { ...use, target: 'Quantity' })
    return { value, ...(unit as { readonly [name: string]: Draft } | undefined) }
  },
  write: (value, use): Written | undefined => {
    const held = value as { value?: number }
    return held.value === undefined ? undefined : [String(held.value), CWE.write?.(value, { ...use, target: 'Quantity' })]
  },
}

/** A structured numeric: a comparator and one or two numbers. */
export const SN: Datatype = {
  makes: ['Quantity', 'Ratio', 'Range', 'string'],
  read: (part, use) => {
    if (use.target === 'string') return part.whole ? leaf(part.whole, part.origin) : undefined
    const comparator = /^(<|<=|>=|>)$/.test(part.part(1).text) ? leafOf(part.part(1)) : undefined
    const first = decimal(part.part(2), use)
    const second = decimal(part.part(4), use)
    if (use.target === 'Quantity') return first && { value: first, comparator }
    if (!first && !second) return undefined
    return use.target === 'Ratio'
      ? { numerator: first && { value: first, comparator }, denominator: second && { value: second } }
      : { low: first && { value: first }, high: second && { value: second } }
  },
  write: (value, use): Written | undefined => {
    if (use.target === 'string') return undefined
    const held = value as { value?: number; comparator?: string; numerator?: { value?: number; comparator?: string }; denominator?: { value?: number }; low?: { value?: number }; high?: { value?: number } }
    if (held.value !== undefined) return [held.comparator, String(held.value)]
    if (held.numerator) return [held.numerator.comparator, text(held.numerator.value), ':', text(held.denominator?.value)]
    return ['', text(held.low?.value), '-', text(held.high?.value)]
  },
}

const text = (value: number | undefined): string => (value === undefined ? '' : String(value))

export const NR: Datatype = {
  makes: ['Range'],
  read: (part, use) => {
    const [low, high] = [decimal(part.part(1), use), decimal(part.part(2), use)]
    return low || high ? { low: low && { value: low }, high: high && { value: high } } : undefined
  },
  write: (value): Written => {
    const { low, high } = value as { low?: { value?: number }; high?: { value?: number } }
    return [text(low?.value), text(high?.value)]
  },
}

/** A value range, two values of any kind (2.A.79). */
export const VR: Datatype = {
  makes: ['string'],
  read: (part) => {
    const words = [part.part(1).text, part.part(2).text].filter(Boolean).join('-')
    return words ? leaf(words, part.origin) : undefined
  },
}

const NUMBER = String.raw`(-?\d{1,12}(?:\.\d{1,10})?)`
const BETWEEN = new RegExp(`^${NUMBER}\\s*(?:-|–|to)\\s*${NUMBER}$`)
const LIMIT = new RegExp(`^(<=|>=|≤|≥)\\s*${NUMBER}$`)

/** The words of OBX-7, and its limits where they are plainly said: `5-10`, `>=10`, `<=5`. A limit that is itself outside (`<5`) has no place in FHIR. */
export const range: Datatype = {
  makes: ['Observation_ReferenceRange'],
  read: (part) => {
    if (part.whole === '') return undefined
    const [, low, high] = BETWEEN.exec(part.whole) ?? []
    const [, sign = '', limit] = LIMIT.exec(part.whole) ?? []
    const quantity = (number: string | undefined): Draft | undefined => (number === undefined ? undefined : { value: leaf(Number(number), part.origin) })
    return { low: quantity(low ?? (/[>≥]/.test(sign) ? limit : undefined)), high: quantity(high ?? (/[<≤]/.test(sign) ? limit : undefined)), text: leaf(part.whole, part.origin) }
  },
  write: (value): Written | undefined => {
    const { low, high, text: words } = value as { low?: { value?: number }; high?: { value?: number }; text?: string }
    if (words) return words
    if (low?.value !== undefined && high?.value !== undefined) return `${low.value}-${high.value}`
    return low?.value !== undefined ? `>=${low.value}` : high?.value !== undefined ? `<=${high.value}` : undefined
  },
}

export const DR: Datatype = {
  makes: ['Period'],
  read: (part, use) => period(part.part(1), part.part(2), use),
  write: (value): Written => {
    const { start, end } = value as { start?: string; end?: string }
    return [dateTimeText(start), dateTimeText(end)]
  },
}
