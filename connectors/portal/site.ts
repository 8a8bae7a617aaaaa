/** What the pages of the portal share: its settings, and what each request brings. */
import { randomUUID } from 'node:crypto'
import type { Receive, Tools, WebRequest, WebResponse } from '../../engine/contracts.js'
import type { Desk } from '../../referrals/desk.js'
import { type Frame, seeOther } from './answers.js'
import type { FormData } from './form-data.js'
import type { Form } from './form-file.js'
import type { Session, Sessions } from './session.js'
import type { UsedLinks } from './used-links.js'
import type { Speech } from './words.js'

export interface SiteSettings {
  readonly path: string
  readonly url: string | null // of the path, as browsers reach it
  readonly practice: { readonly name: string; readonly phone?: string }
  readonly link: { readonly channel: string; readonly anybody: boolean; readonly domains: readonly string[]; readonly lasts: number; readonly from: string } | null
  readonly codes: readonly { readonly practice: string; readonly code: string; readonly email?: string }[]
  readonly lasts: number // of a session, milliseconds
  readonly largest: number // bytes of a document
  readonly maximum: number // bytes of all of them
  readonly rate: { readonly requests: number; readonly within: number }
}

/** What all pages work with. */
export interface Site {
  readonly settings: SiteSettings
  readonly tools: Tools
  readonly key: Buffer
  readonly form: Form
  readonly sessions: Sessions
  readonly used: UsedLinks
  readonly receive: Receive
  /** The address that sent a request, behind the proxies that are trusted. */
  readonly from: (head: Pick<WebRequest, 'remote' | 'headers'>) => string
  /** Work that nobody waits for now; done before the source has stopped. */
  readonly later: (work: Promise<unknown>) => void
  /** The desk, or null where it cannot be asked now. */
  readonly desk: () => Desk | null
}

/** A request that was admitted. */
export interface Visit {
  readonly frame: Frame
  readonly speech: Speech
  readonly session: Session
  readonly keep: Readonly<Record<string, string>> // the headers that keep a new session
  readonly query: URLSearchParams
  readonly data: FormData
  readonly now: Date
  readonly address: string
}
export type Pages = Readonly<Record<string, (visit: Visit) => WebResponse | Promise<WebResponse>>> // by "GET /new"

/** For a form that is shown anew. */
export const newSubmission = (): string => randomUUID()

export const back = ({ settings: { path } }: Site, to = ''): WebResponse => seeOther(`${path}${to}`)

/** 20 MB: whole megabytes, as people say it. */
export const sizeWords = (bytes: number): string => `${Math.floor(bytes / 1024 ** 2)} MB`
