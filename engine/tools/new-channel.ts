/** Drafts a channel from a sample message: source, what is indexed, steps with a mapping, a destination, and later one test. */
import { stringify } from 'yaml'
import type { MappingDocument, MessageFormat } from '../contracts.js'
import { ReferoError } from '../errors.js'
import { segments } from '../formats/hl7v2/view.js'
import type { Mappings } from '../mappings.js'
import { formatChannel } from './fmt.js'
import { elementOf } from '../v2-to-fhir/r4.js'

/** Where a new channel takes its messages from. */
export type NewSource = { readonly mllp: { readonly port: number } } | { readonly http: { readonly path: string } } | { readonly file: { readonly folder: string } }

export interface Draft {
  readonly channel: string // the text of the channel file, without tests
  readonly mapping: { readonly name: string; readonly text: string } | null // one that had to be made
  readonly type: string | null // of the sample: REF^I12
}

interface Sample { readonly bytes: Buffer; readonly format: MessageFormat }
type Known = Pick<Mappings, 'mapping' | 'names'>

/** Which format a sample is in, by how it begins. */
export const formatOf = (bytes: Buffer): 'hl7v2' | 'fhir' | 'json' | 'text' => {
  const text = bytes.toString('latin1').replace(/^\xef\xbb\xbf/, '').trimStart()
  if (/^(MSH|FHS|BHS)[^A-Za-z0-9]/.test(text)) return 'hl7v2'
  if (!/^[[{]/.test(text)) return 'text'
  return /"resourceType"\s*:/.test(text) ? 'fhir' : 'json'
}

export function draftChannel(name: string, { bytes, format }: Sample, source: NewSource, mappings: Known): Draft {
  const body = format.parse(bytes)
  const { type } = format.readHeader(bytes)
  const known = format.name === 'hl7v2' && type !== null ? messageMapFor(type, mappings) : null
  const mapping = format.name === 'hl7v2' && type !== null && known === null ? { name, text: draftMapping(type, body, mappings) } : null
  const map = known ?? mapping?.name ?? null
  const steps = [...(type && format.name !== 'json' ? [{ keep: { types: [type] } }] : []), ...(map ? [{ 'to-fhir': { with: map } }] : [])]
  const index = indexOf(body, format)
  const lines = [
    `name: ${name}`,
    `description: ${type ? `${type} messages` : 'Messages'} as ${format.name}. Say here which systems this joins, and why.`,
    `source: ${flow(source)}`,
    `format: ${format.name}`,
    ...(Object.keys(index).length > 0 ? [`index: ${flow(index)}`] : []),
    ...(steps.length > 0 ? ['steps:', ...steps.map((step) => `  - ${Object.entries(step).map(([word, settings]) => `${word}: ${flow(settings)}`).join()}`)] : []),
    'destinations:',
    '  - name: out',
    `    to: ${flow({ file: { folder: `\${REFERO_DATA}/${name}`, extension: map ? 'json' : extensionOf(format.name) } })}`,
  ]
  const text = `${lines.join('\n')}\n`
  const formatted = formatChannel(name, text)
  return { channel: 'text' in formatted ? formatted.text : text, mapping, type }
}

/** What a file of a format is called after its dot. */
export const extensionOf = (format: string): string => ({ hl7v2: 'hl7', fhir: 'json', json: 'json' })[format] ?? 'txt'

const flow = (value: unknown): string => stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()

/** The message map that is for the type; of several, the one that is for the fewest. */
const messageMapFor = (type: string, mappings: Known): string | null => {
  const maps = mappings.names('fields/').map((path) => path.slice('fields/'.length)).filter((name) => !name.includes('/')).flatMap((name) => {
    const { messages } = (mappings.mapping(`fields/${name}`) as MappingDocument & { readonly value: { readonly messages?: readonly string[] } }).value
    return messages?.includes(type) ? [{ name, count: messages.length }] : []
  })
  return maps.sort((a, b) => a.count - b.count || (a.name < b.name ? -1 : 1))[0]?.name ?? null
}

/** A message map of every segment that has a segment map of its name; what points at a patient does. */
const draftMapping = (type: string, body: unknown, mappings: Known): string => {
  const maps = new Set(mappings.names('fields/segments/'))
  const names = [...new Set(segments(body).map(({ name }) => name))]
  const known = names.filter((name) => maps.has(`fields/segments/${name.toLowerCase()}`))
  if (known.length === 0) throw new ReferoError('WRONG_FILE', `No segment of the sample (${names.join(', ')}) has a map in mappings/fields/segments/; write one first (mappings/README.md).`)
  const made = known.map((name) => {
    const { to } = mappings.mapping(`fields/segments/${name.toLowerCase()}`).value as { readonly to: string }
    const subject = known.includes('PID') && name !== 'PID' ? ['subject', 'patient', 'beneficiary'].find((element) => elementOf(to, element)) : undefined
    const each = segments(body).filter((segment) => segment.name === name).length > 1
    return `  ${name === 'PID' ? 'patient' : name.toLowerCase()}: ${flow({ segment: name, ...(each ? { each: true } : {}), rows: { [name]: name.toLowerCase() }, ...(subject ? { [subject]: 'patient' } : {}) })}`
  })
  return [`# ${type} to FHIR: which segments make which resources, and who points at whom (mappings/README.md). Begun from a sample; hold it beside the standard.`, `messages: [${type}]`, 'resources:', ...made, ''].join('\n')
}

const indexOf = (body: unknown, format: MessageFormat): Record<string, string> => {
  const wanted: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    hl7v2: { mrn: 'PID-3.1', name: 'PID-5', order: 'ORC-2.1' },
    fhir: { mrn: 'Patient.identifier.value', name: 'Patient.name.family' },
  }
  return Object.fromEntries(Object.entries(wanted[format.name] ?? {}).filter(([, path]) => format.read(body, path).some((value) => value !== '')))
}
