/** A receiver that acknowledges everything, and can say what was lost, came twice, or came out of order for its patient. A process of its own. */
import { createServer, type AddressInfo } from 'node:net'
import { acknowledgement, deframe } from './frames.js'
import { headerField, PATIENTS } from './messages.js'

export interface SinkReport {
  readonly received: number
  readonly lost: number
  readonly twice: number
  readonly outOfOrder: number
}

let seen = new Map<string, number>()
let last = new Map<string, number>()
let twice = 0
let outOfOrder = 0

function got(controlId: string): void {
  const times = (seen.get(controlId) ?? 0) + 1
  seen.set(controlId, times)
  if (times > 1) {
    twice++
    return
  }
  const sequence = Number(controlId.slice(5))
  const patient = `${controlId.slice(0, 4)}-${sequence % PATIENTS}`
  if (sequence < (last.get(patient) ?? 0)) outOfOrder++
  last.set(patient, sequence)
}

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => {})
  const push = deframe((frame) => {
    const controlId = headerField(frame, 10)
    got(controlId)
    socket.write(acknowledgement(controlId))
  })
  socket.on('data', push)
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))

process.on('message', (asked: { verify?: readonly string[]; count?: true; reset?: true }) => {
  if (asked.verify) process.send?.({ received: seen.size, lost: asked.verify.filter((id) => !seen.has(id)).length, twice, outOfOrder } satisfies SinkReport)
  if (asked.count) process.send?.({ count: seen.size })
  if (asked.reset) {
    seen = new Map()
    last = new Map()
    twice = outOfOrder = 0
    process.send?.({ reset: true })
  }
})
process.on('disconnect', () => process.exit(0))
