/**
 * The vocabulary of the engine. Connectors, transforms, formats and stores need this file
 * and nothing else of the engine; reading it top to bottom is reading the architecture.
 */
import type { Static, TSchema } from 'typebox'
import type { Fate } from './store/contracts.js'
import type { WebHandler } from './web-contracts.js'

// ── What moves ──────────────────────────────────────────────────────────────────────────

/** Bytes exactly as a source received them, and where they came from. */
export interface Inbound {
  readonly bytes: Buffer
  readonly origin: string // who sent it, for people: "10.0.0.7:50412", "/inbox/adt.hl7"
  readonly key?: string // what makes this arrival itself unique, whatever it says: a file's ledger entry, a delivery's id
}

/** What can be said about a message without understanding its body. */
export interface Header {
  readonly controlId: string | null // MSH-10, Message-ID, a fax's id
  readonly type: string | null // MSH-9 as "ADT^A01", a FHIR resourceType
}

/** A message as the transform steps see it. Steps return new messages; they never edit one. */
export interface Message<Body = unknown> {
  readonly id: number
  readonly channel: string
  readonly receivedAt: Date
  readonly header: Header
  readonly format: string // which MessageFormat reads and writes `body`
  readonly body: Body
}

/** What the sender is told. Each source says it in its own protocol: AA/AE/AR, 200/503/422. */
export type Verdict = 'accepted' | 'error' | 'rejected'

/** What is wrong with a message, for its sender: a sentence without content, and where. */
export interface Fault {
  readonly kind: 'unreadable' | 'unsupported' | 'required' | 'value' | 'internal'
  readonly reason: string
  readonly location?: string // a path in the message's own format, "PID-3"
}

export interface Reply {
  readonly verdict: Verdict
  readonly reason: string | null
  readonly acknowledgements: readonly Buffer[] // what the sender is to be sent, in order; none where the format has none
}

// ── The two ends ────────────────────────────────────────────────────────────────────────

/** Hands one arrival to the engine. Resolves when it may be acknowledged, never before; `early` gets what is owed sooner. */
export type Receive = (inbound: Inbound, early?: (acknowledgement: Buffer) => void) => Promise<Reply>

export interface SourceConnector {
  /** Resolves with where it listens, for people; rejects if it cannot, and the engine will try again. */
  start(receive: Receive): Promise<string>
  /** Stops taking messages, and resolves once every message already taken has been answered. */
  stop(): Promise<void>
  connections?(): number // how many senders are connected now; absent where nobody is ever connected
  trouble?(): string | null // why it takes nothing now, in a sentence without content; null where it does. What it says ends by itself
}

/** One lane's connection to a receiver. */
export interface DestinationConnector {
  open(): Promise<void>
  /** Sends one payload. Reports what happened; never retries and never decides what follows. A throw is `unknown`. */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome>
  close(): Promise<void>
}

/** What became of one attempt to deliver. `code` is the receiver's own word: AE, AR, 503. */
export type Outcome =
  | { readonly kind: 'sent'; readonly response?: Buffer }
  | { readonly kind: 'refused'; readonly reason: string; readonly code?: string; readonly response?: Buffer } // they will never take it
  | { readonly kind: 'unavailable'; readonly reason: string; readonly code?: string } // certainly not taken: sending again is safe
  | { readonly kind: 'unknown'; readonly reason: string } // it may have been taken

// ── What happens between them ───────────────────────────────────────────────────────────

/** Turns one message into none (filtered, and why), one (changed) or several (split). No side effects. */
export type TransformStep = (message: Message) => StepResult | Promise<StepResult>
export type StepResult = readonly Message[] | { readonly filtered: string }

/** How one kind of content is read, written, asked and acknowledged. Bodies are values: nothing edits one. */
export interface MessageFormat<Body = unknown> {
  readonly name: string
  /** Cheap and forgiving: enough to store and acknowledge a message. Throws a FormatError if there is no header. */
  readHeader(bytes: Buffer): Header
  parse(bytes: Buffer): Body
  serialize(body: Body): Buffer
  /** The reply owed for `bytes` once it is `stored`, and once it is `done` with; null where none is owed. */
  acknowledge(bytes: Buffer, moment: 'stored' | 'done', verdict: Verdict, fault?: Fault): Buffer | null
  /** The messages of an envelope (FHS/BHS), or null where `bytes` is one message. */
  separate(bytes: Buffer): readonly Buffer[] | null
  /** The envelope that answers an envelope. */
  assemble(bytes: Buffer, acknowledgements: readonly Buffer[]): Buffer
  /** What is wrong with a path, in a sentence, or null. */
  checkPath(path: string): string | null
  /** The values at a path as text, decoded; none where there is nothing. */
  read(body: Body, path: string): readonly string[]
  /** The body with a value (encoded as needed) or nothing (null) at a path. */
  write(body: Body, path: string, value: string | null): Body
  /** One body per part named `by`, each with what the parts have in common. */
  split(body: Body, by: string): readonly Body[]
  /** Whose order must be kept: the values at a path, and those of whoever else a merge or a link concerns. */
  orderKeys(body: Body, path: string): readonly string[]
  /** Whether an expression of the format's own language holds (FHIRPath); absent where it has none. */
  test?(body: Body, expression: string): boolean
  redact?(body: Body): Body // what may say who it is about is masked; structure and codes stay; where absent, nothing may be shown unmasked
}

// ── How the pieces are declared (each folder default-exports one of these) ──────────────

/** One schema is the type, the validation, the documentation and the console's form. */
export interface Definition<Settings extends TSchema, Product> {
  readonly name: string
  readonly summary: string
  readonly settings: Settings
  readonly examples: readonly Static<Settings>[] // shown in the documentation and run by the test suite
  /** Throws a sentence if the settings cannot work; opens and starts nothing. */
  create(settings: Static<Settings>, tools: Tools): Product
  readonly produces?: string // of a transform: the format that it turns messages into
  claims?(settings: Static<Settings>): readonly string[] // of a source: what no two channels may share, "port 2575"
  readonly needs?: string // of a source or destination: the service (`Tools.service`) without which its channel does not start
  leadsTo?(settings: Static<Settings>): string | null // of a destination: the channel that it feeds
}

/** Everything a piece may use of the world around it. */
export interface Tools {
  readonly channel: string // whose piece this is; empty outside of channels
  readonly clock: Clock
  readonly log: Log
  readonly dataFolder: string
  format(name: string): MessageFormat
  /** A code table of mappings/codes/, by name. */
  table(name: string): CodeTable
  /** A document of mappings/, by its path there without `.yaml`: "fields/referral". */
  mapping(path: string): MappingDocument
  /** The text of a file beside the channel's own, and where it is. */
  beside(file: string): { readonly text: string; readonly file: string }
  /** Gives a message to another channel; resolves once that channel has kept it. */
  feed(channel: string, inbound: Inbound): Promise<Reply>
  /** Serves a path on the engine's own web server until the returned function is called. */
  serve(path: string, handler: WebHandler): () => void
  /** The moments of incidents after a position, none about this channel or what it feeds; waits where there is none, until the signal aborts. */
  incidents(after: number, signal: AbortSignal): Promise<readonly IncidentMoment[]>
  /** What became of the message that this channel took with a key, once that has come to rest otherwise than `known`; null where it took none, or the signal aborts. */
  fate(key: string, known: string | null, signal: AbortSignal): Promise<Fate | null>
  /** What the installation runs beside the engine, by name. Throws a sentence where there is none: to be asked for in `start` and `open`, never in `create`. */
  service(name: string): unknown
}

/** A code table: `lookup` gives the row for a code, `reverse` the code whose first column is a value. */
export interface CodeTable {
  lookup(code: string): Readonly<Record<string, string>> | undefined
  reverse(value: string): string | undefined
}

/** A mapping file as data, and the place (file:line:column) of anything in it by its keys. */
export interface MappingDocument {
  readonly value: unknown
  place(...keys: readonly (string | number)[]): string
}

export interface IncidentMoment { readonly position: number; readonly key: string; readonly at: Date; readonly moment: 'opened' | 'acknowledged' | 'resolved'; readonly kind: string; readonly channel: string | null; readonly about: object }

export interface Clock {
  now(): Date
  /** Resolves after the time, or at once when the signal aborts; never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** Says an event in a sentence without content; only facts on the allow-list of log.ts are written. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', event: string, facts?: Readonly<Record<string, unknown>>) => void

// ── What is remembered ──────────────────────────────────────────────────────────────────

export type MessageStatus = 'received' | 'filtered' | 'transformed' | 'error'
export type DeliveryStatus = 'queued' | 'sending' | 'sent' | 'held' | 'error'

export interface StoredMessage extends Inbound {
  readonly id: number
  readonly channel: string
  readonly receivedAt: Date
  readonly header: Header
}

export interface Delivery {
  readonly id: number
  readonly messageId: number
  readonly channel: string; readonly destination: string
  readonly lane: number
  readonly header: Header; readonly receivedAt: Date // of the message as it arrived
  readonly payload: Buffer
  readonly attempts: number // this one included
}

export type { WebHandler, WebRequest, WebResponse } from './web-contracts.js'
export type { Acceptance, Arrival, Claim, Fate, FateDelivery, FateLook, Finished, HistoryEntry, Lineage, LineageMessage, MessageArchive, MessageContent, MessageQuery, MessageStore, MessageSummary, NewDelivery, Progress, Queue, QueueHead, QueueState, Settlement } from './store/contracts.js'
