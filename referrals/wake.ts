/** Wakes whoever waits for something to change. A hint: the tables are the truth. */
export class Wake {
  #turn = 0
  #tell: () => void = () => {}
  #next = this.#wait()

  /** Counts the changes. */
  get turn(): number {
    return this.#turn
  }

  wake(): void {
    this.#turn++
    const tell = this.#tell
    this.#next = this.#wait()
    tell()
  }

  /** Resolves once there was a change after a turn, or the signal aborts. */
  async after(turn: number, signal: AbortSignal): Promise<void> {
    if (this.#turn > turn || signal.aborted) return
    let stop: () => void = () => {}
    const stopped = new Promise<void>((resolve) => {
      stop = resolve
      signal.addEventListener('abort', stop, { once: true })
    })
    await Promise.race([this.#next, stopped])
    signal.removeEventListener('abort', stop)
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#tell = resolve
    })
  }
}
