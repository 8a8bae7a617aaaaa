/** Resources that single values become, such as the practitioner of a name: one for all that say the same. */
import { place, type Refer, resourceBuilder, type ResourceBuilder } from './resource-builder.js'

/** A resource that is being made, and the address by which others name it. */
export interface Made {
  readonly builder: ResourceBuilder
  readonly fullUrl: string
}

/** A stable address of what the names say, within one message. */
export type Id = (...names: readonly string[]) => string

/** `refer` makes a resource of a draft, or finds the one that says the same, and answers with a reference to it; `made` are all of them. */
export const ownResources = (id: Id): { readonly refer: Refer; readonly made: ReadonlyMap<string, Made> } => {
  const made = new Map<string, Made>()
  const refer: Refer = ({ type, draft, display }, origin) => {
    const builder = resourceBuilder(type, refer)
    if (place(builder, { text: '$this', steps: [], type }, draft, origin, '') !== 'placed') return display === undefined ? undefined : { display }
    const says = JSON.stringify(builder.json)
    const known = made.get(says)
    if (known) known.builder.origins.push(...builder.origins)
    const one = known ?? { builder, fullUrl: id(type, says) }
    made.set(says, one)
    return { reference: one.fullUrl, display }
  }
  return { refer, made }
}
