/** etherFAX: the next unread fax is polled and locked for five minutes; it is set as received once it is kept. */
import type { Provider } from '../provider.js'

export const etherfax: Provider = { name: 'etherfax', shape: 'poll', ways: [], needs: { source: ['user', 'password'], destination: ['user', 'password'] } }
