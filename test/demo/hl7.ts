/** HL7 v2 as the demo's parties speak it: segments by field number, a caller that waits for its answer, and a listener. Apart from the engine's own code, so that it can contradict it. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { deframe } from '../bench/frames.js'

const LONGEST_ANSWER = 10_000 // milliseconds

/** A segment from its fields by number; what is not said is empty. */
export function segment(name: string, fields: Readonly<Record<number, string>>): string {
  const last = Math.max(0, ...Object.keys(fields).map(Number))
  return [name, ...Array.from({ length: last }, (_, index) => fields[index + 1] ?? '')].join('|')
}

/** A whole message; `more` are further fields of MSH. */
export const message = (type: string, from: readonly [application: string, facility: string], controlId: string, at: Date, segments: readonly string[], more: Readonly<Record<number, string>> = {}): string =>
  [segment('MSH', { 1: '^~\\&', 2: from[0], 3: from[1], 4: 'REFERO', 5: 'HEART CENTER', 6: timestamp(at), 8: type, 9: controlId, 10: 'P', 11: '2.5.1', ...shifted(more) }), ...segments, ''].join('\r')

/** MSH-1 is the separator itself, so that MSH-n is the piece before it. */
const shifted = (fields: Readonly<Record<number, string>>): Record<number, string> => Object.fromEntries(Object.entries(fields).map(([number, value]) => [Number(number) - 1, value]))

export const timestamp = (at: Date): string => `${at.toISOString().slice(0, 19).replace(/\D/g, '')}+0000`

/** The first field of a message at `PID-3`; of a segment that repeats, the first one's. */
export function field(text: string, path: string): string {
  const [name = '', number = '0'] = path.split('-')
  const line = text.split('\r').find((one) => one.startsWith(`${name}|`))
  return line?.split('|')[Number(number) - (name === 'MSH' ? 1 : 0)] ?? ''
}

/** Sends one message on a connection of its own and resolves with its answer. Rejects where none comes. */
export function call(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`\x0b${text}\x1c\r`))
    socket.setTimeout(LONGEST_ANSWER, () => socket.destroy(new Error(`port ${port} did not answer ${field(text, 'MSH-9')}`)))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`port ${port} hung up without an answer to ${field(text, 'MSH-9')}`)))
    socket.on('data', deframe((frame) => {
      resolve(frame.toString())
      socket.destroy()
    }))
  })
}

/** What a listener does with a message: answer it, hang up (null), or say nothing (undefined). */
export type Answer = (text: string) => Promise<string | null | undefined>

export interface Listener { readonly port: number; close(): Promise<void>; reopen(): Promise<void> }

export async function listen(answer: Answer): Promise<Listener> {
  const open = new Set<Socket>()
  const serve = (port: number): Server => createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    let last: Promise<unknown> = Promise.resolve()
    socket.on('data', deframe((frame) => {
      const text = frame.toString()
      last = last.then(async () => {
        const said = await answer(text)
        if (said === null) socket.destroy()
        else if (said !== undefined) socket.write(`\x0b${said}\x1c\r`)
      })
    }))
  }).listen(port, '127.0.0.1')
  let server = serve(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    close: async () => {
      for (const socket of open) socket.destroy()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
    reopen: async () => {
      server = serve(port)
      await once(server, 'listening')
    },
  }
}
