/** What waits at each destination, asked of the store at most once a second however often it is looked at. */
import type { Engine } from '../engine.js'

export interface Waiting {
  readonly waiting: number // queued or being sent
  readonly held: number
  readonly oldest: Date | null // when the oldest of all these was received
}

const FRESH = 1_000 // milliseconds

/** Makes the question: it resolves with what waits, by channel and by destination. */
export function queuesOf(engine: Engine): () => Promise<ReadonlyMap<string, ReadonlyMap<string, Waiting>>> {
  let asked = Number.NEGATIVE_INFINITY
  let answer: Promise<ReadonlyMap<string, ReadonlyMap<string, Waiting>>> = Promise.resolve(new Map())
  return () => {
    const now = performance.now()
    if (now - asked < FRESH) return answer
    asked = now
    answer = ask(engine)
    answer.catch(() => {
      asked = Number.NEGATIVE_INFINITY
    })
    return answer
  }
}

async function ask(engine: Engine): Promise<ReadonlyMap<string, ReadonlyMap<string, Waiting>>> {
  const asked = engine.status().map(async ({ name }) => [name, new Map((await engine.world.store.depth(name)).map((depth) => [depth.destination, depth] as const))] as const)
  return new Map(await Promise.all(asked))
}
