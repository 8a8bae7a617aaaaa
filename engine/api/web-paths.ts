/** The paths that sources serve on the engine's own web server: exact ones, and those that end in `/*`. */
import type { WebHandler } from '../contracts.js'

const RESERVED = ['/api', '/docs', '/health', '/metrics', '/ready']
const AGAIN = '10' // seconds

export class WebPaths {
  readonly #handlers = new Map<string, WebHandler>()

  /** Throws a sentence if the path is taken; the returned function gives it back. */
  add(path: string, handler: WebHandler): () => void {
    if (RESERVED.some((own) => path === own || path.startsWith(`${own}/`))) throw new Error(`the path ${path} belongs to the engine itself; choose one that does not begin with ${RESERVED.join(', ')}`)
    if ((this.#handlers.get(path) ?? vacant) !== vacant) throw new Error(`the path ${path} is already served by another channel`)
    this.#handlers.set(path, handler)
    return () => {
      // A sender must not take a pause for an end: what was served once is answered so for as long as the server runs.
      if (this.#handlers.get(path) === handler) this.#handlers.set(path, vacant)
    }
  }

  /** The handler of the exact path, else of the longest `/*` above it. */
  find(path: string): WebHandler | undefined {
    const exact = this.#handlers.get(path)
    if (exact) return exact
    for (let end = path.lastIndexOf('/'); end >= 0; end = end === 0 ? -1 : path.lastIndexOf('/', end - 1)) {
      const above = this.#handlers.get(`${path.slice(0, end)}/*`)
      if (above) return above
    }
    return undefined
  }
}

const vacant: WebHandler = async () => ({ status: 503, headers: { 'retry-after': AGAIN, 'content-type': 'text/plain; charset=utf-8' }, body: 'What takes messages here does not run at present. Send it again later.\n' })
