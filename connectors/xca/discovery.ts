/** Cross Gateway Patient Discovery (ITI-55, IHE ITI TF-2 §3.55; HL7 v3 PRPA_IN201305UV02): who is known there by these demographics, and under which ids. */
import { HL7 } from '../../engine/formats/mime/soap/names.js'
import { childAt, childrenNamed, descendantsNamed, isNamed, textAt } from '../../engine/formats/mime/soap/namespaces.js'
import { type Place, attributeOf, escapeXml } from '../../engine/formats/xml/tree.js'
import type { Answer } from './gateway.js'
import type { PatientId, Subject } from './patient.js'

export interface Ends { readonly sender: string; readonly receiver: string; readonly home: string } // OIDs: of our device and theirs, and of our community

/** Null where too little is known: family name, birth date and sex are the least that is asked with. `id` is of this question; `at` when it is asked. */
export const discoveryOf = ({ family, given, birthDate, gender, address, phone, ids }: Subject, { sender, receiver, home }: Ends, id: string, at: Date): string | null => {
  if (family === null || birthDate === null || gender === null) return null
  const device = (kind: string, code: string, oid: string, inside = ''): string => `<${kind} typeCode="${code}"><device classCode="DEV" determinerCode="INSTANCE"><id root="${oid}"/>${inside}</device></${kind}>`
  const agent = `<asAgent classCode="AGNT"><representedOrganization classCode="ORG" determinerCode="INSTANCE"><id root="${home}"/></representedOrganization></asAgent>`
  const parts = (name: string, values: readonly (string | null)[]): string => values.flatMap((value) => (value ? [`<${name}>${escapeXml(value)}</${name}>`] : [])).join('')
  const parameter = (name: string, value: string, text: string): string => `<${name}>${value}<semanticsText>${text}</semanticsText></${name}>`
  return [
    `<PRPA_IN201305UV02 xmlns="${HL7}" ITSVersion="XML_1.0"><id root="${sender}" extension="${escapeXml(id)}"/><creationTime value="${at.toISOString().replace(/[-T:]|\..*$/g, '')}"/><interactionId root="2.16.840.1.113883.1.6" extension="PRPA_IN201305UV02"/><processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>`,
    device('receiver', 'RCV', receiver), device('sender', 'SND', sender, agent),
    `<controlActProcess classCode="CACT" moodCode="EVN"><code code="PRPA_TE201305UV02" codeSystem="2.16.840.1.113883.1.6"/><queryByParameter><queryId root="${sender}" extension="${escapeXml(id)}"/><statusCode code="new"/><responseModalityCode code="R"/><responsePriorityCode code="I"/><parameterList>`,
    parameter('livingSubjectAdministrativeGender', `<value code="${gender}"/>`, 'LivingSubject.administrativeGender'), parameter('livingSubjectBirthTime', `<value value="${birthDate}"/>`, 'LivingSubject.birthTime'),
    ...ids.map(({ value, authority }) => parameter('livingSubjectId', `<value root="${escapeXml(authority)}" extension="${escapeXml(value)}"/>`, 'LivingSubject.id')),
    parameter('livingSubjectName', `<value>${parts('family', [family])}${parts('given', given)}</value>`, 'LivingSubject.name'),
    address ? parameter('patientAddress', `<value>${parts('streetAddressLine', address.line)}${parts('city', [address.city])}${parts('state', [address.state])}${parts('postalCode', [address.postalCode])}</value>`, 'Patient.addr') : '',
    phone ? parameter('patientTelecom', `<value value="tel:${escapeXml(phone.replace(/[^\d+-]/g, ''))}"/>`, 'Patient.telecom') : '',
    '</parameterList></queryByParameter></controlActProcess></PRPA_IN201305UV02>',
  ].join('')
}

export interface Known { readonly patient: PatientId; readonly home: string | null } // urn:oid:… of the community that knows the patient so
export interface Discovered {
  readonly problem: string | null // the code of what was wrong, or null
  readonly busy: boolean
  readonly known: readonly Known[]
  readonly others: number // people who were given and differ in family name or birth date
}

/** "Not now" in XCPD's words (ITI TF-2 §3.55.4.2.2.6). */
const BUSY = new Set(['ResponderBusy', 'InternalError'])

/** Null where it is no answer to a discovery. */
export const discoveredIn = ({ body }: Answer, subject: Subject): Discovered | null => {
  const act = isNamed(body, HL7, 'PRPA_IN201306UV02') ? childAt(body, HL7, 'controlActProcess') : null
  if (!act) return null
  const accepted = codeOf(childAt(body, HL7, 'acknowledgement', 'typeCode'))
  const said = codeOf(childAt(act, HL7, 'queryAck', 'queryResponseCode'))
  const causes = childrenNamed(act, HL7, 'reasonOf').flatMap((one) => descendantsNamed(one, HL7, 'code')).flatMap((one) => codeOf(one) ?? []).filter((code) => /^[A-Za-z]{6,60}$/.test(code) && code !== 'ActAdministrativeDetectedIssueCode')
  const wrong = accepted === 'AE' || accepted === 'AR' || (said !== null && !['OK', 'NF'].includes(said))
  const found = childrenNamed(act, HL7, 'subject').flatMap((one) => {
    const event = childAt(one, HL7, 'registrationEvent')
    const patient = childAt(event, HL7, 'subject1', 'patient')
    return patient ? [{ patient, home: rootOf(childAt(event, HL7, 'custodian', 'assignedEntity', 'id')) }] : []
  })
  const same = found.filter(({ patient }) => isSame(patient, subject))
  return {
    problem: wrong ? (causes[0] ?? said ?? accepted) : null, busy: causes.some((code) => BUSY.has(code)), others: found.length - same.length,
    known: same.flatMap(({ patient, home }) => childrenNamed(patient, HL7, 'id').slice(0, 1).flatMap(({ element }): readonly Known[] => {
      const [authority, value] = [attributeOf(element, 'root'), attributeOf(element, 'extension')]
      return authority && value ? [{ patient: { value, authority }, home: home && `urn:oid:${home}` }] : []
    })),
  }
}

const codeOf = (place: Place | null): string | null => (place && attributeOf(place.element, 'code')) || null
const rootOf = (place: Place | null): string | null => {
  const root = place && attributeOf(place.element, 'root')
  return root && /^[0-2](?:\.\d+)+$/.test(root) ? root : null
}

/** Nobody whose name or birth date is another's: a chart of somebody else is worse than none. */
const isSame = (patient: Place, { family, birthDate }: Subject): boolean => {
  const person = childAt(patient, HL7, 'patientPerson')
  const families = childrenNamed(person, HL7, 'name').flatMap((name) => childrenNamed(name, HL7, 'family')).flatMap((one) => textAt(one) ?? [])
  const birth = childAt(person, HL7, 'birthTime')
  const born = birth ? (attributeOf(birth.element, 'value') ?? '').slice(0, 8) : ''
  return families.some((one) => letters(one) === letters(family ?? '')) && born === birthDate
}
const letters = (text: string): string => text.normalize('NFD').toLowerCase().replace(/[^\p{L}]/gu, '')
