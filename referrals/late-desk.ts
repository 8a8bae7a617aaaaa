/** A desk that may not be open yet: everything that is asked of it is asked of the desk as it is then, and fails with why as long as there is none. */
import type { Clock } from '../engine/contracts.js'
import type { Desk } from './desk.js'

type Call = (...given: unknown[]) => unknown

/** What the desk works with, each an object of promises; all else of it are functions, and these answer at once. */
const PARTS = new Set<PropertyKey>(['store', 'patients', 'providers'] satisfies readonly (keyof Desk)[])
const AT_ONCE = new Set<PropertyKey>(['rules', 'offer', 'turn', 'passedOver'] satisfies readonly (keyof Desk)[])

/** `now` throws why there is no desk; what promises rejects with it. */
export const lateDesk = (now: () => Desk, clock: Clock): Desk => late((key) => {
  if (key === 'clock') return clock
  if (PARTS.has(key)) return late((call) => promised(() => now()[key as 'store'], call))
  return AT_ONCE.has(key) ? (...given: unknown[]) => called(now(), key, given) : promised(now, key)
})

const late = <Target extends object>(member: (key: PropertyKey) => unknown): Target => new Proxy({} as Target, { get: (_none, key) => member(key) })
const promised = (target: () => object, key: PropertyKey): Call => async (...given) => called(target(), key, given)
const called = (target: object, key: PropertyKey, given: unknown[]): unknown => (Reflect.get(target, key) as Call).apply(target, given)
