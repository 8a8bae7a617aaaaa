/** One condition of a row: the whole grammar of a cell. */
import type { Alternative, Kind } from './alternatives.js'

/**
 * A cell is alternatives with `|` between them. `!` in front of one means "and not"; `?` is "nothing is said", `*` "anything
 * that is said". It holds where one that is not negated holds (or there is none), and none that is negated does. Of a fact
 * with several values, such as the diagnoses, one value is enough for either. What a referral does not say meets `?` only.
 */
export interface Condition {
  readonly text: string // as written
  readonly positives: readonly Alternative[]
  readonly negatives: readonly Alternative[]
  readonly anything: boolean // `*`, or nothing but negations
  readonly nothing: boolean // `?`
  readonly narrowness: number // of the widest alternative, a little less for each further one
}

const MOST = 200

/** Throws a sentence that follows the name of the column. */
export const condition = (text: string, kind: Kind): Condition => {
  const parts = text.replace(/[\u2013\u2014]/g, '-').split('|').map((part) => part.trim())
  if (parts.length > MOST) throw new Error(`has ${parts.length} alternatives; ${MOST} are the most`)
  const positives: Alternative[] = []
  const negatives: Alternative[] = []
  let [nothing, anything] = [false, false]
  for (const part of parts) {
    const negated = part.startsWith('!')
    const rest = part.slice(negated ? 1 : 0).trim()
    if (rest === '') throw new Error(`has an empty alternative in \`${text}\`; write ? for what is not said`)
    if (rest === '?' || rest === '*') {
      if (negated) throw new Error(`cannot have !${rest}; write ${rest === '?' ? '*' : '?'} instead`)
      if (rest === '?') nothing = true
      else anything = true
      continue
    }
    try {
      (negated ? negatives : positives).push(kind.parse(rest))
    } catch (error) {
      throw new Error(`: \`${rest.slice(0, 60)}\` ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
  anything ||= positives.length === 0 && negatives.length > 0
  const widest = anything ? 1 : Math.min(...positives.map(({ narrowness }) => narrowness), nothing ? 2 : Number.POSITIVE_INFINITY)
  return { text, positives, negatives, anything, nothing, narrowness: widest - (parts.length - 1) / 1000 }
}

/** Whether the values of one fact meet a condition. */
export const meets = (condition: Condition, values: readonly string[]): boolean => {
  if (values.length === 0) return condition.nothing
  const names = (alternatives: readonly Alternative[]): boolean => alternatives.some((each) => values.some((value) => each.holds(value)))
  return (condition.anything || names(condition.positives)) && !names(condition.negatives)
}

/** Whether some single value (or nothing said) meets both. Looks at the ends of all that either names. */
export const overlap = (a: Condition, b: Condition, { elsewhere }: Kind): boolean => {
  if (a.nothing && b.nothing) return true
  const values = [elsewhere, ...[a, b].flatMap(({ positives, negatives }) => [...positives, ...negatives].flatMap(({ samples }) => samples))]
  return values.some((value) => meets(a, [value]) && meets(b, [value]))
}

/** Whether `a` holds wherever `b` does; false where that is not certain. */
export const covers = (a: Condition, b: Condition): boolean => {
  if (b.nothing && !a.nothing) return false
  const said = b.anything || b.positives.length > 0
  if (!said) return true
  const excluded = (negative: Alternative): boolean => b.negatives.some((own) => own.covers(negative)) || (!b.anything && !b.positives.some((each) => touches(each, negative)))
  if (!a.negatives.every(excluded)) return false
  return a.anything || (!b.anything && b.positives.every((each) => a.positives.some((own) => own.covers(each))))
}

/** Whether nothing can meet it: all that it names it also excludes. */
export const impossible = ({ positives, negatives, anything, nothing }: Condition): boolean =>
  !anything && !nothing && positives.every((each) => negatives.some((negative) => negative.covers(each)))

const touches = (a: Alternative, b: Alternative): boolean => [...a.samples, ...b.samples].some((value) => a.holds(value) && b.holds(value))
