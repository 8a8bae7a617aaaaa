/** What a sender is told over HTTP. */
import type { Reply, WebResponse } from '../contracts.js'
import { contentTypeOf } from './content-type.js'

const STATUS = { accepted: 200, rejected: 422, error: 503 } as const
const AGAIN = { 'retry-after': '10' } // seconds

/** A verdict as a status; the acknowledgements one after the other, or the verdict as JSON where the format has none. */
export const answerTo = ({ verdict, reason, acknowledgements }: Reply): WebResponse => {
  const again = verdict === 'error' ? AGAIN : {}
  if (acknowledgements.length === 0) return { ...json(STATUS[verdict], { verdict, reason }, again), ...(verdict !== 'accepted' && { wrong: [{ reason: reason ?? 'The message was not accepted.' }] }) }
  const body = Buffer.concat(acknowledgements)
  return { status: STATUS[verdict], headers: { 'content-type': contentTypeOf(body), ...again }, body }
}

/** An answer to what never became a message. */
export const complaint = (status: number, reason: string, headers: Readonly<Record<string, string>> = {}): WebResponse => ({ ...json(status, { verdict: 'rejected', reason }, headers), wrong: [{ reason }] })

/** An answer that asks the sender to come again. */
export const later = (reason: string, status = 503): WebResponse => ({ ...json(status, { verdict: 'error', reason }, AGAIN), wrong: [{ reason }] })

const json = (status: number, body: unknown, headers: Readonly<Record<string, string>>): WebResponse =>
  ({ status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body: JSON.stringify(body) })
