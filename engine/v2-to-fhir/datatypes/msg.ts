/** MSG, the type of a message (2.A.48), and PT, how it is to be processed (2.A.64). */
import { codeSystem } from '../code-systems.js'
import type { Datatype } from '../datatype.js'
import { leaf } from '../draft.js'
import { leafOf } from '../part.js'

/** The trigger event (table 0003), with the whole type as its words. */
export const MSG: Datatype = {
  makes: ['Coding', 'CodeableConcept', 'string'],
  read: (part, use) => {
    const words = [1, 2, 3].map((at) => part.part(at).text).filter(Boolean).join('^')
    if (!words) return undefined
    const display = leaf(words, part.origin)
    if (use.target === 'string') return display
    const coding = { system: codeSystem('0003'), code: leafOf(part.part(2)), display }
    return use.target === 'Coding' ? coding : { coding: [coding] }
  },
}

/** Production, training or debugging (table 0103), and the mode (table 0207). */
export const PT: Datatype = {
  makes: ['Coding'],
  read: (part) => {
    const made = ([[1, '0103'], [2, '0207']] as const).flatMap(([at, table]) => {
      const code = leafOf(part.part(at))
      return code ? [{ system: codeSystem(table), code }] : []
    })
    return made.length > 0 ? made : undefined
  },
}
