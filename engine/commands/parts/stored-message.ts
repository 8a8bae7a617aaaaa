/** A stored message as the operations API gives it. */
import type { Given, Terminal } from '../../command.js'
import type { DeliveryStatus, MessageStatus } from '../../contracts.js'
import { ReferoError } from '../../errors.js'
import { askEngine } from './engine-api.js'

/** Bytes as text where they are text, else as base64; null where the content is kept no longer. */
export type StoredContent = { readonly text: string } | { readonly base64: string } | null

export interface StoredMessage {
  readonly id: number
  readonly channel: string
  readonly receivedAt: string
  readonly origin: string
  readonly header: { readonly controlId: string | null; readonly type: string | null }
  readonly status: MessageStatus
  readonly reason: string | null
  readonly content: StoredContent
  readonly deliveries: readonly { readonly destination: string; readonly status: DeliveryStatus; readonly payload: StoredContent }[]
}

export const bytesOf = (content: StoredContent): Buffer | null => (content === null ? null : 'text' in content ? Buffer.from(content.text) : Buffer.from(content.base64, 'base64'))

/** One message with its content. */
export const askMessage = async (given: Given, terminal: Terminal, id: number): Promise<StoredMessage> => (await askEngine(given, terminal, `/api/messages/${id}`)) as StoredMessage

/** The number of a message that a command was given as its word at `at`. */
export const messageNumber = (given: Given, at: number): number => {
  const id = Number(given.words[at])
  if (!Number.isInteger(id) || id < 1) throw new ReferoError('USAGE', 'Name one message by its number.')
  return id
}
