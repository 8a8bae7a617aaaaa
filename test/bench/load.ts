/** Sends messages over n connections, each waiting for its acknowledgement before the next, and reports the rate and the waits. A process of its own. */
import { connect } from 'node:net'
import { deframe } from './frames.js'
import { controlId, makeMessage } from './messages.js'

export interface LoadReport {
  readonly perSecond: number // acknowledged in the measured time
  readonly p50: number // milliseconds from the last byte written to the acknowledgement
  readonly p99: number
  readonly refused: number
  readonly acknowledged: readonly string[] // every control id, warm-up included
}

export interface LoadOrder { readonly port: number; readonly connections: number; readonly warmUp: number; readonly seconds: number; readonly first: number }

process.on('message', (order: LoadOrder) => void run(order).then((report) => process.send?.(report)))
process.on('disconnect', () => process.exit(0))

async function run({ port, connections, warmUp, seconds, first }: LoadOrder): Promise<LoadReport> {
  const acknowledged: string[] = []
  const waits: number[] = []
  let refused = 0
  let phase: 'warm-up' | 'measured' | 'over' = 'warm-up'
  const all = Array.from({ length: connections }, (_, connection) => new Promise<void>((ended, failed) => {
    const socket = connect(port, '127.0.0.1')
    let sequence = first
    let sent = 0
    const next = (): void => {
      if (phase === 'over') {
        socket.end()
        ended()
        return
      }
      sent = performance.now()
      socket.write(makeMessage(connection, ++sequence))
    }
    socket.setNoDelay(true)
    socket.on('connect', next)
    socket.on('error', failed)
    socket.on('data', deframe((frame) => {
      const [, code, id] = /MSA\|(\w\w)\|([^|\r]*)/.exec(frame.toString('latin1')) ?? []
      if (id !== controlId(connection, sequence)) return
      if (code === 'AA' || code === 'CA') {
        acknowledged.push(id)
        if (phase === 'measured') waits.push(performance.now() - sent)
      } else refused++
      next()
    }))
  }))
  await wait(warmUp)
  phase = 'measured'
  const started = performance.now()
  await wait(seconds)
  const took = (performance.now() - started) / 1000
  phase = 'over'
  await Promise.all(all)
  const count = waits.length
  waits.sort((a, b) => a - b)
  const at = (share: number): number => waits[Math.min(count - 1, Math.floor(share * count))] ?? Number.NaN
  return { perSecond: count / took, p50: at(0.5), p99: at(0.99), refused, acknowledged }
}

const wait = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))
