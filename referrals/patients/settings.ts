/** The settings of patient matching, mappings/matching/*.yaml: their schemas, their check, and how they are read. */
import { type Static, type TSchema, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { mistakes } from '../../engine/schema-errors.js'
import { words } from './strings.js'

const closed = { additionalProperties: false }
const Bits = (description: string) => Type.Number({ minimum: -40, maximum: 40, description })
const bits = <const Names extends readonly string[]>(...names: Names) =>
  Type.Object(Object.fromEntries(names.map(name => [name, Bits('Bits of evidence.')])) as { [Name in Names[number]]: ReturnType<typeof Bits> }, closed)
const Words = Type.Array(Type.String({ minLength: 1 }))
const Count = (description: string) => Type.Integer({ minimum: 1, maximum: 100_000_000, description })
const PerHundredThousand = Type.Number({ exclusiveMinimum: 0, maximum: 100_000, description: 'How many of 100,000 people have it.' })

/** mappings/matching/settings.yaml; what each word means is said there. */
export const MatchingFile = Type.Object({
  weights: Type.Object({
    family: bits('most', 'part', 'close', 'sounds', 'different'),
    given: bits('most', 'part', 'nickname', 'close', 'variant', 'middle', 'initial', 'different'),
    middle: bits('same', 'initial', 'different'),
    swapped: bits('given', 'family', 'crossed'),
    birthDate: bits('most', 'swapped', 'close', 'near', 'generation', 'year', 'month', 'different'),
    sex: bits('same', 'different'),
    address: bits('most', 'close', 'building', 'street', 'zip', 'shared', 'different'),
    phone: bits('most', 'close', 'shared', 'different'),
    email: bits('most', 'close', 'shared', 'different'),
    memberId: bits('same', 'different'),
    identifier: bits('same', 'close', 'different'),
  }, closed),
  household: Type.Object({ most: Bits('What a household shares counts this much at most.'), many: Count('Charts that may share a value before it is nobody’s own.') }, closed),
  frequencies: Type.Object({ charts: Count('How many charts the assumed frequencies count for.'), family: PerHundredThousand, given: PerHundredThousand, birthDate: PerHundredThousand, newYear: PerHundredThousand }, closed),
  decide: Type.Object({
    certain: Bits('From here on it is the same person, if nothing speaks against it.'),
    charts: Count('Up to so many charts; more need one bit more for each doubling.'),
    unconfirmed: Type.Number({ minimum: 0, maximum: 40, description: 'Bits more where nothing but name and birth date agree.' }),
    elsewhere: Type.Number({ minimum: 0, maximum: 40, description: 'Bits more still where address and phone are another.' }),
    possible: Bits('Below, it is nobody we know.'),
    margin: Bits('How far behind the runner-up must be.'),
    generation: Count('Years between the birth dates of parent and child.'),
    reviewed: Type.Integer({ minimum: 1, maximum: 200, description: 'Candidates that are told, unless asked otherwise.' }),
  }, closed),
  search: Type.Object({ block: Count('A key that more charts share finds none of them.'), weak: Count('The same of keys that say little.'), candidates: Count('No more charts than these are compared.') }, closed),
  placeholders: Type.Object({ newborn: Words, names: Words, persons: Words, birthDates: Words, phones: Words, emails: Words, addresses: Words, postalCodes: Words, identifiers: Words }, closed),
  notOfPersons: Words,
  streetWords: Type.Record(Type.String(), Type.Array(Type.String())),
  units: Words,
}, closed)

/** mappings/matching/nicknames.yaml */
export const NicknamesFile = Type.Object({ groups: Type.Array(Type.Array(Type.String({ minLength: 1 }), { minItems: 2 })) }, closed)
/** mappings/matching/names.yaml */
export const NamesFile = Type.Object({ family: Type.Record(Type.String(), PerHundredThousand), given: Type.Record(Type.String(), PerHundredThousand), also: Words }, closed)

/** Everything that matching is told; plain data, so that it can be given to a thread. */
export interface MatchingSettings extends Static<typeof MatchingFile> {
  readonly nicknames: readonly (readonly string[])[]
  readonly names: Static<typeof NamesFile>
}

const FILES = { 'matching/settings': MatchingFile, 'matching/nicknames': NicknamesFile, 'matching/names': NamesFile } as const
/** The documents of mappings/ that matching reads. */
export const MATCHING_DOCUMENTS = Object.keys(FILES) as readonly (keyof typeof FILES)[]

/** Reads the settings with what gives a document of mappings/ by its path. Throws a sentence that begins with the place of the first mistake. */
export const matchingSettings = (mapping: (path: string) => MappingDocument): MatchingSettings => {
  const read = <Name extends keyof typeof FILES>(name: Name): Static<(typeof FILES)[Name]> => {
    const document = mapping(name)
    const [problem] = lintMatching(name, document)
    if (problem) throw new Error(`${problem.at}: ${problem.message}`)
    return document.value as Static<(typeof FILES)[Name]>
  }
  return { ...read('matching/settings'), nicknames: read('matching/nicknames').groups, names: read('matching/names') }
}

export interface MatchingProblem { readonly at: string; readonly message: string } // at: file:line:column

/** What is wrong with one of the documents: its schema, and numbers that contradict each other. */
export const lintMatching = (name: keyof typeof FILES, document: MappingDocument): readonly MatchingProblem[] => {
  const schema: TSchema = FILES[name]
  const found = mistakes(schema, structuredClone(document.value), { name: `mappings/${name}.yaml` })
  if (found.length > 0) return found.map(({ keys, message }) => ({ at: document.place(...keys), message }))
  const problem = (message: string, ...keys: readonly (string | number)[]): MatchingProblem => ({ at: document.place(...keys), message })
  if (name === 'matching/nicknames') {
    return (document.value as Static<typeof NicknamesFile>).groups.flatMap((group, line) => group.flatMap((one, at) =>
      words(one).join('') === one ? [] : [problem(`\`${one}\` must be written in capitals, without accents or punctuation: \`${words(one).join('')}\`.`, 'groups', line, at)]))
  }
  if (name === 'matching/names') {
    const { also, ...counted } = document.value as Static<typeof NamesFile>
    const capitals = (one: string, ...keys: readonly (string | number)[]): readonly MatchingProblem[] =>
      (words(one).join('') === one ? [] : [problem(`\`${one}\` must be written in capitals, without accents or punctuation: \`${words(one).join('')}\`.`, ...keys)])
    return [...Object.entries(counted).flatMap(([kind, counts]) => Object.keys(counts).flatMap(one => capitals(one, kind, one))), ...also.flatMap((one, at) => capitals(one, 'also', at))]
  }
  const { decide, weights, placeholders } = document.value as Static<typeof MatchingFile>
  return [
    ...(decide.possible >= decide.certain ? [problem(`\`possible\` (${decide.possible}) must be below \`certain\` (${decide.certain}), or no person would ever be asked.`, 'decide', 'possible')] : []),
    ...(decide.margin <= 0 ? [problem('`margin` must be above 0, or two charts that are equally alike would both be certain.', 'decide', 'margin')] : []),
    ...Object.entries(weights).flatMap(([field, levels]) => ('different' in levels && levels.different > 0
      ? [problem(`\`${field}\` that differs cannot speak for the same person: \`different\` must be 0 or less.`, 'weights', field, 'different')] : [])),
    ...placeholders.birthDates.flatMap((date, at) => (/^\d{4}-\d{2}-\d{2}$/.test(date) ? [] : [problem(`\`${date}\` must be a date, YYYY-MM-DD.`, 'placeholders', 'birthDates', at)])),
  ]
}
