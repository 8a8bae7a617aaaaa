/** Regular expressions that cannot take long: what makes one slow is refused, and only the beginning of a value is looked at. */

const LONGEST_VALUE = 1000 // characters
const LONGEST_PATTERN = 200
const MOST_REPEATS = 2 // the time grows with this power of the value's length, and by one more where the place to begin is open

/** A test for one value, whose first 1000 characters are looked at. Throws a sentence that names the path if the expression cannot be used. */
export const makePattern = (source: string, path: string): ((value: string) => boolean) => {
  const problem = slow(source)
  if (problem !== null) throw new Error(`\`${path}\`: the regular expression ${problem}.`)
  let pattern: RegExp
  try {
    pattern = new RegExp(source, 'u')
  } catch {
    throw new Error(`\`${path}\`: \`${source}\` is not a regular expression (JavaScript, with the flag u).`)
  }
  return (value) => pattern.test(value.slice(0, LONGEST_VALUE))
}

const TOKEN = /\\[1-9k]|\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?(?:<?[=!]|:|<[^>]*>))?|\)|[*+]|\{\d+(?:,\d*)?\}|\||./gsu

/** Repetitions of something that itself repeats or has alternatives take exponential time; several in a row, a power. */
const slow = (source: string): string | null => {
  if (source.length > LONGEST_PATTERN) return `may have at most ${LONGEST_PATTERN} characters`
  const groups: { varies: boolean }[] = [{ varies: false }]
  let closed: { varies: boolean } | null = null
  let repeats = 0
  for (const [token] of source.matchAll(TOKEN)) {
    const inner = closed
    closed = null
    if (/^\\[1-9k]/.test(token)) return 'may not refer back to a group'
    const group = groups.at(-1)
    if (token.startsWith('(')) groups.push({ varies: false })
    else if (token === ')') {
      closed = groups.length > 1 ? (groups.pop() ?? null) : null
      const outer = groups.at(-1)
      if (outer && closed?.varies) outer.varies = true
    } else if ((token === '|' || token === '?') && group) group.varies = true
    else if (token === '*' || token === '+' || /^\{\d+(,\d*)?\}$/.test(token)) {
      if (inner?.varies) return 'repeats a group that itself repeats or has alternatives; write it without the inner or the outer repetition'
      repeats += /^\{\d+\}$/.test(token) ? 0 : 1
      if (group) group.varies = true
    }
  }
  const most = source.startsWith('^') && !source.includes('|') ? MOST_REPEATS + 1 : MOST_REPEATS
  return repeats > most ? `has more than ${most} repetitions (*, + or {n,}); one that begins with ^ and has no | may have ${MOST_REPEATS + 1}` : null
}
