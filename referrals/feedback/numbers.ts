/** The numbers by which things that come back are known: of orders, appointments and visits, and addresses on FHIR servers. */
import type { Identifier, Reference, ServiceRequest } from 'fhir/r4.js'
import type { Key, KeyKind } from '../desk-contracts.js'
import type { Placed, View } from '../canonical/view.js'
import { readReference, referencesIn } from '../reference.js'
import { codeOf } from './codes.js'

/** Numbers of an order, as keys: ours wherever it stands, the referrer's, and the filler's. */
export function namesOf(identifiers: readonly Identifier[] | undefined, group?: Identifier): readonly Key[] {
  const own = (identifiers ?? []).flatMap((one): Key[] => {
    const value = one.value?.trim()
    if (!value) return []
    const reference = readReference(value)
    const kind: KeyKind = codeOf(one.type) === 'FILL' ? 'filler' : 'placer'
    return [...(reference ? [{ kind: 'reference' as const, value: reference }] : []), { kind, value: `${one.system ?? ''}|${value}` }, { kind: 'number', value }]
  })
  return own.length > 0 ? own : numbers('placer', group && [group]).map(({ kind, value }) => ({ kind, value: `group ${value}` }))
}

/** As `system|value`, or `|value` where nothing says whose number it is. */
export const numbers = (kind: KeyKind, identifiers: readonly Identifier[] | undefined): readonly Key[] =>
  (identifiers ?? []).flatMap(({ system, value }) => (value?.trim() ? [{ kind, value: `${system ?? ''}|${value.trim()}` }] : []))

/** Where a resource is on its server; a relative reference is to the server of the resource that makes it (FHIR R4, references.html), and as `|Task/12` to that of whoever speaks where nothing names one. */
export const addressOf = (kind: KeyKind, reference: string | undefined, from = ''): readonly Key[] => {
  const server = /^(https?:.*\/)[A-Z][A-Za-z]+\/[A-Za-z0-9.-]+(\/_history\/.*)?$/.exec(from)?.[1]
  const place = reference?.replace(/\/_history\/.*$/, '') ?? ''
  const relative = /^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]+$/.test(place)
  const url = relative && server ? server + place : place
  return /^https?:/.test(url) ? [{ kind, value: url }] : relative ? [{ kind, value: `|${place}` }] : []
}

/** Of the orders that a resource is based on, as it refers to them and as they are here. */
export const linked = (view: View, references: readonly Reference[] | undefined, from: Placed): readonly Key[] => (references ?? []).flatMap((to) => {
  const there = view.follow(to, from)?.resource as ServiceRequest | undefined
  return [...namesOf(to.identifier && [to.identifier]), ...addressOf('request', to.reference, from.url), ...(there?.resourceType === 'ServiceRequest' ? namesOf(there.identifier, there.requisition) : [])]
})

export const mentioned = (...words: readonly (string | null | undefined)[]): readonly Key[] => words.flatMap((text) => (text ? referencesIn(text) : [])).map((value) => ({ kind: 'reference', value }))
