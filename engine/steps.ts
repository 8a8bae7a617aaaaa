/** Runs a list of steps over messages: filtered, changed or split, in order. */
import type { Message, StepResult, TransformStep } from './contracts.js'
import type { StepTold } from './telling.js'

/** What a list of steps leaves of the messages that it was given. */
export interface Left {
  readonly messages: readonly Message[]
  readonly filtered: string | null // why nothing is left
}

export function runSteps(steps: readonly TransformStep[], messages: readonly Message[], told: StepTold | null = null, from = 0): Left | Promise<Left> {
  for (let n = from; n < steps.length; n++) {
    const step = steps[n] as TransformStep
    const given = messages
    const started = told ? performance.now() : 0
    const results = given.map((message) => step(message))
    if (!results.some((result) => result instanceof Promise)) {
      told?.(n + 1, given, results as StepResult[], performance.now() - started)
      const kept = gather(results as StepResult[])
      if (kept.messages.length === 0) return kept
      messages = kept.messages
      continue
    }
    return Promise.all(results).then((all) => {
      told?.(n + 1, given, all, performance.now() - started)
      const kept = gather(all)
      return kept.messages.length === 0 ? kept : runSteps(steps, kept.messages, told, n + 1)
    })
  }
  return { messages, filtered: null }
}

function gather(results: readonly StepResult[]): Left {
  const messages: Message[] = []
  let filtered: string | null = null
  for (const result of results) {
    if ('filtered' in result) filtered ??= result.filtered
    else messages.push(...result)
  }
  return { messages, filtered: messages.length === 0 ? (filtered ?? 'a step returned no message') : null }
}

/** Goes on at once where nothing is waited for: most steps are synchronous, and a promise a step would cost more than the step. */
export const after = <A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> => (value instanceof Promise ? value.then(next) : next(value))
