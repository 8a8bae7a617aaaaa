/** What comes with a request to a source's path: its head, and its body up to a limit. */
import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { WebRequest } from '../contracts.js'

const LONGEST_REST = 10_000 // milliseconds that what follows a body too large may run dry

/** The head of a request, as its source sees it. */
export const headOf = ({ method, url, headers, ip, socket }: FastifyRequest): Omit<WebRequest, 'body'> => {
  const [, path = '/', query] = /^([^?#]*)(?:\?([^#]*))?/.exec(url) ?? []
  return { method, path: path || '/', ...(query !== undefined && { query }), headers, remote: `${ip}:${socket.remotePort ?? 0}` }
}

/** The bytes of a body; rejects with 413 where it is longer than `maximum`, and what follows is dropped. */
export const bodyOf = (payload: Readable, maximum: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const take = (chunk: Buffer): void => {
      length += chunk.length
      if (length <= maximum) return void chunks.push(chunk)
      payload.off('data', take)
      chunks.length = 0
      const late = setTimeout(() => payload.destroy(), LONGEST_REST).unref()
      payload.on('close', () => clearTimeout(late)).resume()
      reject(Object.assign(new Error(`The body has more than ${maximum} bytes.`), { statusCode: 413, code: 'FST_ERR_CTP_BODY_TOO_LARGE' }))
    }
    payload.on('data', take)
    payload.on('end', () => resolve(Buffer.concat(chunks, length <= maximum ? length : 0)))
    payload.on('error', reject)
    payload.on('close', () => reject(Object.assign(new Error('The body ended before its end.'), { statusCode: 400 })))
  })
