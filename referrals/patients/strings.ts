/** How alike two words are: Jaro-Winkler, edits with neighbours swapped (optimal string alignment), and Soundex. */

const LETTERS: Readonly<Record<string, string>> = { ß: 'SS', Æ: 'AE', Œ: 'OE', Ø: 'O', Ł: 'L', Đ: 'D', Ð: 'D', Þ: 'TH', ı: 'I' }
const LONGEST = 120

/** Words of a text in plain capitals: letters and digits only, without accents; an apostrophe joins, everything else parts. */
export const words = (text: string): string[] => {
  const plain = text.slice(0, LONGEST).toUpperCase()
  const folded = /^[\x20-\x7e]*$/.test(plain) ? plain : plain.normalize('NFKD').replace(/\p{M}/gu, '').replace(/[ßÆŒØŁĐÐÞı]/g, letter => LETTERS[letter] ?? '')
  return folded.replace(/['’`]/g, '').match(/[\p{L}\p{N}]+/gu) ?? []
}

export const digitsOf = (text: string): string => text.slice(0, LONGEST).replace(/[^0-9]/g, '')

/** 0 … 1 (Winkler 1990): common letters near each other, and a little more for a common beginning. */
export const jaroWinkler = (a: string, b: string): number => {
  if (a === b) return 1
  if (a.length === 0 || b.length === 0) return 0
  const reach = Math.max(0, (Math.max(a.length, b.length) >> 1) - 1)
  const used = new Uint8Array(b.length)
  const ours: number[] = []
  for (let i = 0; i < a.length; i++) {
    for (let j = Math.max(0, i - reach); j < Math.min(b.length, i + reach + 1); j++) {
      if (used[j] || a.charCodeAt(i) !== b.charCodeAt(j)) continue
      used[j] = 1
      ours.push(a.charCodeAt(i))
      break
    }
  }
  if (ours.length === 0) return 0
  let [moved, at] = [0, 0]
  for (let j = 0; j < b.length; j++) if (used[j] && ours[at++] !== b.charCodeAt(j)) moved++
  const jaro = (ours.length / a.length + ours.length / b.length + (ours.length - moved / 2) / ours.length) / 3
  let prefix = 0
  while (prefix < 4 && prefix < a.length && a[prefix] === b[prefix]) prefix++
  return jaro + prefix * 0.1 * (1 - jaro)
}

/** Letters to insert, delete, replace or swap with their neighbour; counting stops above `most`. */
export const edits = (a: string, b: string, most = 2): number => {
  if (a === b) return 0
  if (Math.abs(a.length - b.length) > most) return most + 1
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= a.length; row++) {
    const next = [row]
    let fewest = row
    for (let column = 1; column <= b.length; column++) {
      const same = a.charCodeAt(row - 1) === b.charCodeAt(column - 1)
      let cost = Math.min((next[column - 1] ?? 0) + 1, (last[column] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1))
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) cost = Math.min(cost, (before[column - 2] ?? 0) + 1)
      next.push(cost)
      if (cost < fewest) fewest = cost
    }
    if (fewest > most) return most + 1
    ;[before, last] = [last, next]
  }
  return Math.min(most + 1, last[b.length] ?? 0)
}

const CODES = '01230120022455012623010202' // A … Z; H and W are skipped, vowels part

/** American Soundex, "R163"; of a word in another script its first letters. */
export const soundex = (word: string): string => {
  if (!/^[A-Z]/.test(word)) return word.slice(0, 4)
  let code = word.charAt(0)
  let previous = CODES[word.charCodeAt(0) - 65]
  for (let at = 1; at < word.length && code.length < 4; at++) {
    const letter = word.charAt(at)
    if (letter === 'H' || letter === 'W') continue
    const digit = CODES[word.charCodeAt(at) - 65] ?? '0'
    if (digit !== '0' && digit !== previous) code += digit
    previous = digit
  }
  return code.padEnd(4, '0')
}
