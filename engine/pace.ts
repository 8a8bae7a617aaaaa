/** How long a channel's steps take of late: quick ones are run before a message is kept, so that it is kept together with what they make of it. */

const QUICK = 0.5 // milliseconds of one message: those of many senders arrive in one turn of the event loop
const WEIGHT = 1 / 16 // of the latest message in the average

export class Pace {
  #average = 0

  /** Whether they may run while a sender waits for its message to be kept. */
  get quick(): boolean {
    return this.#average < QUICK
  }

  /** The steps of one message took so many milliseconds. */
  took(milliseconds: number): void {
    this.#average += (milliseconds - this.#average) * WEIGHT
  }
}
