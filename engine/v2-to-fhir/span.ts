/** Times that a message does not write but says how to reckon: an appointment's start, an offset in some unit, a duration in another. */
import { type FieldPath, fieldPath } from './field-path.js'
import type { Part } from './part.js'
import type { Node } from './segment-tree.js'
import { parts } from './segment-tree.js'

/** What a row's options `after` and `units` name. */
export interface SpanPaths {
  readonly after: readonly FieldPath[] // the time to add to: the first of these that has a value
  readonly plus: { readonly amount: FieldPath; readonly units: FieldPath } | null // what is added before the row's own amount
  readonly units: FieldPath | null // of the row's own amount
}

/** The same for one value of a message. */
export interface Span {
  readonly after: Part | undefined
  readonly plus: { readonly amount: Part | undefined; readonly units: Part | undefined } | null
  readonly units: Part | undefined
}

/** Reads `after: "SCH-11.4|/TQ1-7 + AIP-7 AIP-8"` and `units: AIP-10`; null where a row has neither. Throws a sentence. */
export const spanPaths = (after: string | undefined, units: string | undefined): SpanPaths | null => {
  if (after === undefined && units === undefined) return null
  const [bases = '', added] = (after ?? '').split(' + ')
  const [amount, of] = added?.split(' ') ?? []
  return {
    after: bases.split('|').filter(Boolean).map(field),
    plus: added === undefined ? null : { amount: field(amount), units: field(of) },
    units: units === undefined ? null : field(units),
  }
}

const field = (text = ''): FieldPath => {
  const path = fieldPath(text)
  if (path?.field) return path
  throw new Error(`"${text}" is not a field, like AIP-6; a time is written "AIP-6", "SCH-11.4|/TQ1-7" or "SCH-11.4 + AIP-7 AIP-8"`)
}

/** What the paths lead to from the segment that a value stands in. */
export const spanAt = ({ after, plus, units }: SpanPaths, node: Node): Span => {
  const first = (path: FieldPath): Part | undefined => parts(node, path).find((part) => part.whole !== '')
  return {
    after: after.map(first).find((part) => part !== undefined),
    plus: plus && { amount: first(plus.amount), units: first(plus.units) },
    units: units ? first(units) : undefined,
  }
}
