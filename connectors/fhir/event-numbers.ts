/** Which events of a subscription have been taken, by their numbers; they may arrive in any order. */

/** What is not above `base` was never counted: it may not have been taken. `beyond` holds the numbers above `upTo` that were taken before their predecessors; `told` is the highest that the server has spoken of. */
export interface Numbers { readonly base: number; readonly upTo: number; readonly beyond: readonly number[]; readonly told: number }

const MOST_BEYOND = 10_000 // forgotten beyond that: they would only be taken twice, and are kept once

export const startingAt = (number: number): Numbers => ({ base: number, upTo: number, beyond: [], told: number })

export const isTaken = ({ base, upTo, beyond }: Numbers, number: number): boolean => (number > base && number <= upTo) || beyond.includes(number)

export const take = ({ base, upTo, beyond, told }: Numbers, numbers: readonly number[]): Numbers => {
  const above = new Set([...beyond, ...numbers])
  let reached = upTo
  while (above.has(reached + 1)) reached += 1
  const left = [...above].filter((number) => number > reached).sort((one, other) => one - other)
  return { base, upTo: reached, beyond: left.slice(0, MOST_BEYOND), told: Math.max(told, reached, left.at(-1) ?? 0) }
}

export const tell = (numbers: Numbers, told: number): Numbers => ({ ...numbers, told: Math.max(numbers.told, told) })

/** The first and the last that are missing, both included; null where none is. */
export const missing = ({ upTo, beyond, told }: Numbers): { readonly from: number; readonly until: number } | null => {
  if (told <= upTo) return null
  let until = told
  for (let at = beyond.length - 1; at >= 0 && beyond[at] === until; at--) until -= 1
  return { from: upTo + 1, until }
}
