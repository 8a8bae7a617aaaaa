/** SAML 2.0 assertions of WS-Security headers (IHE XUA, ITI TF-2 §3.40): who asks and what for, whether that is signed and still holds; and our own. */
import type { X509Certificate } from 'node:crypto'
import { type Place, attributeOf, escapeXml, inside } from '../../xml/tree.js'
import { SoapFault } from './fault.js'
import { HL7, SAML, SECURITY, UTILITY } from './names.js'
import { childAt, childrenNamed, isNamed, textAt } from './namespaces.js'
import { signatureProblem, signedXml } from './signature.js'

/** What an assertion says; `verified` is whether its signature leads to an anchor. */
export interface Assertion { readonly verified: boolean; readonly issuer: string | null; readonly subject: string | null; readonly organization: string | null; readonly role: string | null; readonly purposeOfUse: string | null }

export interface AssertionRules {
  readonly anchors: readonly X509Certificate[] // none: signatures are not looked at, and nothing is verified
  readonly audience: string | null
  readonly required: boolean
  readonly skew: number // milliseconds that clocks may differ
}

/** The assertion of a header, or null where it has none. Throws a SoapFault where it is missing and required, does not hold now or here, or is not signed as it must be. */
export const readAssertion = (blocks: readonly Place[], { anchors, audience, required, skew }: AssertionRules, now: Date): Assertion | null => {
  const found = blocks.filter((block) => isNamed(block, SECURITY, 'Security')).flatMap((security) => childrenNamed(security, SAML, 'Assertion'))
  const [assertion] = found
  if (!assertion) {
    if (required) throw new SoapFault('Sender', 'the header has no wsse:Security with a SAML 2.0 assertion', 'wsse:SecurityTokenUnavailable')
    return null
  }
  if (found.length > 1) throw new SoapFault('Sender', 'the header has more than one SAML assertion', 'wsse:InvalidSecurity')
  const wrong = conditionProblem(childAt(assertion, SAML, 'Conditions'), audience, now.getTime(), skew) ?? (anchors.length > 0 ? signatureProblem(assertion, anchors, now) : null)
  if (wrong) throw new SoapFault('Sender', `the SAML assertion is not accepted: ${wrong}`, 'wsse:FailedAuthentication')
  return {
    verified: anchors.length > 0, issuer: textAt(childAt(assertion, SAML, 'Issuer')), subject: textAt(childAt(assertion, SAML, 'Subject', 'NameID')),
    organization: attribute(assertion, 'urn:oasis:names:tc:xspa:1.0:subject:organization'), role: attribute(assertion, 'urn:oasis:names:tc:xacml:2.0:subject:role'), purposeOfUse: attribute(assertion, 'urn:oasis:names:tc:xspa:1.0:subject:purposeofuse'),
  }
}

/** SAML core §2.5.1 */
const conditionProblem = (conditions: Place | null, audience: string | null, now: number, skew: number): string | null => {
  if (!conditions) return 'it has no Conditions'
  const at = (name: string): number | null => {
    const text = attributeOf(conditions.element, name)
    return text === undefined ? null : Date.parse(text)
  }
  const [from, until] = [at('NotBefore'), at('NotOnOrAfter')]
  if (until === null || Number.isNaN(until) || (from !== null && Number.isNaN(from))) return 'its Conditions do not say until when it holds'
  if (from !== null && from > now + skew) return 'it does not hold yet'
  if (until <= now - skew) return 'it does not hold any more'
  const audiences = childrenNamed(conditions, SAML, 'AudienceRestriction').map((one) => childrenNamed(one, SAML, 'Audience').map(textAt))
  if (audience !== null && (audiences.length === 0 || !audiences.every((some) => some.includes(audience)))) return 'it is for another audience'
  return null
}

const attribute = (assertion: Place, name: string): string | null => {
  const value = childrenNamed(assertion, SAML, 'AttributeStatement').flatMap((one) => childrenNamed(one, SAML, 'Attribute')).filter((one) => attributeOf(one.element, 'Name') === name).flatMap((one) => childrenNamed(one, SAML, 'AttributeValue'))[0]
  const coded = value && inside(value).find((one) => isNamed(one, HL7, 'Role') || isNamed(one, HL7, 'PurposeOfUse') || attributeOf(one.element, 'code') !== undefined)
  return (coded ? attributeOf(coded.element, 'code')?.trim() : textAt(value)) || null
}

export interface NewAssertion {
  readonly issuer: string
  readonly subject: string
  readonly organization: string
  readonly role: { readonly code: string; readonly display: string } // SNOMED CT
  readonly purpose: string // of use: TREATMENT
  readonly audience?: string | undefined
  readonly key: string // PEM
  readonly certificate: string // PEM
}

const LASTS = 5 * 60_000

/** The `wsse:Security` block of a request: a time, and a signed bearer assertion that holds for five minutes. `id` is unique, and an XML name. */
export const writeSecurity = (one: NewAssertion, id: string, now: Date): string => {
  const [created, from, until] = [now, new Date(now.getTime() - LASTS), new Date(now.getTime() + LASTS)].map((at) => at.toISOString())
  const named = (name: string, value: string): string => `<saml2:Attribute Name="${name}"><saml2:AttributeValue>${value}</saml2:AttributeValue></saml2:Attribute>`
  const coded = (element: string, code: string, system: string, name: string, display: string): string => `<hl7:${element} xmlns:hl7="${HL7}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="hl7:CE" code="${escapeXml(code)}" codeSystem="${system}" codeSystemName="${name}" displayName="${escapeXml(display)}"></hl7:${element}>`
  const xml = [
    `<saml2:Assertion xmlns:saml2="${SAML}" ID="${id}" IssueInstant="${created}" Version="2.0"><saml2:Issuer>${escapeXml(one.issuer)}</saml2:Issuer>`,
    `<saml2:Subject><saml2:NameID>${escapeXml(one.subject)}</saml2:NameID><saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"></saml2:SubjectConfirmation></saml2:Subject>`,
    `<saml2:Conditions NotBefore="${from}" NotOnOrAfter="${until}">${one.audience ? `<saml2:AudienceRestriction><saml2:Audience>${escapeXml(one.audience)}</saml2:Audience></saml2:AudienceRestriction>` : ''}</saml2:Conditions>`,
    `<saml2:AuthnStatement AuthnInstant="${created}"><saml2:AuthnContext><saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:X509</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement>`,
    named('urn:oasis:names:tc:xspa:1.0:subject:subject-id', escapeXml(one.subject)), named('urn:oasis:names:tc:xspa:1.0:subject:organization', escapeXml(one.organization)),
    named('urn:oasis:names:tc:xacml:2.0:subject:role', coded('Role', one.role.code, '2.16.840.1.113883.6.96', 'SNOMED CT', one.role.display)),
    named('urn:oasis:names:tc:xspa:1.0:subject:purposeofuse', coded('PurposeOfUse', one.purpose, '2.16.840.1.113883.3.18.7.1', 'nhin-purpose', one.purpose)), '</saml2:AttributeStatement></saml2:Assertion>',
  ].join('')
  return `<wsse:Security xmlns:wsse="${SECURITY}" env:mustUnderstand="true"><wsu:Timestamp xmlns:wsu="${UTILITY}"><wsu:Created>${created}</wsu:Created><wsu:Expires>${until}</wsu:Expires></wsu:Timestamp>${signedXml(xml, id, one)}</wsse:Security>`
}
