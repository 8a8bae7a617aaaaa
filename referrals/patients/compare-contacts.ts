/** Compares where a person can be reached: address, phone, e-mail and member id, all of which a household may share. */
import type { Field, FieldName } from './compare.js'
import type { Frequencies } from './frequencies.js'
import { addressKey, emailKey, phoneKey } from './keys.js'
import type { Person, PlainAddress } from './normalise.js'
import type { MatchingSettings } from './settings.js'
import { edits, jaroWinkler } from './strings.js'

/** The fields whose weights are held together by the settings' `household.most`. */
export const CONTACTS: ReadonlySet<FieldName> = new Set(['address', 'phone', 'email', 'memberId'])

export const compareContacts = (ours: Person, theirs: Person, settings: MatchingSettings, rare: Frequencies): readonly Field[] => {
  const { address, phone, email, memberId } = settings.weights
  const fields: (Field | null)[] = [
    best('address', ours.addresses, theirs.addresses, addressLevel, ({ street, number, zip, city }) => `${number} ${street} ${zip || city}`.trim(), (level, our, their) => {
      if (level === 'zip' || level === 'street' || level === 'building' || level === 'different') return [level, address[level]]
      const bits = rare.shared([...addressKey(our), ...addressKey(their)])
      return bits === null ? ['shared', address.shared] : [level, Math.max(address.zip, Math.min(address.most, bits) + (level === 'close' ? address.close : 0))]
    }),
    best('phone', ours.phones, theirs.phones, phoneLevel, String, ownOrShared(phone, rare, phoneKey)),
    best('email', ours.emails, theirs.emails, emailLevel, String, ownOrShared(email, rare, emailKey)),
    best('memberId', ours.memberIds, theirs.memberIds, memberLevel, String, level => [level, memberId[level]]),
  ]
  return fields.filter(field => field !== null)
}

const ownOrShared = (weights: { readonly most: number; readonly close: number; readonly shared: number; readonly different: number }, rare: Frequencies, key: (value: string) => number) =>
  (level: 'same' | 'close' | 'different', our: string, their: string): readonly [string, number] => {
    if (level === 'different') return [level, weights.different]
    const bits = rare.shared([key(our), key(their)])
    return bits === null ? ['shared', weights.shared] : [level, Math.max(0, Math.min(weights.most, bits) + (level === 'close' ? weights.close : 0))]
  }

/** The pair of values that agrees best; `level` null: the two cannot be compared. */
const best = <Value, Level extends string>(
  field: FieldName, ours: readonly Value[], theirs: readonly Value[],
  level: (our: Value, their: Value) => Level | null, shown: (value: Value) => string, weigh: (level: Level, our: Value, their: Value) => readonly [string, number],
): Field | null => {
  let found: Field | null = null
  for (const our of ours) {
    for (const their of theirs) {
      const reached = level(our, their)
      if (reached === null) continue
      const [how, weight] = weigh(reached, our, their)
      if (found && weight <= found.weight) continue
      found = { field, how, agreement: how === 'same' || how === 'different' ? how : 'close', weight, ours: shown(our), theirs: shown(their) }
    }
  }
  return found
}

type AddressLevel = 'same' | 'close' | 'building' | 'street' | 'zip' | 'different'

const addressLevel = (a: PlainAddress, b: PlainAddress): AddressLevel | null => {
  const zips = a.zip && b.zip ? a.zip === b.zip : null
  const cities = a.city && b.city ? a.city === b.city || edits(a.city, b.city, 1) <= 1 : null
  const place = zips === true || cities === true
  const near = zips === true || (cities === true && (zips === null || edits(a.zip, b.zip, 1) <= 1))
  const far = zips === false && cities === false
  if ((!a.street && !a.number) || (!b.street && !b.number)) return zips === null && cities === null ? null : near ? 'zip' : 'different'
  const street = sameStreet(a.street, b.street) || sameStreet(a.street, b.more) || sameStreet(a.more, b.street) // lines of an address change places
  if (street && a.number === b.number && !far) {
    if (a.number === '') return place && a.street.length > 6 ? 'building' : place ? 'zip' : 'different'
    if (a.unit && b.unit && a.unit !== b.unit) return 'building'
    return place || (zips === null && cities === null) ? 'same' : 'close'
  }
  if (street && place && (a.number === '' || b.number === '')) return 'building'
  const nearNumber = a.number !== '' && b.number !== '' && a.number.length > 1 && edits(a.number, b.number, 1) === 1
  if (street && place && nearNumber) return 'close'
  if (a.number !== '' && a.number === b.number && place && jaroWinkler(a.street, b.street) >= 0.85) return 'close'
  if (street && near && a.street.length > 4) return 'street'
  return near ? 'zip' : 'different'
}

const sameStreet = (a: string, b: string): boolean =>
  a !== '' && b !== '' && (a === b || jaroWinkler(a, b) >= 0.92 || beginsAlike(a, b) || jaroWinkler(a.replaceAll(' ', ''), b.replaceAll(' ', '')) >= 0.92)

/** "MAIN ST" and "MAIN", "OAK AVE" and "OAK AVE WEST". */
const beginsAlike = (a: string, b: string): boolean => {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return short.length >= 3 && long.startsWith(`${short} `) || short.split(' ')[0] === long.split(' ')[0] && (short.split(' ')[0]?.length ?? 0) >= 5
}

const phoneLevel = (a: string, b: string): 'same' | 'close' | 'different' => {
  if (a === b || ((a.length === 7 || b.length === 7) && a.slice(-7) === b.slice(-7))) return 'same'
  return a.slice(-7) === b.slice(-7) || (a.length === b.length && edits(a, b, 1) === 1) ? 'close' : 'different'
}

const emailLevel = (a: string, b: string): 'same' | 'close' | 'different' =>
  a === b ? 'same' : a.split('@')[0] === b.split('@')[0] || edits(a, b, 1) === 1 ? 'close' : 'different'

/** Members of one family may differ in two digits at the end, which other forms leave out. */
const memberLevel = (a: string, b: string): 'same' | 'different' =>
  a === b || (Math.min(a.length, b.length) >= 8 && Math.abs(a.length - b.length) <= 3 && (a.startsWith(b) || b.startsWith(a))) ? 'same' : 'different'
