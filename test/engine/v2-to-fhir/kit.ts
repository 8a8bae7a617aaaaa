/** What the mapping tests share: the product's own mappings, messages of the fixtures, and reading what came out. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import type { MappingDocument, Message, Tools } from '../../../engine/contracts.js'
import fhirDefinition from '../../../engine/formats/fhir/index.js'
import hl7v2Definition from '../../../engine/formats/hl7v2/index.js'
import { openMappings } from '../../../engine/mappings.js'
import { readYaml } from '../../../engine/yaml-source.js'

export const ROOT = join(import.meta.dirname, '../../../..')
export const RECEIVED = new Date('2026-03-02T14:15:01Z')

const mappings = openMappings(join(ROOT, 'mappings'))
const never = (): never => {
  throw new Error('mapping asks nothing else of the world')
}

export const tools: Tools = {
  clock: { now: () => RECEIVED, sleep: never }, log: () => {}, dataFolder: '.', channel: '', beside: never, feed: never, serve: never, incidents: never, fate: never, service: never,
  format: (name) => (name === 'fhir' ? fhir : hl7v2),
  table: (name) => mappings.table(name),
  mapping: (path) => mappings.mapping(path),
}
const [settings] = hl7v2Definition.examples
export const hl7v2 = hl7v2Definition.create(settings ?? never(), tools)
export const fhir = fhirDefinition.create({}, tools)

/** Tools with some mapping files replaced by text. */
export const withFiles = (files: Readonly<Record<string, string>>): Tools => ({
  ...tools,
  mapping: (path) => (files[path] === undefined ? tools.mapping(path) : document(`mappings/${path}.yaml`, files[path])),
})

export const document = (file: string, text: string): MappingDocument => {
  const source = readYaml(file, text, null, { characters: 100_000, nodes: 10_000 })
  return { value: source.value, place: source.place }
}

export const fixture = (name: string): Buffer => readFileSync(join(ROOT, 'fixtures', name))

/** A message of bytes as a channel's steps see it. */
export const message = (bytes: Buffer): Message => ({ id: 7, channel: 'referrals', receivedAt: RECEIVED, header: hl7v2.readHeader(bytes), format: 'hl7v2', body: hl7v2.parse(bytes) })

/** The lines of a message, from text with a line a segment. */
export const lines = (...segments: readonly string[]): Buffer => Buffer.from(`${segments.join('\r')}\r`)

/** The resources of one type. */
export const all = <Type extends FhirResource['resourceType']>(bundle: Bundle, type: Type): readonly Extract<FhirResource, { resourceType: Type }>[] =>
  (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === type ? [resource as Extract<FhirResource, { resourceType: Type }>] : []))

/** The first resource of a type; the test cannot go on without it. */
export const one = <Type extends FhirResource['resourceType']>(bundle: Bundle, type: Type): Extract<FhirResource, { resourceType: Type }> => {
  const [first] = all(bundle, type)
  if (!first) throw new Error(`the bundle has no ${type}`)
  return first
}

/** The resource that a reference leads to. */
export const at = (bundle: Bundle, reference: string | undefined): FhirResource => {
  const resource = (bundle.entry ?? []).find(({ fullUrl }) => fullUrl === reference)?.resource as FhirResource | undefined
  if (!resource) throw new Error(`${reference} leads nowhere`)
  return resource
}

/** Where a value of a bundle came from, as its Provenance tells it. */
export interface Told { readonly url: string | undefined; readonly path: string; readonly origin: string; readonly field: string; readonly confidence: number | null }

/** All of them; `field` is the origin without its component, "PID-3[2]". */
export const told = (bundle: Bundle): readonly Told[] => all(bundle, 'Provenance').flatMap(({ target }) => target.flatMap(({ reference, extension = [] }) =>
  extension.filter(({ url }) => url === 'urn:refero:value-source').map(({ valueString = '' }) => {
    const [path = '', origin = '', confidence] = valueString.split(' ')
    return { url: reference, path, origin, field: origin.replace(/(-\d+(?:\[\d+\])?)[.\d]*$/, '$1'), confidence: confidence === undefined ? null : Number(confidence) }
  })))
