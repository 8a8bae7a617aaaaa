/**
 * Where every value came from. One Provenance stands for one field of the message (`entity.what.display`, "PID-3[2]"), and
 * has a target for every value taken from it: the resource, the path in it (targetPath), the component where it is one, and
 * how sure it is where that is not certain.
 */
import type { BundleEntry, Reference } from 'fhir/r4.js'
import { dateTime } from './datatypes/dtm.js'
import { fieldOrigin } from './not-carried.js'
import { fieldPart } from './part.js'
import type { Node } from './segment-tree.js'
import type { Made, Settings } from './to-fhir.js'

export const TARGET_PATH = 'http://hl7.org/fhir/StructureDefinition/targetPath'
export const SOURCE_PATH = 'urn:refero:source-path'
export const CONFIDENCE = 'urn:refero:confidence'

interface Facts {
  readonly controlId: string | null
  readonly recorded: string
  readonly root: Node
  readonly settings: Settings
  readonly id: (...names: readonly string[]) => string
}

export const provenance = (made: readonly Made[], facts: Facts): readonly BundleEntry[] => {
  const fields = new Map<string, Reference[]>()
  for (const { fullUrl, builder } of made) {
    for (const { path, origin, confidence } of builder.origins) {
      const field = fieldOrigin(origin)
      const targets = fields.get(field) ?? []
      fields.set(field, targets)
      targets.push({
        extension: [
          { url: TARGET_PATH, valueString: path },
          ...(origin === field ? [] : [{ url: SOURCE_PATH, valueString: origin }]),
          ...(confidence === undefined ? [] : [{ url: CONFIDENCE, valueDecimal: confidence }]),
        ],
        reference: fullUrl,
      })
    }
  }
  const author = senderOf(facts.root)
  const sent = sentAt(facts)
  return [...fields].map(([field, target]) => ({
    fullUrl: facts.id('provenance', field),
    resource: {
      resourceType: 'Provenance', target, recorded: facts.recorded,
      ...(sent ? { occurredDateTime: sent } : {}),
      agent: [{ who: { display: author } }],
      entity: [{ role: 'source', what: { ...(facts.controlId ? { identifier: { value: facts.controlId } } : {}), display: field } }],
    },
  }))
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
