/** Which of two rows that both take a referral is meant: the one place where that is decided. */
import type { Row } from './rows.js'

/** Rows of one rank are compared by `beats`; a higher rank always wins. Sorts the best first. */
export const byRank = (a: Row, b: Row): number => b.priority - a.priority || b.conditions.size - a.conditions.size
export const sameRank = (a: Row, b: Row): boolean => byRank(a, b) === 0

/** Of the same rank: at least as narrow in every column and narrower in one. An empty cell is the widest. */
export const beats = (a: Row, b: Row): boolean => {
  let narrower = false
  for (const name of new Set([...a.conditions.keys(), ...b.conditions.keys()])) {
    const difference = (a.conditions.get(name)?.narrowness ?? 0) - (b.conditions.get(name)?.narrowness ?? 0)
    if (difference < 0) return false
    if (difference > 0) narrower = true
  }
  return narrower
}

/** Whether it makes no difference which of two rows is taken. */
export const sameRoute = ({ route: a }: Row, { route: b }: Row): boolean =>
  a.ehr === b.ehr && a.location === b.location && a.practitioner === b.practitioner && a.queue === b.queue && a.tasks.join('|') === b.tasks.join('|')
