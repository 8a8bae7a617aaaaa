/** What keeps two records apart however much agrees: contradictions, and too little to be certain of. */
import type { Field, FieldName } from './compare.js'
import type { Person } from './normalise.js'

export interface Judgement {
  /** Something says that these are two people. */
  readonly contradictions: readonly string[]
  /** Nothing says so, but too little says that they are one. */
  readonly doubts: readonly string[]
  /** An address, a phone, an e-mail or a number that is not everybody's agrees. */
  readonly confirmed: boolean
  /** Both say where they live and how to call them, and nothing of it agrees. */
  readonly elsewhere: boolean
  /** Too much differs for anybody to be asked: another member of a household, a namesake. */
  readonly somebodyElse: boolean
}

/** Family, given name or birth date agree, but not wholly: a slip of the pen, a changed name. */
const DAMAGED: Readonly<Partial<Record<FieldName, ReadonlySet<string>>>> = {
  given: new Set(['close', 'swapped']),
  family: new Set(['close', 'sounds', 'crossed', 'different']),
  birthDate: new Set(['close', 'swapped']),
}
const CONFIRMING: ReadonlySet<FieldName> = new Set(['address', 'phone', 'email', 'memberId', 'identifier'])

/** `active`: whether the chart is in use. */
export const judge = (ours: Person, theirs: Person, fields: readonly Field[], active: boolean): Judgement => {
  const by = new Map(fields.map(field => [field.field, field]))
  const how = (field: FieldName): string | undefined => by.get(field)?.how
  const sameNumber = how('identifier') === 'same'
  const [givenDiffers, birthDiffers] = [how('given') === 'different' || how('given') === 'newborn', by.get('birthDate')?.agreement === 'different']
  const generations = generationsDiffer(ours, theirs)
  return {
    contradictions: contradictions(ours, theirs, by, generations, active, sameNumber),
    doubts: doubts(by, sameNumber, confirmations(fields)),
    confirmed: confirmations(fields) > 0,
    elsewhere: how('address') === 'different' && how('phone') === 'different',
    somebodyElse: !sameNumber && ((birthDiffers && (givenDiffers || (generations && how('birthDate') === 'different'))) || (how('given') === 'different' && how('birthDate') === 'close')),
  }
}

const generationsDiffer = (ours: Person, theirs: Person): boolean =>
  ours.names.some(a => a.generation !== null && theirs.names.length > 0 && theirs.names.every(b => b.generation !== null && b.generation !== a.generation))

const contradictions = (ours: Person, theirs: Person, by: ReadonlyMap<FieldName, Field>, generations: boolean, active: boolean, sameNumber: boolean): string[] => {
  const found: string[] = []
  const how = (field: FieldName): string | undefined => by.get(field)?.how
  const both = (field: FieldName): string => `${by.get(field)?.ours}, ${by.get(field)?.theirs}`
  const sameDay = how('birthDate') === 'same'
  if (how('given') === 'different') found.push(`${sameDay ? 'twins? The birth date is the same, but the' : 'the'} given names differ (${both('given')})`)
  if (how('given') === 'newborn') found.push(`newborns of different names (${both('given')})`)
  if (how('given') === 'variant' && !sameNumber && !(how('middle') === 'same' && (by.get('middle')?.ours?.length ?? 0) > 1)) found.push(`${sameDay ? 'twins? ' : ''}the given names are alike, but each is a name of its own (${both('given')})`)
  if (how('birthDate') === 'generation') found.push(`parent and child? The birth dates are a generation apart (${both('birthDate')})`)
  else if (by.get('birthDate')?.agreement === 'different') found.push(`the birth dates differ (${both('birthDate')})`)
  if (ours.birthOrder !== null && theirs.birthOrder !== null && ours.birthOrder !== theirs.birthOrder) found.push(`twins: the birth order differs (${ours.birthOrder}, ${theirs.birthOrder})`)
  if (generations) found.push('parent and child: Jr., Sr. or a number behind the name differs')
  if (how('middle') === 'different' && !sameNumber) found.push(`the middle names differ (${both('middle')})`)
  if (how('sex') === 'different' && how('given') !== 'same') found.push(`the sex differs (${both('sex')}), and the given name is not quite the same`)
  if (how('otherIdentifier') === 'different') found.push('the same system knows them by different numbers')
  if (theirs.deceased && !ours.deceased) found.push('the chart says that the patient has died')
  if (!active) found.push('the chart has been put away')
  return found
}

const confirmations = (fields: readonly Field[]): number => fields.filter(({ field, how }) => CONFIRMING.has(field) && (how === 'same' || how === 'close')).length

const doubts = (by: ReadonlyMap<FieldName, Field>, sameNumber: boolean, confirmed: number): string[] => {
  const how = (field: FieldName): string | undefined => by.get(field)?.how
  const damaged = [...by.values()].filter(({ field, how }) => DAMAGED[field]?.has(how))
  const [given, birth, family] = [how('given'), how('birthDate'), how('family')]
  const found: string[] = []
  if (given === undefined && !(sameNumber && birth === 'same' && family === 'same')) found.push('one side does not say the given name')
  if (given === 'initial' && !sameNumber) found.push('of the given name there is only an initial')
  if (given === 'middle' && !sameNumber) found.push('the given name of one is the middle name of the other, as a twin’s may be')
  if ((birth === undefined || birth === 'year' || birth === 'month') && !(sameNumber && given !== undefined && family !== undefined && damaged.length === 0)) found.push('one side does not say the whole birth date')
  if (family === undefined && !sameNumber) found.push('one side does not say the family name')
  if (sameNumber) return found
  if (family === 'different' && (birth !== 'same' || given !== 'same')) found.push('the family name is another, and the rest is not wholly the same')
  if (damaged.length === 1 && confirmed === 0) found.push(`${NAMED[damaged[0]?.field ?? 'given']} is not quite the same, and no address, phone, e-mail or number confirms it`)
  if (damaged.length > 1) found.push(`${damaged.map(({ field }) => NAMED[field]).join(' and ')} are not quite the same`)
  return found
}
const NAMED: Readonly<Partial<Record<FieldName, string>>> = { given: 'the given name', family: 'the family name', birthDate: 'the birth date' }
