/** Makes one of the resources that say the same of the same person, organization, place or device: a laboratory that every result names. */
import type { Made } from './own-resources.js'

/** What is somebody or something by itself; two results with the same words are still two results. */
const LASTING = new Set(['Practitioner', 'PractitionerRole', 'Organization', 'Location', 'Device'])

/** The resources without those that repeat an earlier one. References lead to the first, which has the origins of all. */
export const merge = (made: readonly Made[]): readonly Made[] => {
  const renamed = new Map<string, string>()
  const kept: Made[] = []
  const lasting = new Map<string, Made>() // by what they say
  for (const each of made) {
    const says = LASTING.has(String(each.builder.json.resourceType)) ? JSON.stringify(each.builder.json) : ''
    const first = lasting.get(says)
    if (first) {
      renamed.set(each.fullUrl, first.fullUrl)
      first.builder.origins.push(...each.builder.origins)
      continue
    }
    kept.push(each)
    if (says) lasting.set(says, each)
  }
  if (renamed.size === 0) return kept
  for (const { builder } of kept) rename(builder.json, renamed)
  // Roles may be the same now that they lead to the same person.
  return merge(kept)
}

const rename = (value: unknown, renamed: ReadonlyMap<string, string>): void => {
  if (typeof value !== 'object' || value === null) return
  const held = value as Record<string, unknown>
  for (const [name, part] of Object.entries(held)) {
    if (name === 'reference' && typeof part === 'string') held[name] = renamed.get(part) ?? part
    else rename(part, renamed)
  }
}
