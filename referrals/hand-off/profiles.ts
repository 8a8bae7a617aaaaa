/** EHR profiles, mappings/ehr/<name>.yaml: what an EHR takes by which way, what comes back, and what nobody has published. */
import { type Static, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { mistakes, type Subject } from '../../engine/schema-errors.js'

export const THINGS = ['referralObject', 'document', 'task', 'patientCreate', 'appointment', 'coverage'] as const
export const ENTRANCES = ['api', 'v2', 'direct', 'manual'] as const
export type Thing = (typeof THINGS)[number]
export type Entrance = (typeof ENTRANCES)[number]
export type Can = 'yes' | 'no' | 'unknown'

const Words = Type.String({ minLength: 1, maxLength: 600 })
const Answer = Type.Enum(['yes', 'no', 'unknown'], { description: 'Whether it is taken: `unknown` where public documentation does not say.' })
const Takes = Type.Object({
  api: Answer, v2: Answer, direct: Answer, manual: Answer,
  says: Type.Optional(Type.String({ ...Words, description: 'What it rests on; needed wherever something is unknown.' })),
  source: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Who says so: a public page, or “not published”.' })),
}, { additionalProperties: false })
const Event = Type.String({ pattern: '^[A-Z][A-Za-z0-9]{1,30}([\\^.][A-Za-z0-9-]{1,30})?$', description: 'A message or topic: `SIU^S12`, `Encounter.signoff`.' })

export const ProfileFile = Type.Object({
  describe: Words,
  landing: Type.String({ ...Words, description: 'Where the structured referral lands, in words.' }),
  patient: Type.Enum(['existing', 'pending', 'create'], { description: 'What is done where no chart was found: nothing (`existing`), a pending record until a person makes one, or `create`.' }),
  takes: Type.Object(Object.fromEntries(THINGS.map((thing) => [thing, Takes])) as Record<Thing, typeof Takes>, { additionalProperties: false }),
  ways: Type.Array(Type.Object({
    way: Type.Enum([...ENTRANCES]),
    by: Type.Optional(Type.Enum(['mllp', 'fhir', 'direct', 'fax', 'file', 'email'], { description: 'The connector that does it; without it, nothing of ours does yet.' })),
    profile: Type.Optional(Type.String({ pattern: '^ehr/[a-z0-9-]+$', description: 'The profile of mappings/profiles/ that fills its channel.' })),
    messages: Type.Optional(Type.Array(Type.Enum(['REF^I12', 'ORM^O01', 'OMG^O19', 'MDM^T02']), { minItems: 1, uniqueItems: true, description: 'The HL7 v2 messages, the preferred one first.' })),
    write: Type.Optional(Type.Array(Type.Enum(['coverage', 'document', 'serviceRequest', 'task', 'appointment', 'communication']), { minItems: 1, uniqueItems: true, description: 'What the `fhir` connector writes there.' })),
    says: Words,
  }, { additionalProperties: false }), { minItems: 1, description: 'How a referral is handed over, best first.' }),
  back: Type.Array(Type.Object({ events: Type.Array(Event, { minItems: 1 }), by: Words }, { additionalProperties: false }), { description: 'What comes back, and how.' }),
  limits: Words,
  ask: Type.Array(Words, { minItems: 1, description: 'What must be asked of the vendor or the site before it is used.' }),
}, { additionalProperties: false })

export type EhrProfile = Static<typeof ProfileFile> & { readonly name: string }
export interface Capability { readonly thing: Thing; readonly by: Readonly<Record<Entrance, Can>>; readonly says: string | null; readonly source: string | null }

/** Mapping documents by their paths; as in Tools. */
export interface MappingReader { mapping(path: string): MappingDocument }

/** The profile mappings/ehr/<name>.yaml. Throws a sentence with file:line:column for the first thing wrong with it. */
export const readProfile = (name: string, tools: MappingReader): EhrProfile => {
  const document = tools.mapping(`ehr/${name}`)
  const [problem] = lintProfile(name, document, tools)
  if (problem) throw new Error(problem)
  return { ...(document.value as Static<typeof ProfileFile>), name }
}

/** Everything wrong with a profile, "file:line:column: sentence" each; also where it contradicts itself, or the channel profile that it names. */
export const lintProfile = (name: string, document: MappingDocument, tools: MappingReader): readonly string[] => {
  const value = structuredClone(document.value)
  const found = mistakes(ProfileFile, value, subjectOf(`the EHR profile ${name}`, value))
  if (found.length > 0) return found.map(({ keys, message }) => `${document.place(...keys)}: ${message}`)
  return contradictions(value as Static<typeof ProfileFile>, tools).map(({ keys, says }) => `${document.place(...keys)}: ${says}`)
}

/** A file as mistakes speak of it: words are shown as they stand, so that the nearest allowed one can be named. */
export const subjectOf = (name: string, value: unknown): Subject => ({
  name,
  written: (keys) => {
    const at = keys.reduce<unknown>((held, key) => (held as Readonly<Record<string | number, unknown>> | undefined)?.[key], value)
    return typeof at === 'string' ? at.slice(0, 100) : null
  },
})

interface Contradiction { readonly keys: readonly (string | number)[]; readonly says: string }

const contradictions = ({ takes, ways, patient }: Static<typeof ProfileFile>, tools: MappingReader): readonly Contradiction[] => {
  const unexplained = THINGS.filter((thing) => ENTRANCES.some((way) => takes[thing][way] === 'unknown') && !takes[thing].says)
    .map((thing) => ({ keys: ['takes', thing], says: `something of \`${thing}\` is unknown, and \`says\` does not say what is known` }))
  const creates = patient === 'create' && !ENTRANCES.some((way) => way !== 'manual' && takes.patientCreate[way] === 'yes')
    ? [{ keys: ['patient'], says: '`create` needs a way by which `takes.patientCreate` is `yes`' }] : []
  return [...unexplained, ...creates, ...ways.flatMap((way, at) => wayProblems(way, at, takes, tools))]
}

/** What a FHIR resource is, in the words of `takes`; a communication is a message to people, as a task is. */
const WRITTEN_AS: Readonly<Record<string, Thing>> = { coverage: 'coverage', document: 'document', serviceRequest: 'referralObject', task: 'task', appointment: 'appointment', communication: 'task' }

const wayProblems = ({ way, by, profile, messages, write = [] }: Static<typeof ProfileFile>['ways'][number], at: number, takes: Static<typeof ProfileFile>['takes'], tools: MappingReader): Contradiction[] => {
  const keys = ['ways', at]
  const problems: Contradiction[] = []
  if (THINGS.every((thing) => takes[thing][way] === 'no')) problems.push({ keys, says: `nothing is taken by ${way}, as \`takes\` has it` })
  if (way === 'v2' && !messages) problems.push({ keys, says: 'a way by `v2` needs `messages`' })
  if (by === 'fhir' && write.length === 0) problems.push({ keys, says: 'a way by `fhir` needs `write`' })
  write.forEach((kind, index) => {
    const thing = WRITTEN_AS[kind] as Thing
    if (takes[thing].api === 'no') problems.push({ keys: [...keys, 'write', index], says: `\`${kind}\` is written, and \`takes.${thing}.api\` is \`no\`` })
  })
  const maps = (messages ?? []).filter((message) => message !== 'MDM^T02').map(mapOf)
  for (const map of maps) {
    const problem = missing(`fields/${map}`, tools)
    if (problem) problems.push({ keys: [...keys, 'messages'], says: problem })
  }
  return profile ? [...problems, ...profileProblems(profile, [...keys, 'profile'], maps, tools)] : problems
}

/** The channel profile must be there, and what it sends where nothing is said must be the message preferred here. */
const profileProblems = (profile: string, keys: readonly (string | number)[], maps: readonly string[], tools: MappingReader): Contradiction[] => {
  const problem = missing(`profiles/${profile}`, tools)
  if (problem) return [{ keys, says: problem }]
  const { fields } = tools.mapping(`profiles/${profile}`).value as { readonly fields?: Readonly<Record<string, { readonly default?: unknown }>> }
  const sent = fields?.message?.default
  return typeof sent === 'string' && sent !== maps[0] ? [{ keys, says: `${profile} sends ${sent} where nothing is said, and \`messages\` begins with ${maps[0] ?? 'none'}` }] : []
}

/** REF^I12 → ref-i12: the outgoing map that makes the message. */
export const mapOf = (message: string): string => message.toLowerCase().replace('^', '-')

const missing = (path: string, tools: MappingReader): string | null => {
  try {
    tools.mapping(path)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

// ── What is told of them ────────────────────────────────────────────────────────────────

/** What an EHR takes, a row a thing. */
export const capabilities = ({ takes }: EhrProfile): readonly Capability[] =>
  THINGS.map((thing) => {
    const { says = null, source = null, ...by } = takes[thing]
    return { thing, by, says, source }
  })

const TITLES: Readonly<Record<Thing, string>> = { referralObject: 'referral', document: 'document', task: 'task', patientCreate: 'new patient', appointment: 'appointment', coverage: 'coverage' }
const NAMES: Readonly<Record<Entrance, string>> = { api: 'API', v2: 'HL7 v2', direct: 'Direct', manual: 'by hand' }

/** All profiles as a Markdown table; what is unknown stands there as such. */
export const capabilityTable = (profiles: readonly EhrProfile[]): string => {
  const cell = ({ by }: Capability): string => {
    const having = (can: Can): string => ENTRANCES.filter((way) => by[way] === can).map((way) => NAMES[way]).join(', ')
    return [having('yes'), having('unknown') && `*unknown: ${having('unknown')}*`].filter(Boolean).join('; ') || 'no'
  }
  const rows = profiles.map((profile) => `| ${[profile.name, ...capabilities(profile).map(cell), profile.landing].join(' | ')} |`)
  return [`| EHR | ${THINGS.map((thing) => TITLES[thing]).join(' | ')} | where the referral lands |`, `|${' --- |'.repeat(THINGS.length + 2)}`, ...rows].join('\n')
}
