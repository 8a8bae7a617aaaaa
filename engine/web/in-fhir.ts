/** Says no to who speaks FHIR as FHIR does: an OperationOutcome (R4 §3.1.0.1.5), whatever was asked and however early it is refused. */
import type { WebRequest, WebResponse } from '../contracts.js'
import { headerValue } from './authentication.js'

const FHIR = /^\s*application\/(?:fhir\+json|json\+fhir)\s*(?:;|$)/i

/** Codes of http://hl7.org/fhir/issue-type by HTTP status. */
const CODES: Readonly<Record<number, string>> = { 400: 'invalid', 401: 'login', 403: 'forbidden', 404: 'not-found', 405: 'not-supported', 408: 'timeout', 413: 'too-long', 415: 'not-supported', 422: 'processing', 429: 'throttled', 503: 'transient' }

/** A refusal in our own words (`wrong`) as an OperationOutcome where the request is FHIR or asks for it; every other answer as it is. */
export const spokenTo = ({ headers }: Pick<WebRequest, 'headers'>, response: WebResponse): WebResponse => {
  const { status, wrong } = response
  if (!wrong || ![headerValue(headers, 'content-type') ?? '', ...(headerValue(headers, 'accept') ?? '').split(',')].some((type) => FHIR.test(type))) return response
  const issue = wrong.map(({ at, reason }) => ({ severity: 'error', code: CODES[status] ?? (status >= 500 ? 'exception' : 'processing'), diagnostics: at ? `${at} ${reason}` : reason }))
  return { status, headers: { ...response.headers, 'content-type': 'application/fhir+json; charset=utf-8' }, body: JSON.stringify({ resourceType: 'OperationOutcome', issue }) }
}
