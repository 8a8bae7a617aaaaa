/** Finds the certificate of a recipient: a file, DNS, then LDAP (Applicability Statement §5); only one that is trusted and names the recipient is used. */
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import type { Clock } from '../contracts.js'
import { type Certificate, domainOf, names, readCertificate, USAGE } from './certificates.js'
import { chainOf } from './chain.js'
import { certificatesAt, DnsDown, resolversOf, serviceAt } from './dns.js'
import { certificatesIn, DirectoryDown } from './ldap.js'
import { Refused } from './refusals.js'

export interface Discovery {
  readonly dns: boolean
  readonly ldap: boolean
  readonly resolvers?: readonly string[] | undefined
  readonly privateDirectories: boolean // whether a directory may be on this machine or network
  readonly keep: number // milliseconds that what was found is used again
}

/** What was found: the certificates to encrypt for, why none may be used, or why nobody could be asked. */
export type Found = { readonly certificates: readonly Certificate[] } | { readonly refused: string } | { readonly unavailable: string }

const MOST_KEPT = 10_000 // addresses
const MOST_CERTIFICATES = 20 // of one answer
const KEEP_NOTHING = 5 * 60_000 // milliseconds that it is remembered that there is none
const MOST_DIRECTORIES = 3

/** Looks addresses up; `here` gives the certificates that lie beside the channel. */
export const recipientFinder = (discovery: Discovery, clock: Clock): ((address: string, here: readonly Certificate[], anchors: readonly Certificate[]) => Promise<Found>) => {
  const resolvers = resolversOf(discovery.resolvers)
  const kept = new Map<string, { readonly until: number; readonly certificates: readonly Certificate[] }>()

  const published = async (address: string): Promise<readonly Certificate[]> => {
    const now = clock.now().getTime()
    const before = kept.get(address)
    if (before && before.until > now) return before.certificates
    const { certificates, seconds } = await ask(address)
    const longest = certificates.length === 0 ? Math.min(KEEP_NOTHING, discovery.keep) : discovery.keep
    kept.delete(address)
    kept.set(address, { certificates, until: now + Math.min(longest, seconds * 1000) })
    const [oldest] = kept.keys()
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
    return certificates
  }

  const ask = async (address: string): Promise<{ readonly certificates: readonly Certificate[]; readonly seconds: number }> => {
    const domain = domainOf(address)
    const owners = [address.replace('@', '.'), domain]
    for (const owner of discovery.dns ? owners : []) {
      const { certificates, seconds } = await certificatesAt(owner, resolvers)
      const good = readable(certificates).filter((one) => names(one, address))
      if (good.length > 0) return { certificates: good, seconds }
    }
    const servers = discovery.ldap ? (await serviceAt(`_ldap._tcp.${domain}`, resolvers)).slice(0, MOST_DIRECTORIES) : []
    let down: unknown = null
    for (const { host, port } of servers) {
      try {
        const at = await reachable(host, discovery.privateDirectories)
        if (at === null) continue
        for (const mail of [address, domain]) {
          const good = readable(await certificatesIn(at, port, mail)).filter((one) => names(one, address))
          if (good.length > 0) return { certificates: good, seconds: Number.POSITIVE_INFINITY }
        }
        return { certificates: [], seconds: Number.POSITIVE_INFINITY }
      } catch (error) {
        down = error
      }
    }
    if (down !== null) throw down
    return { certificates: [], seconds: Number.POSITIVE_INFINITY }
  }

  return async (address, here, anchors) => {
    let candidates = here.filter((one) => names(one, address))
    try {
      if (candidates.length === 0) candidates = [...(await published(address))]
    } catch (error) {
      if (error instanceof DnsDown || error instanceof DirectoryDown) return { unavailable: `the recipient’s certificate cannot be looked up: ${error.message}` }
      throw error
    }
    if (candidates.length === 0) return { refused: 'no certificate of the recipient was found: neither in `certificates` nor published in DNS or LDAP' }
    return usable(candidates, here, anchors, clock.now())
  }
}

const usable = (candidates: readonly Certificate[], here: readonly Certificate[], anchors: readonly Certificate[], at: Date): Found => {
  const certificates: Certificate[] = []
  let why = ''
  for (const one of candidates) {
    try {
      chainOf(one, [...candidates, ...here], anchors, at, USAGE.keyEncipherment)
      if (one.x509.publicKey.asymmetricKeyType !== 'rsa') throw new Refused('weak', 'encrypting needs an RSA key')
      certificates.push(one)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      why ||= error.message
    }
  }
  return certificates.length > 0 ? { certificates } : { refused: `the recipient’s certificate cannot be used: ${why}` }
}

const readable = (ders: readonly Buffer[]): readonly Certificate[] => ders.slice(0, MOST_CERTIFICATES).flatMap((der) => {
  try {
    return [readCertificate(der)]
  } catch {
    return []
  }
})

const INSIDE = new BlockList()
for (const [network, bits] of [['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.168.0.0', 16], ['224.0.0.0', 3]] as const) INSIDE.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [['::', 127], ['fc00::', 7], ['fe80::', 10]] as const) INSIDE.addSubnet(network, bits, 'ipv6')

/** The address of a directory. Its name is said by whoever owns the recipient’s domain: null where it leads into our own network, unless that is allowed. */
const reachable = async (host: string, anywhere: boolean): Promise<string | null> => {
  const { address, family } = await lookup(host).catch((error: unknown) => {
    throw new DirectoryDown('the name of the directory leads nowhere', { cause: error })
  })
  return anywhere || (isIP(address) > 0 && !INSIDE.check(address, family === 6 ? 'ipv6' : 'ipv4')) ? address : null
}
