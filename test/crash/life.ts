/** Runs a whole channel in a process of its own that kills itself at the n-th contact with the outside: `life.js FOLDER [n]`. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DestinationConnector } from '../../engine/contracts.js'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { contacted, hastyClock, SENT, smallChannel } from '../small-world.js'

const [folder = '.', crashAt = 'never'] = process.argv.slice(2)
const read = (name: string): readonly string[] => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean) : [])
const append = (name: string, line: string): void => appendFileSync(join(folder, name), `${line}\n`, { flush: true })

let contacts = 0
const contact = (): void => {
  if (String(contacts++) === crashAt) process.kill(process.pid, 'SIGKILL')
}

const receiver: DestinationConnector = {
  open: async () => {},
  close: async () => {},
  deliver: async ({ payload }) => {
    append('arrived', payload.toString())
    return { kind: 'sent' }
  },
}
const store = openSqliteStore(join(folder, 'messages.db'))
const { channel, send } = smallChannel({ store: contacted(store, contact), receiver: contacted(receiver, contact), clock: hastyClock })
await channel.start()
const acknowledged = new Set(read('acknowledged'))
for (const message of SENT) {
  if (acknowledged.has(message)) continue
  const reply = await send({ bytes: Buffer.from(message), origin: 'sender' })
  contact()
  if (reply.verdict === 'accepted') append('acknowledged', message)
}
for (let looks = 0; looks < 500 && new Set(read('arrived')).size < SENT.length; looks++) await new Promise((next) => setTimeout(next, 4))
await channel.stop(new Promise((resolve) => setTimeout(resolve, 1_000)))
await store.close()
