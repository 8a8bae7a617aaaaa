/** The referral on a page, for EHRs that take no referral but a document: everything a scheduler or a clinician would ask. */
import PDFDocument from 'pdfkit'
import { type Coding, conceptWords, contactOf, type Identifier, list, nameWords, type Referral } from './referral.js'
import type { Resource } from './exchange.js'

type Line = readonly [label: string, value: string]
export interface Section { readonly title: string; readonly lines: readonly Line[] }

/** The sections in their order, without what the referral does not say. */
export const summary = ({ request, patient, number, resources, follow }: Referral): readonly Section[] => {
  const role = follow(request.requester)
  const practitioner = role?.resourceType === 'PractitionerRole' ? follow(role.practitioner) : role
  const practice = follow(role?.organization)
  const wanted = list<unknown>(request.performer).map(follow)[0] ?? null
  const followed = (element: string): readonly Resource[] => list<unknown>(request[element]).flatMap((each) => follow(each) ?? [])
  const insurance = followed('insurance')
  const authorization = resources.find(({ resourceType, preAuthRef }) => resourceType === 'ClaimResponse' && preAuthRef)
  const npi = list<Identifier>(practitioner?.identifier).find(({ system }) => system === 'http://hl7.org/fhir/sid/us-npi')?.value
  const sections: readonly Section[] = [
    { title: 'Referral', lines: [
      ['Reference number', number], ['Referrer’s number', list<Identifier>(request.identifier).find((each) => each.value !== number)?.value ?? ''], ['Priority', text(request.priority)], ['Requested on', text(request.authoredOn)],
      ['Requested', conceptWords(request.code)], ...list<unknown>(request.reasonCode).map((each): Line => ['Reason', conceptWords(each)]),
      ...followed('reasonReference').map((each): Line => ['Diagnosis', conceptWords(each.code)]),
      ['Referred to', [nameWords(follow(wanted?.practitioner) ?? wanted), nameWords(follow(wanted?.organization))].filter(Boolean).join(', ')],
    ] },
    { title: 'Patient', lines: [
      ['Name', nameWords(patient)], ['Born', text(patient.birthDate)], ['Sex', text(patient.gender)], ['Address', addressWords(patient)], ['Phone', contactOf(patient, 'phone')], ['E-mail', contactOf(patient, 'email')],
      ['Numbers', list<Identifier>(patient.identifier).filter(({ system }) => system !== 'http://hl7.org/fhir/sid/us-ssn').map(({ value, type }) => [list<Coding>(type?.coding)[0]?.code, value].filter(Boolean).join(' ')).join(', ')],
    ] },
    { title: 'Referred by', lines: [['Name', nameWords(practitioner)], ['NPI', npi ?? ''], ['Practice', nameWords(practice)], ['Address', addressWords(practitioner) || addressWords(practice)], ['Phone', contactOf(role, 'phone') || contactOf(practitioner, 'phone')], ['Fax', contactOf(role, 'fax') || contactOf(practitioner, 'fax')]] },
    { title: 'Insurance', lines: [
      ...insurance.filter(({ resourceType }) => resourceType === 'Coverage').flatMap((coverage): Line[] => [['Payer', list<unknown>(coverage.payor).map((each) => nameWords(follow(each))).join(', ')], ['Member', text(coverage.subscriberId)]]),
      ['Authorization', text(authorization?.preAuthRef)],
    ] },
    { title: 'Notes', lines: list<{ text?: string }>(request.note).map((note): Line => ['', note.text ?? '']) },
    { title: 'Came along', lines: followed('supportingInfo').map((each): Line => ['', besideWords(each)]) },
  ]
  return sections.map(({ title, lines }) => ({ title, lines: lines.filter(([, value]) => value !== '') })).filter(({ lines }) => lines.length > 0)
}

export const summaryText = (sections: readonly Section[]): string =>
  sections.map(({ title, lines }) => [title.toUpperCase(), ...lines.map(([label, value]) => (label ? `${label}: ${value}` : value))].join('\n')).join('\n\n')

/** Whether a PDF of the standard fonts can show a text: what cannot be shown must not be left out. */
export const fitsPdf = (words: string): boolean => /^[\t\n\r\x20-\x7e\xa0-\xff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]*$/.test(words)

export const summaryPdf = (sections: readonly Section[]): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const document = new PDFDocument({ size: 'LETTER', margin: 54, info: { Title: 'Referral', Producer: 'Refero', CreationDate: new Date(0) } })
    const chunks: Buffer[] = []
    document.on('data', (chunk: Buffer) => chunks.push(chunk))
    document.on('end', () => resolve(Buffer.concat(chunks)))
    document.on('error', reject)
    for (const { title, lines } of sections) {
      document.font('Helvetica-Bold').fontSize(13).text(title).moveDown(0.3)
      for (const [label, value] of lines) {
        document.fontSize(10)
        if (label) document.font('Helvetica-Bold').text(`${label}: `, { continued: true })
        document.font('Helvetica').text(value)
      }
      document.moveDown()
    }
    document.end()
  })

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

export const addressWords = (resource: Resource | null): string => {
  const [address] = list<{ line?: readonly string[]; city?: string; state?: string; postalCode?: string }>(resource?.address)
  return address ? [...list<string>(address.line), address.city, [address.state, address.postalCode].filter(Boolean).join(' ')].filter(Boolean).join(', ') : ''
}

/** "Potassium (2823-3): 4.1 mmol/L" */
export const besideWords = (resource: Resource): string => {
  const { valueQuantity, valueString, valueCodeableConcept, reaction } = resource as { valueQuantity?: { value?: number; unit?: string }; valueString?: string; valueCodeableConcept?: unknown; reaction?: readonly { manifestation?: readonly unknown[] }[] }
  const value = valueQuantity ? [valueQuantity.value, valueQuantity.unit].filter((each) => each !== undefined).join(' ') : valueString ?? conceptWords(valueCodeableConcept)
  const reactions = list<{ manifestation?: readonly unknown[] }>(reaction).flatMap(({ manifestation }) => list<unknown>(manifestation).map(conceptWords)).join(', ')
  switch (resource.resourceType) {
    case 'Observation':
    case 'DiagnosticReport': return [conceptWords(resource.code), value].filter(Boolean).join(': ')
    case 'AllergyIntolerance': return ['Allergy', conceptWords(resource.code), reactions].filter(Boolean).join(': ')
    case 'Coverage': return `Coverage, member ${text(resource.subscriberId) || 'number not given'}`
    case 'ClaimResponse': return resource.preAuthRef ? `Authorization ${text(resource.preAuthRef)}` : ''
    case 'DocumentReference': return `Document: ${conceptWords(resource.type) || 'untitled'}`
    case 'Practitioner':
    case 'Organization':
    case 'Location':
    case 'Patient':
    case 'RelatedPerson': return nameWords(resource)
    case 'Condition':
    case 'Procedure': return conceptWords(resource.code)
    default: return ''
  }
}
