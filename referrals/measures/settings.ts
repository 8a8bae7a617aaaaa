/** What the measures are told, mappings/measures/default.yaml: how long until a referral is judged, and the codes that CMS50 counts. */
import { type Static, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { mistakes } from '../../engine/schema-errors.js'

const After = (what: string) => Type.Integer({ minimum: 1, maximum: 3650, description: `Days ${what}.` })
const Code = Type.Object({
  system: Type.String({ pattern: '^(https?://|urn:)\\S{1,200}$', description: 'The URL of the code system, as FHIR names it.' }),
  code: Type.String({ minLength: 1, maxLength: 100, description: 'The code; quote one that looks like a number.' }),
  display: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'What it is called.' })),
}, { additionalProperties: false })
const Codes = Type.Array(Code, { maxItems: 5000, description: 'Codes that count.' })
const AnyOr = (what: string) => Type.Union([Type.Literal('any'), Codes], { description: `${what}: the codes that count, or \`any\`.` })

export const MeasuresFile = Type.Object({
  days: Type.Object({
    acknowledged: After('after receipt by which a referral should be acknowledged'), contacted: After('after receipt for the first outreach to the patient'),
    scheduled: After('after receipt by which there should be an appointment; without one it is leakage'), seen: After('after receipt by which the patient should have been seen'),
    reported: After('after the visit for the consult note'), closed: After('after receipt by which the loop should be closed'),
  }, { additionalProperties: false }),
  cms50: Type.Object({
    referral: AnyOr('ServiceRequest.code'), encounter: AnyOr('Encounter.type'), intervention: AnyOr('Procedure.code'),
    consultantReport: Type.Array(Code, { minItems: 1, maxItems: 5000, description: 'Task.code; the first is the one that is written.' }),
  }, { additionalProperties: false }),
}, { additionalProperties: false })

export type MeasureSettings = Static<typeof MeasuresFile>
export type JudgedAfter = MeasureSettings['days']
export type Cms50Codes = MeasureSettings['cms50']
export type CountedCode = Static<typeof Code>

/** The settings in mappings/measures/default.yaml. Throws a sentence with file:line:column for the first thing wrong with them. */
export const readMeasureSettings = (tools: { mapping(path: string): MappingDocument }): MeasureSettings => {
  const document = tools.mapping('measures/default')
  const [problem] = lintMeasureSettings(document)
  if (problem) throw new Error(problem)
  return document.value as MeasureSettings
}

/** Everything wrong with them, "file:line:column: sentence" each. */
export const lintMeasureSettings = (document: MappingDocument): readonly string[] => {
  const value = structuredClone(document.value)
  const written = (keys: readonly (string | number)[]): string | null => {
    const at = keys.reduce<unknown>((held, key) => (held as Readonly<Record<string | number, unknown>> | undefined)?.[key], value)
    return typeof at === 'string' ? at.slice(0, 100) : null
  }
  const found = mistakes(MeasuresFile, value, { name: 'the settings of the measures', written })
  if (found.length > 0) return found.map(({ keys, message }) => `${document.place(...keys)}: ${message}`)
  const { days } = value as MeasureSettings
  return days.seen < days.scheduled ? [`${document.place('days', 'seen')}: \`seen\` is ${days.seen} days and \`scheduled\` is ${days.scheduled}: a visit cannot be due before its appointment is.`] : []
}
