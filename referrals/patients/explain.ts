/** What was compared, in words for a person. */
import type { Compared } from '../contracts.js'
import type { Field, FieldName } from './compare.js'

const CALLED: Readonly<Record<FieldName, string>> = {
  family: 'last name', given: 'first name', middle: 'middle name', birthDate: 'date of birth', sex: 'sex', address: 'address', phone: 'telephone', email: 'e-mail address',
  memberId: 'member number', identifier: 'identifier', otherIdentifier: 'number of the same system', household: 'household',
}

const SAYS: Readonly<Record<string, string>> = {
  'family part': 'one family name is part of the other',
  'family sounds': 'the family names sound alike',
  'family swapped': 'family and given name are in each other’s place',
  'family crossed': 'the given name of one is the family name of the other',
  'given swapped': 'family and given name are in each other’s place',
  'given part': 'one given name is part of the other',
  'given nickname': 'one given name is short for the other',
  'given variant': 'the given names are alike, but each is a name of its own',
  'given middle': 'the given name of one is the middle name of the other',
  'given initial': 'the initial of the given name is the same',
  'given newborn': 'newborns of different names',
  'middle initial': 'the initial of the middle name is the same',
  'birthDate swapped': 'day and month of birth are swapped',
  'birthDate close': 'the birth date differs by one slip',
  'birthDate near': 'of the birth date only two parts agree',
  'birthDate year': 'the year of birth is the same; one side says no more',
  'birthDate month': 'year and month of birth are the same; one side says no more',
  'birthDate generation': 'the birth dates are alike, but a generation apart',
  'address building': 'the house is the same as far as it is said, the flat is not',
  'address street': 'the street is the same, the house is not',
  'address zip': 'the place is the same, the street is not',
  'address shared': 'the address is the same, and many people have it',
  'phone shared': 'the phone number is the same, and many people have it',
  'email shared': 'the e-mail address is the same, and many people have it',
  'identifier close': 'the number is nearly the same, or it is not said who gave it',
  'household shared': 'address, phone, e-mail and member number may be shared in a household: together they count no more',
}

/** One line a field, heaviest first. */
export const explain = (fields: readonly Field[]): readonly Compared[] =>
  [...fields].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).map(({ field, how, ours, theirs, agreement, weight }) => ({
    field, ours, theirs, agreement, weight, says: SAYS[`${field} ${how}`] ?? `the ${CALLED[field]} is ${{ same: 'the same', close: 'nearly the same', different: 'different', unknown: 'not known' }[agreement]}`,
  }))

/**
 * What agrees and what differs, for whoever sits at the front desk: "Same date of birth, sex, first name and telephone; the last name differs: Nguyen here,
 * Tran in the chart".
 */
export const inWords = (fields: readonly Field[]): string => {
  const of = (agreement: Field['agreement']): readonly Field[] => fields.filter(field => field.field !== 'household' && field.agreement === agreement && field.how !== 'shared')
  const same = of('same').toSorted((a, b) => ORDER.indexOf(a.field) - ORDER.indexOf(b.field)).map(({ field }) => CALLED[field])
  const others = [...of('close'), ...fields.filter(({ field, how }) => field !== 'household' && how === 'shared')].map(({ field, how, ours, theirs }) => `${SAYS[`${field} ${how}`] ?? `the ${CALLED[field]} is nearly the same`}${sides(ours, theirs)}`)
  const differing = of('different').map(({ field, ours, theirs }) => `the ${CALLED[field]} differs${sides(ours, theirs)}`)
  return [...(same.length > 0 ? [`same ${listed(same)}`] : []), ...new Set([...differing, ...others])].join('; ').replace(/^./, first => first.toUpperCase())
}
const ORDER: readonly FieldName[] = ['identifier', 'birthDate', 'sex', 'given', 'family', 'middle', 'phone', 'address', 'email', 'memberId', 'otherIdentifier', 'household']
const sides = (ours: string | null, theirs: string | null): string => (ours === null || theirs === null || ours === theirs ? '' : `: ${shown(ours)} here, ${shown(theirs)} in the chart`)
/** Names are compared in capitals; people read them otherwise. */
const shown = (text: string): string => text.replace(/[A-Z]{3,}/g, word => word.charAt(0) + word.slice(1).toLowerCase())
const listed = (words: readonly string[]): string => (words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`)
