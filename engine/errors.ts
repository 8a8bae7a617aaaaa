/** Every error that a person may meet: its code, what it says and what to do about it. */
import type { Fault } from './contracts.js'

export const ERRORS = {
  STORE_FULL: ['The disk that holds the message store is full.', 'Free space on that disk; the engine goes on by itself.'],
  STORE_LOCKED: ['The message store is locked by another program.', 'Close the program that has the file open for writing; the engine goes on by itself.'],
  STORE_CORRUPT: ['The message store is damaged or is not a message store.', 'Stop the engine, move the file aside, restore a backup, start again.'],
  STORE_TOO_NEW: ['The message store was written by a newer version of Refero.', 'Run that version or a later one.'],
  STORE_FAILED: ['The message store failed.', 'See the detail; the engine tries again.'],
  DESK_CLOSED: ['The referral desk is closed: its tables cannot be read.', 'Mend what is listed; it opens by itself.'],
  DATA_FOLDER_BUSY: ['Another engine is running on this data folder.', 'Stop it, or start this one with another --data folder.'],
  WEB_TAKEN: ['The web server cannot listen.', 'Free the port, or choose another with REFERO_HTTP_PORT (and REFERO_HTTP_HOST).'],
  PIECE_BROKEN: ['A folder of the product cannot be used.', 'Mend or remove the folder.'],
  CHANNELS_BROKEN: ['Some channel files cannot be used.', 'Mend what is listed; `refero check` checks them without starting anything.'],
  CONFIG_BROKEN: ['The configuration cannot be used.', 'Mend what is listed.'],
  NOT_FOUND: ['There is no such thing.', 'Check the name or the number.'],
  ON_ITS_WAY: ['The message is still on its way.', 'Wait until its deliveries have ended, or skip them first.'],
  FORGOTTEN: ['The content of this message has been forgotten, as its channel’s `retain:` says.', 'Ask the sender to send it again.'],
  WRONG_METHOD: ['This path is served, but not with this method.', 'See /docs for what it takes.'],
  TOO_LARGE: ['The request is too large.', 'Send less at once, or raise REFERO_LIMITS_MESSAGE.'],
  TOO_MANY: ['There are too many requests from this address.', 'Wait a minute, or raise REFERO_LIMITS_REQUESTS.'],
  EDITED: ['The channel is no longer what this change was made from.', 'Look at the difference, and make the change again from what is there now.'],
  INVALID: ['The channel cannot be used as it is written.', 'Mend what is listed; nothing was changed.'],
  STILL_WAITING: ['Messages of the channel still wait.', 'Wait until they are delivered or skip them; or say `abandon: true` to leave them where they are.'],
  NOT_NOW: ['That cannot be done as things stand.', 'Look at what is there now, and decide again.'],
  UNFIT: ['The request names what does not fit.', 'Mend what it says, and ask again; nothing was changed.'],
  CANNOT_WRITE: ['The files of a channel cannot be written; everything is as it was.', 'Give the engine the right to write the folders of channels, mappings and data, and see that the disk has space.'],
  SHARED_FILES: ['Other channels use files that this would change.', 'Say `shared: true` to change them for those channels too.'],
  TAKEN: ['That is there already.', 'Choose another name; nothing was written.'],
  WRONG_FILE: ['The file is not what it should be.', 'Mend it, or name another; nothing was written.'],
  NOT_KEPT: ['The test was not kept.', 'Look for what the channel does differently each time; nothing was written.'],
  ENGINE_REFUSED: ['The engine did not do it.', 'Mend what it says, and try again.'],
  FILE_FAILED: ['A file cannot be read or written.', 'Check the path, the rights on it and the space on the disk.'],
  USAGE: ['The command was not understood.', 'Run `refero help`.'],
  ENGINE_UNREACHABLE: ['No engine answers there.', 'Start one with `refero serve`, or name it with --url.'],
  NOT_ALLOWED: ['The engine did not accept the token.', 'Give it with --token or REFERO_TOKEN; `refero token` makes a new one.'],
} as const satisfies Record<string, readonly [text: string, hint: string]>

export type ErrorCode = keyof typeof ERRORS

/** An error with a code of the table above and a detail that holds no message content. */
export class ReferoError extends Error {
  readonly hint: string
  /** What else a program should be told of it: the problems of a file, a difference. */
  readonly facts: Readonly<Record<string, unknown>>

  constructor(readonly code: ErrorCode, readonly detail?: string, { facts = {}, ...options }: ErrorOptions & { facts?: Readonly<Record<string, unknown>> } = {}) {
    const [text, hint] = ERRORS[code]
    super(detail ? `${text} ${detail}` : text, options)
    this.name = 'ReferoError'
    this.hint = hint
    this.facts = facts
  }
}

/** What a store rejects with. */
export class StoreError extends ReferoError {
  constructor(readonly kind: 'full' | 'locked' | 'corrupt' | 'failed', detail?: string, options?: ErrorOptions) {
    super(({ full: 'STORE_FULL', locked: 'STORE_LOCKED', corrupt: 'STORE_CORRUPT', failed: 'STORE_FAILED' } as const)[kind], detail, options)
    this.name = 'StoreError'
  }
}

/** Thrown by a format or a step: what is wrong with this message, in its sender's terms. */
export class MessageFault extends Error {
  constructor(readonly fault: Fault, options?: ErrorOptions) {
    super(fault.location ? `${fault.location}: ${fault.reason}` : fault.reason, options)
    this.name = 'MessageFault'
  }
}

/** The sentence in anything thrown. */
export const sentence = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
