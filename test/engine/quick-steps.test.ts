/** Quick steps run before a message is kept: it is stored once, with what they made of it, and nothing overtakes what slow steps hold up. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { clock } from '../../engine/clock.js'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { smallChannel } from '../small-world.js'

t.test('quick steps run before the message is kept, and one transaction keeps both; slow ones, and what waits for them, never keep a sender waiting', async (t) => {
  const real = openSqliteStore(join(mkdtempSync(join(tmpdir(), 'refero-runtime-')), 'messages.db'))
  const calls: string[] = []
  const store: typeof real = {
    ...real,
    accept: (arrival) => {
      calls.push(`accept ${arrival.header.controlId}${arrival.finished ? ' finished' : ''}`)
      return real.accept(arrival)
    },
    finish: (results, at) => {
      calls.push(`finish ${results.length}`)
      return real.finish(results, at)
    },
  }
  let wait: Promise<void> | null = null
  const arrived: string[] = []
  const { channel, send } = smallChannel({
    store, clock, acknowledge: 'transformed', steps: [(message) => (wait ? wait.then(() => [message]) : [message])],
    receiver: { open: async () => {}, close: async () => {}, deliver: async ({ payload }) => { arrived.push(payload.toString()); return { kind: 'sent' } } },
  })
  await channel.start()
  t.equal((await send({ bytes: Buffer.from('a'), origin: 'test' })).verdict, 'accepted')
  t.same(calls, ['accept a finished'])
  t.same((await real.history(1))?.slice(0, 2).map(({ what }) => what), ['received', 'transformed'])
  t.equal((await send({ bytes: Buffer.from('a'), origin: 'test' })).verdict, 'accepted')
  t.equal((await real.search({ limit: 10 })).length, 1, 'what the steps made of a duplicate is dropped')

  let release = (): void => {}
  wait = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow = ['b', 'c'].map((content) => send({ bytes: Buffer.from(content), origin: 'test' }))
  while ((await real.received('test', 10)).length < 2) await new Promise((next) => setTimeout(next, 2))
  release()
  t.same((await Promise.all(slow)).map(({ verdict }) => verdict), ['accepted', 'accepted'])
  while (arrived.length < 3) await new Promise((next) => setTimeout(next, 2))
  t.same(arrived, ['a', 'b', 'c'])
  await channel.stop(Promise.resolve())
  await real.close()
})
