/** Enveloped XML signatures (XML-DSig 1.1) with exclusive canonicalization: verified against trust anchors, and made. */
import { createHash, createPrivateKey, sign, timingSafeEqual, verify, X509Certificate } from 'node:crypto'
import { parseXml } from '../../xml/parse.js'
import { type Place, attributeOf, inside, rootPlace } from '../../xml/tree.js'
import { canonical } from './canonical.js'
import { SIGNATURE } from './names.js'
import { childAt, childrenNamed, isNamed, textAt } from './namespaces.js'

const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#'
const ENVELOPED = `${SIGNATURE}enveloped-signature`
/** SHA-1 is not taken: what was signed with it could be somebody else's. */
const DIGESTS: Readonly<Record<string, string>> = { 'http://www.w3.org/2001/04/xmlenc#sha256': 'sha256', 'http://www.w3.org/2001/04/xmldsig-more#sha384': 'sha384', 'http://www.w3.org/2001/04/xmlenc#sha512': 'sha512' }
const METHODS: Readonly<Record<string, readonly [kind: 'rsa' | 'ec', hash: string]>> = {
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256': ['rsa', 'sha256'], 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha384': ['rsa', 'sha384'], 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512': ['rsa', 'sha512'],
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256': ['ec', 'sha256'], 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384': ['ec', 'sha384'], 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512': ['ec', 'sha512'],
}
const LONGEST_CHAIN = 5

/** What is wrong with the signature of an element over itself, in a sentence, or null where it holds and leads to an anchor. Throws nothing for what a stranger wrote. */
export const signatureProblem = (signed: Place, anchors: readonly X509Certificate[], now: Date): string | null => {
  try {
    return problem(signed, anchors, now)
  } catch {
    return 'its signature cannot be read'
  }
}

const problem = (signed: Place, anchors: readonly X509Certificate[], now: Date): string | null => {
  const [signature, second] = childrenNamed(signed, SIGNATURE, 'Signature')
  const info = childAt(signature, SIGNATURE, 'SignedInfo')
  const references = childrenNamed(info, SIGNATURE, 'Reference')
  const [reference] = references
  if (!signature || second || !info || !reference || references.length > 1) return 'it is not signed once, over itself'
  const id = attributeOf(signed.element, 'ID')
  if (!id || attributeOf(reference.element, 'URI') !== `#${id}`) return 'its signature is over something else'
  const transforms = childrenNamed(childAt(reference, SIGNATURE, 'Transforms'), SIGNATURE, 'Transform')
  const named = transforms.map(algorithm)
  const way = childAt(info, SIGNATURE, 'CanonicalizationMethod')
  if (!way || algorithm(way) !== EXCLUSIVE || named[0] !== ENVELOPED || named[1] !== EXCLUSIVE || named.length !== 2) return 'its signature has transforms other than enveloped-signature and exclusive canonicalization'
  const digest = DIGESTS[algorithmOf(reference, 'DigestMethod')]
  const method = METHODS[algorithmOf(info, 'SignatureMethod')]
  if (!digest || !method) return 'its signature is not by RSA or ECDSA with SHA-256 or longer'
  const found = createHash(digest).update(canonical(signed, { without: signature.element, inclusive: prefixes(transforms[1]) })).digest()
  const stated = bytes(childAt(reference, SIGNATURE, 'DigestValue'))
  if (stated.length !== found.length || !timingSafeEqual(stated, found)) return 'it is not what was signed: the digest differs'
  const value = bytes(childAt(signature, SIGNATURE, 'SignatureValue'))
  const signedBytes = canonical(info, { inclusive: prefixes(way) })
  const holds = ({ publicKey }: X509Certificate): boolean =>
    publicKey.asymmetricKeyType === method[0] && verify(method[1], signedBytes, method[0] === 'ec' ? { key: publicKey, dsaEncoding: 'ieee-p1363' } : publicKey, value)
  const certificates = certificatesIn(signature)
  if (certificates.length === 0) return anchors.some((anchor) => isCurrent(anchor, now) && holds(anchor)) ? null : 'its signature is by none of the anchors'
  const [signer, ...others] = certificates
  if (!signer || !holds(signer)) return 'its signature is not by the certificate that it names'
  return leadsTo(signer, others, anchors, now) ? null : 'the certificate that it is signed with leads to none of the anchors, or is not valid now'
}

const algorithm = (place: Place): string => attributeOf(place.element, 'Algorithm') ?? ''
const algorithmOf = (place: Place, name: string): string => {
  const one = childAt(place, SIGNATURE, name)
  return one ? algorithm(one) : ''
}
const bytes = (place: Place | null): Buffer => Buffer.from(textAt(place) ?? '', 'base64')
const prefixes = (place: Place | undefined): readonly string[] => {
  const list = place && inside(place).find((one) => isNamed(one, EXCLUSIVE, 'InclusiveNamespaces'))
  return (list ? (attributeOf(list.element, 'PrefixList') ?? '') : '').split(/\s+/).filter(Boolean).map((prefix) => (prefix === '#default' ? '' : prefix))
}

const certificatesIn = (signature: Place): readonly X509Certificate[] =>
  childrenNamed(childAt(signature, SIGNATURE, 'KeyInfo'), SIGNATURE, 'X509Data').flatMap((data) => childrenNamed(data, SIGNATURE, 'X509Certificate')).slice(0, LONGEST_CHAIN).map((one) => new X509Certificate(bytes(one)))

const isCurrent = ({ validFrom, validTo }: X509Certificate, now: Date): boolean => Date.parse(validFrom) <= now.getTime() && now.getTime() <= Date.parse(validTo)

const leadsTo = (certificate: X509Certificate, others: readonly X509Certificate[], anchors: readonly X509Certificate[], now: Date, left = LONGEST_CHAIN): boolean => {
  if (left === 0 || !isCurrent(certificate, now)) return false
  if (anchors.some((anchor) => anchor.fingerprint512 === certificate.fingerprint512)) return true
  const isIssuer = (one: X509Certificate): boolean => one.ca && certificate.checkIssued(one) && certificate.verify(one.publicKey)
  if (anchors.some((anchor) => isIssuer(anchor) && isCurrent(anchor, now))) return true
  return others.some((one) => isIssuer(one) && leadsTo(one, others.filter((other) => other !== one), anchors, now, left - 1))
}

/** An element of `xml` signed over itself: `ds:Signature` stands behind its first child. `key` and `certificate` are PEM texts. */
export const signedXml = (xml: string, id: string, { key, certificate }: { readonly key: string; readonly certificate: string }): string => {
  const digest = createHash('sha256').update(canonical(placeOf(xml))).digest('base64')
  const own = createPrivateKey(key)
  const kind = own.asymmetricKeyType === 'ec' ? 'ecdsa' : 'rsa'
  const info = `<ds:SignedInfo xmlns:ds="${SIGNATURE}"><ds:CanonicalizationMethod Algorithm="${EXCLUSIVE}"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#${kind}-sha256"></ds:SignatureMethod><ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="${ENVELOPED}"></ds:Transform><ds:Transform Algorithm="${EXCLUSIVE}"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>${digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>`
  const value = sign('sha256', canonical(placeOf(info)), kind === 'ecdsa' ? { key: own, dsaEncoding: 'ieee-p1363' } : own).toString('base64')
  const signature = `<ds:Signature xmlns:ds="${SIGNATURE}">${info}<ds:SignatureValue>${value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${new X509Certificate(certificate).raw.toString('base64')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`
  const [first] = inside(placeOf(xml))
  const at = first?.element.range?.[1] ?? xml.lastIndexOf('</')
  return xml.slice(0, at) + signature + xml.slice(at)
}

const placeOf = (xml: string): Place => {
  const content = Buffer.from(xml)
  return rootPlace(parseXml(content, { size: content.length, depth: 50, elements: 10_000 }))
}
