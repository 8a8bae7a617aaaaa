/** Fetches the document of a fax: from the address that its event gives, or by its id. */
import { exchange } from '../../engine/web/exchange.js'
import { outcomeOf } from '../../engine/web/outcome.js'
import { fileAt } from './places.js'
import { type Account, answerOf, call, limitOf, NO_AGENT } from './requests.js'

const PATIENCE = 60_000 // milliseconds for one document

/** The document, or why it cannot be had now. */
export type Fetched = { readonly document: Buffer } | { readonly again: string }

export const fetchDocument = async (id: string, file: URL | null, account: Account, stopped: AbortSignal): Promise<Fetched> => {
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(PATIENCE)])
  const given = file && (await fromAddress(file, account, signal))
  if (given && 'document' in given) return given
  const { facts } = account
  if (!facts.fetch) return given ?? { document: Buffer.alloc(0) } // a service that gives neither a file nor a way to one gave an empty one
  const answer = answerOf(await call(account, facts.fetch, { id }, signal), facts.fetch)
  if ('kind' in answer) return { again: answer.reason }
  if (!facts.fetch.file) return { document: answer.body }
  const found = fileAt(answer.source, facts.fetch.file)
  if (found === null) return { again: 'the service’s answer holds no file' }
  return found instanceof URL ? fromAddress(found, account, signal) : { document: found }
}

/** Only hosts that the facts name are asked, so that an event cannot send us anywhere; and they are not shown our key. */
const fromAddress = async (url: URL, account: Account, signal: AbortSignal): Promise<Fetched> => {
  const { facts, api, maximum } = account
  const base = new URL(String(api.base ?? facts.base ?? 'https://none.invalid'))
  const known = url.host === base.host || (url.protocol === 'https:' && (facts.hosts ?? []).some((host) => (host.startsWith('.') ? url.hostname.endsWith(host) : url.hostname === host)))
  if (!known) return { again: 'the event names a host for the file that the `hosts` of the service’s mapping do not' }
  const result = await exchange(url, { ...NO_AGENT, method: 'GET', headers: { accept: '*/*' } }, Buffer.alloc(0), limitOf(maximum), signal)
  const outcome = outcomeOf(result, [])
  return outcome.kind === 'sent' ? { document: result.answered ? result.body : Buffer.alloc(0) } : { again: outcome.reason }
}
