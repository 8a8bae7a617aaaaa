/** Where every value of a document's Bundle came from: one Provenance, with an extension of words "name[0].family /ClinicalDocument/…" for each. */
import type { BundleEntry, Provenance } from 'fhir/r4.js'
import { type Place, inside } from '../formats/xml/tree.js'
import { line, named } from './datatype.js'
import type { Use } from './datatype.js'
import type { Made } from '../v2-to-fhir/own-resources.js'
import { VALUES } from './values.js'

const VALUE_SOURCE = 'urn:refero:value-source'

interface Facts { readonly controlId: string | null; readonly recorded: string; id(...names: readonly string[]): string; readonly use: Omit<Use, 'target' | 'table'> }

export const provenance = (made: readonly Made[], root: Place, { controlId, recorded, id, use }: Facts): readonly BundleEntry[] => {
  const target = made.filter(({ builder }) => builder.origins.length > 0).map(({ fullUrl, builder }) => ({
    extension: builder.origins.map(({ path, origin, confidence }) => ({ url: VALUE_SOURCE, valueString: confidence === undefined ? `${path} ${origin}` : `${path} ${origin} ${confidence}` })), reference: fullUrl,
  }))
  if (target.length === 0) return []
  const written = named(root, 'effectiveTime').flatMap((one) => VALUES.TS?.read(one, { ...use, target: 'dateTime', table: undefined, issue: () => {} }) ?? [])[0]
  const sent = typeof written === 'object' && 'kind' in written && written.kind === 'leaf' ? String(written.value) : undefined
  const title = named(root, 'title').flatMap((one) => line(one) ?? [])[0]
  const resource: Provenance = {
    resourceType: 'Provenance', target, recorded, ...(sent ? { occurredDateTime: sent } : {}), agent: [{ who: { display: senderOf(root) } }],
    entity: [{ role: 'source', what: { ...(controlId ? { identifier: { value: controlId } } : {}), display: String(title?.value ?? 'a C-CDA document') } }],
  }
  return [{ fullUrl: id('provenance'), resource }]
}

/** The custodian, who answers for the document. */
const senderOf = (root: Place): string => {
  const [organization] = ['custodian', 'assignedCustodian', 'representedCustodianOrganization'].reduce<readonly Place[]>((places, name) => places.flatMap((one) => inside(one).filter(({ element }) => element.local === name)), [root])
  const [name] = organization ? named(organization, 'name').flatMap((one) => line(one) ?? []) : []
  return name ? String(name.value) : 'a custodian that the document does not name'
}
