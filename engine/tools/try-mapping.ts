/** Runs one mapping over one sample, either way, and tells of every value where it came from. */
import type { Bundle } from 'fhir/r4.js'
import type { Message, MessageFormat, StepResult, Tools } from '../contracts.js'
import { ReferoError } from '../errors.js'
import { segments } from '../formats/hl7v2/view.js'
import { formatOf } from './new-channel.js'
import type { Pieces } from '../registry.js'
import { evidenceOf, untold } from '../v2-to-fhir/evidence.js'
import { type OutgoingSegment, outgoingMap } from '../v2-to-fhir/outgoing-map.js'

/** One value of the output: where it stands, and what it was made of. */
export interface MappedValue {
  readonly place: string // "Patient name[0].family", "PID[1]-5"
  readonly value: string
  readonly origin: string | null // "PID-5.1", "Patient.name"; null: the mapping's own
  readonly confidence: number | null
}

export interface TriedMapping {
  readonly step: 'to-fhir' | 'to-hl7v2'
  readonly output: string // as people read it: JSON is indented
  readonly values: readonly MappedValue[]
  readonly notes: readonly string[] // what could not be mapped, or is not carried
}

/** Throws what the step throws: a sentence with the place in the mapping file, or a MessageFault for what is wrong with the sample. */
export async function tryMapping(name: string, sample: Buffer, pieces: Pieces, tools: Tools, settings: Readonly<Record<string, unknown>> = {}): Promise<TriedMapping> {
  const step = isOutgoing(name, tools) ? 'to-hl7v2' : 'to-fhir'
  const [from, to] = step === 'to-fhir' ? ['hl7v2', 'fhir'] : ['fhir', 'hl7v2']
  const input = tools.format(from)
  if (formatOf(sample) !== from) throw new ReferoError('WRONG_FILE', `The mapping ${name} makes ${to} of ${from}, and the sample is ${formatOf(sample)}.`)
  const run = pieces.transforms.get(step)?.create({ with: name, ...settings }, tools)
  const result: StepResult = (await run?.(messageOf(sample, input))) ?? []
  const [mapped] = 'filtered' in result ? [] : result
  if (!mapped) throw new ReferoError('WRONG_FILE', `The mapping ${name} made nothing of the sample.`)
  const output = tools.format(to).serialize(mapped.body).toString()
  if (step === 'to-hl7v2') return { step, output, ...fromSegments(mapped.body, outgoingMap(name, tools).segments) }
  const bundle = JSON.parse(output) as Bundle
  return { step, output: JSON.stringify(bundle, null, 2), ...fromBundle(bundle) }
}

/** A message map has `resources`; an outgoing map has `segments`. */
const isOutgoing = (name: string, tools: Tools): boolean => {
  const { value } = tools.mapping(`fields/${name}`)
  return typeof value === 'object' && value !== null && 'segments' in value
}

const messageOf = (bytes: Buffer, format: MessageFormat): Message => {
  const [first = bytes] = format.separate(bytes) ?? [bytes]
  return { id: 1, channel: 'sample', receivedAt: new Date(), header: format.readHeader(first), format: format.name, body: format.parse(first) }
}

const fromBundle = (bundle: Bundle): Pick<TriedMapping, 'values' | 'notes'> => ({
  values: evidenceOf(bundle).map(({ resource, path, ...rest }) => ({ place: `${resource} ${path}`, ...rest })),
  notes: untold(bundle).map(({ text }) => text),
})

/** A field of the output came from the elements that the mapping's rows for it name. */
const fromSegments = (body: unknown, outgoing: readonly OutgoingSegment[]): Pick<TriedMapping, 'values' | 'notes'> => {
  const views = segments(body)
  const values = views.flatMap((view) => {
    const label = views.some(({ name, index }) => name === view.name && index !== view.index) ? `${view.name}[${view.index}]` : view.name
    return Array.from({ length: view.fields }, (_, index) => index + 1).flatMap((field) => {
      const value = view.repetitions(field).map(({ text }) => text).join('~')
      return value === '' || (view.name === 'MSH' && field < 3) ? [] : [{ place: `${label}-${field}`, value, origin: elementsFor(view.name, field, outgoing), confidence: null }]
    })
  })
  return { values, notes: [] }
}

const elementsFor = (segment: string, field: number, outgoing: readonly OutgoingSegment[]): string | null => {
  const all = (list: readonly OutgoingSegment[]): readonly OutgoingSegment[] => list.flatMap((each) => [each, ...all(each.followed)])
  const rows = all(outgoing).filter((each) => each.segment === segment)
    .flatMap((each) => each.rows.flatMap(({ map }) => map.rows.filter((row) => !row.oneWay && row.field.field === field).map((row) => `${map.to}.${row.element.text}`)))
  return rows.length === 0 ? null : [...new Set(rows)].join(' or ')
}
