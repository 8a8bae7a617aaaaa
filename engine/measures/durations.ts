/** How long things took, counted by length: what costs nearly nothing to add to, and still says what half and nearly all took at most. */

/** The upper bounds that durations are counted under, in milliseconds; one more count is for what took longer than all. */
export const BOUNDS: readonly number[] = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000]

export class Durations {
  /** How many fell under each bound and under none below it; the last is for what is over all. */
  readonly counts: number[] = Array.from({ length: BOUNDS.length + 1 }, () => 0)
  count = 0
  sum = 0 // milliseconds

  add(milliseconds: number): void {
    let n = 0
    while (n < BOUNDS.length && milliseconds > (BOUNDS[n] as number)) n++
    this.counts[n] = (this.counts[n] as number) + 1
    this.count++
    this.sum += milliseconds
  }
}

/**
 * The time in milliseconds within which a share (0 … 1) of what was counted was done, as fine as the bounds are; null where nothing was counted. What took
 * longer than the last bound is said to have taken that long.
 */
export function quantile(counts: readonly number[], share: number): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0)
  if (all === 0) return null
  let before = 0
  for (const [n, count] of counts.entries()) {
    const [from, to] = [BOUNDS[n - 1] ?? 0, BOUNDS[n]]
    if (to === undefined) return from
    if (before + count >= share * all && count > 0) return from + (to - from) * Math.max(0, share * all - before) / count
    before += count
  }
  return null
}
