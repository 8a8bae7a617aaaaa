/** Reads a document that carries its values as structure - C-CDA, HL7 v2, FHIR - as the Bundle of a referral or of an answer. */
import type { Bundle, FhirResource, Patient } from 'fhir/r4.js'
import type { Message, Tools } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import type { CcdaMap } from '../../engine/ccda/map.js'
import { ccdaToFhir } from '../../engine/ccda/to-fhir.js'
import { mendedBody } from '../../engine/formats/fhir/made.js'
import { stableId } from '../../engine/v2-to-fhir/stable-id.js'
import { toFhir } from '../../engine/v2-to-fhir/to-fhir.js'
import type { ContentKind, Contents } from './contents.js'
import type { Piece } from './pieces.js'

export interface Structured {
  readonly piece: Piece
  readonly kind: ContentKind
  readonly bundle: Bundle
  readonly order: boolean // it is an order itself, which ranks before a document that came with it
  readonly patient: string | null // who it is about, so that documents of one person stay together; null: it does not say
}
export interface Reader {
  readonly tools: Tools
  readonly contents: Contents
  readonly ccda: CcdaMap
  readonly timezone: string | undefined
}

/** What a piece says as structure; null where it is none; a sentence where it should be and cannot be read. */
export const structured = async (piece: Piece, message: Message, reader: Reader): Promise<Structured | null | string> => {
  try {
    if (piece.type === 'application/hl7-cda+xml') return fromCcda(piece, message, reader)
    if (piece.type === 'x-application/hl7-v2+er7') return fromHl7v2(piece, message, reader)
    if (piece.type === 'application/fhir+json') return fromFhir(piece, reader)
    return null
  } catch (error) {
    if (error instanceof MessageFault) return `cannot be read: ${error.message}`
    throw error
  }
}

const within = (message: Message, piece: Piece, controlId: string | null): string => stableId(message.channel, message.header.controlId ?? String(message.id), piece.at, controlId ?? '')

const fromCcda = (piece: Piece, message: Message, { tools, ccda, timezone }: Reader): Structured => {
  const format = tools.format('xml')
  const header = format.readHeader(piece.content)
  const document: Message = { ...message, format: 'xml', body: format.parse(piece.content), header: { controlId: header.controlId ?? within(message, piece, null), type: header.type } }
  const bundle = mended((mend) => ccdaToFhir(document, ccda, { lookup: (table) => tools.table(table), timezone, as: undefined, mend }))
  return { piece, bundle, order: false, kind: requests(bundle) ? 'referral' : 'answer', patient: patientOf(bundle) }
}

const fromHl7v2 = (piece: Piece, message: Message, { tools, contents, timezone }: Reader): Structured | string => {
  const format = tools.format('hl7v2')
  const header = format.readHeader(piece.content)
  const known = contents(header.type)
  if (!known) return `is an HL7 v2 message of a type that mappings/intake/contents.yaml does not name (${header.type ?? 'none'})`
  const inner: Message = { ...message, format: 'hl7v2', body: format.parse(piece.content), header: { controlId: header.controlId ?? within(message, piece, null), type: header.type } }
  const bundle = mended((mend) => toFhir(inner, known.map, { lookup: (table) => tools.table(table), timezone, mend }))
  return { piece, bundle, order: true, kind: known.kind, patient: patientOf(bundle) }
}

const fromFhir = (piece: Piece, { tools }: Reader): Structured => {
  const resource = tools.format('fhir').parse(piece.content) as FhirResource
  const bundle: Bundle = resource.resourceType === 'Bundle' ? resource : { resourceType: 'Bundle', type: 'collection', entry: [{ resource }] }
  return { piece, bundle, order: true, kind: requests(bundle) ? 'referral' : 'answer', patient: patientOf(bundle) }
}

const mended = (make: (mend: boolean) => Bundle): Bundle => mendedBody(make) as unknown as Bundle

const requests = ({ entry }: Bundle): boolean => entry?.some(({ resource }) => resource?.resourceType === 'ServiceRequest') ?? false

/** Family name and date of birth, else the numbers: what two documents of one person both have. */
const patientOf = ({ entry }: Bundle): string | null => {
  const patient = entry?.map(({ resource }) => resource).find((resource): resource is Patient => resource?.resourceType === 'Patient')
  const family = patient?.name?.find((name) => name.family)?.family?.toLowerCase().replace(/[^\p{L}]/gu, '')
  if (family && patient?.birthDate) return `${family} ${patient.birthDate}`
  const number = patient?.identifier?.find(({ value }) => value)
  return number ? `${number.system ?? ''}|${number.value}` : null
}
