/** Reads values by path. */
import { MessageFault } from '../../errors.js'
import { type Body, fieldsOf, partOf, positionsOf } from './body.js'
import { decodeValue } from './escape.js'
import { type Path, pathOf } from './path.js'

/**
 * The values at a path. A value without parts is decoded; a field that has components, or a component that has subcomponents, is given as
 * written. Without `[n]` it is the first segment and the first repetition. HL7's null is `""`. Empty values are left out.
 */
export const read = (body: Body, path: string): readonly string[] => {
  const wanted = pathOf(path)
  const positions = positionsOf(body).get(wanted.segment)
  if (!positions) return []
  const values: string[] = []
  if (wanted.index === '*') for (const at of positions) readSegment(body, at, wanted, values)
  else {
    const at = positions[wanted.index - 1]
    if (at !== undefined) readSegment(body, at, wanted, values)
  }
  return values
}

const readSegment = (body: Body, at: number, path: Path, values: string[]): void => {
  const segment = body.segments[at]
  const field = segment === undefined ? '' : (fieldsOf(segment, body)[path.field] ?? '')
  if (field === '') return
  if (path.segment === 'MSH' && path.field < 3) values.push(field)
  else if (path.repetition !== '*') readRepetition(body, partOf(field, body.delimiters.repetition, path.repetition), path, values)
  else for (const repetition of repetitionsOf(field, body)) readRepetition(body, repetition, path, values)
}

const readRepetition = (body: Body, repetition: string, path: Path, values: string[]): void => {
  const { delimiters, charset } = body
  const component = path.component === null ? repetition : partOf(repetition, delimiters.component, path.component)
  const value = path.subcomponent === null ? component : partOf(component, delimiters.subcomponent, path.subcomponent)
  if (value === '') return
  const hasParts = value.includes(delimiters.component) || value.includes(delimiters.subcomponent)
  values.push(hasParts ? charset.decode(value) : decodeValue(value, delimiters, charset))
}

/** The repetitions of a field as carried. Throws a MessageFault where there are more than the limit. */
export const repetitionsOf = (field: string, body: Body): readonly string[] => {
  const most = body.reading.limits.repetitions
  const repetitions = field.split(body.delimiters.repetition, most + 1)
  if (repetitions.length > most) throw new MessageFault({ kind: 'unreadable', reason: `a field repeats more than ${most} times; if that is right, raise the format's setting \`repetitions\`` })
  return repetitions
}
