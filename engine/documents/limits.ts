/** How much of a document is taken, and the refusals of what is not: one sentence each, without content. */
import { MessageFault } from '../errors.js'

export interface Limits {
  readonly bytes: number
  readonly pages: number
  readonly pixels: number // of one page, at its own resolution
  readonly time: number // milliseconds for one call, the wait for other documents not counted
}

/** A fax of 200 pages, a page of A3 at 400 dots an inch, half a minute. */
export const LIMITS: Limits = { bytes: 50 * 1024 ** 2, pages: 200, pixels: 50_000_000, time: 30_000 }

const unreadable = (reason: string): MessageFault => new MessageFault({ kind: 'unreadable', reason })
const unsupported = (reason: string): MessageFault => new MessageFault({ kind: 'unsupported', reason })

export const refusal = {
  empty: () => unreadable('the document is empty'),
  unknown: () => unsupported('the document is neither TIFF, PDF, JPEG nor PNG, whatever it is called'),
  damaged: (how: string) => unreadable(`the document is damaged: ${how}`),
  encrypted: () => unsupported('the document is encrypted and needs a password; it must be sent without one'),
  noPages: () => unreadable('the document has no pages'),
  noSuchPage: (page: number, count: number) => unsupported(`there is no page ${page}; the document has ${count}`),
  bytes: (bytes: number, { bytes: most }: Limits) => unsupported(`the document is ${bytes} bytes long, and at most ${most} are taken`),
  pages: ({ pages: most }: Limits) => unsupported(`the document has more than ${most} pages`),
  pixels: (page: number, width: number, height: number, { pixels: most }: Limits) => unsupported(`page ${page} is ${width} × ${height} pixels large, and at most ${most} are taken`),
  time: (milliseconds: number) => unsupported(`the document took longer than ${milliseconds / 1000} s to read`),
}

/** Fails what is too long already; gives how many milliseconds of the time are left. */
export const timeLeft = (started: number, { time }: Limits): number => {
  const left = time - (performance.now() - started)
  if (left <= 0) throw refusal.time(time)
  return Math.ceil(left)
}
