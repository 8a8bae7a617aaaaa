/** Times kept as whole seconds, four bytes each, and their exact quantiles. */

export interface Seconds { add(seconds: number): void; values(): Uint32Array }

const LONGEST = 0xffff_ffff // 136 years

export const seconds = (): Seconds => {
  let kept = new Uint32Array(4)
  let count = 0
  return {
    add: (value) => {
      if (count === kept.length) {
        const more = new Uint32Array(count * 2)
        more.set(kept)
        kept = more
      }
      kept[count++] = Math.min(value, LONGEST)
    },
    values: () => kept.subarray(0, count),
  }
}

/** Of values in their order, the one below which `share` (0 … 1) of them lie, between two in proportion: a spreadsheet's PERCENTILE.INC. Null of none. */
export const quantile = (sorted: Uint32Array, share: number): number | null => {
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)]
  const above = sorted[Math.ceil(at)]
  return below === undefined || above === undefined ? null : below + (above - below) * (at - Math.floor(at))
}
