/** The ways back to a provider, best first: as mappings/providers/ways.yaml orders them, and what the provider asked for before all. */
import { Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { mistakes } from '../../engine/schema-errors.js'
import type { Provider, Way } from '../contracts.js'

export const WAYS: readonly Way[] = ['360x', 'direct', 'hl7', 'fhir', 'fax', 'portal', 'email', 'file', 'phone']

/** The schema of mappings/providers/ways.yaml. */
export const WaysFile = Type.Object({
  order: Type.Array(Type.Union(WAYS.map((way) => Type.Literal(way))), { minItems: 1, uniqueItems: true, description: 'The ways back, best first; what is left out comes last.' }),
}, { additionalProperties: false })

/** The order of a document. Throws its mistakes, one a line with file:line:column. */
export const waysOrder = (document: MappingDocument): readonly Way[] => {
  const found = mistakes(WaysFile, document.value, { name: 'the ways back' })
  if (found.length > 0) throw new Error(found.map(({ keys, message }) => `${document.place(...keys)}: ${message}`).join('\n'))
  const { order } = document.value as { readonly order: readonly Way[] }
  return [...order, ...WAYS.filter((way) => !order.includes(way))]
}

/** Best first; of one way, as they were learned. */
export const inOrder = (ways: Provider['ways'], preferred: Way | null, order: readonly Way[]): Provider['ways'] => {
  const rank = (way: Way): number => (way === preferred ? -1 : order.indexOf(way))
  return [...ways].sort((a, b) => rank(a.way) - rank(b.way))
}
