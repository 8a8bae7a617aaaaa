/** A match without the charts that a person has said are somebody else's. */
import type { ChartKey, Match } from '../contracts.js'

/** Where the best was ruled out, what is left is for a person; where nothing is left, no chart was found. */
export function withoutRuledOut(match: Match, not: readonly ChartKey[] = []): Match {
  const candidates = match.candidates.filter(({ chart }) => !not.some((one) => isSameChart(one, chart)))
  if (candidates.length === match.candidates.length) return match
  const reasons = [`A person has ruled out ${match.candidates.length - candidates.length} of the charts that were found.`]
  if (candidates.length === 0) return { grade: 'none', candidates, reasons }
  return candidates[0] === match.candidates[0] ? { ...match, candidates } : { grade: match.grade === 'none' ? 'none' : 'possible', candidates, reasons: [...reasons, ...match.reasons] }
}

export const isSameChart = (one: ChartKey, other: ChartKey): boolean => one.source === other.source && one.id === other.id
