/** Any service that posts JSON; its file of mappings says where everything stands. */
import type { Provider } from '../provider.js'

export const genericJson: Provider = { name: 'generic-json', shape: 'push', ways: ['hmac', 'basic', 'token', 'secret'], needs: { source: [], destination: [] } }
