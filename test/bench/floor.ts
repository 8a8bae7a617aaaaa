/** The floor: a server that only stores and acknowledges, one durable commit per turn of the event loop. A process of its own. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import Database from 'better-sqlite3'
import { acknowledgement, deframe } from './frames.js'
import { headerField } from './messages.js'

const db = new Database(process.argv[2] as string)
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.exec('create table inbox (id integer primary key, control_id text not null, bytes blob not null, received_at integer not null)')
const insert = db.prepare('insert into inbox (control_id, bytes, received_at) values (?, ?, ?)')
let waiting: { controlId: string; bytes: Buffer; socket: Socket }[] = []

const store = db.transaction((batch: typeof waiting) => {
  for (const { controlId, bytes } of batch) insert.run(controlId, bytes, Date.now())
})

function commit(): void {
  const batch = waiting
  waiting = []
  store(batch)
  for (const { controlId, socket } of batch) socket.write(acknowledgement(controlId))
}

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', deframe((frame) => {
    if (waiting.push({ controlId: headerField(frame, 10), bytes: Buffer.from(frame), socket }) === 1) setImmediate(commit)
  }))
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit(0))
