/** A folder that a fax server drops TIFF and PDF files into, with what is known of each beside it or in its name. */
import type { Provider } from '../provider.js'

export const folder: Provider = { name: 'folder', shape: 'folder', ways: [], needs: { source: [], destination: null } }
