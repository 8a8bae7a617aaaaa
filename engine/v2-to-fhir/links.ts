/** Points the resources of a bundle at one another, as the message map says. */
import type { Draft } from './draft.js'
import { holds } from './condition.js'
import type { Link, LinkTarget } from './message-map.js'
import type { Instance } from './to-fhir.js'
import { place } from './resource-builder.js'
import { chain, everything, valuesNear } from './segment-tree.js'

/** Writes every link whose target was made. Links are the engine's own values: they have no origin in the message. */
export const link = (made: readonly Instance[]): void => {
  for (const from of made) {
    const known = from.builder.origins.length
    for (const each of from.map.links) write(from, each, made)
    from.builder.origins.splice(known)
  }
}

const write = (from: Instance, { element, to }: Link, made: readonly Instance[]): void => {
  const last = element.steps.at(-1)
  const found = to.filter(({ when }) => !when || holds(when, valuesNear(from.node))).map((target) => targets(from, target, made))
  // An element that repeats takes all of them, another the first of the first name that is there.
  const all = element.steps.some(({ list }) => list) ? found.flat() : (found.find((each) => each.length > 0) ?? []).slice(0, 1)
  all.forEach(({ fullUrl }, at) => {
    const draft: Draft = last?.type === 'Reference' ? { reference: fullUrl } : fullUrl
    place(from.builder, element, draft, '', `${from.node.origin} ${at + 1}`)
  })
}

/** Of several, those of the own group; else all that are not of another resource of this name. */
const targets = (from: Instance, { name, where }: LinkTarget, made: readonly Instance[]): readonly Instance[] => {
  const candidates = made.filter(({ map, node }) => map.name === name && where.every(({ path, values }) => valuesNear(node)(path).some((value) => values.includes(value))))
  const above = chain(from.node)
  const own = candidates.filter((each) => above.includes(each.node)).sort((one, other) => above.indexOf(one.node) - above.indexOf(other.node))
  if (own.length > 0) return own.filter(({ node }) => node === own[0]?.node)
  const siblings = made.filter(({ map, node }) => map.name === from.map.name && node !== from.node && !everything(node).includes(from.node)).map(({ node }) => node)
  return candidates.filter(({ node }) => !chain(node).some((each) => siblings.includes(each)) || everything(from.node).includes(node))
}
