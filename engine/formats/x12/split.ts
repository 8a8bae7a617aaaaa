/** One transaction per part: per patient event, per service, per subscriber. */
import { MessageFault } from '../../errors.js'
import { type Body, elementsOf, nameOf, type Segment, segmentOf, withSegments } from './body.js'
import { isWithin, levelOf, type Loop, loopsOf } from './loops.js'

/**
 * One body per level named `by` (2000C … 2000F), each with the levels above it, what is below it, and all that stands before the first level. A level without one below it is a part of
 * its own, so that nothing is left out. Of services (2000F) those with a trace number of their own (TRN) are parts; those without stay together with their event, under whose number
 * they are known; an event without services is a part. A transaction without such a level is its only part.
 */
export const split = (body: Body, by: string): readonly Body[] => {
  if (!/^2000[A-F]$/.test(by)) throw new MessageFault({ kind: 'internal', reason: `"${by.slice(0, 20)}" is no level of a 278; it is split by 2000E (patient events) or 2000F (services)` })
  const loops = loopsOf(body)
  const levels = (loops?.all ?? []).filter((loop) => levelOf(loop) === loop)
  if (!loops || !levels.some(({ name }) => name === by || (by === '2000F' && name === '2000E'))) return [body]
  const of = body.segments.map((_, at) => (loops.of[at] ? levelOf(loops.of[at] as Loop) : null))
  const parents = new Set(levels.map(({ above }) => above))
  const isTraced = (level: Loop): boolean => body.segments.some((segment, at) => of[at] === level && nameOf(segment, body.separators) === 'TRN')
  const inBy = (level: Loop | null): boolean => level !== null && (level.name === by || inBy(level.above))
  const own = levels.filter((level) => level.name === by && (by !== '2000F' || isTraced(level)))
  const events = by === '2000F' ? levels.filter(({ name }) => name === '2000E') : []
  const untraced = (event: Loop): readonly Loop[] => levels.filter((level) => level.name === by && level.above === event && !own.includes(level))
  const parts: { readonly at: number; readonly kept: (level: Loop) => boolean }[] = [
    ...own.map((level) => ({ at: level.at, kept: (one: Loop) => isWithin(one, level) || isWithin(level, one) })),
    ...events.filter((event) => untraced(event).length > 0).map((event) => ({ at: event.at, kept: (one: Loop) => isWithin(event, one) || untraced(event).some((service) => isWithin(one, service)) })),
    ...levels.filter((level) => !parents.has(level) && !inBy(level)).map((level) => ({ at: level.at, kept: (one: Loop) => isWithin(level, one) })),
  ]
  return parts.sort((one, other) => one.at - other.at).map(({ kept }) => counted(body, body.segments.filter((_, at) => of[at] === null || kept(of[at] as Loop))))
}

/** The body with other segments, and SE-1 counting them. */
const counted = (body: Body, segments: readonly Segment[]): Body => {
  const names = segments.map((segment) => nameOf(segment, body.separators))
  const [from, to] = [names.indexOf('ST'), names.indexOf('SE')]
  return withSegments(body, segments.map((segment, at) => {
    if (at !== to) return segment
    const [name = '', , ...rest] = elementsOf(segment, body.separators)
    return segmentOf([name, String(to - from + 1), ...rest], segment.end, body.separators)
  }))
}
