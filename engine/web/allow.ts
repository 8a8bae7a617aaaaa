/** Which addresses may connect. */
import { BlockList, isIP } from 'node:net'
import type { WebRequest } from '../contracts.js'

/** Whether an address may connect, by a list of addresses (`10.1.2.3`) and networks (`10.1.0.0/16`). Throws a sentence for anything else. */
export function allowList(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/', 2)
    const family = isIP(address)
    const bits = prefix === undefined ? null : /^[0-9]{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
    if (family === 0 || Number.isNaN(bits) || (bits ?? 0) > (family === 4 ? 32 : 128)) {
      throw new Error(`\`allow\` holds \`${entry}\`, which is neither an address such as 10.1.2.3 nor a network such as 10.1.0.0/16.`)
    }
    if (bits === null) list.addAddress(address, family === 4 ? 'ipv4' : 'ipv6')
    else list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Whether a host that is listened on, or asked, is this machine itself: what goes there crosses no network. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)

/** Whether a request comes from this machine, and not through a proxy on it. */
export const isFromHere = ({ remote, headers }: Pick<WebRequest, 'remote' | 'headers'>): boolean =>
  /^(?:127\.\d+\.\d+\.\d+|\[?::1\]?|(?:\[)?::ffff:127\.\d+\.\d+\.\d+\]?)(?::\d+)?$/.test(remote) && headers['x-forwarded-for'] === undefined && headers.forwarded === undefined
