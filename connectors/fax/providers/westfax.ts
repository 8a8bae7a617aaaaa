/** WestFax: a callback that gives ids only, in its address; nothing signs it, so that a secret in the address must. */
import type { Provider } from '../provider.js'

export const westfax: Provider = { name: 'westfax', shape: 'push', ways: ['secret'], needs: { source: ['user', 'password', 'product'], destination: ['user', 'password', 'product'] } }
