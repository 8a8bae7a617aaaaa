/** How values lie in the desk's file: instants as milliseconds, documents packed. */
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'

const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/

/** Milliseconds since 1970 of an ISO instant, or of a day's beginning in UTC. Throws for anything else: without a zone it would depend on the machine. */
export const milliseconds = (instant: string): number => {
  const value = INSTANT.test(instant) ? Date.parse(instant) : Number.NaN
  if (Number.isNaN(value)) throw new Error(`"${instant.slice(0, 40)}" is not an instant such as 2026-03-02T12:00:00Z`)
  return value
}
export const instant = (at: number): string => new Date(at).toISOString()

const QUALITY = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }

/** Quality 1 packs a bundle of 80 kB to a fifth in 0.2 ms and unpacks it in as much; higher ones, and deflate, take longer for less (test/bench/desk-store.ts). */
export const pack = (text: string): Buffer => brotliCompressSync(text, QUALITY)
export const unpack = (packed: Buffer): string => brotliDecompressSync(packed).toString('utf8')
