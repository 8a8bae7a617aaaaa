/** Paths into XML: a subset of XPath, `ClinicalDocument/recordTarget/patientRole/id[@root='2.16.840.1.113883.4.1']/@extension`. */

export interface Step {
  readonly axis: 'child' | 'anywhere' | 'self' // anywhere: `//`, at any depth below
  readonly prefix: string // "" means any but sdtc
  readonly local: string // "*" for any
  readonly predicates: readonly Predicate[]
}

export type Predicate =
  | { readonly kind: 'position'; readonly at: number } // from 1
  | { readonly kind: 'any'; readonly of: readonly Test[] } // joined by `or`
export interface Test {
  readonly path: Path
  readonly is: 'there' | 'missing' | 'equal' | 'different'
  readonly value: string
}

export interface Path {
  readonly steps: readonly Step[]
  readonly attribute: string | null // `/@name` at its end
}

const IS = "a path names elements from the root on, as in `ClinicalDocument/recordTarget/patientRole/id[@root='1.2.3']/@extension`; `//` is any depth, `*` any name, `[2]` the second, `[code/@code='x']`, `[@nullFlavor]` and `[not(@nullFlavor)]` are tests, joined by `or`; several brackets must all hold"
const LONGEST = 1000 // characters
const NAME = /^(?:([A-Za-z_][\w-]*):)?([A-Za-z_][\w-]*(?:\.[\w-]+)*|\*)/
const ATTRIBUTE = /^@((?:[A-Za-z_][\w-]*:)?[A-Za-z_][\w-]*(?:\.[\w-]+)*)/
const KEPT = 4000

const paths = new Map<string, Path | string>()

/** The parts of a path from the root, or what is wrong with it, in a sentence. */
export const xmlPath = (text: string): Path | string => {
  const known = paths.get(text)
  if (known !== undefined) return known
  if (paths.size >= KEPT) paths.clear()
  const read = parsed(text, true)
  paths.set(text, read)
  return read
}

/** The same of a path from an element: `.`, `.[@negationInd='true']`, `@root`, `value/@value`. */
export const relativePath = (text: string): Path | string => parsed(text, false)

const parsed = (text: string, whole: boolean): Path | string => {
  const cursor = { rest: text }
  const path = text.length > LONGEST ? null : readPath(cursor, whole)
  return path && cursor.rest === '' ? path : `\`${text.slice(0, 60)}\` is no path: ${IS}`
}

interface Cursor { rest: string }

const take = (cursor: Cursor, pattern: RegExp): RegExpExecArray | null => {
  const found = pattern.exec(cursor.rest)
  if (found) cursor.rest = cursor.rest.slice(found[0].length)
  return found
}

const readPath = (cursor: Cursor, whole: boolean): Path | null => {
  const steps: Step[] = []
  let anywhere = whole && take(cursor, /^\/\//) !== null
  if (whole && !anywhere) take(cursor, /^\/(?=[^/])/)
  let self = !whole && take(cursor, /^\.(?![\w.])/) !== null
  while (true) {
    const attribute = self ? undefined : take(cursor, ATTRIBUTE)?.[1]
    if (attribute !== undefined) return anywhere || (whole && steps.length === 0) ? null : { steps, attribute }
    const name = self ? [] : take(cursor, NAME)
    if (!name) return null
    const predicates: Predicate[] = []
    while (cursor.rest.startsWith('[')) {
      const predicate = readPredicate(cursor)
      if (!predicate) return null
      predicates.push(predicate)
    }
    steps.push({ axis: self ? 'self' : anywhere ? 'anywhere' : 'child', prefix: name[1] ?? '', local: name[2] ?? '', predicates })
    self = false
    if (take(cursor, /^\/\//)) anywhere = true
    else if (take(cursor, /^\//)) anywhere = false
    else return { steps, attribute: null }
  }
}

const readPredicate = (cursor: Cursor): Predicate | null => {
  const position = take(cursor, /^\[\s*([1-9]\d{0,6})\s*\]/)?.[1]
  if (position !== undefined) return { kind: 'position', at: Number(position) }
  take(cursor, /^\[\s*/)
  const of: Test[] = []
  do {
    const test = readTest(cursor)
    if (!test) return null
    of.push(test)
  } while (take(cursor, /^\s+or\s+/))
  return take(cursor, /^\s*\]/) ? { kind: 'any', of } : null
}

const readTest = (cursor: Cursor): Test | null => {
  const not = take(cursor, /^not\(\s*/) !== null
  const path = readPath(cursor, false)
  if (!path) return null
  const compared = take(cursor, /^\s*(!?=)\s*(?:'([^']*)'|"([^"]*)")/)
  if (not && !take(cursor, /^\s*\)/)) return null
  if (!compared) return { path, is: not ? 'missing' : 'there', value: '' }
  return { path, is: (compared[1] === '=') === not ? 'different' : 'equal', value: compared[2] ?? compared[3] ?? '' }
}
