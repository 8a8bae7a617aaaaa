/** Stops the practice at every contact with its stores and receivers, in turn; opens its files again, and sees that each thing was done once, told once, or says that it may have been told twice. */
import t, { type Test } from 'tap'
import type { Settlement } from '../../engine/contracts.js'
import type { Change } from '../../referrals/desk-contracts.js'
import { everyDeath, forget, type Memory, type Mutant, nothingYet, type Script, told, undisturbed } from './referral-lives.js'
import { booked, referral } from './referral-messages.js'

const BY = { kind: 'person', name: 'Rosa Alvarez' } as const

const arrives = (...numbers: readonly number[]): Script => ({
  play: async ({ send, finished }) => {
    for (const n of numbers) await send('intake', referral(n))
    await finished((state) => told(state) && state.times['written-back'] !== undefined, numbers.length)
  },
})

const isBooked: Script = {
  play: async ({ send, finished }) => {
    await send('feedback', booked(1))
    await finished((state) => state.stage === 'scheduled' && told(state))
  },
}

/** Two calls, told in one digest that is due at once. */
const areCalled: Script = {
  rules: (rules) => ({ ...rules, tells: (event) => (event === 'contacted' ? 'digest' : rules.tells(event)), nextDigest: (now) => now }),
  play: async ({ desk, contact, finished }) => {
    const states = await desk.store.search({ limit: 10 })
    for (const { id } of states) {
      await desk.tell({ command: `call ${id}`, referral: id, news: [{ name: 'contacted', at: '2026-03-02T16:00:00.000Z', by: BY, reason: 'a test' }] })
      contact('the call is kept')
    }
    await finished((state) => state.stage === 'contacted' && told(state), states.length)
  },
}

/** A practice in which so much has happened. */
async function after(t: Test, ...scripts: readonly Script[]): Promise<Memory> {
  const memory = nothingYet()
  t.teardown(() => forget(memory))
  for (const script of scripts) await undisturbed(memory, script)
  return memory
}

t.test('wherever the practice dies, a referral is opened once, acknowledged once and handed off once, or says that it may have been twice', async (t) => {
  const { points, twice, wrong } = await everyDeath(await after(t), arrives(1))
  t.same(wrong, [])
  t.ok(points > 40, `${points} points`)
  t.ok(twice > 0, `${twice} times something was received twice`)
})

t.test('wherever the practice dies, an appointment is scheduled once, and told once', async (t) => {
  const { points, wrong } = await everyDeath(await after(t, arrives(1)), isBooked)
  t.same(wrong, [])
  t.ok(points > 30, `${points} points`)
})

t.test('wherever the practice dies, two calls are told in digests, each once', async (t) => {
  const { points, wrong } = await everyDeath(await after(t, arrives(1, 2)), areCalled)
  t.same(wrong, [])
  t.ok(points > 30, `${points} points`)
})

/** Each does one thing wrong; the judge must notice every one of them. */
const MUTANTS: Readonly<Record<string, Mutant>> = {
  'does not say that it may have been sent twice': (target, name) => (name === 'messages' ? changed(target, { settle: (settle) => (all: readonly Settlement[]) => settle(all.map((one) => ({ ...one, doubtful: false }))) }) : target),
  'does not know which commands were done': (target, name) => (name === 'desk' ? changed(target, { done: () => async () => null, commit: (commit) => (change: Change) => commit({ ...change, command: `${change.command} ${Math.random()}` }) }) : target),
  'forgets what was on the wire': (target, name) => (name === 'messages' ? changed(target, { interrupted: () => async () => [] }) : target),
}

const ROUNDS = 3
for (const [name, mutant] of Object.entries(MUTANTS)) {
  t.test(`a practice that ${name} is found out`, async (t) => {
    let wrong: readonly string[] = []
    // Which contact is the n-th differs from life to life, so one of them may be passed over: another round meets it.
    for (let round = 0; round < ROUNDS && wrong.length === 0; round++) ({ wrong } = await everyDeath(await after(t), arrives(1), mutant).catch((error: Error) => ({ wrong: [error.message] })))
    t.not(wrong.length, 0, wrong[0] ?? 'nobody noticed')
  })
}

// biome-ignore lint/suspicious/noExplicitAny: any method of any store
type Method = (...given: any[]) => Promise<unknown>
function changed<Target extends object>(target: Target, changes: Readonly<Record<string, (method: Method) => Method>>): Target {
  return { ...target, ...Object.fromEntries(Object.entries(changes).map(([name, change]) => [name, change((target as Readonly<Record<string, Method>>)[name] as Method)])) }
}
