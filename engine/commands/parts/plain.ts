/** Text that may be written to a terminal, whoever it comes from: nothing in it moves the cursor, changes a colour or hides a line. */

/** One line: every control character and line break is a `·`. */
export const plainLine = (text: string): string => text.replace(CONTROL, '·')

/** Lines: CR, LF and both end one. */
export const plainLines = (text: string): readonly string[] => text.replace(/[\r\n]+$/, '').split(/\r\n|\r|\n/).map(plainLine)

// Control characters of C0 and C1, and what turns the direction of writing around.
const CONTROL = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
