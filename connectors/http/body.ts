/** Reads a request's body within limits of size, time and memory. */
import type { IncomingMessage } from 'node:http'
import type { WebResponse } from '../../engine/contracts.js'
import { complaint, later } from '../../engine/web/answers.js'
import { tooLarge } from './entry.js'

/** How many bytes of bodies are held at once; shared by all who listen on one port. */
export interface Held { bytes: number }
export interface Limits {
  readonly maximum: number // bytes
  readonly patience: number // milliseconds
  readonly closing?: AbortSignal // nobody waits for it any more
}
const MOST_HELD = 256 * 1024 ** 2

/**
 * Resolves with the body, with the answer to one that is too large, too slow or one too many, or with null where the
 * sender went away. What a sender goes on to send after such an answer runs dry until its time has passed; then it is cut off.
 */
export const readBody = (message: IncomingMessage, { maximum, patience, closing }: Limits, held: Held): Promise<Buffer | WebResponse | null> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    let reading = true

    const end = (result: Buffer | WebResponse | null): void => {
      if (!reading) return
      reading = false
      held.bytes -= length
      closing?.removeEventListener('abort', close)
      chunks.length = 0
      resolve(result)
    }
    const close = (): void => end(later('The channel is stopping.'))
    closing?.addEventListener('abort', close)
    const tooLate = setTimeout(() => {
      if (!reading) message.destroy()
      end(complaint(408, 'The body did not arrive in time.', { connection: 'close' }))
    }, patience).unref() // a connection that closes after its answer tells nobody
    message.on('data', (chunk: Buffer) => {
      if (!reading) return
      length += chunk.length
      held.bytes += chunk.length
      if (length > maximum) end(tooLarge(maximum))
      else if (held.bytes > MOST_HELD) end(later('Too many large messages at once.'))
      else chunks.push(chunk)
    })
    message.on('end', () => {
      clearTimeout(tooLate)
      if (reading) end(Buffer.concat(chunks, length))
    })
    message.on('error', () => end(null))
    message.on('close', () => {
      clearTimeout(tooLate)
      end(null)
    })
  })
