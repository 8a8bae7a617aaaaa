/** Where the columns of a payer's list go (mappings/payer/<name>.yaml): each to a resource of the referral and a FHIR path in it. */
import type { Tools } from '../contracts.js'
import { type Profile, type ProfileColumn, readProfile } from '../formats/table/profile.js'
import { type ElementPath, elementPath } from './element-path.js'
import { didYouMean } from './mapping-errors.js'

/** The resources of a referral that a list may speak of, and whom each points at. */
export const ROLES = {
  request: { type: 'ServiceRequest', links: { subject: ['patient'], requester: ['referrer role'], performer: ['performer role'], insurance: ['coverage', 'authorization'] } },
  task: { type: 'Task', links: { focus: ['request'], for: ['patient'], requester: ['referrer role'] } },
  patient: { type: 'Patient', links: {} },
  coverage: { type: 'Coverage', links: { beneficiary: ['patient'], payor: ['payer'] } },
  payer: { type: 'Organization', links: {} },
  authorization: { type: 'ClaimResponse', links: { patient: ['patient'], insurer: ['payer'] } },
  referrer: { type: 'Practitioner', links: {} },
  practice: { type: 'Organization', links: {} },
  'referrer role': { type: 'PractitionerRole', links: { practitioner: ['referrer'], organization: ['practice'] } },
  performer: { type: 'Practitioner', links: {} },
  clinic: { type: 'Organization', links: {} },
  'performer role': { type: 'PractitionerRole', links: { practitioner: ['performer'], organization: ['clinic'] } },
} as const satisfies Readonly<Record<string, { readonly type: string; readonly links: Readonly<Record<string, readonly string[]>> }>>

export type Role = keyof typeof ROLES
/** Those that a column may name. */
const NAMED = (Object.keys(ROLES) as Role[]).filter((role) => !role.endsWith(' role'))

export interface RowTarget { readonly column: ProfileColumn; readonly role: Role; readonly element: ElementPath }
export interface RowMap { readonly profile: Profile; readonly targets: readonly RowTarget[] }

/** What a value of a list can become. */
const MADE = ['string', 'markdown', 'uri', 'code', 'date', 'dateTime', 'decimal', 'integer', 'positiveInt', 'Identifier', 'CodeableConcept', 'Coding', 'ContactPoint', 'Annotation', 'Quantity', 'Reference']

/** Reads a profile and where its columns go. Throws a sentence with file:line:column. */
export const rowMap = (name: string, tools: Pick<Tools, 'mapping' | 'table'>): RowMap => {
  const profile = readProfile(name, tools)
  const targets = profile.columns.flatMap((column): readonly RowTarget[] => {
    if (column.to === undefined) return []
    const place = profile.place('columns', column.name, 'to')
    const [, first = '', path = ''] = /^(\S+)\s+(\S.*)$/.exec(column.to) ?? []
    const role = NAMED.find((one) => one === first)
    if (!role) throw new Error(`${place}: "${column.to}" does not begin with a resource of the referral; allowed are ${NAMED.join(', ')}, with a FHIR path behind it, as in \`patient birthDate\`${didYouMean(first || column.to, NAMED)}.`)
    return [{ column, role, element: elementFor(path, role, column, place) }]
  })
  if (!targets.some(({ role }) => role === 'patient')) throw new Error(`${profile.place('columns')}: no column goes to the patient; a referral is about one.`)
  return { profile, targets }
}

const elementFor = (path: string, role: Role, column: ProfileColumn, place: string): ElementPath => {
  const element = (() => {
    try {
      return elementPath(path, ROLES[role].type)
    } catch (error) {
      throw new Error(`${place}: ${error instanceof Error ? error.message : error}.`)
    }
  })()
  if (!MADE.includes(element.type)) throw new Error(`${place}: ${path} is a ${element.type}, which a cell cannot become; name a part of it.`)
  if ((element.type === 'date' || element.type === 'dateTime') && !column.form) throw new Error(`${place}: ${path} is a ${element.type}, and the column does not say how its dates are written; add \`date: MM/DD/YYYY\`.`)
  if (element.type === 'code' && !column.codes) throw new Error(`${place}: ${path} is a code; add \`table:\` with the code table that turns the payer's words into it.`)
  return element
}
