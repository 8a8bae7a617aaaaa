/** What an adapter of a fax service is: the facts are data, the adapter only what data cannot say. */
import type { Outcome, WebResponse } from '../../engine/contracts.js'
import type { Authentication } from '../../engine/web/authentication.js'
import type { RawEvent, Source } from './places.js'
import type { Account, File } from './requests.js'
import type { Api } from './settings.js'

/** How a webhook proves that it is the service's. */
export type Way = 'token' | 'basic' | 'hmac' | 'secret' | 'publicKey' | 'callback'

/** What the settings of a source say of who may send. */
export interface Proofs extends Authentication {
  readonly secret?: string // the value of `key` in the address
  readonly publicKey?: string
  readonly callback?: { readonly token: string; readonly url: string }
}

export interface Outgoing {
  readonly to: string // E.164
  readonly from: string | null
  readonly tag: string // the Message-ID
  readonly callback: string | null
  readonly file: File
}

/** Where a fax is once the service has taken it. */
export type Sent = { readonly kind: 'sent'; readonly id: string } | Exclude<Outcome, { kind: 'sent' }>

export interface Provider {
  readonly name: string
  readonly shape: 'push' | 'poll' | 'folder'
  /** How its webhooks may be authenticated; one of these is demanded. */
  readonly ways: readonly Way[]
  /** What must be set under `api`, to receive and to send; null: it does not send. */
  readonly needs: { readonly source: readonly (keyof Api)[]; readonly destination: readonly (keyof Api)[] | null }
  /** Whether an event is genuine by what is the service's own; absent where the common ways are enough. */
  readonly verify?: (event: RawEvent, proofs: Proofs, now: Date) => boolean
  /** Whether the user and password may stand in the body, where `verify` looks for them. */
  readonly credentialsInBody?: true
  /** Reads an event where it is neither JSON nor a form. */
  readonly read?: (event: RawEvent) => Source
  /** The answer that the service expects to an event that was kept; absent where 200 is enough. */
  readonly answer?: (event: RawEvent) => WebResponse
  /** Sends where a request or two cannot. */
  readonly send?: (fax: Outgoing, account: Account, signal: AbortSignal) => Promise<Sent>
}
