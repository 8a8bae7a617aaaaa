/** What a written file is called. */
import { createHash } from 'node:crypto'
import type { Delivery } from '../contracts.js'

const PLACEHOLDERS = ['controlId', 'messageId', 'deliveryId', 'type', 'time', 'channel', 'destination'] as const
type Placeholder = (typeof PLACEHOLDERS)[number]
const LONGEST_VALUE = 64
const LONGEST_NAME = 200

/** Throws a sentence for a placeholder that does not exist. */
export const checkName = (pattern: string): void => {
  for (const [, name = ''] of pattern.matchAll(/\{([^{}]*)\}/g))
    if (!PLACEHOLDERS.some((placeholder) => placeholder === name)) throw new Error(`\`name\` cannot hold {${name}}; it may hold ${PLACEHOLDERS.map((known) => `{${known}}`).join(', ')}.`)
}

/** Whether a pattern names each delivery differently. */
export const isUnique = (pattern: string): boolean => pattern.includes('{deliveryId}')

/** A pattern whose names say what is in the file, for content that is written differently each time (it is sealed). */
export const digested = (pattern: string, payload: Buffer): string => `${pattern}-${createHash('sha256').update(payload).digest('hex').slice(0, 16)}`

/**
 * The name of a delivery's file. Whatever a message says, it stays one visible name in its folder: letters, digits, `.`, `_` and
 * `-` are kept, the rest becomes `_`, and each part and the whole are bounded.
 */
export const nameOf = (pattern: string, extension: string, { id, messageId, channel, destination, header }: Delivery, now: Date): string => {
  const values: Readonly<Record<Placeholder, string>> = {
    controlId: header.controlId || 'none', messageId: String(messageId), deliveryId: String(id), type: header.type || 'none',
    time: now.toISOString().replace(/[-:.]/g, ''), channel, destination,
  }
  const filled = pattern.replace(/\{(\w+)\}/g, (_, name: Placeholder) => values[name].slice(0, LONGEST_VALUE))
  const safe = filled.replace(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, (dots) => '_'.repeat(dots.length))
  return `${safe.slice(0, LONGEST_NAME)}${extension && `.${extension}`}`
}
