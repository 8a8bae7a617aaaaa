/** FHIR R4 Patient/$match: Parameters in, a searchset of Patients with score and match-grade out. The HTTP route is somebody else's. */
import type { Candidate, Match, PatientIndex } from '../contracts.js'
import { patientFacts, toFhir } from './from-fhir.js'

const GRADE = 'http://hl7.org/fhir/StructureDefinition/match-grade'
/** What agrees and what differs, for people. */
const SAYS = 'urn:refero:match-says'
const MOST = 100
const ALLOWED = ['resource', 'onlyCertainMatches', 'count']

export interface MatchAnswer { readonly status: 200 | 400 | 422; readonly body: fhir4.Bundle | fhir4.OperationOutcome }

/**
 * Answers one $match (http://hl7.org/fhir/R4/patient-operation-match.html). `certain` only where the index is certain; `probable` where nothing
 * contradicts, else `possible`; who is certainly not meant is not told. 400: not a Parameters with a Patient; 422: a Patient that says nothing to go by.
 */
export const matchOperation = async (index: PatientIndex, body: unknown, sources?: readonly string[]): Promise<MatchAnswer> => {
  const asked = question(body)
  if ('wrong' in asked) return { status: 400, body: outcome('invalid', asked.wrong) }
  const facts = patientFacts(asked.patient)
  if (facts.names.length + facts.identifiers.length + facts.phones.length + facts.emails.length + facts.memberIds.length + facts.addresses.length === 0 && facts.birthDate === null) {
    return { status: 422, body: outcome('required', 'The Patient says nothing to go by: give a name, a birthDate, an identifier, a telecom or an address.') }
  }
  const match = await index.match(facts, { limit: asked.count, ...(sources ? { sources } : {}) })
  return { status: 200, body: bundle(match, asked.onlyCertain, asked.count) }
}

interface Question { readonly patient: fhir4.Patient; readonly onlyCertain: boolean; readonly count: number }

/** Also a bare Patient, as some clients send it. */
const question = (body: unknown): Question | { readonly wrong: string } => {
  const given = (typeof body === 'object' && body !== null ? body : {}) as fhir4.Parameters | fhir4.Patient
  if (given.resourceType === 'Patient') return { patient: given, onlyCertain: false, count: MOST }
  if (given.resourceType !== 'Parameters') return { wrong: 'The body must be a Parameters resource with a parameter `resource` that holds a Patient.' }
  const parameters = (Array.isArray(given.parameter) ? given.parameter : []).filter(each => typeof each === 'object' && each !== null)
  const find = (name: string): fhir4.ParametersParameter | undefined => parameters.find(each => each.name === name)
  const unknown = parameters.find(({ name }) => !ALLOWED.includes(name))
  if (unknown) return { wrong: `The parameter \`${String(unknown.name).slice(0, 40)}\` is not known; there are ${ALLOWED.map(name => `\`${name}\``).join(', ')}.` }
  const patient = find('resource')?.resource as fhir4.FhirResource | undefined
  if (patient?.resourceType !== 'Patient') return { wrong: 'The parameter `resource` must hold a Patient.' }
  const onlyCertain = find('onlyCertainMatches')
  if (onlyCertain && typeof onlyCertain.valueBoolean !== 'boolean') return { wrong: 'The parameter `onlyCertainMatches` must have a valueBoolean.' }
  const count = find('count')
  if (count && !(Number.isInteger(count.valueInteger) && Number(count.valueInteger) > 0)) return { wrong: 'The parameter `count` must have a valueInteger above 0.' }
  return { patient, onlyCertain: onlyCertain?.valueBoolean ?? false, count: Math.min(MOST, count?.valueInteger ?? MOST) }
}

const bundle = (match: Match, onlyCertain: boolean, count: number): fhir4.Bundle => {
  const graded = match.candidates.map((candidate, at) => ({ candidate, grade: gradeOf(match, candidate, at) }))
  const entry = graded.filter(({ grade }) => !onlyCertain || grade === 'certain').slice(0, count).map(({ candidate, grade }): fhir4.BundleEntry => {
    const resource = toFhir(candidate.chart)
    return {
      ...(resource.id ? { fullUrl: `Patient/${resource.id}` } : {}), resource,
      search: { extension: [{ url: GRADE, valueCode: grade }, { url: SAYS, valueString: [candidate.says, ...candidate.contradictions].join('; ') }], mode: 'match', score: Math.round(candidate.score * 10_000) / 10_000 },
    }
  })
  return { resourceType: 'Bundle', type: 'searchset', total: entry.length, ...(entry.length > 0 ? { entry } : {}) }
}

const gradeOf = (match: Match, { contradictions }: Candidate, at: number): 'certain' | 'probable' | 'possible' =>
  match.grade === 'certain' && at === 0 ? 'certain' : contradictions.length === 0 ? 'probable' : 'possible'

const outcome = (code: 'invalid' | 'required', diagnostics: string): fhir4.OperationOutcome => ({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, diagnostics }] })
