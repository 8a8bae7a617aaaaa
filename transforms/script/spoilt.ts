/** Finds what JavaScript writes where a value was missing: "undefined" as a whole field is a mistake of the script, not content. */
import { MessageFault } from '../../engine/errors.js'

const SPOILT = /(?<![^|^~&\r\n"])(undefined|NaN|\[object Object\])(?![^|^~&\r\n"])/g // alone between the delimiters of HL7 v2, or as a string of JSON

/** Throws a MessageFault if `made` holds such a value more often than `given` did. */
export function refuseSpoilt(made: string, given: string, file: string): void {
  const found = made.match(SPOILT) ?? []
  if (found.length <= (given.match(SPOILT) ?? []).length) return
  throw new MessageFault({ kind: 'value', reason: `${file} wrote the text \`${found.at(-1)}\` as a value: something that it reads was not there; write null for nothing, or \`value ?? ''\`` })
}
