/** Paths as the implementation guides write them: `UM-1`, `NM1*1P-9`, `2000E/HI-1.2`, `2000F[2]/SV1-1.2`, `REF*BB[2]-2`, and `[*]` for every one. */
import { MessageFault } from '../../errors.js'
import { LOOP } from './loops.js'

/** Numbers are from 1. */
export interface Path {
  readonly loop: string | null
  readonly loopNumber: number | '*' // a level of HL (2000E) without a number is the first, a name loop (2010EA) without one is any
  readonly segment: string
  readonly qualifier: string | null // what element 1 says (of HL element 3): NM1*1P
  readonly index: number | '*'
  readonly element: number
  readonly repetition: number | '*'
  readonly repetitionNamed: boolean
  readonly component: number | null
}

const PATH = /^(?:(\d{4}[A-Z]{1,2})(?:\[([1-9]\d{0,3}|\*)\])?\/)?([A-Z][A-Z0-9]{1,2})(?:\*([A-Z0-9]{1,10}))?(?:\[([1-9]\d{0,5}|\*)\])?-([1-9]\d?)(?:\[([1-9]\d{0,3}|\*)\])?(?:\.([1-9]\d?))?$/
const KEPT = 2000
const compiled = new Map<string, Path>()

/** The path as its parts. Throws a MessageFault (internal) with what `pathProblem` says. */
export const pathOf = (path: string): Path => {
  const known = compiled.get(path)
  if (known) return known
  const problem = pathProblem(path)
  if (problem !== null) throw new MessageFault({ kind: 'internal', reason: problem })
  const [, loop, loopNumber, segment = '', qualifier, index, element, repetition, component] = PATH.exec(path) ?? []
  const parsed: Path = {
    loop: loop ?? null,
    loopNumber: loopNumber === undefined ? (loop?.startsWith('2000') ? 1 : '*') : numbered(loopNumber),
    segment, qualifier: qualifier ?? null,
    index: index === undefined ? (loopNumber === '*' ? '*' : 1) : numbered(index),
    element: Number(element),
    repetition: repetition === undefined ? 1 : numbered(repetition),
    repetitionNamed: repetition !== undefined,
    component: component === undefined ? null : Number(component),
  }
  if (compiled.size < KEPT) compiled.set(path, parsed)
  return parsed
}

const numbered = (text: string): number | '*' => (text === '*' ? '*' : Number(text))

/** What is wrong with a path, in a sentence that says what to write instead, or null. */
export const pathProblem = (path: string): string | null => {
  const shown = path.slice(0, 100)
  const [match, loop] = PATH.exec(path) ?? []
  if (match && loop !== undefined && !LOOP.test(loop)) return `"${shown}": there is no loop ${loop}; a 278 has 2000A to 2000F, 2010A to 2010D, 2010EA, 2010EB and 2010F`
  if (match) return null
  const meant = intended(path)
  if (meant) return `"${shown}" is not how a path is written; write ${meant}`
  if (/^[A-Z][A-Z0-9]{1,2}(?:\*[A-Z0-9]+)?$/i.test(path)) return `"${shown}" names a segment and no element; write ${path.toUpperCase()}-1, for example`
  return `"${shown}" is not a path; write a segment, a hyphen and an element, as in UM-1, HI-1.2, NM1*1P-9 or 2000E/UM-1`
}

/** What someone most likely meant who writes paths as the guides' tables do: UM01, HI01-2, NM1*1P*9, um-1. */
const intended = (path: string): string | null => {
  const [, segment = '', qualifier = '', element, component] = /^\s*([A-Za-z][A-Za-z0-9]{1,2}?)(\*[A-Za-z0-9]{1,10})?\s*[-.*:]?\s*0?([1-9]\d?)(?:\s*[-.:]\s*0?([1-9]\d?))?\s*$/.exec(path) ?? []
  const meant = `${segment.toUpperCase()}${qualifier.toUpperCase()}-${element}${component === undefined ? '' : `.${component}`}`
  return PATH.test(meant) && meant !== path ? meant : null
}
