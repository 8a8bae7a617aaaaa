/** Reads a document that carries its values as structure - C-CDA, HL7 v2, FHIR - as the Bundle of a referral or of an answer. */
import type { Bundle, FhirResource, Identifier, Patient, ServiceRequest } from 'fhir/r4.js'
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
  readonly kind: ContentKind // a note's message says only which order the documents beside it answer
  readonly bundle: Bundle
  readonly order: boolean // it is an order itself, which ranks before a document that came with it
  readonly patient: string | null // who it is about, so that documents of one person stay together; null: it does not say
  readonly numbers: readonly Identifier[] // of the order that it is or is about
  readonly closesLoops: boolean // it is of 360X (MSH-21): whoever sends it can be answered so
}
export interface Reader {
  readonly tools: Tools
  readonly contents: Contents
  readonly ccda: CcdaMap
  readonly timezone: string | undefined
}

type Read = { readonly structured: readonly Structured[]; readonly unread: readonly Piece[]; readonly problems: readonly string[] }

/** What the pieces of a mail say as structure; what should be and cannot be read stays unread, and says why. Documents come first: what a message is depends on what comes with it. */
export const readPieces = (pieces: readonly Piece[], message: Message, reader: Reader): Read => {
  const found = new Map<Piece, Structured>()
  const problems: string[] = []
  const attempt = (wanted: (piece: Piece) => boolean, read: (piece: Piece) => Structured | string): void => {
    for (const piece of pieces.filter(wanted)) {
      const result = orFault(() => read(piece))
      if (typeof result === 'string') problems.push(`${piece.at} ${result}`)
      else found.set(piece, result)
    }
  }
  attempt(({ type }) => type === 'application/hl7-cda+xml', (piece) => fromCcda(piece, message, reader))
  const answering = [...found.values()].some(({ kind }) => kind === 'answer')
  attempt(({ type }) => type === 'x-application/hl7-v2+er7', (piece) => fromHl7v2(piece, message, reader, answering))
  attempt(({ type }) => type === 'application/fhir+json', (piece) => fromFhir(piece, reader))
  return { structured: pieces.flatMap((piece) => found.get(piece) ?? []), unread: pieces.filter((piece) => !found.has(piece)), problems }
}

const orFault = (read: () => Structured | string): Structured | string => {
  try {
    return read()
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
  return { piece, bundle, order: false, kind: requestOf(bundle) ? 'referral' : 'answer', patient: patientOf(bundle), numbers: requestOf(bundle)?.identifier ?? [], closesLoops: false }
}

const fromHl7v2 = (piece: Piece, message: Message, { tools, contents, timezone }: Reader, withDocument: boolean): Structured | string => {
  const format = tools.format('hl7v2')
  const header = format.readHeader(piece.content)
  const body = format.parse(piece.content)
  const known = contents(header.type, (path) => format.read(body, path)[0], withDocument)
  if (!known) return `is an HL7 v2 message of a type that mappings/intake/contents.yaml does not name (${header.type ?? 'none'})`
  const inner: Message = { ...message, format: 'hl7v2', body, header: { controlId: header.controlId ?? within(message, piece, null), type: header.type } }
  const bundle = mended((mend) => toFhir(inner, known.map, { lookup: (table) => tools.table(table), timezone, mend }))
  return { piece, bundle, order: true, kind: known.kind, patient: patientOf(bundle), numbers: requestOf(bundle)?.identifier ?? [], closesLoops: format.read(body, 'MSH-21').some((profile) => /360X/i.test(profile)) }
}

const fromFhir = (piece: Piece, { tools }: Reader): Structured => {
  const resource = tools.format('fhir').parse(piece.content) as FhirResource
  const bundle: Bundle = resource.resourceType === 'Bundle' ? resource : { resourceType: 'Bundle', type: 'collection', entry: [{ resource }] }
  return { piece, bundle, order: true, kind: requestOf(bundle) ? 'referral' : 'answer', patient: patientOf(bundle), numbers: requestOf(bundle)?.identifier ?? [], closesLoops: false }
}

const mended = (make: (mend: boolean) => Bundle): Bundle => mendedBody(make) as unknown as Bundle

const requestOf = ({ entry }: Bundle): ServiceRequest | undefined => entry?.map(({ resource }) => resource).find((resource): resource is ServiceRequest => resource?.resourceType === 'ServiceRequest')

/** Family name and date of birth, else the numbers: what two documents of one person both have. */
const patientOf = ({ entry }: Bundle): string | null => {
  const patient = entry?.map(({ resource }) => resource).find((resource): resource is Patient => resource?.resourceType === 'Patient')
  const family = patient?.name?.find((name) => name.family)?.family?.toLowerCase().replace(/[^\p{L}]/gu, '')
  if (family && patient?.birthDate) return `${family} ${patient.birthDate}`
  const number = patient?.identifier?.find(({ value }) => value)
  return number ? `${number.system ?? ''}|${number.value}` : null
}
