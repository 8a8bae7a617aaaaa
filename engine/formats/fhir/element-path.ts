/** Plain paths to elements, `ServiceRequest.performer[0].display`: the ones that can be written, and read without FHIRPath. */
import { MessageFault } from '../../errors.js'
import { choicesOf, definitions, elementOf, isResourceType } from './definitions.js'

export interface Step {
  readonly name: string
  readonly index: number | null // from 0; null for every one
}

export interface ElementPath {
  readonly type: string | null // the resource type that it begins with
  readonly steps: readonly Step[]
}

const PLAIN = /^[A-Za-z][A-Za-z0-9]*(\[\d{1,6}\])?(\.[A-Za-z][A-Za-z0-9]*(\[\d{1,6}\])?)*$/
const KEPT = 2000

const paths = new Map<string, ElementPath | null>()

/** The parts of a plain path; null for any other FHIRPath expression. */
export const elementPath = (text: string): ElementPath | null => {
  const known = paths.get(text)
  if (known !== undefined) return known
  const path = PLAIN.test(text) ? parsed(text) : null
  if (paths.size >= KEPT) paths.clear()
  paths.set(text, path)
  return path
}

const parsed = (text: string): ElementPath => {
  const steps = text.split('.').map((part) => {
    const [name = '', index] = part.replace(']', '').split('[')
    return { name, index: index === undefined ? null : Number(index) }
  })
  const type = steps[0]?.index === null && isResourceType(steps[0].name) ? steps[0].name : null
  return { type, steps: type === null ? steps : steps.slice(1) }
}

/** What is wrong with a plain path by the definitions of R4, in a sentence, or null. */
export const elementProblem = (text: string): string | null => {
  const path = elementPath(text)
  const [first = ''] = text.split('.')
  if (path && path.type === null && /^[A-Z]/.test(first)) return `FHIR R4 has no resource called ${first.slice(0, 64)}`
  return path?.type ? follow(path.type, path.steps).problem : null
}

/** Whether every step of a plain path is a JSON property of a definition: `Observation.valueString`, but not FHIRPath's `Observation.value`. */
export const isJsonPath = (type: string, steps: readonly Step[]): boolean => follow(type, steps).json

const follow = (type: string, steps: readonly Step[]): { readonly problem: string | null; readonly json: boolean } => {
  let definition: string | null = type
  for (const { name } of steps) {
    if (definition === null || !definitions()[definition]?.properties) return { problem: null, json: false }
    const element = elementOf(definition, name)
    if (!element) {
      const choice = choicesOf(definition).get(name)
      return { problem: choice ? null : `${definition.replaceAll('_', '.')} has no element \`${name.slice(0, 64)}\``, json: false }
    }
    definition = element.type
  }
  return { problem: null, json: true }
}

/** The plain path of a text. Throws a MessageFault that says what can be written where it is not one. */
export const writablePath = (text: string): ElementPath => {
  const path = elementPath(text)
  const problem = path === null ? `\`${text.slice(0, 100)}\` can be read but not written; write elements by name, as in ServiceRequest.priority or Patient.name[0].family` : elementProblem(text)
  if (path === null || problem !== null) throw new MessageFault({ kind: 'internal', reason: problem ?? '' })
  if (path.steps.length === 0) throw new MessageFault({ kind: 'internal', reason: `\`${text.slice(0, 100)}\` names a whole resource; name an element of it` })
  return path
}
