/** SRFax: the inbox is polled; each fax is marked as viewed once it is kept. */
import type { Provider } from '../provider.js'

export const srfax: Provider = { name: 'srfax', shape: 'poll', ways: [], needs: { source: ['user', 'password'], destination: ['user', 'password', 'email'] } }
