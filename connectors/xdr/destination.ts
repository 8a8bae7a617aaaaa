/** The `xdr` destination: submits the documents of MIME messages by IHE XDR, Provide and Register Document Set-b (ITI-41). */
import http from 'node:http'
import https from 'node:https'
import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import type { Outcome } from '../../engine/contracts.js'
import { defineDestination } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { isAddress } from '../../engine/formats/mime/compose.js'
import { addressesOf, fieldsOf, rawValue } from '../../engine/formats/mime/fields.js'
import { type Mail, readMail } from '../../engine/formats/mime/mail.js'
import { readAnswer } from '../../engine/formats/mime/soap/answer.js'
import { writeEnvelope } from '../../engine/formats/mime/soap/envelope.js'
import { mtomSoap } from '../../engine/formats/mime/soap/mtom.js'
import { ACTIONS, DIRECT, XDS, XOP } from '../../engine/formats/mime/soap/names.js'
import { isRegistryResponse, readRegistryAnswer, type RegistryError } from '../../engine/formats/mime/soap/registry.js'
import { escapeXml } from '../../engine/formats/xml/tree.js'
import { authenticationSettings, checkAuthentication, credentials } from '../../engine/web/authentication.js'
import { dropClosed, type Exchange, exchange } from '../../engine/web/exchange.js'
import { outcomeOf } from '../../engine/web/outcome.js'
import { ClientTls, readTls } from '../../engine/web/tls.js'
import { type Outgoing, outgoingOf } from './documents.js'

const LIMITS = { size: 100 * 1024 ** 2, header: 256 * 1024, parts: 1000, depth: 30 }
const MOST_ANSWER = 1024 ** 2
const LONGEST_IDLE = 4000
const Code = Type.Object({ code: Type.String({ minLength: 1 }), scheme: Type.String({ minLength: 1 }), display: Type.String({ minLength: 1 }) }, { additionalProperties: false })
const DEFAULTS = {
  metadata: 'XDS', addressBlock: true, facilityType: { code: '394777002', scheme: '2.16.840.1.113883.6.96', display: 'Health encounter site' }, practiceSetting: { code: '394733009', scheme: '2.16.840.1.113883.6.96', display: 'Medical specialty' },
} as const

export default defineDestination({
  name: 'xdr',
  summary: 'Submits the documents of MIME messages by XDR (ITI-41: SOAP 1.2, MTOM), with the metadata that they carry or made of them.',
  settings: Type.Object({
    url: Type.String({ pattern: '^https?://[^\\s]+$', maxLength: 2000, description: 'The Document Recipient: `https://hisp.example/xdr`.' }),
    sourceId: Type.String({ pattern: '^[0-2](?:\\.(?:0|[1-9][0-9]*))+$', maxLength: 64, description: 'The OID that we submit as.' }),
    institution: Type.String({ minLength: 1, maxLength: 200, description: 'The name of our practice, the author of what is submitted.' }),
    metadata: Type.Optional(Type.Enum(['minimal', 'XDS'], { default: DEFAULTS.metadata, description: 'Where a message carries no METADATA.XML: whether what is made of it must name the patient (from a C-CDA document) as XDR requires.' })),
    addressBlock: Type.Optional(Type.Boolean({ default: DEFAULTS.addressBlock, description: 'Whether the header says whom it is from and to by their Direct addresses (XDR and XDM for Direct Messaging 1.0).' })),
    facilityType: Type.Optional(Code), practiceSetting: Type.Optional(Code),
    ...authenticationSettings,
    tls: Type.Optional(ClientTls),
  }, { additionalProperties: false }),
  examples: [
    { url: 'https://hisp.example/xdr', sourceId: '1.3.6.1.4.1.99999.1', institution: 'Heart Center', basic: { user: 'heart', password: `\${secret:hisp}` } },
    { url: 'https://on-ramp.example/xdr', sourceId: '1.3.6.1.4.1.99999.1', institution: 'Heart Center', metadata: 'minimal', addressBlock: false, tls: { cert: 'heart.pem', key: `\${secret:heart-key}` } },
  ],
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const url = new URL(settings.url)
    if (url.username || url.password) throw new Error('`url` cannot hold a user or password; use `basic`.')
    if (settings.tls && url.protocol !== 'https:') throw new Error('`tls` needs a `url` that begins with https://.')
    checkAuthentication(settings)
    const defaults = { sourceId: settings.sourceId, institution: settings.institution, level: settings.metadata, facilityType: settings.facilityType, practiceSetting: settings.practiceSetting }
    let agent: http.Agent | null = null
    return {
      async open() {
        const kept = { keepAlive: true, maxSockets: 1, timeout: LONGEST_IDLE }
        agent = url.protocol === 'https:' ? new https.Agent({ ...kept, ...(settings.tls && readTls(settings.tls, tools)) }) : new http.Agent(kept)
      },
      async deliver({ id, channel, destination, payload, attempts, receivedAt }, signal) {
        if (!agent) return { kind: 'unavailable', reason: 'the connection is not open' }
        try {
          const mail = readMail(payload, LIMITS)
          const outgoing = await outgoingOf(mail, defaults, receivedAt)
          const messageId = uuid(`${channel}/${destination}/${id}/${attempts}`)
          const headers = settings.addressBlock ? addressBlock(mail, settings.metadata) : ''
          const { contentType, body } = mtomSoap(writeEnvelope({ action: ACTIONS.provide, messageId, to: settings.url, headers, body: requestOf(outgoing) }), ACTIONS.provide, outgoing.documents.map((one, at) => ({ ...one, id: partOf(at) })))
          await dropClosed(agent)
          return answered(await exchange(url, { method: 'POST', agent, headers: { 'content-type': contentType, ...credentials(settings, body, tools.clock.now()) } }, body, MOST_ANSWER, signal), messageId, outgoing, attempts)
        } catch (error) {
          if (error instanceof MessageFault) return { kind: 'refused', reason: error.message }
          throw error
        }
      },
      async close() {
        agent?.destroy()
        agent = null
      },
    }
  },
})

const uuid = (text: string): string => {
  const hex = createHash('sha256').update(text).digest('hex')
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const partOf = (at: number): string => `document${at + 1}@refero.invalid`

const requestOf = ({ objects, documents }: Outgoing): string =>
  `<xdsb:ProvideAndRegisterDocumentSetRequest xmlns:xdsb="${XDS}">${objects}${documents.map(({ id }, at) => `<xdsb:Document id="${escapeXml(id)}"><xop:Include xmlns:xop="${XOP}" href="cid:${encodeURIComponent(partOf(at))}"/></xdsb:Document>`).join('')}</xdsb:ProvideAndRegisterDocumentSetRequest>`

const addressBlock = (mail: Mail, level: string): string => {
  const addresses = (name: string): readonly string[] => fieldsOf(mail, name).flatMap(addressesOf).map(({ address }) => address).filter((one) => isAddress(one) && !one.endsWith('.invalid'))
  const [from] = addresses('from')
  const declared = fieldsOf(mail, 'x-refero-metadata').map(rawValue)[0] === 'minimal' ? 'minimal' : level
  return from ? `<direct:metadata-level xmlns:direct="${DIRECT}">${declared}</direct:metadata-level><direct:addressBlock xmlns:direct="${DIRECT}" env:role="urn:direct:addressing:destination" env:relay="true"><direct:from>mailto:${escapeXml(from)}</direct:from>${addresses('to').map((to) => `<direct:to>mailto:${escapeXml(to)}</direct:to>`).join('')}</direct:addressBlock>` : ''
}

/** "Not now" in a registry's words. */
const BUSY = new Set(['XDSRegistryBusy', 'XDSRepositoryBusy', 'XDSRegistryNotAvailable', 'XDSRegistryOutOfResources', 'XDSRepositoryOutOfResources'])
const KNOWN = new Set(['XDSDuplicateUniqueIdInRegistry', 'XDSRegistryDuplicateUniqueId'])

const answered = (result: Exchange, messageId: string, { uniqueId, words }: Outgoing, attempts: number): Outcome => {
  const answer = result.answered ? readAnswer(result.type, result.body, messageId) : null
  if (!result.answered || !answer || result.status === 401) return result.answered && result.status < 300 ? { kind: 'unknown', reason: 'the answer is no SOAP, or answers another request' } : outcomeOf(result, [])
  const { fault, envelope } = answer
  if (fault?.subcode === 'FailedAuthentication' || fault?.subcode === 'InvalidSecurity') return { kind: 'unavailable', reason: `answered the SOAP fault ${fault.subcode}: our credentials are not accepted there`, code: fault.subcode }
  if (fault?.code === 'Receiver') return result.status === 503 ? { kind: 'unavailable', reason: 'answered 503 with a SOAP fault', code: '503' } : { kind: 'unknown', reason: 'answered a SOAP fault: it failed on its side' }
  if (fault) return { kind: 'refused', reason: `answered the SOAP fault ${fault.subcode ?? fault.code}`, code: fault.subcode ?? fault.code }
  const said = envelope.body && isRegistryResponse(envelope.body) ? readRegistryAnswer(envelope.body) : null
  if (!said) return result.status < 300 ? { kind: 'unknown', reason: 'the answer holds no RegistryResponse' } : outcomeOf(result, [])
  const [first] = said.errors
  const sent: Outcome = { kind: 'sent', response: Buffer.from(JSON.stringify({ tracking: `xdr:${uniqueId}`, stage: 'accepted' })) }
  if (said.status === 'Success') return sent
  if (attempts > 1 && said.errors.length > 0 && said.errors.every(({ code }) => KNOWN.has(code))) return sent // an attempt before this one arrived
  const reason = `answered ${said.status}${said.errors.length > 0 ? `: ${said.errors.slice(0, 5).map((one) => worded(one, words)).join('; ')}` : ''}`
  const code = (first?.code ?? said.status).replace(/[^\w.:-]/g, '') || said.status
  return said.status === 'Failure' && said.errors.some((one) => BUSY.has(one.code)) ? { kind: 'unavailable', reason, code } : { kind: 'refused', reason, code }
}

/** A registry's error without the words that our metadata hold: they may be the patient's. */
const worded = ({ code, context }: RegistryError, words: readonly string[]): string => {
  const known = new Set(words)
  const masked = context.replace(/[\p{L}\p{N}.-]+/gu, (word) => (known.has(word.toLowerCase().replace(/\.+$/, '')) || /\d{4}/.test(word) ? '…' : word)).slice(0, 200)
  return masked ? `${code.replace(/[^\w.:-]/g, '')} (${masked})` : code.replace(/[^\w.:-]/g, '')
}
