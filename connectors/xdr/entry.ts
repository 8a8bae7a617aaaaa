/** One path that takes Provide and Register Document Set-b requests, and what each is answered: over HTTP, in SOAP, in a registry's words. */
import { randomUUID } from 'node:crypto'
import type { Receive, Reply, Tools, WebHandler, WebRequest, WebResponse } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { answerFault, answerSoap, checkRequest, type Framing, readEnvelope } from '../../engine/formats/mime/soap/envelope.js'
import { SoapFault } from '../../engine/formats/mime/soap/fault.js'
import type { SoapMessage } from '../../engine/formats/mime/soap/mtom.js'
import { ACTIONS, ADDRESSING, DIRECT, SECURITY } from '../../engine/formats/mime/soap/names.js'
import { type RegistryError, writeRegistryResponse } from '../../engine/formats/mime/soap/registry.js'
import { type AssertionRules, readAssertion } from '../../engine/formats/mime/soap/saml.js'
import { complaint, later } from '../../engine/web/answers.js'
import { type Authentication, challenge, headerValue, isAuthorized, isSigned } from '../../engine/web/authentication.js'
import { rateLimit } from '../../engine/web/rate.js'
import { keyOf, mailOf } from './mail.js'
import { readSubmission } from './submission.js'

export interface EntrySettings extends Authentication {
  readonly path: string
  readonly maximum: number // bytes
  readonly rate: { readonly requests: number; readonly within: number }
  readonly require: 'declared' | 'minimal'
  readonly saml: AssertionRules | null // null: assertions are not read, and a block that must be understood is refused
}

export interface Entry { readonly handle: WebHandler; close(): Promise<void> }

export const entryFor = (settings: EntrySettings, receive: Receive, tools: Tools): Entry => {
  const withinRate = rateLimit(settings.rate.requests, settings.rate.within, tools.clock)
  const inFlight = new Set<Promise<unknown>>()
  let closing = false

  const refused = (remote: string): WebResponse => {
    tools.log('warn', 'refused a request that was not authenticated', { address: remote, path: settings.path })
    return complaint(401, 'The request is not authenticated.', { 'www-authenticate': challenge(settings) })
  }

  const handle = async ({ method, headers, body, remote }: WebRequest): Promise<WebResponse> => {
    if (closing) return later('The channel is stopping.')
    if (method !== 'POST') return complaint(405, 'This path takes POST.', { allow: 'POST' })
    if (!withinRate(remote)) return later('Too many requests.', 429)
    if (!isAuthorized(settings, headers) || !isSigned(settings, headers, body, tools.clock.now())) return refused(remote)
    if (!['identity', null].includes(headerValue(headers, 'content-encoding'))) return complaint(415, 'A compressed body is not taken; send it as it is.')
    if (body.length > settings.maximum) return complaint(413, `A request here has at most ${settings.maximum} bytes.`)
    return provide(headerValue(headers, 'content-type') ?? '', body, remote)
  }

  const provide = async (contentType: string, body: Buffer, remote: string): Promise<WebResponse> => {
    let framing: Framing = { mtom: false, messageId: null }
    try {
      const envelope = readEnvelope(contentType, body)
      framing = envelope
      checkRequest(envelope, ACTIONS.provide, [ADDRESSING, DIRECT, ...(settings.saml ? [SECURITY] : [])])
      const now = tools.clock.now()
      const assertion = settings.saml && readAssertion(envelope.blocks, settings.saml, now)
      const submission = readSubmission(envelope, settings.require)
      if (!('documents' in submission)) return registered(submission, framing)
      const bytes = await mailOf(submission, envelope.document, assertion, tools.channel, now)
      return answerOf(await receive({ bytes, origin: remote, key: keyOf(submission) }), framing)
    } catch (error) {
      if (error instanceof SoapFault) return sent(answerFault(error, framing, newId()))
      if (error instanceof MessageFault) return registered([{ code: 'XDSRepositoryMetadataError', context: error.message }], framing)
      tools.log('error', 'a submission could not be answered; its sender is told to send it again', { error, path: settings.path })
      return busy(framing)
    }
  }

  return {
    handle: (request) => {
      const answered = handle(request).finally(() => inFlight.delete(answered))
      inFlight.add(answered)
      return answered
    },
    async close() {
      closing = true
      await Promise.all(inFlight)
    },
  }
}

const newId = (): string => `urn:uuid:${randomUUID()}`

const answerOf = ({ verdict, reason }: Reply, framing: Framing): WebResponse => {
  if (verdict === 'accepted') return registered([], framing)
  return verdict === 'error' ? busy(framing) : registered([{ code: 'XDSRepositoryError', context: reason ?? 'The documents were rejected.' }], framing)
}

/** In a registry's words and in HTTP's: some senders heed only one of them. */
const busy = (framing: Framing): WebResponse =>
  registered([{ code: 'XDSRegistryBusy', context: 'The documents could not be stored. Send them again later.' }], framing, 503, { 'retry-after': '10' })

const registered = (errors: readonly RegistryError[], framing: Framing, status = 200, headers: Readonly<Record<string, string>> = {}): WebResponse =>
  sent({ status, ...answerSoap({ action: ACTIONS.provided, messageId: newId(), body: writeRegistryResponse(errors) }, framing) }, headers)

const sent = ({ status, contentType, body }: SoapMessage & { readonly status: number }, headers: Readonly<Record<string, string>> = {}): WebResponse => ({ status, headers: { 'content-type': contentType, ...headers }, body })
