/** Writes a C-CDA document from a canonical referral or a notice of the desk. */
import type { Bundle, DocumentReference, Identifier } from 'fhir/r4.js'
import { MessageFault } from '../../errors.js'
import { stableId } from '../../v2-to-fhir/stable-id.js'
import { type Source, sourceOf } from './bundle.js'
import { type Entry, entriesOf } from './entries.js'
import { type Practice, author, componentOf, custodian, inFulfillmentOf, informationRecipient, partyOf, recordTarget } from './header.js'
import { type Writing, element, text, time } from './markup.js'
import type { DocumentPlan } from './plan.js'

export interface DocumentSettings {
  readonly practice: Practice
  readonly at: string // ISO instant: when it is written
  readonly number: string // what makes the document this one; the same again gives the same id
  readonly lookup: Writing['lookup']
  /** The values of a FHIRPath in the bundle. */
  read(path: string): readonly string[]
}

/** The bytes, UTF-8. Throws a MessageFault where there is no patient to write about. */
export const writeDocument = (bundle: Bundle, plan: DocumentPlan, settings: DocumentSettings): Buffer => {
  const source = sourceOf(bundle)
  const writing: Writing = { lookup: settings.lookup, oid: settings.practice.oid }
  const [request] = source.of('ServiceRequest')
  const subject = source.follow(request?.subject)
  const patient = subject?.resourceType === 'Patient' ? subject : source.of('Patient')[0]
  if (!patient) throw new MessageFault({ kind: 'required', reason: 'there is no Patient, whom every C-CDA document is about', location: 'Patient' })
  const [notice] = source.of('Communication')
  const parties = { requester: partyOf(request?.requester, source), performer: partyOf(request?.performer?.[0], source) }
  const told = partyOf(notice?.recipient?.[0], source) ?? parties[plan.author === 'requester' ? 'performer' : 'requester']
  const isOf = (kind: string) => ({ type }: Identifier): boolean => type?.coding?.some(({ code }) => code === kind) ?? false
  const numbers = request?.identifier ?? []
  const known = [...numbers.filter(isOf('PLAC')), ...numbers.filter((one) => !isOf('PLAC')(one))]
  const visit = source.of('Encounter')[0]
  const [appointment] = source.of('Appointment')
  return Buffer.from([
    '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">',
    element('realmCode', { code: 'US' }), element('typeId', { root: '2.16.840.1.113883.1.3', extension: 'POCD_HD000040' }),
    element('templateId', { root: '2.16.840.1.113883.10.20.22.1.1', extension: '2015-08-01' }), element('templateId', { root: plan.template, extension: plan.extension }), element('templateId', { root: plan.template }),
    element('id', { root: stableId(settings.practice.oid, plan.template, settings.number).slice(9) }), element('code', { code: plan.loinc, codeSystem: '2.16.840.1.113883.6.1', codeSystemName: 'LOINC', displayName: plan.title }), text('title', plan.title), time('effectiveTime', settings.at),
    element('confidentialityCode', { code: 'N', codeSystem: '2.16.840.1.113883.5.25' }), element('languageCode', { code: 'en-US' }),
    recordTarget(patient, writing), author(parties[plan.author], settings.practice, settings.at, writing), custodian(settings.practice), informationRecipient(told, writing), inFulfillmentOf(known, request?.code, writing),
    plan.encounter ? componentOf(visit?.identifier ?? appointment?.identifier, visit?.period?.start ?? appointment?.start, writing) : '',
    element('component', {}, element('structuredBody', {}, ...plan.sections.map((section, index) => writeSection(section, index, source, writing, settings)))), '</ClinicalDocument>\n',
  ].filter(Boolean).join('\n'), 'utf8')
}

const writeSection = (section: DocumentPlan['sections'][number], index: number, source: Source, writing: Writing, { read }: DocumentSettings): string => {
  const lines = (section.text ?? []).flatMap((path) => (path === '$documents' ? textsOf(source) : read(path))).map((one) => one.trim()).filter(Boolean)
  const entries = section.entries ? entriesOf(section.entries, source, writing) : []
  const empty = lines.length === 0 && entries.length === 0
  if (empty && section.optional) return ''
  const isBare = section.entries !== undefined && section.entries !== 'referral' && entries.length === 0
  return element('component', {}, element('section', isBare || empty ? { nullFlavor: 'NI' } : {}, element('templateId', { root: section.template, extension: section.extension }), section.extension ? element('templateId', { root: section.template }) : '',
    element('code', { code: section.loinc, codeSystem: '2.16.840.1.113883.6.1', codeSystemName: 'LOINC', displayName: section.title }), text('title', section.title), narrative(lines, entries, index, section.entries === 'referral'), ...entries.map((one, at) => one.write(`s${index + 1}e${at + 1}`))))
}

/** Paragraphs, then an item for each entry, which refers to it. A referral's own words are the reason for it, where one is written. */
const narrative = (lines: readonly string[], entries: readonly Entry[], index: number, isReason: boolean): string => {
  if (lines.length + entries.length === 0) return element('text', {}, text('paragraph', 'No information.'))
  const id = (at: number): string => `s${index + 1}e${at + 1}`
  const paragraph = (words: string, at: number): string => element('paragraph', isReason && at < entries.length ? { ID: id(at) } : {}, ...words.split('\n').flatMap((part, nth) => [...(nth > 0 ? ['<br/>'] : []), text('content', part)]))
  const distinct = [...new Set(lines)]
  const items = entries.flatMap(({ line }, at) => (isReason && at < distinct.length ? [] : [text('item', line, { ID: id(at) })]))
  return element('text', {}, ...distinct.map(paragraph), items.length > 0 ? element('list', {}, ...items) : '')
}

/** The words of enclosed documents that are plain text. */
const textsOf = ({ of, follow }: Source): readonly string[] => of('DocumentReference').flatMap(({ content }: DocumentReference) => content.flatMap(({ attachment: { contentType, data, url } }) => {
  const binary = data === undefined && url ? follow({ reference: url }) : null
  const [type, bytes] = [contentType ?? (binary?.resourceType === 'Binary' ? binary.contentType : ''), data ?? (binary?.resourceType === 'Binary' ? binary.data : undefined)]
  return bytes && /^text\/plain/i.test(type ?? '') ? [Buffer.from(bytes, 'base64').toString('utf8')] : []
}))
