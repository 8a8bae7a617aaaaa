/** Paths into JSON: `patient.name[0].family`, `orders[*].code`, `["a.b"].c`. */
import { MessageFault } from '../../errors.js'

/** A name of an object, a place of a list from 0, or every place of it. */
export type Step = string | number | '[*]'
export const EVERY = '[*]'

const STEP = /(?:^|\.)([A-Za-z_$][\w$-]*)|\[(\d{1,6})\]|\[(\*)\]|\["([^"\\\]]{1,200})"\]/y
const LONGEST = 1000
const KEPT = 2000

const known = new Map<string, readonly Step[]>()

/** What is wrong with a path, in a sentence, or null. */
export const pathProblem = (path: string): string | null => (stepsIn(path) ? null
  : `\`${path.slice(0, 100)}\` is not a path; write names and places, as in patient.name[0].family, orders[*].code or ["a.b"].c`)

/** The steps of a path. Throws a MessageFault (internal) with what `pathProblem` says. */
export const stepsOf = (path: string): readonly Step[] => {
  const steps = known.get(path) ?? stepsIn(path)
  if (!steps) throw new MessageFault({ kind: 'internal', reason: pathProblem(path) ?? '' })
  if (known.size >= KEPT) known.clear()
  known.set(path, steps)
  return steps
}

const stepsIn = (path: string): readonly Step[] | null => {
  if (path === '' || path.length > LONGEST) return null
  const steps: Step[] = []
  for (STEP.lastIndex = 0; STEP.lastIndex < path.length; ) {
    const found = STEP.exec(path)
    if (!found) return null
    const [, name, index, every, quoted] = found
    const step = name ?? quoted ?? (every ? EVERY : Number(index))
    if (step === '__proto__') return null
    steps.push(step)
  }
  return steps
}
