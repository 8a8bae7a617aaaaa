/** Notices when the store fails and when it works again, so that /ready can say so while it lasts. */
import type { MessageArchive, MessageStore } from './contracts.js'
import { StoreError } from './errors.js'

type Store = MessageStore & MessageArchive

export interface WatchedStore {
  readonly store: Store
  /** What is wrong with the store now, in a sentence with what to do; null when nothing is. */
  trouble(): string | null
}

/** The same store; every change that it makes, or fails to make, is noticed. */
export function watchStore(store: Store): WatchedStore {
  let trouble: string | null = null
  const works = (): void => {
    trouble = null
  }
  const fails = (error: unknown): void => {
    if (error instanceof StoreError) trouble = `${error.message} ${error.hint}`
  }
  const noticed = <Result>(result: Promise<Result>): Promise<Result> => {
    result.then(works, fails)
    return result
  }
  return {
    store: {
      ...store,
      accept: (arrival) => noticed(store.accept(arrival)),
      finish: (results, at) => noticed(store.finish(results, at)),
      settle: (settlements) => noticed(store.settle(settlements)),
    },
    trouble: () => trouble,
  }
}
