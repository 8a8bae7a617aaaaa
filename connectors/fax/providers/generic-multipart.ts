/** Any service that posts a form with the file; its file of mappings says what its fields are called. */
import type { Provider } from '../provider.js'

export const genericMultipart: Provider = { name: 'generic-multipart', shape: 'push', ways: ['hmac', 'basic', 'token', 'secret'], needs: { source: [], destination: [] } }
