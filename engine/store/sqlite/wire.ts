/** Carries calls and results between threads: bytes in buffers of their own, errors by what they are made of. */
import { ReferoError, StoreError, sentence, type ErrorCode } from '../../errors.js'

export interface Call { readonly id: number; readonly name: string; readonly given: readonly unknown[] }
export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly failed: Failed }
export type Failed = { readonly kind: StoreError['kind']; readonly detail: string | undefined } | { readonly code: ErrorCode; readonly detail: string | undefined } | { readonly said: string }

/**
 * The same value with every Buffer in memory of its own: a slice of a larger buffer would drag the whole of it to the
 * other thread.
 */
export function pack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (value instanceof Uint8Array) return value.byteLength === value.buffer.byteLength ? value : new Uint8Array(value)
  return mapped(value, pack)
}

const LARGE = 64 * 1024 // bytes from which moving a buffer costs less than copying it

/** The memory of all large byte arrays in what is answered: it is moved to who asked, as nobody else has it. */
export function largeBuffers(value: unknown, found = new Set<ArrayBuffer>()): ReadonlySet<ArrayBuffer> {
  if (value instanceof Uint8Array) {
    if (value.byteLength >= LARGE) found.add(value.buffer as ArrayBuffer)
  } else if (typeof value === 'object' && value !== null && !(value instanceof Date)) for (const one of Object.values(value)) largeBuffers(one, found)
  return found
}

/** The value as it was packed, every byte array a Buffer again. Changes it in place: nobody else has it. */
export function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (Array.isArray(value)) {
    for (let n = 0; n < value.length; n++) if (typeof value[n] === 'object') value[n] = unpack(value[n])
    return value
  }
  const properties = value as Record<string, unknown>
  for (const name in properties) if (typeof properties[name] === 'object') properties[name] = unpack(properties[name])
  return value
}

function mapped(value: object, each: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(each)
  const copy: Record<string, unknown> = {}
  for (const name in value) copy[name] = each((value as Record<string, unknown>)[name])
  return copy
}

export function packError(error: unknown): Failed {
  if (error instanceof StoreError) return { kind: error.kind, detail: error.detail }
  if (error instanceof ReferoError) return { code: error.code, detail: error.detail }
  return { said: sentence(error) }
}

export function unpackError(failed: Failed): Error {
  if ('kind' in failed) return new StoreError(failed.kind, failed.detail)
  return 'code' in failed ? new ReferoError(failed.code, failed.detail) : new StoreError('failed', failed.said)
}
