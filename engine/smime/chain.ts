/** Whether a certificate may be relied on: a chain to a trust anchor, every link of which holds at a time. */
import { isForMail, mayBeUsed, USAGE, unknownExtension, weakness, type Certificate } from './certificates.js'
import { Refused } from './refusals.js'

const DEEPEST = 8 // issuers above a certificate
const MOST_TRIES = 200 // signatures checked for one chain, whatever a message brings along

/**
 * The chain from a certificate to an anchor, both included. `others` are what may stand between them; an anchor need not be a root, and may be the
 * certificate itself. Throws a Refused saying what keeps it from being relied on for `usage` at `at`.
 */
export const chainOf = (certificate: Certificate, others: readonly Certificate[], anchors: readonly Certificate[], at: Date, usage: number): readonly Certificate[] => {
  const [chain] = chains(certificate, others, anchors, at)
  if (!chain) throw new Refused('not-trusted')
  for (const [index, one] of chain.entries()) hold(one, index, index === chain.length - 1, at)
  if (!mayBeUsed(certificate, usage)) throw new Refused('not-for-this', usage === USAGE.keyEncipherment ? 'its keyUsage has no keyEncipherment' : 'its keyUsage has no digitalSignature')
  if (!isForMail(certificate)) throw new Refused('not-for-this', 'its extendedKeyUsage has no emailProtection')
  return chain
}

/** The chain that holds, or else the first that there is. */
const chains = (certificate: Certificate, others: readonly Certificate[], anchors: readonly Certificate[], at: Date): readonly (readonly Certificate[])[] => {
  const found: (readonly Certificate[])[] = []
  let tries = 0
  const climb = (chain: readonly Certificate[]): void => {
    const top = chain.at(-1) as Certificate
    if (anchors.some(({ der }) => der.equals(top.der))) found.push(chain)
    if (chain.length > DEEPEST) return
    for (const issuer of [...anchors, ...others]) {
      if (tries >= MOST_TRIES || found.length > DEEPEST) return
      if (chain.some(({ der }) => der.equals(issuer.der)) || !top.parsed.issuer.isEqual(issuer.parsed.subject)) continue
      tries += 1
      if (signed(top, issuer)) climb([...chain, issuer])
    }
  }
  climb([certificate])
  const holding = found.find((chain) => chain.every((one, index) => holds(one, index, index === chain.length - 1, at)))
  return holding ? [holding] : found
}

const signed = (certificate: Certificate, issuer: Certificate): boolean => {
  try {
    return certificate.x509.verify(issuer.x509.publicKey)
  } catch {
    return false
  }
}

const holds = (certificate: Certificate, below: number, anchored: boolean, at: Date): boolean => {
  try {
    hold(certificate, below, anchored, at)
    return true
  } catch {
    return false
  }
}

/** What every certificate of a chain must keep to; `below` is how many stand under it. */
const hold = (certificate: Certificate, below: number, anchored: boolean, at: Date): void => {
  const whose = below === 0 ? 'its own' : anchored ? 'the trust anchor' : `the issuer ${below} above it`
  if (certificate.to < at) throw new Refused('expired', `${whose}, on ${certificate.to.toISOString().slice(0, 10)}`)
  if (certificate.from > at) throw new Refused('not-yet-valid', `${whose}, before ${certificate.from.toISOString().slice(0, 10)}`)
  const weak = weakness(certificate, anchored)
  if (weak !== null) throw new Refused('weak', weak)
  const unknown = unknownExtension(certificate)
  if (unknown !== null) throw new Refused('not-for-this', `${whose} has a critical extension that is not known: ${unknown}`)
  if (below === 0) return
  if (!certificate.issuers.ca) throw new Refused('not-for-this', `${whose} is no authority: its basicConstraints do not say CA`)
  if (below - 1 > certificate.issuers.depth) throw new Refused('not-for-this', `${whose} allows ${certificate.issuers.depth} authorities below it`)
  if (!mayBeUsed(certificate, USAGE.keyCertSign)) throw new Refused('not-for-this', `${whose} may not sign certificates`)
}
