/** Maps one row of a payer's list to the Bundle of a referral, with the column that every value came from. */
import type { Bundle, FhirResource } from 'fhir/r4.js'
import type { Message } from '../contracts.js'
import { MessageFault } from '../errors.js'
import { type Body, cellOf } from '../formats/table/body.js'
import { decode } from '../formats/carried.js'
import { type Draft, leaf } from './draft.js'
import { traced } from './provenance.js'
import { place, type ResourceBuilder, resourceBuilder } from './resource-builder.js'
import { ROLES, type Role, type RowMap, type RowTarget } from './row-map.js'
import { elementPath } from './element-path.js'
import { stableId } from './stable-id.js'

const FULFILL = { coding: [{ system: 'http://hl7.org/fhir/CodeSystem/task-code', code: 'fulfill' }] }
/** What is so where no column says otherwise. */
const DEFAULTS: Partial<Record<Role, Readonly<Record<string, unknown>>>> = {
  request: { status: 'active', intent: 'order', category: [{ coding: [{ system: 'http://snomed.info/sct', code: '3457005' }] }] },
  task: { status: 'requested', intent: 'order', code: FULFILL },
  patient: { gender: 'unknown' },
  coverage: { status: 'active', payor: [{ display: 'not named' }] },
  authorization: { status: 'active', use: 'preauthorization', outcome: 'complete', type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] }, insurer: { display: 'not named' } },
}
const ALWAYS: readonly Role[] = ['request', 'task']

/** Who sent the row, and what stands for a patient that it does not name; null where it must. */
export interface RowOrigin { readonly sender: string; readonly nobody: string | null }

/** The Bundle of a row. Throws a MessageFault where the row names no patient and has to. */
export const rowToFhir = (message: Message, { profile, targets }: RowMap, { sender, nobody }: RowOrigin = { sender: 'a payer’s list', nobody: null }): Bundle => {
  const body = message.body as Body
  const recorded = message.receivedAt.toISOString()
  const controlId = message.header.controlId
  const id = (...names: readonly string[]): string => stableId(message.channel, profile.type, controlId ?? String(message.id), ...names)
  const builders = new Map<Role, ResourceBuilder>()
  const builderOf = (role: Role): ResourceBuilder => {
    const known = builders.get(role) ?? resourceBuilder(ROLES[role].type, () => undefined)
    builders.set(role, known)
    return known
  }
  for (const target of targets) {
    const found = cellOf(body, target.column.name)
    const text = decode(found?.cell.text ?? '')
    const origin = originOf(target.column.name)
    if (text === '') continue
    place(builderOf(target.role), target.element, draftOf(text, target, origin), origin, 'row 1')
    // A class of a coverage is of the type that its label names: group, plan.
    const [step] = target.element.steps
    if (step?.name === 'class' && step.label) place(builderOf(target.role), elementPath(`class[${step.label}].type`, 'Coverage'), { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/coverage-class', code: step.label }] }, origin, 'row 1')
  }
  if (!builders.has('patient') && nobody === null) throw new MessageFault({ kind: 'required', reason: 'the row says nothing of a patient', location: targets.find(({ role }) => role === 'patient')?.column.name ?? '' })
  for (const role of ALWAYS) builderOf(role)
  for (const role of Object.keys(ROLES) as Role[]) {
    const { links } = ROLES[role]
    if (role.endsWith(' role') && Object.values(links).flat().some((to) => builders.has(to as Role))) builderOf(role)
  }
  const roles = (Object.keys(ROLES) as Role[]).filter((role) => builders.has(role))
  const made = roles.map((role) => {
    const builder = builderOf(role)
    const origins = builder.origins.length
    for (const [element, to] of Object.entries(ROLES[role].links)) for (const other of to as readonly Role[]) {
      if (builders.has(other)) place(builder, elementPath(element, ROLES[role].type), { reference: id(other) }, '', other)
    }
    if (role === 'request' && nobody !== null) builder.json.subject ??= { display: nobody }
    for (const [name, value] of Object.entries({ ...DEFAULTS[role], ...(role === 'authorization' ? { created: recorded } : {}) })) builder.json[name] ??= value
    builder.origins.splice(origins)
    return { builder, fullUrl: id(role) }
  })
  return {
    resourceType: 'Bundle', type: 'collection', timestamp: recorded, ...(controlId ? { identifier: { value: controlId } } : {}),
    entry: [
      ...made.map(({ fullUrl, builder }) => ({ fullUrl, resource: builder.json as unknown as FhirResource })),
      ...traced(made, { controlId, type: profile.type, recorded, id, sent: undefined, sender }),
    ],
  }
}

/** The column as an origin, which has no spaces: `Member_ID`. */
const originOf = (column: string): string => column.trim().replace(/\s+/g, '_')

const draftOf = (text: string, { column, element }: RowTarget, origin: string): Draft | undefined => {
  const value = leaf(text, origin)
  const code = column.codes?.lookup(text) ?? column.codes?.lookup(text.toUpperCase())
  const coding = code?.code ? { system: code.system ? leaf(code.system, origin) : undefined, code: leaf(code.code, origin), display: code.display ? leaf(code.display, origin) : undefined } : { system: column.system, code: value }
  switch (element.type) {
    case 'date': case 'dateTime': return leaf(column.form?.read(text) ?? '', origin)
    case 'code': return leaf(code?.code ?? text, origin)
    case 'decimal': case 'integer': case 'positiveInt': return /^-?\d{1,9}(\.\d{1,6})?$/.test(text) ? leaf(Number(text), origin) : undefined
    case 'Quantity': return /^\d{1,9}(\.\d{1,6})?$/.test(text) ? { value: leaf(Number(text), origin), unit: column.system } : undefined
    case 'Identifier': return { type: column.type === undefined ? undefined : { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: column.type }] }, system: column.system, value }
    case 'CodeableConcept': return column.codes || column.system ? { coding: [coding] } : { text: value }
    case 'Coding': return coding
    case 'ContactPoint': return { system: column.system ?? 'phone', value }
    case 'Annotation': return { text: value }
    case 'Reference': return { display: value }
    default: return value
  }
}
