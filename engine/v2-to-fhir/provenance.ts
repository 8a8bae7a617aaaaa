/**
 * Where every value came from. One Provenance stands for the message; it has a target for every resource, and on that an extension
 * for every value: its path in the resource, the component of the message, and how sure it is where that is not certain.
 */
import type { BundleEntry, Extension, Provenance } from 'fhir/r4.js'
import type { FieldView } from '../formats/hl7v2/view.js'
import { dateTime } from './datatypes/dtm.js'
import type { Origin } from './draft.js'
import type { Form } from './forms.js'
import { fieldPart } from './part.js'
import { type Node, select } from './segment-tree.js'
import type { Made } from './own-resources.js'
import type { Settings } from './to-fhir.js'

/** The extension of a value; its words are "name[0].family PID-5[1].1.1", or "gender PID-8 0.8" with a confidence. Neither path nor component has spaces. */
const VALUE_SOURCE = 'urn:refero:value-source'

interface Facts {
  readonly controlId: string | null
  readonly type: string
  readonly recorded: string
  readonly root: Node
  readonly form: Form
  readonly settings: Settings
  readonly id: (...names: readonly string[]) => string
}

/** The Provenance of all that was made; none where nothing came from the message. */
export const provenance = (made: readonly Made[], facts: Facts): readonly BundleEntry[] => traced(made, { ...facts, sent: sentAt(facts), sender: senderOf(facts) })

interface Traced { readonly fullUrl: string; readonly builder: { readonly origins: readonly Origin[] } }

/** The same of what is no message of segments; `sent` is a FHIR time. */
export const traced = (made: readonly Traced[], { sent, sender, ...facts }: Pick<Facts, 'controlId' | 'type' | 'recorded' | 'id'> & { readonly sent: string | undefined; readonly sender: string }): readonly BundleEntry[] => {
  const target = made.filter(({ builder }) => builder.origins.length > 0).map(({ fullUrl, builder }) => ({ extension: builder.origins.map(valueSource), reference: fullUrl }))
  if (target.length === 0) return []
  const resource: Provenance = {
    resourceType: 'Provenance', target, recorded: facts.recorded,
    ...(sent ? { occurredDateTime: sent } : {}),
    agent: [{ who: { display: sender } }],
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
const senderOf = ({ root, form }: Pick<Facts, 'root' | 'form'>): string => {
  for (const place of form.names) {
    const view = fieldOf(root, place)
    const name = view?.component(1) || view?.component(2)
    if (name) return name
  }
  return `a sender that ${form.names[0]?.join('-')} does not name`
}

/** The first repetition of a field of the message's header. */
export const fieldOf = (root: Node, [segment, field]: Form['sent']): FieldView | undefined => select(root, segment)[0]?.view.repetitions(field)[0]

/** MSH-7, where it can be read as what is wanted. */
export const sentAt = ({ root, form, settings }: Pick<Facts, 'root' | 'form' | 'settings'>, target = 'dateTime'): string | undefined => {
  const view = fieldOf(root, form.sent)
  const draft = view && dateTime(fieldPart(view, form.sent.join('-')), { ...settings, target, table: undefined, issue: () => {} })
  return typeof draft === 'object' && 'kind' in draft && draft.kind === 'leaf' ? String(draft.value) : undefined
}
