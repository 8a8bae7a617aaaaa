/**
 * Conditions of mapping rows: `PID-29 exists`, `ORC-5 empty and ORC-1 is not CA`, `OBX-2 one of ST|TX`, `PID-11 repeats`, `OBX-5 once`,
 * `PID-7 longer than 8`, `OBX-5 matches "^[0-9]"`, `OBR-16 same as ORC-12`, `(A or B) and C`. `and` binds tighter than `or`.
 */
import { type FieldPath, fieldPath } from './field-path.js'
import { didYouMean } from './mapping-errors.js'

export type Condition =
  | { readonly kind: 'and'; readonly parts: readonly Condition[] }
  | { readonly kind: 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'test'; readonly path: FieldPath; readonly test: Test }

export type Test =
  | { readonly kind: 'exists' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'repeats' }
  | { readonly kind: 'once' }
  | { readonly kind: 'one of'; readonly values: readonly string[] }
  | { readonly kind: 'not one of'; readonly values: readonly string[] }
  | { readonly kind: 'matches' | 'not matches'; readonly pattern: RegExp }
  | { readonly kind: 'longer than' | 'not longer than'; readonly length: number }
  | { readonly kind: 'same as' | 'not same as'; readonly path: FieldPath }

/**
 * What a condition is asked of: the values at a path (first component where the path names none), one a repetition.
 * `all` asks for every repetition even where one of them is at hand.
 */
export type Values = (path: FieldPath, all?: boolean) => readonly string[]

const WORDS = ['exists', 'empty', 'repeats', 'once', 'is', 'one of', 'not one of', 'longer than', 'not longer than', 'matches', 'not matches', 'same as', 'not same as']

/** Reads a condition. Throws a sentence that says what is wrong and what is allowed. */
export const condition = (text: string): Condition => {
  const words = text.match(/\(|\)|"[^"]*"|[^\s()]+/g) ?? []
  let at = 0
  const next = (): string => words[at++] ?? ''
  const take = (...wanted: readonly string[]): boolean => {
    if (!wanted.every((word, index) => words[at + index] === word)) return false
    at += wanted.length
    return true
  }
  const joined = (word: 'and' | 'or', part: () => Condition): Condition => {
    const parts = [part()]
    while (take(word)) parts.push(part())
    return parts.length === 1 && parts[0] ? parts[0] : { kind: word, parts }
  }
  const either = (): Condition => joined('or', () => joined('and', single))
  const single = (): Condition => {
    if (take('(')) {
      const inner = either()
      if (!take(')')) throw new Error(`the condition "${text}" has a "(" without its ")"`)
      return inner
    }
    return { kind: 'test', path: field(next()), test: test() }
  }
  const field = (word: string): FieldPath => {
    const path = fieldPath(word)
    if (!path) throw new Error(`the condition "${text}" needs a field, like PID-3 or PID-3.1, where it has "${word}"`)
    return path
  }
  const test = (): Test => {
    for (const kind of ['exists', 'empty', 'repeats', 'once'] as const) if (take(kind)) return { kind }
    if (take('same', 'as')) return { kind: 'same as', path: field(next()) }
    if (take('not', 'same', 'as')) return { kind: 'not same as', path: field(next()) }
    if (take('not', 'matches')) return { kind: 'not matches', pattern: pattern(next()) }
    if (take('matches')) return { kind: 'matches', pattern: pattern(next()) }
    if (take('not', 'longer', 'than')) return { kind: 'not longer than', length: length(next()) }
    if (take('longer', 'than')) return { kind: 'longer than', length: length(next()) }
    if (take('is', 'not') || take('not', 'one', 'of') ) return { kind: 'not one of', values: values(next()) }
    if (take('is') || take('one', 'of')) return { kind: 'one of', values: values(next()) }
    const word = next()
    throw new Error(`the condition "${text}" cannot ask "${word}"; allowed are ${WORDS.join(', ')}${didYouMean(word, WORDS)}`)
  }
  const length = (word: string): number => {
    if (!/^\d{1,6}$/.test(word)) throw new Error(`the condition "${text}" needs a number after "longer than"`)
    return Number(word)
  }
  const pattern = (word: string): RegExp => {
    try {
      if (word.length > 2 && word.startsWith('"')) return new RegExp(word.slice(1, -1))
    } catch {
      // Said below.
    }
    throw new Error(`the condition "${text}" needs a regular expression in quotes after "matches"`)
  }
  const values = (word: string): readonly string[] => {
    if (!word) throw new Error(`the condition "${text}" needs a value at its end, or several with | between`)
    return (word.startsWith('"') ? word.slice(1, -1) : word).split('|')
  }
  const whole = either()
  if (at < words.length) throw new Error(`the condition "${text}" goes on with "${words[at]}" where and, or, or its end is expected`)
  return whole
}

/** Whether a condition holds. `is` and `one of` hold where any repetition has the value. */
export const holds = (asked: Condition, valuesAt: Values): boolean => {
  if (asked.kind === 'and') return asked.parts.every((part) => holds(part, valuesAt))
  if (asked.kind === 'or') return asked.parts.some((part) => holds(part, valuesAt))
  const { test } = asked
  const found = valuesAt(asked.path, test.kind === 'repeats' || test.kind === 'once').filter((value) => value !== '')
  if (test.kind === 'exists') return found.length > 0
  if (test.kind === 'empty') return found.length === 0
  if (test.kind === 'repeats') return found.length > 1
  if (test.kind === 'once') return found.length === 1
  if (test.kind === 'same as' || test.kind === 'not same as') return valuesAt(test.path).some((value) => found.includes(value)) === (test.kind === 'same as')
  if ('pattern' in test) return found.some((value) => test.pattern.test(value)) === (test.kind === 'matches')
  if ('length' in test) return found.some((value) => value.length > test.length) === (test.kind === 'longer than')
  return 'values' in test && found.some((value) => test.values.includes(value)) === (test.kind === 'one of')
}

/** What must be true of one field for a condition to hold whatever the others say: its `is` and `one of` tests joined by `and`. */
export const demands = (asked: Condition): readonly { readonly path: FieldPath; readonly values: readonly string[] }[] => {
  if (asked.kind === 'and') return asked.parts.flatMap(demands)
  return asked.kind === 'test' && asked.test.kind === 'one of' ? [{ path: asked.path, values: asked.test.values }] : []
}
