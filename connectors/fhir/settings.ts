/** The settings of the `fhir` destination, and what the source shares of them: which server, and who we are there. */
import { type Static, Type } from 'typebox'
import { SecretSettings } from './client-secret.js'
import { SmartSettings } from './smart.js'

export const KINDS = ['patient', 'coverage', 'document', 'serviceRequest', 'task', 'appointment', 'communication'] as const
export type Kind = (typeof KINDS)[number]

const Secret = Type.String({ minLength: 1, maxLength: 10_000, description: `A secret: \`\${secret:name}\`.` })
const Reference = Type.String({ pattern: '^[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}$', description: 'A resource of that server: `Organization/12`.' })

/** Which server, and how we say who we are. */
export const serverSettings = {
  base: Type.String({ pattern: '^https?://[^\\s?#]+$', maxLength: 2000, description: 'The address of the FHIR R4 server: `https://ehr.example/fhir/r4`.' }),
  auth: Type.Union([
    Type.Literal('none'),
    Type.Object({ bearer: Secret }, { additionalProperties: false }),
    Type.Object({ smart: SmartSettings }, { additionalProperties: false }),
    Type.Object({ secret: SecretSettings }, { additionalProperties: false }),
  ], { description: 'How we say who we are: `none`, a fixed token (`bearer`), SMART Backend Services (`smart`), or OAuth with a client secret (`secret`).' }),
  headers: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 8000 }), { maxProperties: 50, description: 'More headers, by name.' })),
}
const ServerSettings = Type.Object(serverSettings)
export type ServerSettings = Static<typeof ServerSettings>

export const Settings = Type.Object({
  ...serverSettings,
  patient: Type.Object({
    system: Type.String({ pattern: '^\\S+$', maxLength: 500, description: 'The system of this EHR’s chart numbers: the identifier of it in the bundle says who the patient is here.' }),
    create: Type.Optional(Type.Enum(['never', 'conditional'], { default: 'never', description: 'Whether a patient without such a number may be registered: `conditional` does if none of their other identifiers is known here.' })),
  }, { additionalProperties: false, description: 'How the patient is found.' }),
  profile: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9-]*$', maxLength: 100, description: 'An EHR profile, mappings/ehr/<profile>.yaml: what is written is what it says of the way by `fhir`. Instead of `write`.' })),
  write: Type.Optional(Type.Array(Type.Enum([...KINDS.slice(1)]), { minItems: 1, uniqueItems: true, description: 'What is written: `serviceRequest`, `task` and `document` where neither this nor `profile` is said; always in the order patient, coverage, document, serviceRequest, task, appointment, communication.' })),
  document: Type.Optional(Type.Object({
    type: Type.Optional(Type.String({ pattern: '^[0-9]{1,7}-[0-9]$', default: '57133-1', description: 'The LOINC type of the summary: 57133-1 is a referral note.' })),
    as: Type.Optional(Type.Enum(['pdf', 'text'], { default: 'pdf', description: 'How the summary of the referral is written.' })),
    accepts: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z]+/[A-Za-z0-9.+-]+$' }), { minItems: 1, maxItems: 50, description: 'The content types that the server takes; documents of others are left out, and the answer says so. Without it, all.' })),
  }, { additionalProperties: false, description: 'The summary, and the documents that came with the referral.' })),
  task: Type.Optional(Type.Object({ owner: Type.Optional(Reference) }, { additionalProperties: false, description: 'Who the task is for.' })),
  communication: Type.Optional(Type.Object({ recipient: Type.Array(Reference, { minItems: 1, maxItems: 20 }) }, { additionalProperties: false, description: 'Who is told.' })),
  search: Type.Optional(Type.Boolean({ default: true, description: 'Looks for what an earlier attempt wrote before writing it. `false` trusts If-None-Exist alone: only for a server that honours it, and cannot search by identifier.' })),
}, { additionalProperties: false })

export type Settings = Static<typeof Settings>
