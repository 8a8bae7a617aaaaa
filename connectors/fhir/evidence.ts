/** What a hand-off did, as data: what was sent, what the server has of it. Field-level receipts are made of this. */
import { createHash } from 'node:crypto'
import type { Resource } from './exchange.js'

/** One resource. `returned` is the server's own version; null where it showed none. */
export interface Write {
  readonly role: string // "service-request", "summary", "document-…"
  readonly type: string
  readonly how: 'created' | 'found' // found: an earlier attempt, or the practice, had written it
  readonly reference: string // "ServiceRequest/12"
  readonly sent: Resource | null // null: a chart that was there, and is left as it is
  readonly returned: Resource | null
  readonly words?: string // of a summary: what it says
  readonly note?: string
}

/** The answer of a delivery, as JSON. */
export interface Evidence {
  readonly kind: 'fhir-hand-off'
  readonly server: string
  readonly at: string
  readonly number: string // by which everything is found again
  readonly patient: string | null
  readonly writes: readonly Write[]
  readonly leftOut: readonly { readonly what: string; readonly why: string }[]
  readonly ended: { readonly reason: string; readonly answer: unknown } | null // where it did not come to its end
}

/** The same without the content of attachments: their sizes and hashes instead. */
export const withoutData = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutData)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name]) => name !== 'data').map(([name, each]) => [name, withoutData(each)])
  const { data } = value as { readonly data?: unknown }
  if (typeof data !== 'string') return Object.fromEntries(entries)
  const bytes = Buffer.from(data, 'base64')
  return { ...Object.fromEntries(entries), size: bytes.length, hash: createHash('sha1').update(bytes).digest('base64') } // Attachment.hash is SHA-1 (R4 §2.24.0.13)
}
