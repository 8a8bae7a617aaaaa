/** What senders are told while the channel that serves a path does not run: to come again, rather than that nothing is there. */
import type { LoadedChannel } from './channel-loader.js'
import type { World } from './world.js'

const OWN_PATH = /^web path (.+)$/ // as a source claims it

/** Lets the paths that a channel has on the engine's own web server be answered as such that were given back a moment ago. */
export function vacate({ definition: { source } }: LoadedChannel, { pieces, serve }: Pick<World, 'pieces' | 'serve'>): void {
  for (const claim of pieces.sources.get(source.name)?.claims?.(source.settings) ?? []) {
    const path = OWN_PATH.exec(claim)?.[1]
    if (path === undefined) continue
    try {
      serve(path, () => Promise.reject(new Error('nothing takes messages here')))()
    } catch {
      // It is served already, by another channel: then there is nobody to console.
    }
  }
}
