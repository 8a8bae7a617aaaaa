/** The moments of incidents in order, for whoever reads on from where it was: the outbox of `source: { incidents: … }`. */
import type { IncidentMoment, Tools } from '../contracts.js'

/** Where nothing is watched: no moment ever comes. */
export const silence: Tools['incidents'] = (_after, signal) => aborted(signal).then(() => [])

export class Moments {
  #all: readonly IncidentMoment[] = []
  #wake: () => void = () => {}
  #more = this.#next()

  /** All that there are; positions only grow. */
  set(all: readonly IncidentMoment[]): void {
    const last = this.#all.at(-1)?.position ?? 0
    this.#all = all
    if ((all.at(-1)?.position ?? 0) > last) this.#tell()
  }

  /** The moments after a position that are wanted, oldest first; waits for one. None once the signal aborts. `wants` is asked at each look. */
  async after(position: number, signal: AbortSignal, wants: () => (moment: IncidentMoment) => boolean): Promise<readonly IncidentMoment[]> {
    const ending = aborted(signal)
    while (!signal.aborted) {
      const wanted = wants()
      const found = this.#all.filter((moment) => moment.position > position && wanted(moment))
      if (found.length > 0) return found
      await Promise.race([this.#more, ending])
    }
    return []
  }

  #tell(): void {
    const wake = this.#wake
    this.#more = this.#next()
    wake()
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
