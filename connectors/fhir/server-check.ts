/** What the settings of a server cannot hold. */
import { checkHeaders } from '../../engine/web/headers.js'
import type { ServerSettings } from './settings.js'

const OURS = ['host', 'content-length', 'authorization', 'if-none-exist', 'prefer', 'accept', 'content-type']

/** Throws a sentence for a base with credentials in it, and for a header that cannot be sent, or is not the channel's to set. */
export const checkServer = ({ base, headers = {} }: ServerSettings): void => {
  const { username, password } = new URL(base)
  if (username || password) throw new Error('`base` cannot hold a user or password; use `auth`.')
  checkHeaders(headers, OURS)
}
