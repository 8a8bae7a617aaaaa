/** What a bundle of an ADT message, a bundle of Patients or a Patient changes in the index. */
import type { Chart, ChartKey, PatientIndex } from '../contracts.js'
import { chart, chartId } from './from-fhir.js'

export interface IndexChanges {
  readonly puts: readonly Chart[]
  readonly merges: readonly { readonly survivor: ChartKey; readonly merged: ChartKey }[]
  readonly unmerges: readonly { readonly survivor: ChartKey; readonly merged: ChartKey }[]
  /** Patients that cannot be charted, and why: a sentence without content. */
  readonly skipped: readonly string[]
}

/** Of table 0003: what does not merge although the bundle links two patients, or puts nothing in the index. */
const CALLED_OFF: ReadonlySet<string> = new Set(['A11', 'A12', 'A13', 'A27', 'A38']) // a visit is cancelled; what it says of the patient may be out of date
const UNLINK: ReadonlySet<string> = new Set(['A37'])
const NEW_NUMBER: ReadonlySet<string> = new Set(['A46', 'A47'])

/**
 * Patients become charts of `source`, in the order of the bundle. A link `replaces` or `replaced-by` (A18, A30, A34, A36, A39, A40; FHIR) is a
 * merge: the one that is replaced is not put, for what the merge says of it is less than what its chart says. Under A37 such a link is an unmerge.
 * A24's links (`seealso`) merge nothing. A change of number (A46, A47) merges the old number into the new one.
 */
export const changes = (source: string, resource: fhir4.Bundle<fhir4.FhirResource> | fhir4.Patient): IndexChanges => {
  const entries: readonly fhir4.BundleEntry<fhir4.FhirResource>[] = resource.resourceType === 'Bundle' ? resource.entry ?? [] : [{ resource }]
  const event = eventOf(entries)
  const patients = entries.flatMap(({ fullUrl, resource: each }) => (each?.resourceType === 'Patient' ? [{ patient: each, names: [fullUrl, each.id && `Patient/${each.id}`].filter(name => name !== undefined) }] : []))
  const keyOf = (reference: fhir4.Reference): ChartKey | null => {
    const linked = patients.find(({ names }) => reference.reference !== undefined && names.some(name => name === reference.reference || name.endsWith(`/${reference.reference}`)))
    const id = linked ? chartId(linked.patient) : reference.identifier?.value ?? /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(reference.reference ?? '')?.[1] ?? null
    return id === null ? null : { source, id }
  }
  const merges = new Map<string, { readonly survivor: ChartKey; readonly merged: ChartKey }>()
  const join = (survivor: ChartKey | null, merged: ChartKey | null): void => {
    if (survivor && merged && survivor.id !== merged.id) merges.set(`${merged.id}>${survivor.id}`, { survivor, merged })
  }
  const replaced = new Set<fhir4.Patient>()
  for (const { patient } of patients) {
    const own = chartId(patient)
    const key = own === null ? null : { source, id: own }
    for (const { type, other } of patient.link ?? []) {
      if (type === 'replaces') join(key, keyOf(other))
      if (type === 'replaced-by') {
        join(keyOf(other), key)
        replaced.add(patient)
      }
    }
    if (NEW_NUMBER.has(event)) for (const { use, value } of patient.identifier ?? []) if (use === 'old' && value) join(key, { source, id: value })
  }
  const charted = CALLED_OFF.has(event) ? [] : patients.filter(({ patient }) => !replaced.has(patient)).map(({ patient }) => chart(source, patient))
  const puts = charted.filter(each => each !== null)
  const links = [...merges.values()]
  const apart = UNLINK.has(event) ? [...links, ...pairs(charted.filter(each => each !== null))] : []
  return {
    puts, merges: UNLINK.has(event) ? [] : links, unmerges: apart,
    skipped: puts.length < charted.length ? ['a patient has neither a medical record number (an identifier of type MR, PI or PT, or of no type) nor an id'] : [],
  }
}

/** Of an A37 in HL7 v2: two PIDs, and nothing says which of them had been merged into the other. */
const pairs = (charts: readonly Chart[]): IndexChanges['unmerges'] => {
  const keys = charts.map(({ source, id }) => ({ source, id }))
  return keys.flatMap(survivor => keys.filter(({ id }) => id !== survivor.id).map(merged => ({ survivor, merged })))
}

/** Puts them in the index: charts first, so that a merge finds its survivor. */
export const applyChanges = async (index: PatientIndex, { puts, merges, unmerges }: IndexChanges): Promise<void> => {
  await Promise.all([
    index.put(puts),
    ...merges.map(({ survivor, merged }) => index.merge(survivor, merged)),
    ...unmerges.map(({ survivor, merged }) => index.unmerge(survivor, merged)),
  ])
}

/** The event of table 0003 that a message's bundle is of, "A40"; empty for other bundles. */
const eventOf = (entries: readonly fhir4.BundleEntry<fhir4.FhirResource>[]): string => {
  for (const { resource } of entries) if (resource?.resourceType === 'MessageHeader') return resource.eventCoding?.code ?? ''
  return ''
}
