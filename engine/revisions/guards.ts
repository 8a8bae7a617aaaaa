/** What no change of a channel may do. */
import { type Configuration, ownSettings } from '../../config/loader.js'
import type { World } from '../world.js'
import { ReferoError } from '../errors.js'

/** The product's own channels are nobody's to change: its next version would take the change away. Throws CANNOT_WRITE. */
export function refuseShipped({ settings }: Configuration): void {
  if (ownSettings(settings).channels !== settings.channels) throw new ReferoError('CANNOT_WRITE', 'The channels that run come with Refero: start the engine with --channels and a folder of your own.')
}

/** Nothing is left behind that nobody delivers. Throws STILL_WAITING. */
export async function refuseWaiting(name: string, store: World['store']): Promise<void> {
  const [received] = await store.received(name, 1)
  const waiting = (await store.depth(name)).filter((queue) => queue.waiting + queue.held > 0).map((queue) => `${queue.waiting + queue.held} for ${queue.destination}`)
  if (received || waiting.length > 0) throw new ReferoError('STILL_WAITING', waiting.length > 0 ? `There are ${waiting.join(', ')}.` : 'Some have not been through its steps.')
}
