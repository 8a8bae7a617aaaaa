/** Documo (mFax): events as JSON or, the older ones, as forms with the file; HTTP Basic. */
import type { Provider } from '../provider.js'

export const documo: Provider = { name: 'documo', shape: 'push', ways: ['basic', 'secret'], needs: { source: ['key'], destination: ['key'] } }
