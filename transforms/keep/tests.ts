/** What may be asked of the values at a path. */
import { type Static, Type } from 'typebox'
import { makePattern } from './pattern.js'

const One = Type.Union([Type.String(), Type.Number(), Type.Boolean()])
const OneOrMore = Type.Union([One, Type.Array(One, { minItems: 1 })])

export const Test = Type.Union([
  One,
  Type.Array(One, { minItems: 1 }),
  Type.Object({ not: OneOrMore }, { additionalProperties: false }),
  Type.Object({ matches: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
  Type.Object({ exists: Type.Boolean() }, { additionalProperties: false }),
], { description: 'A value (is), a list (is one of), `{ not: … }`, `{ matches: a regular expression }` or `{ exists: true }`. Where a path has several values, one that fits is enough; `not` is for none of them.' })

export interface MadeTest {
  holds(values: readonly string[]): boolean
  readonly expected: string // goes on after the path: "is not MR"
}

/** Makes a test. Throws a sentence if its regular expression cannot be used. */
export const makeTest = (test: Static<typeof Test>, path: string): MadeTest => {
  if (typeof test !== 'object' || Array.isArray(test)) return { holds: isOneOf(test), expected: `is not ${named(test)}` }
  if ('not' in test) {
    const excluded = isOneOf(test.not)
    return { holds: (values) => !excluded(values), expected: `is ${named(test.not)}` }
  }
  if ('exists' in test) return { holds: (values) => values.length > 0 === test.exists, expected: test.exists ? 'has nothing' : 'has something' }
  const matches = makePattern(test.matches, path)
  return { holds: (values) => values.some(matches), expected: `does not match ${test.matches}` }
}

type Wanted = Static<typeof OneOrMore>

const listed = (wanted: Wanted): readonly string[] => (Array.isArray(wanted) ? wanted : [wanted]).map(String)
const named = (wanted: Wanted): string => listed(wanted).join(' or ')

const isOneOf = (wanted: Wanted): ((values: readonly string[]) => boolean) => {
  const texts = new Set(listed(wanted))
  return (values) => values.some((value) => texts.has(value))
}
