/** FHIR R4 as JSON: a resource, or a Bundle of them. */
import { Type } from 'typebox'
import type { Fault, Verdict } from '../../contracts.js'
import { defineFormat } from '../../define.js'
import { MessageFault } from '../../errors.js'
import { Size, size, withDefault } from '../../units.js'
import { isObject, type Json, type JsonObject, parseJson, serialiseJson, withChild } from '../json/json-text.js'
import { redactJson } from '../json/redact.js'
import { isResourceType } from './definitions.js'
import { elementPath, elementProblem, isJsonPath, writablePath } from './element-path.js'
import { readElements, writeElement } from './elements.js'
import { entryResources, evaluate, expressionProblem, holds, resourcesOf } from './expression.js'
import { invalid } from './validate.js'

const DEFAULTS = { size: '50MB', depth: 64, entries: 10_000 }

export default defineFormat({
  name: 'fhir',
  summary: 'FHIR R4 in JSON: one resource, or one Bundle. Checked against R4 when it is read; paths and tests are FHIRPath.',
  settings: Type.Object({
    size: Type.Optional(withDefault(Size, DEFAULTS.size, 'A message may not be larger.')),
    depth: Type.Optional(Type.Integer({ default: DEFAULTS.depth, minimum: 2, maximum: 500, description: 'Elements inside one another.' })),
    entries: Type.Optional(Type.Integer({ default: DEFAULTS.entries, minimum: 1, description: 'Entries of a Bundle.' })),
  }, { additionalProperties: false }),
  examples: [{}, { size: '5MB', entries: 500 }],
  create(settings) {
    const limits = { size: size(settings.size ?? DEFAULTS.size), depth: settings.depth ?? DEFAULTS.depth }
    const most = settings.entries ?? DEFAULTS.entries
    const readResource = (bytes: Buffer): JsonObject => {
      const value = parseJson(bytes, limits)
      if (isObject(value) && typeof value.resourceType === 'string') return value
      throw new MessageFault({ kind: 'unreadable', reason: 'the JSON is no FHIR resource: it must be an object with a resourceType', location: 'resourceType' })
    }
    return {
      name: 'fhir',
      readHeader(bytes) {
        const resource = readResource(bytes)
        return { controlId: controlIdOf(resource), type: isResourceType(resource.resourceType) ? resource.resourceType : null }
      },
      parse(bytes) {
        const resource = readResource(bytes)
        if (Array.isArray(resource.entry) && resource.entry.length > most) throw new MessageFault({ kind: 'unsupported', reason: `has more than ${most} entries`, location: 'Bundle.entry' })
        const fault = invalid(resource)
        if (fault) throw new MessageFault(fault)
        return resource
      },
      serialize: (body) => serialiseJson(body as Json, ''),
      acknowledge: (_bytes, moment, verdict, fault) => (moment === 'stored' ? null : operationOutcome(verdict, fault)),
      separate: () => null,
      assemble: (_bytes, acknowledgements) => Buffer.concat(acknowledgements),
      checkPath: (path) => elementProblem(path) ?? expressionProblem(path),
      read: (body, path) => read(body as JsonObject, path),
      write: (body, path, value) => write(body as JsonObject, path, value),
      split: (body, by) => split(body as JsonObject, by),
      orderKeys: (body, path) => read(body as JsonObject, path),
      test: (body, expression) => holds(body as JsonObject, expression),
      redact: (body) => redactJson(body as JsonObject, isCoded),
    }
  },
})

const read = (body: JsonObject, path: string): readonly string[] => {
  const plain = elementPath(path)
  const type = plain?.type ?? body.resourceType
  if (plain && plain.steps.length > 0 && typeof type === 'string' && isJsonPath(type, plain.steps)) {
    const resources = plain.type === null ? [body] : resourcesOf(body, plain.type)
    return resources.flatMap((resource) => readElements(resource, plain.steps))
  }
  return evaluate(body, path)
}

const write = (body: JsonObject, path: string, value: string | null): JsonObject => {
  const { type, steps } = writablePath(path)
  if (type === null || type === body.resourceType) return writeElement(body, steps, value)
  const resources = new Set(resourcesOf(body, type))
  if (resources.size === 0 && value !== null) throw new MessageFault({ kind: 'required', reason: 'there is no such resource to write to', location: type })
  const entries = (Array.isArray(body.entry) ? body.entry as readonly Json[] : []).map((entry) =>
    (isObject(entry) && isObject(entry.resource) && resources.has(entry.resource) ? withChild(entry, 'resource', writeElement(entry.resource, steps, value)) : entry))
  return resources.size === 0 ? body : withChild(body, 'entry', entries) as JsonObject
}

/** Each resource of the entries, or those of one type, as a message of its own. A resource that is no Bundle is its only part. */
const split = (body: JsonObject, by: string): readonly JsonObject[] => {
  if (by !== 'entry' && !isResourceType(by)) throw new MessageFault({ kind: 'internal', reason: 'FHIR is split by `entry`, or by a type of resource such as `Observation`' })
  if (by === 'entry') return body.resourceType === 'Bundle' ? entryResources(body) : [body]
  return resourcesOf(body, by)
}

/** The elements of FHIR's own code types, and the addresses of code systems and extensions. */
const CODED = new Set(['resourceType', 'system', 'code', 'status', 'use', 'intent', 'priority', 'unit', 'mode', 'linkId', 'gender', 'lifecycle', 'severity'])
const isCoded = (name: string, above: string): boolean => CODED.has(name) || name.endsWith('Code') || (name === 'url' && /[eE]xtension$/.test(above)) || (name === 'type' && above === '') || (name === 'profile' && above === 'meta')

/** Bundle.identifier (or what Bundle.id and the MessageHeader's id say), otherwise the resource's id. */
const controlIdOf = (resource: JsonObject): string | null => {
  const { identifier, entry } = resource
  const [first] = resource.resourceType === 'Bundle' && Array.isArray(entry) ? entry as readonly Json[] : []
  const header = isObject(first) && isObject(first.resource) && first.resource.resourceType === 'MessageHeader' ? first.resource.id : undefined
  const candidates = [resource.resourceType === 'Bundle' && isObject(identifier) ? identifier.value : undefined, header, resource.id]
  return candidates.find((id): id is string => typeof id === 'string' && id !== '' && id.length <= 256) ?? null
}

const ISSUE_TYPES: Readonly<Record<Fault['kind'], string>> = { unreadable: 'structure', unsupported: 'not-supported', required: 'required', value: 'value', internal: 'exception' }

const operationOutcome = (verdict: Verdict, fault?: Fault): Buffer => {
  const issue = verdict === 'accepted'
    ? { severity: 'information', code: 'informational', diagnostics: 'accepted' }
    : { severity: 'error', code: fault ? ISSUE_TYPES[fault.kind] : 'processing', diagnostics: fault?.reason ?? 'the message was not accepted', ...(fault?.location && { expression: [fault.location] }) }
  return Buffer.from(JSON.stringify({ resourceType: 'OperationOutcome', issue: [issue] }))
}
