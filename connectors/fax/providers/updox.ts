/** Updox: events give the id of a fax, which is then fetched. */
import type { Provider } from '../provider.js'

export const updox: Provider = { name: 'updox', shape: 'push', ways: ['basic', 'token', 'hmac', 'secret'], needs: { source: ['user', 'password', 'account'], destination: ['user', 'password', 'account'] } }
