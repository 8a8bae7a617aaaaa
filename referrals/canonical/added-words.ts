/** What a later message added, for people: "2 documents (Echo report, ECG), of the patient telecom and address". */

/** One and several of a resource type, as the timeline says them. What is not here is called by its type, in words. */
const NOUNS: Readonly<Record<string, readonly [one: string, several: string]>> = {
  DocumentReference: ['document', 'documents'], Composition: ['document', 'documents'], DiagnosticReport: ['report', 'reports'], Observation: ['finding', 'findings'], Condition: ['diagnosis', 'diagnoses'],
  AllergyIntolerance: ['allergy', 'allergies'], MedicationStatement: ['medication', 'medications'], MedicationRequest: ['medication', 'medications'], Procedure: ['procedure', 'procedures'], Immunization: ['immunization', 'immunizations'],
  FamilyMemberHistory: ['illness in the family', 'illnesses in the family'], ImagingStudy: ['imaging study', 'imaging studies'], Media: ['picture', 'pictures'], QuestionnaireResponse: ['questionnaire', 'questionnaires'],
  Coverage: ['coverage', 'coverages'], ClaimResponse: ['payer’s answer', 'payer’s answers'], ServiceRequest: ['order', 'orders'], Practitioner: ['clinician', 'clinicians'], PractitionerRole: ['clinician’s role', 'clinicians’ roles'],
}
const MOST_NAMED = 5

/** `added` as `addTo` tells it: a new resource by its type and name, "DocumentReference: Echo report"; a value of one that was known by its path, "Patient.telecom[2]". A sentence; null where nothing was. */
export const addedWords = (added: readonly string[]): string | null => {
  if (added.length === 0) return null
  const fresh = new Map<string, string[]>()
  const filled = new Map<string, Set<string>>()
  for (const one of added) {
    const [, type = one, path, name] = /^([A-Za-z]+)(?:\.([^:]+)|: (.*))?$/s.exec(one) ?? []
    if (path !== undefined) filled.set(type, (filled.get(type) ?? new Set()).add(spaced(path.replace(/\[\d+\]/g, '').replaceAll('.', ' '))))
    else fresh.set(type, [...(fresh.get(type) ?? []), ...(name ? [name] : [''])])
  }
  const parts = [...fresh].map(([type, names]) => `${counted(type, names.length)}${inBrackets(names.filter(Boolean))}`)
  return `Added: ${[...parts, ...[...filled].map(([type, elements]) => `of the ${nounOf(type)[0]} ${joined([...elements])}`)].join('; ')}.`
}

const nounOf = (type: string): readonly [one: string, several: string] => NOUNS[type] ?? [spaced(type), `${spaced(type)}s`]
const counted = (type: string, count: number): string => (count === 1 ? `a ${nounOf(type)[0]}`.replace(/^a (?=[aeio])/, 'an ') : `${count} ${nounOf(type)[1]}`)
const inBrackets = (names: readonly string[]): string => (names.length === 0 ? '' : ` (${[...names.slice(0, MOST_NAMED), ...(names.length > MOST_NAMED ? [`${names.length - MOST_NAMED} more`] : [])].join(', ')})`)
const joined = (words: readonly string[]): string => (words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`)
const spaced = (name: string): string => name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()
