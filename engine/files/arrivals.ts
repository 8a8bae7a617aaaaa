/** A file as it is seen and read in a folder of any kind, and what makes its arrival unique. */
import { createHash } from 'node:crypto'

/** A file as it was seen in its folder. */
export interface Seen {
  readonly name: string
  readonly size: bigint // bytes
  readonly changed: bigint // nanoseconds since 1970; a folder whose clock is coarser gives what it has
}

export type Reading =
  | { readonly kind: 'read'; readonly bytes: Buffer; readonly key: string }
  | { readonly kind: 'changed' } // since it was seen, or while it was read
  | { readonly kind: 'unusable'; readonly reason: string }

/** A folder as an inbox uses it, on a disk or far away. Each rejects with the system's error; one of code ENOENT says that the file has just gone. */
export interface Folder {
  readonly path: string // for the log
  /** Whether it can be used is known at the start, or found out at each look. */
  open(): Promise<void>
  /** Its regular files whose names match; `null` for one that is listed but cannot be asked for. */
  list(matches: (name: string) => boolean): Promise<readonly { readonly name: string; readonly seen: Seen | null }[]>
  look(name: string): Promise<Seen>
  read(seen: Seen, maximum: number): Promise<Reading>
  /** Where a file comes from, for the message. */
  origin(name: string): string
  /** Writes the answer to a file, whole or not at all; one that is there is replaced, for it answers the same file. */
  answer(name: string, answer: Buffer): Promise<void>
  remove(name: string): Promise<void>
  /** Moves a file out of the way under a name that is free there, its reason beside it. */
  move(name: string, to: 'done' | 'failed', reason: string | null): Promise<void>
  close(): Promise<void>
}

export const isSame = (one: Seen, other: Seen): boolean => one.size === other.size && one.changed === other.changed

/** Why a file of a size is not read at all, in a sentence; null where it is. */
export const unusable = (size: bigint, maximum: number): string | null =>
  size === 0n ? 'The file is empty.' : size > maximum ? `The file has ${size} bytes; at most ${maximum} are taken (\`maximum\`).` : null

/** The same name, size, time and content are the same arrival, however often it is read. Hashed, for names may hold patients. */
export const ledgerKey = ({ name, size, changed }: Seen, bytes: Buffer): string =>
  `file:${createHash('sha256').update(JSON.stringify([name, String(size), String(changed)])).update(bytes).digest('hex')}`
