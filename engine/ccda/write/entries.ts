/** The coded entries of sections: problems, allergies, medications, results, and the referral itself (C-CDA R2.1, chapter 3). */
import type { AllergyIntolerance, CodeableConcept, Condition, MedicationStatement, Observation, ServiceRequest } from 'fhir/r4.js'
import { stableId } from '../../v2-to-fhir/stable-id.js'
import type { Source } from './bundle.js'
import { type Writing, code, element, ids, quantity, text, time, unknown } from './markup.js'

/** An entry, and the line of the narrative that says the same; the entry refers to it by `reference`. */
export interface Entry { readonly line: string; write(reference: string): string }
export type EntryKind = 'problems' | 'allergies' | 'medications' | 'results' | 'referral'

const SNOMED = 'http://snomed.info/sct'
const template = (root: string, extension?: string): string => element('templateId', { root: `2.16.840.1.113883.10.20.22.4.${root}`, extension }) + (extension ? element('templateId', { root: `2.16.840.1.113883.10.20.22.4.${root}` }) : '')
const words = (concept: CodeableConcept | undefined): string => concept?.text ?? concept?.coding?.find(({ display }) => display)?.display ?? concept?.coding?.[0]?.code ?? 'not named'
const narrative = (reference: string): string => element('text', {}, element('reference', { value: `#${reference}` }))
const span = (start: string | undefined, end?: string): string => element('effectiveTime', {}, time('low', start), end ? time('high', end) : '')
const has = (concept: CodeableConcept | undefined, wanted: string): boolean => concept?.coding?.some((one) => one.code === wanted) ?? false
const own = (...parts: readonly (string | undefined)[]): string => element('id', { root: stableId(...parts.map((part) => part ?? '')).slice(9) })
/** A resource's numbers, or one made of what it says, so that the same document is the same. */
const numbers = (resource: { identifier?: Condition['identifier'] }, writing: Writing): string => (resource.identifier?.length ? ids(resource.identifier, writing) : own(JSON.stringify(resource)))
const isReal = (status: CodeableConcept | undefined): boolean => !has(status, 'entered-in-error')

const problem = (one: Condition, writing: Writing): Entry => {
  const closed = ['resolved', 'inactive', 'remission'].some((status) => has(one.clinicalStatus, status))
  const refuted = has(one.verificationStatus, 'refuted')
  const coding = one.code?.coding?.map(({ code: value }) => value).filter(Boolean).join(', ')
  return {
    line: `${refuted ? 'Not: ' : ''}${words(one.code)}${coding ? ` (${coding})` : ''}${closed ? ', resolved' : ''}`,
    write: (reference) => element('entry', { typeCode: 'DRIV' }, element('act', { classCode: 'ACT', moodCode: 'EVN' }, template('3', '2015-08-01'), own(reference, JSON.stringify(one)), element('code', { code: 'CONC', codeSystem: '2.16.840.1.113883.5.6' }), element('statusCode', { code: closed ? 'completed' : 'active' }), span(one.recordedDate ?? one.onsetDateTime, closed ? (one.abatementDateTime ?? one.recordedDate ?? one.onsetDateTime ?? '') : undefined),
      element('entryRelationship', { typeCode: 'SUBJ' }, element('observation', { classCode: 'OBS', moodCode: 'EVN', ...(refuted ? { negationInd: 'true' } : {}) }, template('4', '2015-08-01'), numbers(one, writing), element('code', { code: '55607006', codeSystem: '2.16.840.1.113883.6.96', displayName: 'Problem' }, element('translation', { code: '75326-9', codeSystem: '2.16.840.1.113883.6.1', displayName: 'Problem' })), narrative(reference), element('statusCode', { code: 'completed' }), span(one.onsetDateTime, one.abatementDateTime), code('value', one.code, writing, { system: SNOMED, type: 'CD' }))))),
  }
}

const allergy = (one: AllergyIntolerance, writing: Writing): Entry => {
  const none = has(one.code, '716186003')
  const refuted = none || has(one.verificationStatus, 'refuted')
  const active = !has(one.clinicalStatus, 'resolved') && !has(one.clinicalStatus, 'inactive')
  const reactions = (one.reaction ?? []).flatMap(({ manifestation }) => manifestation)
  return {
    line: `${words(one.code)}${reactions.length > 0 ? `: ${reactions.map(words).join(', ')}` : ''}`,
    write: (reference) => element('entry', { typeCode: 'DRIV' }, element('act', { classCode: 'ACT', moodCode: 'EVN' }, template('30', '2015-08-01'), own(reference, JSON.stringify(one)), element('code', { code: 'CONC', codeSystem: '2.16.840.1.113883.5.6' }), element('statusCode', { code: active ? 'active' : 'completed' }), span(one.recordedDate ?? one.onsetDateTime, active ? undefined : (one.recordedDate ?? '')),
      element('entryRelationship', { typeCode: 'SUBJ' }, element('observation', { classCode: 'OBS', moodCode: 'EVN', ...(refuted ? { negationInd: 'true' } : {}) }, template('7', '2014-06-09'), numbers(one, writing), element('code', { code: 'ASSERTION', codeSystem: '2.16.840.1.113883.5.4' }), narrative(reference), element('statusCode', { code: 'completed' }), span(one.onsetDateTime), element('value', { 'xsi:type': 'CD', ...KINDS[one.category?.[0] ?? ''] ?? KINDS.other, codeSystem: '2.16.840.1.113883.6.96' }),
        element('participant', { typeCode: 'CSM' }, element('participantRole', { classCode: 'MANU' }, element('playingEntity', { classCode: 'MMAT' }, none ? element('code', { nullFlavor: 'NA' }) : code('code', one.code, writing)))),
        ...reactions.map((found) => element('entryRelationship', { typeCode: 'MFST', inversionInd: 'true' }, element('observation', { classCode: 'OBS', moodCode: 'EVN' }, template('9', '2014-06-09'), own(reference, JSON.stringify(found)), element('code', { code: 'ASSERTION', codeSystem: '2.16.840.1.113883.5.4' }), element('statusCode', { code: 'completed' }), code('value', found, writing, { system: SNOMED, type: 'CD' })))))))),
  }
}
const KINDS: Readonly<Record<string, { readonly code: string; readonly displayName: string }>> = {
  medication: { code: '416098002', displayName: 'Allergy to drug' }, food: { code: '414285001', displayName: 'Allergy to food' }, environment: { code: '419199007', displayName: 'Allergy to substance' }, other: { code: '419199007', displayName: 'Allergy to substance' },
}

const medication = (one: MedicationStatement, writing: Writing): Entry => {
  const dosage = one.dosage?.[0]
  const dose = dosage?.doseAndRate?.[0]?.doseQuantity
  const status = ({ active: 'active', intended: 'active', 'on-hold': 'suspended', stopped: 'aborted' } as Readonly<Record<string, string>>)[one.status] ?? 'completed'
  return {
    line: `${words(one.medicationCodeableConcept)}${dosage?.text ? `, ${dosage.text}` : ''}${one.status === 'stopped' ? ', stopped' : ''}`,
    write: (reference) => element('entry', { typeCode: 'DRIV' }, element('substanceAdministration', { classCode: 'SBADM', moodCode: 'EVN', ...(one.status === 'not-taken' ? { negationInd: 'true' } : {}) }, template('16', '2014-06-09'), numbers(one, writing), narrative(reference), element('statusCode', { code: status }),
      element('effectiveTime', { 'xsi:type': 'IVL_TS' }, time('low', one.effectivePeriod?.start ?? one.effectiveDateTime), one.effectivePeriod?.end ? time('high', one.effectivePeriod.end) : ''), dosage?.route ? code('routeCode', dosage.route, writing) : '', dose?.value === undefined ? unknown('doseQuantity') : element('doseQuantity', { value: String(dose.value), unit: dose.code ?? dose.unit }),
      element('consumable', {}, element('manufacturedProduct', { classCode: 'MANU' }, template('23', '2014-06-09'), element('manufacturedMaterial', {}, code('code', one.medicationCodeableConcept, writing)))))),
  }
}

const result = (one: Observation, writing: Writing): Entry => {
  const value = one.valueQuantity ? [one.valueQuantity.value, one.valueQuantity.unit].filter((part) => part !== undefined).join(' ') : one.valueString ?? (one.valueCodeableConcept ? words(one.valueCodeableConcept) : one.valueInteger?.toString())
  const when = one.effectiveDateTime ?? one.effectivePeriod?.start
  const written = one.valueQuantity?.value !== undefined ? quantity('value', one.valueQuantity) : value ? text('value', value, { 'xsi:type': 'ST' }) : element('value', { 'xsi:type': 'ST', nullFlavor: 'UNK' })
  return {
    line: `${words(one.code)}: ${value ?? 'no value'}${when ? ` (${when.slice(0, 10)})` : ''}`,
    write: (reference) => element('entry', { typeCode: 'DRIV' }, element('organizer', { classCode: 'BATTERY', moodCode: 'EVN' }, template('1', '2015-08-01'), own(reference, JSON.stringify(one)), code('code', one.code, writing), element('statusCode', { code: 'completed' }),
      element('component', {}, element('observation', { classCode: 'OBS', moodCode: 'EVN' }, template('2', '2015-08-01'), numbers(one, writing), code('code', one.code, writing), narrative(reference), element('statusCode', { code: one.status === 'preliminary' ? 'active' : 'completed' }), time('effectiveTime', when), written)))),
  }
}

const PRIORITIES: Readonly<Record<string, string>> = { routine: 'R', urgent: 'UR', asap: 'A', stat: 'S' }
const referral = (one: ServiceRequest, reasons: readonly Condition[], writing: Writing): Entry => ({
  line: `${words(one.code)}${one.priority ? `, ${one.priority}` : ''}`,
  write: (reference) => element('entry', {}, element('act', { classCode: 'PCPR', moodCode: 'INT' }, template('140'), ids(one.identifier?.filter(({ type }) => has(type, 'PLAC')), writing),
    code('code', has(one.code, '44383000') ? one.code : { coding: [{ system: SNOMED, code: '3457005', display: 'Patient referral' }, ...(one.code?.coding ?? [])], ...(one.code?.text ? { text: one.code.text } : {}) }, writing, { system: SNOMED }), narrative(reference), element('statusCode', { code: 'active' }), time('effectiveTime', one.authoredOn), one.priority ? element('priorityCode', { code: PRIORITIES[one.priority], codeSystem: '2.16.840.1.113883.5.7' }) : '',
    ...reasons.map((reason) => element('entryRelationship', { typeCode: 'RSON' }, element('observation', { classCode: 'OBS', moodCode: 'EVN' }, template('19', '2014-06-09'), numbers(reason, writing), element('code', { code: '55607006', codeSystem: '2.16.840.1.113883.6.96', displayName: 'Problem' }), element('statusCode', { code: 'completed' }), code('value', reason.code, writing, { system: SNOMED, type: 'CD' })))))),
})

/** The entries of a kind, of everything in the source that is of it. */
export const entriesOf = (kind: EntryKind, { of, follow }: Source, writing: Writing): readonly Entry[] => {
  if (kind === 'problems') return of('Condition').filter(({ verificationStatus }) => isReal(verificationStatus)).map((one) => problem(one, writing))
  if (kind === 'allergies') return of('AllergyIntolerance').filter(({ verificationStatus }) => isReal(verificationStatus)).map((one) => allergy(one, writing))
  if (kind === 'medications') return of('MedicationStatement').filter(({ status }) => status !== 'entered-in-error').map((one) => medication(one, writing))
  if (kind === 'results') return of('Observation').filter(({ status }) => status !== 'entered-in-error').map((one) => result(one, writing))
  return of('ServiceRequest').slice(0, 1).map((one) => referral(one, (one.reasonReference ?? []).map(follow).filter((found): found is Condition => found?.resourceType === 'Condition'), writing))
}
