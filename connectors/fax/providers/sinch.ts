/** Sinch Fax v3: events as forms or JSON with the file; no signature, so HTTP Basic in the address or a secret in it. */
import type { Provider } from '../provider.js'

export const sinch: Provider = { name: 'sinch', shape: 'push', ways: ['basic', 'secret'], needs: { source: ['project', 'user', 'password'], destination: ['project', 'user', 'password'] } }
