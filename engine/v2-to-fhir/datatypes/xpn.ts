/** XPN, a person's name (2.A.88), and the names inside XCN. */
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, type Leaf, leaf } from '../draft.js'
import { type Part, leafOf } from '../part.js'
import { period } from './cx.js'
import { dateTimeText } from './dtm.js'
import { type Used, usage, usageCode } from './use.js'

/** The parts of a family name (FN, 2.A.31) that FHIR keeps as extensions: subcomponent and extension. */
const FAMILY = [[2, 'own-prefix'], [3, 'own-name'], [4, 'partner-prefix'], [5, 'partner-name']] as const
const HUMAN_NAME = 'http://hl7.org/fhir/StructureDefinition/humanname-'
const QUALIFIER = 'http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier'

/** The surname with what it is made of. */
const family = (part: Part): Draft | undefined => {
  const whole = leafOf(part.part(1)) ?? leafOf(part.part(3)) ?? leafOf(part.part(5))
  if (!whole) return undefined
  const extension = FAMILY.flatMap(([at, name]) => {
    const value = leafOf(part.part(at))
    return value ? [{ url: HUMAN_NAME + name, valueString: value }] : []
  })
  return extension.length > 0 ? { ...whole, extension } : whole
}

/** A suffix that is a degree: the qualifier AC (academic) says so. */
const degree = (part: Part): Leaf | undefined => {
  const value = leafOf(part)
  return value && { ...value, extension: [{ url: QUALIFIER, valueCode: leaf('AC', part.origin) }] }
}

/** Names from family, given, further, suffix, prefix and degree, wherever a datatype has them. */
export const nameParts = (part: Part, from: number): { [name: string]: Draft | undefined } => {
  const given = [leafOf(part.part(from + 1)), leafOf(part.part(from + 2))].filter((each) => each !== undefined)
  const suffix = [leafOf(part.part(from + 3)), degree(part.part(from + 5))].filter((each) => each !== undefined)
  const prefix = leafOf(part.part(from + 4))
  return { family: family(part.part(from)), given, prefix: prefix && [prefix], suffix }
}

export interface HumanName extends Used {
  readonly text?: string
  readonly family?: string
  readonly given?: readonly string[]
  readonly prefix?: readonly string[]
  readonly suffix?: readonly string[]
  readonly _family?: { readonly extension?: readonly { readonly url: string; readonly valueString?: string }[] }
  readonly _suffix?: readonly (object | null)[]
  readonly period?: { readonly start?: string; readonly end?: string }
}

/** The way back: [family, given, further, suffix, prefix, degree]. */
export const namePartFields = (name: HumanName): readonly (Written | undefined)[] => {
  const [given, ...further] = name.given ?? []
  const degrees = (name.suffix ?? []).filter((_, at) => name._suffix?.[at])
  const suffixes = (name.suffix ?? []).filter((_, at) => !name._suffix?.[at])
  const own = FAMILY.map(([, each]) => name._family?.extension?.find(({ url }) => url === HUMAN_NAME + each)?.valueString)
  const surname = own.some(Boolean) ? [name.family, ...own] : name.family ?? (name.given ? '' : name.text)
  return [surname, given, further.join(' '), suffixes.join(' '), name.prefix?.join(' '), degrees.join(' ')]
}

/** A name as people read it, "Rao, Anita". */
export const displayName = (part: Part, from: number): Leaf | undefined => {
  const words = [part.part(from).part(1).text, part.part(from + 1).text].filter(Boolean).join(', ')
  return words ? leaf(words, part.origin) : undefined
}

/** The professional suffix (XPN.14, XCN.21): degrees and licences, as they are written behind a name. */
export const professional = (part: Part): readonly Draft[] => {
  const value = degree(part)
  return value ? [value] : []
}

export const XPN: Datatype = {
  makes: ['HumanName', 'string', 'Reference', 'Practitioner', 'RelatedPerson', 'Patient', 'Person'],
  read: (part, use) => {
    const display = displayName(part, 1)
    if (use.target === 'string') return display
    if (use.target === 'Reference') return display && { display }
    const code = part.part(7)
    const names = nameParts(part, 1)
    if (!names.family && (names.given as readonly Draft[]).length === 0) return undefined
    const made = { use: usage(code, 'name-use', 'code', use), ...names, suffix: [...(names.suffix as readonly Draft[]), ...professional(part.part(14))], period: period(part.part(12), part.part(13), use) ?? period(part.part(10).part(1), part.part(10).part(2), use) }
    return use.target === 'HumanName' ? made : { name: [made] }
  },
  write: (value, use: Use): Written | undefined => {
    if (typeof value === 'string') return value.split(', ')
    const name = value as HumanName
    return [...namePartFields(name), usageCode(name, 'name-use', use), '', '', '', '', dateTimeText(name.period?.start), dateTimeText(name.period?.end)]
  },
}
