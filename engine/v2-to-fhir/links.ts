/** Points the resources of a bundle at one another, as the message map says. */
import type { Draft } from './draft.js'
import { holds } from './condition.js'
import type { Link, LinkTarget } from './message-map.js'
import type { Instance } from './to-fhir.js'
import { place } from './resource-builder.js'
import { type Node, chain, everything, parts, valuesNear } from './segment-tree.js'

/** Writes every link whose target was made. Links are the engine's own values, without an origin, where no field of the message says them. */
export const link = (made: readonly Instance[]): void => {
  const named = new Map<string, Instance[]>()
  for (const each of made) {
    const known = named.get(each.map.name)
    if (known) known.push(each)
    else named.set(each.map.name, [each])
  }
  for (const from of made) for (const each of from.map.links) write(from, each, (name) => named.get(name) ?? [])
}

/** The instances of a name. */
type Named = (name: string) => readonly Instance[]

const write = (from: Instance, { element, to }: Link, named: Named): void => {
  const last = element.steps.at(-1)
  const found = to.filter(({ when }) => !when || holds(when, valuesNear(from.node)))
    .map((target) => (target.same.length > 0 ? said(from, target, named) : targets(from, target, named)).map((instance) => ({ ...instance, target })))
  // An element that repeats takes all of them, another the first of the first name that is there.
  const all = element.steps.some(({ list }) => list) ? found.flat() : (found.find((each) => each.length > 0) ?? []).slice(0, 1)
  all.forEach(({ fullUrl, node, target }, at) => {
    const draft: Draft = last?.type === 'Reference' ? { reference: fullUrl } : fullUrl
    const known = from.builder.origins.length
    place(from.builder, element, draft, target.same.flatMap(({ ours }) => parts(from.node, ours))[0]?.origin ?? '', element.steps.some(({ label }) => label === node.name) ? `${node.origin} 1` : `${from.node.origin} ${at + 1}`)
    if (target.same.length === 0) from.builder.origins.splice(known)
  })
}

/** Those of the message that say the same as this one does: of the specimens the one whose number is in OBX-33. */
const said = (from: Instance, { name, same, where }: LinkTarget, named: Named): readonly Instance[] => {
  const wanted = same.map(({ theirs, ours }) => ({ theirs, values: valuesNear(from.node)(ours).filter(Boolean) }))
  if (wanted.some(({ values }) => values.length === 0)) return []
  return named(name).filter(({ node }) => node !== from.node && are(node, where) && wanted.every(({ theirs, values }) => valuesNear(node)(theirs).some((value) => values.includes(value))))
}

const are = (node: Node, where: LinkTarget['where']): boolean => where.every(({ path, values }) => valuesNear(node)(path).some((value) => values.includes(value)))

/** Of several, those of the own group; else all that are not of another resource of this name. */
const targets = (from: Instance, { name, where }: LinkTarget, named: Named): readonly Instance[] => {
  const candidates = named(name).filter(({ node }) => are(node, where))
  if (candidates.length === 0) return []
  const above = chain(from.node)
  const own = candidates.filter((each) => above.includes(each.node)).sort((one, other) => above.indexOf(one.node) - above.indexOf(other.node))
  if (own.length > 0) return own.filter(({ node }) => node === own[0]?.node)
  const inOurs = new Set(everything(from.node))
  const siblings = new Set(named(from.map.name).filter(({ node }) => node !== from.node && !above.includes(node)).map(({ node }) => node))
  return candidates.filter(({ node }) => inOurs.has(node) || !chain(node).some((each) => siblings.has(each)))
}
