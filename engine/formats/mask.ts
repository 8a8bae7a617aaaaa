/** Masks values that may say who a message is about: how long they are and how they are cut stays visible, what they say does not. */

const LONGEST = 200 // characters; the rest is not shown at all

/** Digits become 9, capitals X, everything else x; only spaces, and what cuts dates, numbers and addresses, stay, and the characters of `kept`. */
export const mask = (text: string, kept = ''): string => {
  let masked = ''
  for (const character of text.length > LONGEST ? text.slice(0, LONGEST) : text) {
    if (character >= '0' && character <= '9') masked += '9'
    else if (character >= 'A' && character <= 'Z') masked += 'X'
    else masked += STAYS.includes(character) || kept.includes(character) ? character : 'x'
  }
  return text.length > LONGEST ? `${masked}...` : masked
}

const STAYS = ' .,:/+-()@'

/** Whether a value in a coded place looks like a code, or the address of a system of codes: without spaces, short where it is no address, and no number as long as an identifier. */
export const isCode = (text: string): boolean => /^(?:(?:https?|urn):[\w.:/|-]{1,200}|[\w.:/+-]{1,40})$/.test(text) && !/\d{9}/.test(text)
