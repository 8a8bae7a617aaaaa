/** The paths that sources serve on the engine's own web server: exact ones, and those that end in `/*`. */
import type { WebHandler } from '../contracts.js'

const RESERVED = ['/api', '/health', '/ready']

export class WebPaths {
  readonly #handlers = new Map<string, WebHandler>()

  /** Throws a sentence if the path is taken; the returned function gives it back. */
  add(path: string, handler: WebHandler): () => void {
    if (RESERVED.some((own) => path === own || path.startsWith(`${own}/`))) throw new Error(`the path ${path} belongs to the engine itself; choose one that does not begin with ${RESERVED.join(', ')}`)
    if (this.#handlers.has(path)) throw new Error(`the path ${path} is already served by another channel`)
    this.#handlers.set(path, handler)
    return () => {
      if (this.#handlers.get(path) === handler) this.#handlers.delete(path)
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
