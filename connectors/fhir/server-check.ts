/** What the settings of a server cannot hold. */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { ServerSettings } from './settings.js'

const OURS = ['host', 'content-length', 'authorization', 'if-none-exist', 'prefer', 'accept', 'content-type']

/** Throws a sentence for a base with credentials in it, and for a header that cannot be sent, or is not the channel's to set. */
export const checkServer = ({ base, headers = {} }: ServerSettings): void => {
  const { username, password } = new URL(base)
  if (username || password) throw new Error('`base` cannot hold a user or password; use `auth`.')
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch {
      throw new Error(`The header \`${name.slice(0, 100)}\` cannot be sent: its name or value holds characters that are not allowed in HTTP.`)
    }
    if (OURS.includes(name.toLowerCase())) throw new Error(`The header \`${name}\` is set by the connector; leave it out.`)
  }
}
