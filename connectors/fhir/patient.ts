/** Finds the chart that a referral is to be written to; never one that is uncertain. */
import { Ended, type Resource, type Server } from './exchange.js'
import { hasType, type Identifier, list, type Name, type Referral } from './referral.js'
import type { Settings } from './settings.js'

/** Types of table 0203 that name one person, and nobody of their household. */
const PERSONAL = ['MR', 'PI', 'PT', 'SS', 'NI', 'NH', 'MC', 'MA', 'DL', 'PPN', 'JHN']

export interface FoundPatient { readonly existing: Resource }
export interface NewPatient { readonly by: readonly Required<Pick<Identifier, 'system' | 'value'>>[] } // identifiers that no other chart may have

/** The chart, or how it may be created. Throws Ended where the one is not sure and the other not permitted. */
export const findPatient = async (server: Server, { patient }: Referral, { system, create = 'never' }: Settings['patient']): Promise<FoundPatient | NewPatient> => {
  const identifiers = list<Identifier>(patient.identifier)
  const charts = [...new Set(identifiers.flatMap((each) => (each.system === system && each.value ? [each.value] : [])))]
  if (charts.length > 1) throw refused('the referral names two charts of this EHR; a person must choose')
  const [chart] = charts
  if (chart !== undefined) {
    const found = await search(server, [{ system, value: chart }])
    const [existing] = found
    if (!existing) throw refused('no patient there has the chart number that the referral names')
    if (found.length > 1) throw refused('two patients have this identifier')
    if (differs(patient, existing).length === 2) throw refused('the patient with this chart number has another name and another birth date; a person must look')
    return { existing }
  }
  if (create === 'never') throw refused('the referral names no chart of this EHR (`patient.system`), and patients may not be created there')
  const by = identifiers.flatMap((each) => (each.system && each.value && PERSONAL.some((type) => hasType(each, type)) ? [{ system: each.system, value: each.value }] : []))
  const found = by.length > 0 ? await search(server, by) : []
  const [existing] = found
  if (found.length > 1) throw refused('two patients have this identifier')
  if (!existing) return { by }
  const different = differs(patient, existing)
  if (different.length > 0) throw refused(`a patient there has one of the patient’s identifiers and another ${different.join(' and ')}; a person must look`)
  return { existing }
}

const search = async (server: Server, by: NewPatient['by']): Promise<readonly Resource[]> => {
  const found = await server.search('Patient', { identifier: by.map(({ system, value }) => token(system, value)).join(',') })
  for (const patient of found) {
    if (!list<Identifier>(patient.identifier).some((each) => by.some(({ value }) => each.value === value))) throw refused('the server answers a search for an identifier with patients that do not have it')
    if (patient.active === false || list<{ type?: string }>(patient.link).some(({ type }) => type === 'replaced-by')) throw refused('the patient’s chart there is inactive or merged into another; a person must look')
  }
  return found
}

/** What two descriptions of a person contradict each other in; what one of them does not say is no contradiction. */
const differs = (ours: Resource, theirs: Resource): readonly string[] => {
  const families = (patient: Resource): readonly string[] => list<Name>(patient.name).flatMap(({ family }) => (family ? [plain(family)] : []))
  const [mine, known] = [families(ours), families(theirs)]
  const [born, birth] = [ours.birthDate, theirs.birthDate]
  return [
    ...(mine.length > 0 && known.length > 0 && !mine.some((family) => known.includes(family)) ? ['name'] : []),
    ...(typeof born === 'string' && typeof birth === 'string' && !born.startsWith(birth) && !birth.startsWith(born) ? ['birth date'] : []),
  ]
}

const plain = (text: string): string => text.normalize('NFD').replace(/[^\p{L}]/gu, '').toLowerCase()

/** A search value `system|value` (FHIR R4 §3.1.1.4.10: what separates is escaped). */
export const token = (system: string, value: string): string => `${escaped(system)}|${escaped(value)}`
const escaped = (text: string): string => text.replace(/[\\$,|]/g, '\\$&')

export const refused = (reason: string): Ended => new Ended({ kind: 'refused', reason })
