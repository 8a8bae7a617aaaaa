/** One message per part: per order group, per result, whatever a segment begins. */
import { MessageFault } from '../../errors.js'
import { type Body, nameOf, type Segment, withSegments } from './body.js'

/** Segments that begin another context where they come again below the one that they are in: another patient, another order. */
const OPENERS = new Set(['PID', 'ORC', 'OBR'])

/**
 * One body per segment named `by`. What stands above the first is common to all; what follows one belongs to it, up to the next. An ORC belongs to the OBR
 * that follows it. A further PID (or ORC or OBR, if `by` is below them) takes the place of the one above for what follows, so that no result goes to another
 * patient; one with nothing below it is a part of its own. A message without `by` is its only part.
 */
export const split = (body: Body, by: string): readonly Body[] => {
  if (!/^[A-Z][A-Z0-9]{2}$/.test(by)) throw new MessageFault({ kind: 'internal', reason: `"${by}" is no segment; messages are split by a segment's name in capitals, such as OBR` })
  const names = body.segments.map(segment => nameOf(segment, body.delimiters))
  if (!names.includes(by)) return [body]
  const parts: (readonly Segment[])[] = []
  let context: { name: string; segment: Segment }[] = []
  let part: Segment[] | null = null
  let ordersOnly = false // the part began with an ORC and waits for its OBR
  let pending = false // the context has something that is in no part yet
  const flush = () => {
    if (part || pending) parts.push([...context.map(({ segment }) => segment), ...(part ?? [])])
    part = null
    pending = false
  }
  body.segments.forEach((segment, at) => {
    const name = names[at] ?? ''
    const leads = by === 'OBR' && name === 'ORC'
    if (leads || (name === by && !ordersOnly)) {
      if (part) flush()
      pending = false
      part = [segment]
      ordersOnly = leads
      return
    }
    if (name === by) ordersOnly = false
    const above = OPENERS.has(name) ? context.findIndex(one => one.name === name) : -1
    if (above !== -1 && (part || pending)) {
      flush()
      context = context.slice(0, above)
      ordersOnly = false
    }
    if (part) part.push(segment)
    else {
      context.push({ name, segment })
      if (OPENERS.has(name) && name !== by) pending = true
    }
  })
  flush()
  return parts.map(segments => withSegments(body, segments))
}
