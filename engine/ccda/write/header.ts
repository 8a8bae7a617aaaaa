/** The US Realm Header (2.16.840.1.113883.10.20.22.1.1): whom a document is about, who wrote it and for whom, and which request it answers. */
import type { ContactPoint, Extension, HumanName, Identifier, Address, CodeableConcept, Organization, Patient, Practitioner, PractitionerRole, Reference } from 'fhir/r4.js'
import type { Source } from './bundle.js'
import { type Writing, address, code, element, id, ids, name, telecoms, text, time, unknown } from './markup.js'

/** Who keeps the document: the practice that writes. */
export interface Practice { readonly oid: string; readonly name: string; readonly phone?: string | undefined; readonly address?: { readonly line: string; readonly city: string; readonly state: string; readonly postalCode: string } | undefined }

export const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/'

export const recordTarget = (patient: Patient, writing: Writing): string => {
  const [known, more] = [patient.name?.filter(({ use }) => use !== 'old') ?? [], patient.communication ?? []]
  const language = (concept: CodeableConcept, preferred: boolean | undefined): string => {
    const [tag] = concept.coding?.flatMap((one) => one.code ?? []) ?? []
    return tag ? element('languageCommunication', {}, element('languageCode', { code: tag }), preferred === undefined ? '' : element('preferenceInd', { value: String(preferred) })) : ''
  }
  return element('recordTarget', {}, element('patientRole', {}, ids(patient.identifier, writing), (patient.address ?? []).map(address).join('') || address(undefined), telecoms(patient.telecom), element('patient', {},
    known.map(name).join('') || name(undefined), element('administrativeGenderCode', gender(patient.gender)), time('birthTime', patient.birthDate),
    patient.maritalStatus?.coding ? code('maritalStatusCode', patient.maritalStatus, writing) : '',
    category('raceCode', patient.extension, 'us-core-race', writing), category('ethnicGroupCode', patient.extension, 'us-core-ethnicity', writing), ...more.map(({ language: spoken, preferred }) => language(spoken, preferred)))))
}

const gender = (value: Patient['gender']): Readonly<Record<string, string>> => {
  const known = ({ female: 'F', male: 'M', other: 'UN' } as Readonly<Record<string, string>>)[value ?? '']
  return known ? { code: known, codeSystem: '2.16.840.1.113883.5.1' } : { nullFlavor: 'UNK' }
}

const category = (tag: string, extensions: readonly Extension[] | undefined, url: string, writing: Writing): string => {
  const codings = extensions?.find((one) => one.url === `${US_CORE}${url}`)?.extension?.flatMap(({ valueCoding }) => valueCoding ?? []) ?? []
  const [first, ...others] = codings
  if (!first) return unknown(tag)
  return [code(tag, { coding: [first] }, writing), ...others.map((one) => code(`sdtc:${tag}`, { coding: [one] }, writing))].join('')
}

/** A person in a role, or an organisation, as the header names them. */
export interface Party { readonly identifiers: readonly Identifier[]; readonly names: readonly HumanName[]; readonly telecom: readonly ContactPoint[]; readonly address: Address | undefined; readonly specialty: CodeableConcept | undefined; readonly practice: Organization | null }

export const partyOf = (reference: Reference | undefined, source: Source): Party | null => {
  const found = source.follow(reference)
  const role = found?.resourceType === 'PractitionerRole' ? (found as PractitionerRole) : null
  const person = (role ? source.follow(role.practitioner) : found?.resourceType === 'Practitioner' ? found : null) as Practitioner | null
  const practice = (role ? source.follow(role.organization) : found?.resourceType === 'Organization' ? found : null) as Organization | null
  if (!person && !practice && !reference?.display) return null
  return {
    identifiers: [...(person?.identifier ?? []), ...(role?.identifier ?? [])].filter(({ system }) => !system?.startsWith('urn:refero:')), names: person?.name ?? [], specialty: role?.specialty?.[0],
    telecom: [...(role?.telecom ?? []), ...(person?.telecom ?? [])], address: person?.address?.[0] ?? practice?.address?.[0],
    practice: practice ?? (person || !reference?.display ? null : { resourceType: 'Organization', name: reference.display }),
  }
}

const organization = (tag: string, one: Organization, writing: Writing): string => element(tag, {}, one.identifier ? ids(one.identifier, writing) : '', one.name ? text('name', one.name) : unknown('name'), telecoms(one.telecom), (one.address ?? []).slice(0, 1).map(address).join('') || address(undefined))

const ownOrganization = (practice: Practice): string => [element('id', { root: practice.oid }), text('name', practice.name), telecoms(practice.phone ? [{ system: 'phone', value: practice.phone, use: 'work' }] : []), address(practice.address && { use: 'work', line: [practice.address.line], city: practice.address.city, state: practice.address.state, postalCode: practice.address.postalCode })].join('')

/** A person where one is known; else the software, for the practice. */
export const author = (party: Party | null, practice: Practice, at: string, writing: Writing): string => {
  const person = party && party.names.length > 0 ? party : null
  return element('author', {}, time('time', at), element('assignedAuthor', {}, person ? ids(person.identifiers, writing) : element('id', { root: practice.oid }), person?.specialty ? code('code', person.specialty, writing) : '',
    address(person?.address ?? (practice.address && { line: [practice.address.line], city: practice.address.city, state: practice.address.state, postalCode: practice.address.postalCode })), telecoms(person && person.telecom.length > 0 ? person.telecom : practice.phone ? [{ system: 'phone', value: practice.phone, use: 'work' }] : []),
    person ? element('assignedPerson', {}, name(person.names[0])) : element('assignedAuthoringDevice', {}, text('manufacturerModelName', 'Refero'), text('softwareName', 'Refero')),
    person?.practice ? organization('representedOrganization', person.practice, writing) : element('representedOrganization', {}, ownOrganization(practice))))
}

export const custodian = (practice: Practice): string => element('custodian', {}, element('assignedCustodian', {}, element('representedCustodianOrganization', {}, ownOrganization(practice))))

export const informationRecipient = (party: Party | null, writing: Writing): string => (party ? element('informationRecipient', {}, element('intendedRecipient', {}, party.identifiers.length > 0 ? ids(party.identifiers, writing) : '', address(party.address), telecoms(party.telecom),
  party.names.length > 0 ? element('informationRecipient', {}, name(party.names[0])) : '', party.practice?.name ? element('receivedOrganization', {}, text('name', party.practice.name)) : '')) : '')

/** The request's numbers, those of whoever referred first: the key of a closed loop. */
export const inFulfillmentOf = (numbers: readonly Identifier[], service: CodeableConcept | undefined, writing: Writing): string =>
  (numbers.length === 0 ? '' : element('inFulfillmentOf', { typeCode: 'FLFS' }, element('order', { classCode: 'ACT', moodCode: 'RQO' }, ...numbers.map((one) => id(one, writing)), service ? code('code', service, writing) : '')))

export const componentOf = (numbers: readonly Identifier[] | undefined, start: string | undefined, writing: Writing): string => element('componentOf', {}, element('encompassingEncounter', {}, ids(numbers, writing), time('effectiveTime', start)))
