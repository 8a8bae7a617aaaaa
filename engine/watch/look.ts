/** What one look at the engine finds: what is wrong, and what cannot be told now. */
import { type Cause, causeKey, type Subject } from './incident.js'

export class Look {
  readonly at: Date
  readonly #causes = new Map<string, Cause>()
  readonly #unsure: ((about: Subject & { readonly since: Date }) => boolean)[] = []

  constructor(at: Date) {
    this.at = at
  }

  find(cause: Omit<Cause, 'subject' | 'because'> & Partial<Cause>): void {
    const whole = { subject: null, because: null, ...cause }
    this.#causes.set(causeKey(whole), whole)
  }

  /** What this holds for is neither wrong nor well: an incident about it stays as it is. */
  unsure(holds: (about: Subject & { readonly since: Date }) => boolean): void {
    this.#unsure.push(holds)
  }

  get causes(): readonly Cause[] {
    return [...this.#causes.values()]
  }

  has(about: Subject): boolean {
    return this.#causes.has(causeKey(about))
  }

  isUnsure(about: Subject & { readonly since: Date }): boolean {
    return this.#unsure.some((holds) => holds(about))
  }
}
