/** What people have asked of a channel beyond what its file says: to pause or stop it, or to let one of its destinations rest. */

/** One such wish, and whose it is. */
export interface Asked {
  readonly state: 'paused' | 'stopped'
  readonly by: string
  readonly why: string
  readonly at: string // ISO 8601
}

export interface Control {
  /** paused: the source takes nothing more, and what was taken goes on; stopped: nothing runs, and what waits stays; null: it runs. */
  readonly channel: Asked | null
  /** The destinations that rest, by name: what is for them waits in their queues. */
  readonly destinations: Readonly<Record<string, Asked>>
}

export const AT_WORK: Control = { channel: null, destinations: {} }

/** The same, as a sentence for people: "paused by ada since 2026-11-23T08:00:00.000Z: the lab moves". */
export const askedSentence = ({ state, by, why, at }: Asked): string => `${state} by ${by} since ${at}${why && `: ${why}`}`
