/** What a letter over Direct encloses beside itself: the C-CDA document of its notice, and by 360X the HL7 v2 message too, in an XDM package. */
import type { Bundle, Communication, Patient } from 'fhir/r4.js'
import { type Static, Type } from 'typebox'
import type { Message, Tools } from '../../engine/contracts.js'
import { writeDocument } from '../../engine/ccda/write/document.js'
import { type DocumentPlan, documentPlan, lacking, requirements } from '../../engine/ccda/write/plan.js'
import { MessageFault } from '../../engine/errors.js'
import type { Enclosure } from '../../engine/formats/mime/compose.js'
import { type Context, writeContext } from '../../engine/formats/mime/context.js'
import { writeXdm, type XdsCode } from '../../engine/formats/mime/xdm/write.js'
import type { XmlDocument } from '../../engine/formats/xml/tree.js'
import { check } from '../../engine/v2-to-fhir/mapping-errors.js'
import { type OutgoingMap, outgoingMap } from '../../engine/v2-to-fhir/outgoing-map.js'
import { stableId } from '../../engine/v2-to-fhir/stable-id.js'
import { toHl7v2 } from '../../engine/v2-to-fhir/to-hl7v2.js'
import type { Notice } from './notice.js'

const Oid = Type.String({ pattern: '^[0-2](\\.(0|[1-9]\\d*))+$', maxLength: 64 })
/** Settings of `render: { direct: … }`. */
export const DirectSettings = Type.Object({
  form: Type.Enum(['360x', 'ccda'], { description: '`360x`: an XDM package of the HL7 v2 message and the C-CDA document of the notice, for addresses that answer so, and the bare document beside it. `ccda`: the document alone.' }),
  oid: Type.String({ ...Oid, description: 'Our OID: of our messages (MSH-4), of numbers that have none, of documents that we keep.' }),
  to: Type.Optional(Type.String({ ...Oid, description: 'With `form: 360x`: the receiver’s OID (MSH-6).' })),
  bare: Type.Optional(Type.Boolean({ default: true, description: 'With `form: 360x`: whether the document is also attached by itself, for receivers that open no packages.' })),
}, { additionalProperties: false, description: 'For letters over Direct: what they carry as structure.' })
export type Direct = Static<typeof DirectSettings>

const Code = Type.Tuple([Type.String(), Type.String(), Type.String()])
const Words = Type.Array(Type.String(), { minItems: 1 })
const Values = Type.Record(Type.String({ pattern: '^[A-Z][A-Z0-9]{2}-\\d{1,2}$' }), Type.String())
export const X360File = Type.Object({
  messages: Type.Array(Type.Object({
    kind: Type.String(), event: Type.Optional(Words), with: Type.String(), set: Type.Optional(Values), document: Type.Optional(Type.Enum(['referral-note', 'consultation-note'])),
  }, { additionalProperties: false }), { minItems: 1 }),
  header: Values, numbers: Words,
  context: Type.Object({ purpose: Type.String(), types: Type.Record(Type.String(), Type.String({ pattern: '^[a-z]+/[a-z]+$' })) }, { additionalProperties: false }),
  codes: Type.Object({
    order: Code, orderFormat: Code, documentFormat: Code, confidentiality: Code, facilityType: Code, practiceSetting: Code, contentType: Code,
    document: Type.Object({ 'referral-note': Code, 'consultation-note': Code }, { additionalProperties: false }),
  }, { additionalProperties: false }),
}, { additionalProperties: false })

interface Practice { readonly name?: string | undefined; readonly phone?: string | undefined }
const ISO = /^[0-2](?:\.(?:0|[1-9]\d*))+$/

/** What a notice encloses, and the Direct Context that its header names. */
export interface Packaged { readonly enclosures: readonly Enclosure[]; readonly context: string | null }

/** Makes the enclosures of a notice; `domain` makes the numbers of contexts. Throws a sentence with file:line:column where mappings/direct/360x.yaml is wrong. */
export const packager = (settings: Direct, practice: Practice, domain: string, tools: Tools): ((message: Message, notice: Notice) => Promise<Packaged>) => {
  const file = tools.mapping('direct/360x')
  const rules = check(X360File, file)
  const maps = new Map(rules.messages.map((row) => [row.with, outgoingMap(row.with, tools)]))
  const plans = new Map(rules.messages.flatMap(({ document }) => (document ? [[document, { plan: documentPlan(document, tools), required: requirements(document, tools) }] as const] : [])))
  const xds = ([code, scheme, display]: readonly [string, string, string]): XdsCode => ({ code, scheme, display })

  return async (message, notice) => {
    const told = eventOf(message.body as Bundle)
    const row = rules.messages.find(({ kind, event }) => kind === notice.kind && (event === undefined || event.includes(told)))
    if (!row) return { enclosures: [], context: null }
    const chosen = row.document === undefined ? undefined : plans.get(row.document)
    const document = chosen === undefined ? null : written(message, chosen, settings, practice, tools)
    const bare: Enclosure[] = document === null ? [] : [{ filename: `${row.document}.xml`, type: 'application/xml', content: document }]
    if (settings.form === 'ccda') {
      const context = contextFor(message.body as Bundle, { purpose: rules.context.purpose, type: rules.context.types[notice.kind] ?? null, id: `<${stableId(message.channel, message.header.controlId ?? String(message.id), 'context').slice('urn:uuid:'.length)}@${domain}>` })
      const metadata: Enclosure = { filename: 'metadata.txt', type: 'text/plain', content: writeContext(context), contentId: context.id ?? '' }
      return { enclosures: [...bare, metadata], context: context.id }
    }
    const order = hl7v2(message, maps.get(row.with) as OutgoingMap, { ...rules.header, ...row.set }, rules.numbers, settings, tools)
    const { patient, referral } = identity(order, settings.oid, tools)
    const oid = (...names: readonly string[]): string => oidOf(stableId(message.channel, message.header.controlId ?? String(message.id), ...names))
    const shared = { created: message.receivedAt, language: 'en-US', confidentiality: xds(rules.codes.confidentiality), facilityType: xds(rules.codes.facilityType), practiceSetting: xds(rules.codes.practiceSetting) }
    const zip = await writeXdm({
      uniqueId: oid('submission'), sourceId: settings.oid, time: message.receivedAt, contentType: xds(rules.codes.contentType), author: { institution: practice.name }, intendedRecipients: [],
      patient: patient(message.body as Bundle), ...(referral && { referral }),
      documents: [
        { ...shared, content: order, contentType: 'x-application/hl7-v2+er7', uniqueId: oid('order'), title: '360X', classCode: xds(rules.codes.order), typeCode: xds(rules.codes.order), formatCode: xds(rules.codes.orderFormat) },
        ...(document && row.document ? [{ ...shared, content: document, contentType: 'text/xml', uniqueId: oid('document'), title: rules.codes.document[row.document][2], classCode: xds(rules.codes.document[row.document]), typeCode: xds(rules.codes.document[row.document]), formatCode: xds(rules.codes.documentFormat) }] : []),
      ],
    })
    return { enclosures: [{ filename: '360X.zip', type: 'application/zip', content: zip }, ...(settings.bare === false ? [] : bare)], context: null }
  }
}

/** Of the notice's patient what Direct Context has names for; numbers only with their OID. */
const contextFor = ({ entry }: Bundle, about: Pick<Context, 'id' | 'type' | 'purpose'>): Omit<Context, 'encapsulation'> => {
  const person = entry?.map(({ resource }) => resource).find((one): one is Patient => one?.resourceType === 'Patient')
  const [name, home] = [person?.name?.find(({ use }) => use !== 'old'), person?.address?.find(({ use }) => use !== 'old')]
  const values = { givenName: name?.given?.[0], surname: name?.family, middleName: name?.given?.[1], dateOfBirth: person?.birthDate, gender: person?.gender && { male: 'M', female: 'F', other: 'O', unknown: 'U' }[person.gender], postalCode: home?.postalCode }
  return {
    ...about, patient: Object.fromEntries(Object.entries(values).filter((one): one is [string, string] => one[1] !== undefined)),
    patientIds: (person?.identifier ?? []).flatMap(({ system = '', value }) => (value && system.startsWith('urn:oid:') ? [{ authority: system.slice('urn:oid:'.length), value }] : [])),
  }
}

/** The event of the referral that a notice tells. */
const eventOf = ({ entry }: Bundle): string => entry?.map(({ resource }) => resource).find((one): one is Communication => one?.resourceType === 'Communication')?.reasonCode?.[0]?.text ?? ''

const written = (message: Message, { plan, required }: { readonly plan: DocumentPlan; readonly required: ReturnType<typeof requirements> }, { oid }: Direct, { name, phone }: Practice, tools: Tools): Buffer => {
  const fhir = tools.format('fhir')
  const bytes = writeDocument(message.body as Bundle, plan, {
    practice: { oid, name: name ?? 'The practice', ...(phone && { phone }) }, at: message.receivedAt.toISOString(), number: `${message.channel} ${message.header.controlId ?? message.id}`,
    lookup: (table) => tools.table(table), read: (path) => fhir.read(message.body, path),
  })
  const [missing] = lacking(tools.format('xml').parse(bytes) as XmlDocument, required)
  if (missing) throw new MessageFault({ kind: 'required', reason: missing.says, location: missing.at })
  return bytes
}

const hl7v2 = (message: Message, map: OutgoingMap, set: Readonly<Record<string, string>>, numbers: readonly string[], { oid, to }: Direct, tools: Tools): Buffer => {
  const format = tools.format('hl7v2')
  const values: readonly (readonly [string, string | null])[] = [
    ...Object.entries(set).map(([path, value]) => [path, value === '' ? null : value] as const),
    ['MSH-4.1', null], ['MSH-4.2', oid], ['MSH-4.3', 'ISO'], ['MSH-6.1', null], ['MSH-6.2', to ?? null], ['MSH-6.3', to === undefined ? null : 'ISO'],
  ]
  const there = (body: unknown, path: string): boolean => path.startsWith('MSH') || format.read(body, `${path.slice(0, 3)}-1`).length > 0 || format.read(body, `${path.slice(0, 3)}-2`).length > 0
  const headed = values.reduce((body, [path, value]) => (there(body, path) ? format.write(body, path, value) : body), toHl7v2(message, map, { lookup: (table) => tools.table(table), version: '2.5.1' }) as unknown)
  return format.serialize(numbers.reduce((body, path) => withAuthority(body, path, oid, format), headed))
}

/** Every repetition of a number with an ISO OID: CX (PID-3) has its authority in component 4, EI in 2 to 4. */
const withAuthority = (body: unknown, path: string, oid: string, format: ReturnType<Tools['format']>): unknown => {
  let changed = body
  const CX = path === 'PID-3'
  for (let at = 1; at <= 20; at++) {
    const repetition = `${path}[${at}]`
    const [number] = format.read(changed, `${repetition}.1`)
    if (number === undefined) return changed
    const place = (part: number): string => (CX ? `${repetition}.4.${part}` : `${repetition}.${part + 1}`)
    const [universal = '', type = ''] = [2, 3].map((part) => format.read(changed, place(part))[0] ?? '')
    if (ISO.test(universal) && type === 'ISO') continue
    const parts: readonly (readonly [number, string | null])[] = [[1, null], [2, ISO.test(universal) ? universal : oid], [3, 'ISO']]
    for (const [part, value] of parts) changed = format.write(changed, place(part), value)
  }
  return changed
}

/** Who the package is about, and which referral, as the message itself says. */
const identity = (order: Buffer, oid: string, tools: Tools) => {
  const format = tools.format('hl7v2')
  const body = format.parse(order)
  const first = (path: string): string | undefined => format.read(body, path)[0]
  const [number, authority] = first('ORC-2.1') === undefined ? [first('SCH-26.1'), first('SCH-26.3')] : [first('ORC-2.1'), first('ORC-2.3')]
  return {
    referral: number === undefined ? null : { value: number, authority: authority ?? oid },
    patient: (bundle: Bundle) => {
      const person = bundle.entry?.map(({ resource }) => resource).find((resource): resource is Patient => resource?.resourceType === 'Patient')
      return {
        id: { value: first('PID-3.1') ?? 'unknown', authority: first('PID-3.4.2') ?? oid }, name: first('PID-5') ?? '', sex: first('PID-8') ?? 'U',
        birthDate: (person?.birthDate ?? '').replaceAll('-', ''), ...(first('PID-11') !== undefined && { address: first('PID-11') }),
      }
    },
  }
}

/** A UUID as an OID (ITU-T X.667): 2.25 and the number that it is. */
const oidOf = (url: string): string => `2.25.${BigInt(`0x${url.replace(/^urn:uuid:/, '').replaceAll('-', '')}`)}`
