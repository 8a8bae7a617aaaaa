/** NDL, a person with the time and place of what was done (2.A.49): the person is a CNN (2.A.9), or of many senders an XCN. */
import type { Datatype, Use, Written } from '../datatype.js'
import type { Draft } from '../draft.js'
import type { Part } from '../part.js'
import { XCN } from './xcn.js'

/** A CNN's parts in the places that an XCN has them: its authority is in three parts of its own. */
const asPerson = (part: Part): Part => {
  const authority = (number: number): Part => part.part(number + 8)
  const hd: Part = { ...part.part(9), part: authority }
  return { ...part, part: (number) => (number === 9 ? hd : number > 9 ? part.part(20) : part.part(number)) }
}

const person = (part: Part): Part => (part.part(1).divided ? asPerson(part.part(1)) : /^\d{4,14}/.test(part.part(2).text) || part.part(2).text === '' ? asPerson(part.part(1)) : part)

export const NDL: Datatype = {
  makes: XCN.makes,
  read: (part, use: Use): Draft | undefined => XCN.read(person(part), use),
  write: (value, use): Written | undefined => {
    const written = XCN.write?.(value, use)
    if (written === undefined || typeof written === 'string') return written
    const [id, family, given, further, suffix, prefix, degree, , authority] = written
    const first = (each: Written | undefined): Written | undefined => (typeof each === 'string' || each === undefined ? each : each[0])
    return [[id, first(family), given, further, suffix, prefix, degree, '', ...(Array.isArray(authority) ? authority : [authority])]]
  },
}
