/** The word that was probably meant. */

/** The candidate with the fewest letters to change, or null where none is near: at most a third of the letters, three at most. */
export const nearest = (word: string, candidates: Iterable<string>): string | null => {
  if (word.length > 100) return null
  let best: string | null = null
  let fewest = Math.min(3, Math.max(1, Math.floor(word.length / 3))) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= fewest) continue
    const changes = distance(word.toLowerCase(), candidate.toLowerCase())
    if (changes >= fewest) continue
    best = candidate
    fewest = changes
  }
  return best
}

/** The end of a sentence about a wrong word: `; did you mean …?`, or else all that is allowed, or just a full stop. */
export const didYouMean = (word: string, candidates: Iterable<string>): string => {
  const words = [...candidates].sort()
  const near = nearest(word, words)
  if (near !== null) return `; did you mean \`${near}\`?`
  if (words.length === 0) return '.'
  return `; there ${words.length === 1 ? 'is' : 'are'} ${words.slice(0, 30).map(each => `\`${each}\``).join(', ')}${words.length > 30 ? ' and more' : ''}.`
}

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
const distance = (a: string, b: string): number => {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const next = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let fewest = Math.min((next[column - 1] ?? 0) + 1, (last[column] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1))
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) fewest = Math.min(fewest, (before[column - 2] ?? 0) + 1)
      next.push(fewest)
    }
    before = last
    last = next
  }
  return last[b.length] ?? 0
}
