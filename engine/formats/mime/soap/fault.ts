/** What is wrong with a SOAP message, as its sender is told (SOAP 1.2 part 1 §5.4), and such an answer written. */
import { escapeXml } from '../../xml/tree.js'
import { ADDRESSING, ENVELOPE, ENVELOPE_11, SECURITY } from './names.js'

export type FaultCode = 'Sender' | 'Receiver' | 'MustUnderstand' | 'VersionMismatch'
export type Subcode = 'wsa:ActionNotSupported' | 'wsa:MessageAddressingHeaderRequired' | 'wsa:InvalidAddressingHeader' | 'wsse:InvalidSecurity' | 'wsse:FailedAuthentication' | 'wsse:SecurityTokenUnavailable'

/** Its reason is a sentence without content. */
export class SoapFault extends Error {
  constructor(readonly code: FaultCode, reason: string, readonly subcode: Subcode | null = null, readonly notUnderstood: readonly { readonly namespace: string; readonly local: string }[] = []) {
    super(reason)
    this.name = 'SoapFault'
  }
}

export const FAULT_ACTION = `${ADDRESSING}/soap/fault`

/** The status of a fault (SOAP 1.2 part 2 §7.5.2.2). */
export const faultStatus = ({ code }: SoapFault): number => (code === 'Sender' ? 400 : 500)

/** What stands in the body of an answer. */
export const faultBody = ({ code, subcode, message }: SoapFault): string =>
  `<env:Fault><env:Code><env:Value>env:${code}</env:Value>${subcode ? `<env:Subcode><env:Value xmlns:wsse="${SECURITY}">${subcode}</env:Value></env:Subcode>` : ''}</env:Code><env:Reason><env:Text xml:lang="en">${escapeXml(sentenceOf(message))}</env:Text></env:Reason></env:Fault>`

/** The header blocks that say which blocks were not understood (§5.4.8). */
export const faultHeaders = ({ notUnderstood }: SoapFault): string =>
  notUnderstood.map(({ namespace, local }) => `<env:NotUnderstood xmlns:block="${escapeXml(namespace)}" qname="block:${escapeXml(local)}"/>`).join('')

/** The answer to SOAP 1.1 in its own words, with the version that is spoken here (SOAP 1.2 part 1, appendix A). */
export const versionMismatch = (reason: string): string => [
  `<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="${ENVELOPE_11}"><env:Header><upg:Upgrade xmlns:upg="${ENVELOPE}"><upg:SupportedEnvelope qname="ns1:Envelope" xmlns:ns1="${ENVELOPE}"/></upg:Upgrade></env:Header>`,
  `<env:Body><env:Fault><faultcode>env:VersionMismatch</faultcode><faultstring>${escapeXml(sentenceOf(reason))}</faultstring></env:Fault></env:Body></env:Envelope>`,
].join('')

const sentenceOf = (reason: string): string => `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${reason.endsWith('.') ? '' : '.'}`
