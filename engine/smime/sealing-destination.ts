/** A destination before another: each mail is sealed for its recipients, or is refused with the reason why it cannot be. */
import type { Delivery, DestinationConnector, Outcome, Tools } from '../contracts.js'
import { sentence } from '../errors.js'
import { isAddress } from '../formats/mime/compose.js'
import { addressesOf, fieldsOf, readFields } from '../formats/mime/fields.js'
import { duration } from '../units.js'
import { type Certificate, readCertificates, USAGE } from './certificates.js'
import { chainOf } from './chain.js'
import { bytesOf, identityFor, identityReader } from './identities.js'
import { recipientFinder } from './recipients.js'
import { Refused } from './refusals.js'
import { sealMail } from './seal.js'
import type { SealSettings } from './settings.js'
import { anchorReader } from './trust.js'

const MOST_RECIPIENTS = 100

/** `next` is given the sealed mail. Throws a sentence where settings contradict each other. */
export const sealing = (settings: SealSettings, tools: Pick<Tools, 'beside' | 'clock' | 'log' | 'dataFolder' | 'channel'>, next: DestinationConnector): DestinationConnector => {
  const { identities, anchors, bundles, certificates = [], discover = ['dns', 'ldap'], resolvers, privateDirectories = false, keep = '1h', cipher = 'aes-256-cbc', keyTransport: transport = 'rsa-oaep-sha256' } = settings
  if (anchors === undefined && bundles === undefined) throw new Error('`smime` needs `anchors` or `bundles`: without them no recipient is trusted.')
  const readIdentities = identityReader(identities, tools)
  const readAnchors = anchorReader({ anchors, bundles }, tools)
  const find = recipientFinder({ dns: discover.includes('dns'), ldap: discover.includes('ldap'), resolvers, privateDirectories, keep: duration(keep) }, tools.clock)
  const beside = (): readonly Certificate[] => certificates.flatMap((one) => readCertificates(bytesOf(tools, one, 'certificates')))

  const sealed = async (payload: Buffer): Promise<Buffer | Outcome> => {
    const header = readFields(payload)
    const addresses = (name: string): readonly string[] => fieldsOf(header, name).flatMap(addressesOf).map(({ address }) => address)
    const [from, ...more] = addresses('from')
    if (from === undefined || more.length > 0) return { kind: 'refused', reason: 'the message has not exactly one From address, whose certificate would sign it' }
    const to = [...new Set(['to', 'cc', 'bcc'].flatMap(addresses))]
    if (to.length === 0 || to.length > MOST_RECIPIENTS || !to.every(isAddress)) return { kind: 'refused', reason: `the message must have 1 to ${MOST_RECIPIENTS} recipients, each an e-mail address` }
    const identity = identityFor(await readIdentities(), from)
    if (!identity) return { kind: 'refused', reason: 'none of `identities` is the address in From, or its domain' }
    const [trusted, here] = [await readAnchors(), beside()]
    try {
      chainOf(identity.certificate, [...identity.chain, ...here], [...trusted, identity.certificate], tools.clock.now(), USAGE.digitalSignature)
    } catch (error) {
      if (error instanceof Refused) return { kind: 'unavailable', reason: `our own certificate cannot be used: ${error.message}` }
      throw error
    }
    const recipients: Certificate[] = []
    for (const [index, address] of to.entries()) {
      const found = await find(address, here, trusted)
      if ('refused' in found) return { kind: 'refused', reason: to.length === 1 ? found.refused : `recipient ${index + 1} of ${to.length}: ${found.refused}` }
      if ('unavailable' in found) return { kind: 'unavailable', reason: found.unavailable }
      recipients.push(...found.certificates)
    }
    return sealMail(payload, { identity, recipients, cipher, transport, at: tools.clock.now() })
  }

  return {
    open: () => next.open(),
    close: () => next.close(),
    async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
      const payload = await sealed(delivery.payload).catch((error: unknown): Outcome => ({ kind: 'unavailable', reason: sentence(error) }))
      return 'kind' in payload ? payload : next.deliver({ ...delivery, payload }, signal)
    },
  }
}
