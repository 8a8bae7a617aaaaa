/** Stops the world at every contact with the store, the receiver and the sender, in turn; opens the file again and carries on. */
import t from 'tap'
import { everyCrashPoint, type Store } from './property.js'

for (const acknowledge of ['received', 'transformed', 'delivered'] as const) {
  t.test(`wherever the engine dies with acknowledge: ${acknowledge}, every message arrives, in order, and is kept once`, async (t) => {
    const { points, wrong } = await everyCrashPoint({ acknowledge })
    t.same(wrong, [])
    t.ok(points > 20, `${points} crash points`)
  })
}

/** Each does one thing wrong; the property must notice every one of them. */
const MUTANTS: Readonly<Record<string, (store: Store) => Store>> = {
  'acknowledges before the store has the message': (store) => ({
    ...store,
    accept: async (arrival) => {
      setTimeout(() => void store.accept(arrival).catch(() => {}), 5)
      return { id: -1, duplicate: false, reply: arrival.reply }
    },
  }),
  'does not recover what was on the wire': (store) => ({ ...store, interrupted: async () => [] }),
  'does not look for duplicates': (store) => ({ ...store, accept: (arrival) => store.accept({ ...arrival, duplicatesSince: null }) }),
  'forgets to settle what was sent': (store) => ({ ...store, settle: async () => {} }),
}

for (const [name, store] of Object.entries(MUTANTS)) {
  t.test(`an engine that ${name} is found out`, async (t) => {
    const { wrong } = await everyCrashPoint({}, { store }).catch((error: Error) => ({ wrong: [error.message] }))
    t.not(wrong.length, 0, wrong[0] ?? 'nobody noticed')
  })
}
