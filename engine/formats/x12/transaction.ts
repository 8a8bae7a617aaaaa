/** What a transaction is and by which numbers it is known. */
import type { Header } from '../../contracts.js'
import { MessageFault } from '../../errors.js'
import { type Body, elementOf, indexesOf } from './body.js'

export type Kind = 'request' | 'response' | 'notification' | 'acknowledgment' | 'inquiry'

const first = (body: Body, name: string, element: number): string => elementOf(body.segments[indexesOf(body, name)[0] ?? -1], element, body.separators).trim()

/**
 * Which part of a 278 exchange this is, by the guide (GS-8, else ST-3: X215 inquiry, X216 notification, X217 request) and BHT-2, whose 11 is the answer to any;
 * null where it is no 278.
 */
export const kindOf = (body: Body): Kind | null => {
  if (first(body, 'ST', 1) !== '278') return null
  const guide = /X(21[567])/.exec(first(body, 'GS', 8) || first(body, 'ST', 3))?.[1]
  const answers = first(body, 'BHT', 2) === '11'
  if (guide === '216') return answers ? 'acknowledgment' : 'notification'
  return answers ? 'response' : guide === '215' ? 'inquiry' : first(body, 'BHT', 2) === 'CN' ? 'notification' : 'request'
}

/** Control numbers of the interchange, the group and the transaction; `278^request`, or the transaction set (`999`), or `TA1`. */
export const headerOf = (body: Body): Header => {
  const set = first(body, 'ST', 1)
  const kind = kindOf(body)
  const type = kind ? `${set}^${kind}` : set || (indexesOf(body, 'TA1').length > 0 ? 'TA1' : '')
  if (type === '') throw new MessageFault({ kind: 'required', reason: 'the interchange holds no transaction', location: 'ST' })
  return { controlId: [first(body, 'ISA', 13), first(body, 'GS', 6), first(body, 'ST', 2)].filter(Boolean).join('-') || null, type }
}
