/** Who is at the other end of a browser: a signed cookie, and the token that says a form is one of ours. Nothing is kept here. */
import { randomUUID } from 'node:crypto'
import { type Headers, headerValue } from '../../engine/web/authentication.js'
import { readSigned, type Statement, sign } from '../../engine/web/signed.js'

/** `full`: it belongs to whoever referred, who may have the reports too. */
export interface Seen { readonly reference: string; readonly full: boolean }
export interface Session extends Statement {
  readonly nonce: string
  readonly email: string | null // proved by a link
  readonly practice: string | null // proved by an access code
  readonly sees: readonly Seen[] // the last first
}
/** What a one-time link says. */
export interface EntryLink extends Statement { readonly nonce: string; readonly email: string }

const COOKIE = 'refero-portal'
const MOST_SEEN = 20

export const isSignedIn = ({ email, practice }: Session): boolean => email !== null || practice !== null
export const mayWrite = (session: Session): boolean => isSignedIn(session) || session.sees.length > 0

export interface Sessions {
  /** The session of a request, or a new one of a visitor. */
  of(headers: Headers, now: Date): { readonly session: Session; readonly isNew: boolean }
  cookie(session: Session): Readonly<Record<string, string>>
  readonly gone: Readonly<Record<string, string>>
  csrf(session: Session): string
  isOurs(session: Session, csrf: string, now: Date): boolean
}

/** `lasts` in milliseconds; `secure`: browsers reach it by HTTPS. */
export const sessionsFor = (key: Buffer, path: string, lasts: number, secure: boolean): Sessions => {
  const attributes = `Path=${path}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
  const purpose = ({ nonce }: Session): string => `form of ${nonce}`
  return {
    of: (headers, now) => {
      const text = cookieOf(headers)
      const known = text === null ? null : readSigned<Session>(key, 'session', text, now)
      return known ? { session: known, isNew: false } : { session: { until: now.getTime() + lasts, nonce: randomUUID(), email: null, practice: null, sees: [] }, isNew: true }
    },
    cookie: (session) => ({ 'set-cookie': `${COOKIE}=${sign(key, 'session', session)}; ${attributes}` }),
    gone: { 'set-cookie': `${COOKIE}=; ${attributes}; Max-Age=0` },
    csrf: (session) => sign(key, purpose(session), { until: session.until }),
    isOurs: (session, csrf, now) => readSigned(key, purpose(session), csrf, now) !== null,
  }
}

/** Whoever signs in is somebody new: what a visitor saw before stays. */
export const signedIn = ({ sees }: Session, who: Pick<Session, 'email' | 'practice'>, until: number): Session => ({ until, nonce: randomUUID(), ...who, sees })

export const seeing = (session: Session, seen: Seen): Session => {
  const full = seen.full || session.sees.some((one) => one.reference === seen.reference && one.full)
  return { ...session, sees: [{ reference: seen.reference, full }, ...session.sees.filter(({ reference }) => reference !== seen.reference)].slice(0, MOST_SEEN) }
}

const cookieOf = (headers: Headers): string | null =>
  (headerValue(headers, 'cookie') ?? '').slice(0, 10_000).split(';').map((one) => one.trim()).find((one) => one.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? null
