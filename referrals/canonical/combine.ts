/** One resource with what another says of the same thing: what was missing is filled in, what is new in a list is added, what contradicts is told. */
import type { FhirResource } from 'fhir/r4.js'

export interface Combined<Resource> {
  readonly resource: Resource
  readonly filled: readonly { readonly path: string; readonly from: string }[] // paths in the result, and in the other
  readonly contradictions: readonly { readonly path: string; readonly ours: string; readonly theirs: string }[]
}
type Fields = Readonly<Record<string, unknown>>

/** A choice has one value, whichever its type: `occurrencePeriod` fills no `occurrenceDateTime`. */
const CHOICES = ['occurrence', 'quantity', 'asNeeded', 'deceased', 'multipleBirth', 'onset', 'abatement', 'value', 'effective']
/** What a resource is called by its sender, and what its life is told by. */
const NOT_COMBINED = new Set(['resourceType', 'id', 'meta', 'text', 'status', 'intent', 'authoredOn', 'implicitRules', 'contained'])
/** Says that nothing is known. */
const NOTHING = new Set(['unknown', 'UNK', 'not named'])

/** `skip` are elements that are not looked at. */
export const combined = <Resource extends FhirResource>(ours: Resource, theirs: Resource, skip: readonly string[] = []): Combined<Resource> => {
  const result: Record<string, unknown> = { ...ours }
  const filled: { path: string; from: string }[] = []
  const contradictions: { path: string; ours: string; theirs: string }[] = []
  for (const [key, value] of Object.entries(theirs as object as Fields)) {
    if (NOT_COMBINED.has(key) || skip.includes(key) || key.startsWith('_') || isNothing(value)) continue
    const mine = result[key]
    const stem = CHOICES.find((one) => key.startsWith(one) && /^[A-Z]/.test(key.slice(one.length)))
    const other = stem && mine === undefined ? Object.keys(ours).find((one) => one !== key && one.startsWith(stem) && /^[A-Z]/.test(one.slice(stem.length))) : undefined
    if (other) contradictions.push({ path: other, ours: shown((ours as object as Fields)[other]), theirs: shown(value) })
    else if (mine === undefined || isNothing(mine)) {
      result[key] = value
      filled.push({ path: key, from: key })
    } else if (Array.isArray(value) && Array.isArray(mine)) result[key] = list(mine, value, key, filled)
    else if (holds(mine, value) || (isReference(mine) && isReference(value))) continue // which resources are the same is not decided here
    else if (holds(value, mine)) {
      result[key] = value
      filled.push({ path: key, from: key })
    } else contradictions.push({ path: key, ours: shown(mine), theirs: shown(value) })
  }
  return { resource: filled.length > 0 ? (result as object as Resource) : ours, filled, contradictions }
}

/** What a list has, and of another what it does not have; an item that says more takes the place of the one that it repeats. */
const list = (mine: readonly unknown[], theirs: readonly unknown[], key: string, filled: { path: string; from: string }[]): readonly unknown[] => {
  const result = [...mine]
  for (const [index, item] of theirs.entries()) {
    if (result.some((one) => holds(one, item))) continue
    const less = result.findIndex((one) => holds(item, one))
    const place = less >= 0 ? less : result.length
    result[place] = item
    filled.push({ path: `${key}[${place}]`, from: `${key}[${index}]` })
  }
  return result
}

/** Whether one value says all that another says, letters' case, blanks and what a reference displays aside. */
export const holds = (one: unknown, other: unknown): boolean => {
  if (typeof one === 'string' && typeof other === 'string') return plain(one) === plain(other)
  if (Array.isArray(one) && Array.isArray(other)) return other.every((item) => one.some((mine) => holds(mine, item)))
  if (typeof one === 'object' && typeof other === 'object' && one !== null && other !== null) {
    return Object.entries(other).every(([key, value]) => ((key === 'display' || key === 'assigner') && !('valueString' in other)) || holds((one as Fields)[key], value))
  }
  return one === other
}

const isReference = (value: unknown): boolean => typeof value === 'object' && value !== null && 'reference' in value
const plain = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase()
const isNothing = (value: unknown): boolean => (typeof value === 'string' && NOTHING.has(value)) || (Array.isArray(value) && value.length > 0 && value.every((one) => isNothing(one))) || (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 1 && isNothing((value as Fields).display))

/** A value as a person would read it. */
const shown = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value)
  const { text, display, coding, start, end, value: own } = value as { text?: string; display?: string; coding?: { display?: string; code?: string }[]; start?: string; end?: string; value?: unknown }
  return text ?? display ?? coding?.[0]?.display ?? coding?.[0]?.code ?? (start || end ? `${start ?? '…'} – ${end ?? '…'}` : own !== undefined ? String(own) : JSON.stringify(value).slice(0, 200))
}
