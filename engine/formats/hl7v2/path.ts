/** Paths as the standard writes them: `PID-3`, `PID-3.1`, `PID-3[2].4.2`, `OBX[3]-5`, and `[*]` for every one. */
import { MessageFault } from '../../errors.js'

/** Numbers are from 1. */
export interface Path {
  readonly segment: string
  readonly index: number | '*'
  readonly field: number
  readonly repetition: number | '*'
  /** Whether the path says which repetition. */
  readonly repetitionNamed: boolean
  readonly component: number | null
  readonly subcomponent: number | null
}

const PATH = /^([A-Z][A-Z0-9]{2})(?:\[(\d+|\*)\])?-(\d+)(?:\[(\d+|\*)\])?(?:\.(\d+)(?:\.(\d+))?)?$/
const MOST = { segment: 1_000_000, field: 999, repetition: 10_000, part: 999 }
const compiled = new Map<string, Path>()

/** The path as its parts. Throws a MessageFault (internal) with what `pathProblem` says. */
export const pathOf = (path: string): Path => {
  const known = compiled.get(path)
  if (known) return known
  const problem = pathProblem(path)
  if (problem !== null) throw new MessageFault({ kind: 'internal', reason: problem })
  const [, segment = '', index, field, repetition, component, subcomponent] = PATH.exec(path) ?? []
  const parsed: Path = {
    segment,
    index: index === '*' ? '*' : Number(index ?? 1),
    field: Number(field),
    repetition: repetition === '*' ? '*' : Number(repetition ?? 1),
    repetitionNamed: repetition !== undefined,
    component: component === undefined ? null : Number(component),
    subcomponent: subcomponent === undefined ? null : Number(subcomponent),
  }
  if (compiled.size < 2000) compiled.set(path, parsed)
  return parsed
}

/** What is wrong with a path, in a sentence that says what to write instead, or null. */
export const pathProblem = (path: string): string | null => {
  const match = PATH.exec(path)
  if (!match) return notAPath(path)
  const [, segment = '', index, field, repetition, component, subcomponent] = match
  const outside = (number: string | undefined, most: number) => number !== undefined && number !== '*' && (Number(number) < 1 || Number(number) > most)
  if (outside(index, MOST.segment)) return `"${path}": segments are counted from 1 (to ${MOST.segment}); the first ${segment} is ${segment}[1], or just ${segment}`
  if (outside(field, MOST.field)) return `"${path}": fields are counted from 1 (to ${MOST.field})`
  if (outside(repetition, MOST.repetition)) return `"${path}": repetitions are counted from 1 (to ${MOST.repetition})`
  if (outside(component, MOST.part)) return `"${path}": components are counted from 1 (to ${MOST.part})`
  if (outside(subcomponent, MOST.part)) return `"${path}": subcomponents are counted from 1 (to ${MOST.part})`
  if (segment === 'MSH' && Number(field) < 3 && (component ?? repetition) !== undefined) return `"${path}": MSH-1 and MSH-2 are the delimiters and have no parts; write MSH-${field}`
  return null
}

const notAPath = (path: string): string => {
  const meant = intended(path)
  if (meant !== null) return `"${path}" is not how a path is written; write ${meant}`
  if (/^[A-Za-z][A-Za-z0-9]{2}(\[(\d+|\*)\])?$/.test(path)) return `"${path}" names a segment and no field; write ${path.toUpperCase()}-1, for example`
  return `"${path}" is not a path; write a segment, a hyphen and a field, as in PID-3, PID-3.1, PID-3[2].4.2, OBX[3]-5 or PID-3[*].1`
}

/** What someone most likely meant who writes paths as other programs do: PID.3.1, PID-3-1, pid-3, PID3, PID-3(2). */
const intended = (path: string): string | null => {
  const [, segment = '', index = '', field = '', repetition = '', rest = ''] =
    /^[/.\s]*([A-Za-z][A-Za-z0-9]{2})\s*([[(](?:\d+|\*)[\])])?\s*[-.:_/]?\s*F?(\d+)\s*([[(](?:\d+|\*)[\])])?((?:\s*[-.:_/]\s*\d+){0,2})\s*$/.exec(path) ?? []
  const square = (brackets: string) => brackets.replace('(', '[').replace(')', ']')
  const meant = `${segment.toUpperCase()}${square(index)}-${field}${square(repetition)}${rest.replace(/\s/g, '').replace(/[-:_/]/g, '.')}`
  return PATH.test(meant) ? meant : null
}
