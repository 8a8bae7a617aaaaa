/** The numbers of messages, given out in the order in which they are asked for, and before anything is stored. */
import type { MessageStore } from '../../contracts.js'

/** Accepts as `accept` does, with a number for whoever has none; `next` is the first that is free. */
export const numbering = (next: number, accept: MessageStore['accept']): Pick<MessageStore, 'reserve' | 'accept'> => {
  let free = next
  return {
    reserve: async () => free++,
    accept: (arrival) => accept(arrival.id === undefined ? { ...arrival, id: free++ } : arrival),
  }
}
