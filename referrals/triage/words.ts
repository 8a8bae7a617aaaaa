/** Cuts free text into words that know where they stand: offset, sentence and line. */

export interface Word {
  readonly text: string // lower case, without accents; punctuation that matters is a word of its own
  readonly from: number // offset in the text
  readonly to: number
  readonly capital: boolean // written in capitals
  readonly sentence: number // counted from 0
  readonly line: number // counted from 0
}

/** What each alternative is: a new line · a tick box or sign · "w/" · "s/p" · "s.o.b." · "6.2" · "62" of "62yo" · "x" of "x2" · a word · a sign. */
const WORD = /\r?\n|\[[ xX✓✔_]?\]|\([ xX✓✔+-]?\)|[wW]\/(?![oOuU]\b)|\p{L}\/\p{L}(?:\/\p{L})*(?!\p{L})|(?:\p{L}\.){2,}|\d+(?:\.\d+)?|[xX](?=\d)|[\p{L}\p{M}][\p{L}\p{M}\p{N}]*(?:['’]\p{L}+)?|[^\s\p{L}\p{N}"“”]/gu
const ABBREVIATIONS = new Set(['dr', 'mr', 'mrs', 'ms', 'pt', 'vs', 'approx', 'hx', 'dx', 'rx', 'no', 'st', 'eg', 'ie', 'wk', 'wks', 'mo', 'yr', 'yrs'])
/** A line that ends with one of these goes on in the next. */
const JOINS = new Set([',', 'and', 'or', 'nor', 'with', 'of', 'the', 'a', 'an', 'no', 'not', 'for', 'to', 'in', 'any', 'without', 'denies', 'w/', '/', '&'])
const TICK_BOX = /^[[(☐☑☒✓✔•●▪*]/

/** A sentence longer than this is parted, at a comma if one comes: it is a list, or no prose at all. */
const LONG_SENTENCE = 120
const LONGEST_SENTENCE = 160

/** The words of a text, in order. Linear in its length. */
export const wordsOf = (text: string): readonly Word[] => {
  const dictated = isDictated(text)
  const found = [...text.matchAll(WORD)].map((match) => ({ raw: match[0], from: match.index }))
  const shouted = isShouted(text)
  const listed = findingsLines(text)
  const words: Word[] = []
  let sentence = 0
  let line = 0
  let begun = 0
  const end = (): void => {
    sentence++
    begun = words.length
  }
  found.forEach(({ raw, from }, index) => {
    const next = found[index + 1]
    if (dictated && /^period$/i.test(raw)) {
      end()
      return
    }
    if (raw === '\n' || raw === '\r\n') {
      line++
      if (!goesOn(words.at(-1)?.text, next?.raw, shouted)) end()
      return
    }
    const before = text[from - 1] ?? ' '
    const after = text[from + raw.length] ?? ' '
    if (raw === '-' && isInner(before) && isInner(after)) return
    const minus = raw === '-' && /\s/.test(before) && (/\p{L}/u.test(after) || listed.has(line)) && from > 0 && before !== '\n'
    words.push({ text: minus ? '(-)' : dictated && raw === 'comma' ? ',' : folded(raw), from, to: from + raw.length, capital: raw === raw.toUpperCase() && raw !== raw.toLowerCase(), sentence, line })
    const length = words.length - begun
    const ends = raw === '.' ? endsSentence(words.at(-2)?.text, before, after, next?.raw) : raw === '!' || (raw === '?' && /\s/.test(after) && !/\s/.test(before))
    if (ends || length >= LONGEST_SENTENCE || (length >= LONG_SENTENCE && (raw === ',' || raw === ';'))) end()
  })
  return words
}

/** As words are compared: lower case, without accents, "s.o.b." as "sob". */
const folded = (raw: string): string => {
  const plain = /^[\x20-\x7e]*$/.test(raw) ? raw : raw.normalize('NFD').replace(/\p{M}/gu, '').replace('’', "'")
  return plain.length > 2 && plain.endsWith('.') ? plain.replaceAll('.', '').toLowerCase() : plain.toLowerCase()
}

/** Whether a text has so few small letters that its capitals say nothing. */
const isShouted = (text: string): boolean => {
  const small = text.match(/\p{Ll}/gu)?.length ?? 0
  const large = text.match(/\p{Lu}/gu)?.length ?? 0
  return large > 12 && large > small * 4
}

/** Whether the signs of a text were spoken: "seen for chest pain period no fever comma no cough period". */
const isDictated = (text: string): boolean => !/[.;]\s/.test(text) && (text.match(/\b(?:period|comma)\b/gi)?.length ?? 0) > 1

/** Lines that tell what is there and what is not by signs, "+ palpitations, - chest pain": a dash there is a minus. */
const findingsLines = (text: string): ReadonlySet<number> => new Set(text.includes('+') ? text.split('\n').flatMap((line, index) => (/(^|[\s,;:])\+ ?\p{L}/u.test(line) && /[\s,;:]- ?\p{L}/u.test(line) ? [index] : [])) : [])

const isInner = (character: string): boolean => /[\p{L}\p{N}]/u.test(character)

const endsSentence = (last: string | undefined, before: string, after: string, next: string | undefined): boolean => {
  if (next === undefined) return true
  if (last !== undefined && ABBREVIATIONS.has(last) && next[0] === next[0]?.toLowerCase()) return false
  if (last === 'dr' || last === 'mr' || last === 'mrs' || last === 'ms' || last === 'vs') return false
  return /\s/.test(after) || (/\p{Ll}/u.test(before) && /\p{Lu}/u.test(after))
}

/** Whether a new line only wraps its sentence. */
const goesOn = (last: string | undefined, next: string | undefined, shouted: boolean): boolean => {
  if (last === undefined || next === undefined || next === '\n' || next === '\r\n' || TICK_BOX.test(next) || next === '-') return false
  return JOINS.has(last) || (!shouted && /^\p{Ll}/u.test(next) && last !== '.' && last !== ':')
}
