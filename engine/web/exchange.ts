/** One HTTP request and its answer, and how far it came where there is none. */
import http, { type Agent, type RequestOptions } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'

/** `written`: whether the receiver may have had a part of the request. */
export type Exchange =
  | { readonly answered: true; readonly status: number; readonly type: string; readonly body: Buffer } // type: the content type as written, or ""
  | { readonly answered: false; readonly written: boolean; readonly error: NodeJS.ErrnoException }

/** Never rejects. At most `maximum` bytes of the answer are kept; an answer cut short is one still, for its status is known. */
export const exchange = (url: URL, options: RequestOptions, body: Buffer, maximum: number, signal: AbortSignal): Promise<Exchange> =>
  new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => settle({ answered: false, written, error })
    const settle = (result: Exchange): void => {
      signal.removeEventListener('abort', abort)
      resolve(result)
    }
    const abort = (): void => void request.destroy(Object.assign(new Error('No answer in time.'), { code: 'TIMEOUT' }))
    let written = false
    let answering = false
    const secure = url.protocol === 'https:'
    const request = (secure ? https : http).request(url, { ...options, headers: { ...options.headers, 'content-length': body.length } })

    request.on('socket', (socket) => {
      if (request.reusedSocket) written = true
      else socket.once(secure ? 'secureConnect' : 'connect', () => { written = true })
    })
    request.on('response', (response) => {
      answering = true
      const chunks: Buffer[] = []
      let length = 0
      const answered = (): void => settle({ answered: true, status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body: Buffer.concat(chunks).subarray(0, maximum) })
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        length += chunk.length
        if (length > maximum) response.destroy()
      })
      response.on('error', answered)
      response.on('close', answered)
    })
    request.on('error', (error: NodeJS.ErrnoException) => { if (!answering) failed(error) })
    request.on('close', () => { if (!answering) failed(new Error('The connection closed.')) })
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
    request.end(body)
  })

/** Drops kept connections that the receiver has closed meanwhile, so that no request is lost on one. */
export const dropClosed = async (agent: Agent): Promise<void> => {
  const kept = (): Socket[] => Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? [])
  if (kept().length === 0) return
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve)) // what has arrived is read in between
  for (const socket of kept()) if (socket.readableEnded || !socket.writable) socket.destroy()
}
