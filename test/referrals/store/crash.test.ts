/** A desk store whose process is killed again and again: what it said it kept is there whole, nothing is there by half, nothing was gathered twice. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import type { DeskStore } from '../../../referrals/desk-contracts.js'
import { openSqliteDeskStore } from '../../../referrals/store/desk-store.js'
import { after } from '../../conformance/desk-kit.js'
import { changeTo, wordOf } from './life.js'

const LIVES = 6

t.test('a store killed in the middle of its work has whole changes only, and all that it said it kept', async (t) => {
  const file = join(t.testdir(), 'desk.db')
  const said: string[] = []
  for (let life = 0; life < LIVES; life++) {
    const last = said.length + 5 + Math.floor(Math.random() * 120)
    const child = spawn(process.execPath, [join(import.meta.dirname, 'life.js'), file, String(life)], { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface(child.stdout).on('line', (command) => {
      if (said.push(command) === last) child.kill('SIGKILL')
    })
    const [, signal] = await once(child, 'close')
    t.equal(signal, 'SIGKILL')
    const desk = openSqliteDeskStore(file)
    try {
      await check(t, desk, said)
    } finally {
      await desk.close()
    }
  }
})

const check = async (t: Test, desk: DeskStore, said: readonly string[]): Promise<void> => {
  const lost: string[] = []
  for (const command of said) if ((await desk.done(command)) !== command.split(' ')[0]) lost.push(command)
  t.same(lost, [], `${said.length} commands were kept`)

  const streamed = new Map<string, number[]>()
  for (const { referral, event } of await desk.stream(0, null, 1_000_000)) streamed.set(referral, [...(streamed.get(referral) ?? []), event.sequence])
  const gathered: string[] = []
  for (const { items } of await desk.openNotices(['digest'], {}, 0, after(0), 1_000_000)) gathered.push(...items.map(({ referral, event }) => `${referral} ${event}`))
  t.equal(new Set(gathered).size, gathered.length, 'nothing was gathered twice')

  const superseded = new Set<string>()
  for (const [id, sequences] of streamed) {
    const steps = sequences.length / 2
    const expected = changeTo(id, steps - 1)
    const whole = {
      sequences: sequences.map((_, n) => n + 1), state: expected.state, bundle: expected.bundle, found: [id], notices: steps * 2,
      keys: Array.from({ length: steps }, () => 1), commands: Array.from({ length: steps }, () => id), next: null,
      documents: Array.from({ length: steps }, (_, n) => (n === steps - 1 ? 'current' : 'withdrawn')),
    }
    const notices = await desk.notices(id)
    for (const { status, event } of notices) if (status === 'superseded') superseded.add(`${id} ${event}`)
    const each = <Value>(ask: (step: number) => Promise<Value>): Promise<Value[]> => Promise.all(Array.from({ length: steps }, (_, step) => ask(step)))
    const kept = {
      sequences, state: await desk.state(id), bundle: await desk.bundle(id), notices: notices.length,
      found: (await desk.search({ text: wordOf(id, steps - 1), limit: 5 })).map((state) => state.id),
      keys: await each(async (step) => (await desk.find([{ kind: 'message', value: `${id} ${step}` }])).length), commands: await each((step) => desk.done(changeTo(id, step).command)),
      next: await desk.done(changeTo(id, steps).command), documents: (await desk.documents(id)).map(({ status }) => status),
    }
    if (!isDeepStrictEqual(kept, whole)) t.same(kept, whole, id)
  }
  t.same([...superseded].sort(), [...gathered].sort(), 'what was superseded is in a digest, and nothing else')
}
