/** Loaded before the product: its time is the real one, and as many milliseconds more as a file says; what waits for half a second or longer waits by that time. */
import { readFileSync } from 'node:fs'

const LOOK = 20 // milliseconds between two looks at the file
const SHORT = 500 // milliseconds; shorter waits are about sockets
const file = process.env.REFERO_TEST_CLOCK ?? ''
const real = { Date, setTimeout, setInterval }
let ahead = 0
const read = (): void => {
  ahead = Number(readFileSync(file, 'utf8')) || ahead
}
const now = (): number => real.Date.now() + ahead

read()
real.setInterval(read, LOOK).unref()
globalThis.Date = new Proxy(real.Date, {
  construct: (target, given, as) => Reflect.construct(target, given.length > 0 ? given : [now()], as) as object,
  get: (target, name, as) => (name === 'now' ? now : Reflect.get(target, name, as)),
})
globalThis.setTimeout = Object.assign(((work: (...given: unknown[]) => void, wait = 0, ...given: unknown[]) => {
  if (wait < SHORT) return real.setTimeout(work, wait, ...given)
  const due = now() + wait
  const timer = real.setInterval(() => {
    if (now() < due) return
    clearInterval(timer)
    work(...given)
  }, LOOK)
  return timer
}) as typeof setTimeout, { __promisify__: real.setTimeout.__promisify__ })
