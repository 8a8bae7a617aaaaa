/**
 * Where every value came from. One Provenance stands for the message; it has a target for every resource, and on that an extension
 * for every value: its path in the resource, the component of the message, and how sure it is where that is not certain.
 */
import type { BundleEntry, Extension, Provenance } from 'fhir/r4.js'
import { dateTime } from './datatypes/dtm.js'
import type { Origin } from './draft.js'
import { fieldPart } from './part.js'
import type { Node } from './segment-tree.js'
import type { Made, Settings } from './to-fhir.js'

/** The extension of a value; its words are "name[0].family PID-5[1].1.1", or "gender PID-8 0.8" with a confidence. Neither path nor component has spaces. */
const VALUE_SOURCE = 'urn:refero:value-source'

interface Facts {
  readonly controlId: string | null
  readonly type: string
  readonly recorded: string
  readonly root: Node
  readonly settings: Settings
  readonly id: (...names: readonly string[]) => string
}

/** The Provenance of all that was made; none where nothing came from the message. */
export const provenance = (made: readonly Made[], facts: Facts): readonly BundleEntry[] => {
  const target = made.filter(({ builder }) => builder.origins.length > 0).map(({ fullUrl, builder }) => ({ extension: builder.origins.map(valueSource), reference: fullUrl }))
  if (target.length === 0) return []
  const sent = sentAt(facts)
  const resource: Provenance = {
    resourceType: 'Provenance', target, recorded: facts.recorded,
    ...(sent ? { occurredDateTime: sent } : {}),
    agent: [{ who: { display: senderOf(facts.root) } }],
    entity: [{ role: 'source', what: { ...(facts.controlId ? { identifier: { value: facts.controlId } } : {}), display: facts.type } }],
  }
  return [{ fullUrl: facts.id('provenance'), resource }]
}

const valueSource = ({ path, origin, confidence }: Origin): Extension =>
  ({ url: VALUE_SOURCE, valueString: confidence === undefined ? `${path} ${origin}` : `${path} ${origin} ${confidence}` })

/** What such an extension says; null for other extensions. */
export const readValueSource = ({ url, valueString = '' }: Extension): Origin | null => {
  if (url !== VALUE_SOURCE) return null
  const [path = '', origin = '', confidence] = valueString.split(' ')
  return { path, origin, ...(confidence === undefined ? {} : { confidence: Number(confidence) }) }
}

/** MSH-4, or MSH-3: by name, else by number (360X leaves the names out). */
const senderOf = (root: Node): string => {
  for (const field of [4, 3]) {
    const [view] = root.view.repetitions(field)
    const name = view?.component(1) || view?.component(2)
    if (name) return name
  }
  return 'a sender that MSH-4 does not name'
}

/** MSH-7, where it can be read as what is wanted. */
export const sentAt = ({ root, settings }: Pick<Facts, 'root' | 'settings'>, target = 'dateTime'): string | undefined => {
  const [view] = root.view.repetitions(7)
  const draft = view && dateTime(fieldPart(view, 'MSH-7'), { ...settings, target, table: undefined, issue: () => {} })
  return typeof draft === 'object' && 'kind' in draft && draft.kind === 'leaf' ? String(draft.value) : undefined
}
