/** The headers that a channel may add to what a connector sends. */
import { validateHeaderName, validateHeaderValue } from 'node:http'

/** Throws a sentence for a header that cannot be sent (RFC 9110 §5), or is the connector's to set: `ours`, in lower case. */
export const checkHeaders = (headers: Readonly<Record<string, string>>, ours: readonly string[]): void => {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch {
      throw new Error(`The header \`${name.slice(0, 100)}\` cannot be sent: its name or value holds characters that are not allowed in HTTP.`)
    }
    if (ours.includes(name.toLowerCase())) throw new Error(`The header \`${name}\` is set by the connector; leave it out.`)
  }
}
