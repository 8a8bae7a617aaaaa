/** Names, addresses, telephone numbers, and the people and organisations of a CDA header, as FHIR has them. */
import type { Place } from '../formats/xml/tree.js'
import { inside } from '../formats/xml/tree.js'
import { type Draft, own } from '../v2-to-fhir/draft.js'
import { type Datatype, type Use, attribute, isNull, line, named, words } from './datatype.js'
import { VALUES } from './values.js'

const tableCode = (place: Place, table: string, { lookup }: Use): Draft | undefined => {
  const use = attribute(place, 'use')
  const known = String(use?.value ?? '').split(/\s+/).flatMap((one) => lookup(table).lookup(one)?.code ?? [])[0]
  return use && known ? { kind: 'leaf', value: known, origin: use.origin } : undefined
}

const hasQualifier = ({ element }: Place, code: string): boolean => (element.attributes.get('qualifier') ?? '').split(/\s+/).includes(code)

/** PN. A given name by which somebody is called (CL) is a name of its own, and one with the family name of birth (BR) is a maiden name. */
const name = (place: Place, use: Use): Draft | undefined => {
  if (isNull(place.element)) return undefined
  const part = (kind: string): readonly Place[] => named(place, kind)
  const [family, given] = [part('family'), part('given')]
  const proper = given.filter((one) => !hasQualifier(one, 'CL'))
  if (family.length + given.length === 0) {
    const text = line(place)
    return text ? [{ use: tableCode(place, 'cda-name-use', use), text }] : undefined
  }
  const all = (places: readonly Place[]): Draft[] | undefined => {
    const lines = places.flatMap((one) => line(one) ?? [])
    return lines.length > 0 ? lines : undefined
  }
  const born = family.length > 0 && family.every((one) => hasQualifier(one, 'BR'))
  const [surname] = family.filter((one) => !hasQualifier(one, 'BR')).concat(family).flatMap((one) => line(one) ?? [])
  const full = {
    use: born ? 'maiden' : tableCode(place, 'cda-name-use', use), family: surname, given: all(proper.length > 0 ? proper : given), prefix: all(part('prefix')), suffix: all(part('suffix')),
    period: named(place, 'validTime').flatMap((one) => VALUES.IVL_TS?.read(one, { ...use, target: 'Period' }) ?? [])[0],
  }
  const called = given.filter((one) => hasQualifier(one, 'CL'))
  return called.length > 0 && proper.length > 0 ? [full, { use: 'nickname', family: surname, given: all(called) }] : [full]
}

const address = (place: Place, use: Use): Draft | undefined => {
  if (isNull(place.element)) return undefined
  const part = (kind: string): Draft | undefined => named(place, kind).flatMap((one) => line(one) ?? [])[0]
  const lines = ['streetAddressLine', 'additionalLocator'].flatMap((kind) => named(place, kind)).flatMap((one) => line(one) ?? [])
  const parts = { line: lines.length > 0 ? lines : undefined, city: part('city'), district: part('county'), state: part('state'), postalCode: part('postalCode'), country: part('country') }
  const known = Object.values(parts).some((one) => one !== undefined)
  const text = known ? undefined : line(place)
  return known || text ? { use: tableCode(place, 'cda-address-use', use), ...parts, text } : undefined
}

const SCHEMES: Readonly<Record<string, string>> = { tel: 'phone', fax: 'fax', mailto: 'email', http: 'url', https: 'url', sms: 'sms', 'x-text-fax': 'fax' }

const telecom = (place: Place, use: Use): Draft | undefined => {
  const value = attribute(place, 'value')
  if (!value || isNull(place.element)) return undefined
  const text = String(value.value)
  const scheme = /^([a-z-]+):/i.exec(text)?.[1]?.toLowerCase() ?? ''
  const system = SCHEMES[scheme] ?? (/^\S+@\S+$/.test(text) ? 'email' : /\d{3}/.test(text) ? 'phone' : undefined)
  if (!system) return undefined
  const bare = system === 'url' ? text : text.replace(/^[a-z-]+:(?:\/\/)?/i, '').trim()
  return bare ? { system: { ...value, value: system }, value: { ...value, value: bare }, use: tableCode(place, 'cda-telecom-use', use) } : undefined
}

const each = (places: readonly Place[], read: (place: Place, use: Use) => Draft | undefined, use: Use): Draft[] | undefined => {
  const drafts = places.flatMap((one) => [read(one, use) ?? []].flat() as Draft[])
  return drafts.length > 0 ? drafts : undefined
}

const identifiers = (place: Place, use: Use): Draft[] | undefined => each(named(place, 'id'), (one) => VALUES.II?.read(one, use), use)

/** An organisation by itself: id, name, telecom, addr. */
const organization = (place: Place, use: Use): Draft | undefined => {
  const [title] = named(place, 'name').flatMap((one) => line(one) ?? [])
  const [numbers, points, places] = [identifiers(place, use), each(named(place, 'telecom'), telecom, use), each(named(place, 'addr'), address, use)]
  return title || numbers ? own('Organization', { identifier: numbers, name: title, telecom: points, address: places }, title) : undefined
}

const PEOPLE = ['assignedPerson', 'associatedPerson', 'informationRecipient', 'guardianPerson', 'relatedPerson', 'playingEntity']
const PRACTICES = ['representedOrganization', 'receivedOrganization', 'scopingOrganization', 'scopingEntity', 'representedCustodianOrganization']

/** Somebody in a role (assignedAuthor, assignedEntity, intendedRecipient, associatedEntity, participantRole): a PractitionerRole where there is more than a person or an organisation alone. */
const role = (place: Place, use: Use): Draft | undefined => {
  const kinds = (names: readonly string[]): Place | undefined => inside(place).find(({ element }) => names.includes(element.local) && !isNull(element))
  const [person, practice] = [kinds(PEOPLE), kinds(PRACTICES)]
  const [numbers, points, places] = [identifiers(place, use), each(named(place, 'telecom'), telecom, use), each(named(place, 'addr'), address, use)]
  const names = person && each(named(person, 'name'), name, use)
  const shown = person && named(person, 'name').flatMap((one) => line(one) ?? [])[0]
  const where = practice && organization(practice, use)
  const specialty = named(place, 'code').flatMap((one) => VALUES.CD?.read(one, { ...use, target: 'CodeableConcept' }) ?? [])
  if (!names && !numbers) return where ?? (practice && words(practice, use) ? organization(practice, use) : undefined)
  const someone = { identifier: numbers, name: names, address: places }
  if (!where && specialty.length === 0) return own('Practitioner', { ...someone, telecom: points }, shown)
  return own('PractitionerRole', { practitioner: own('Practitioner', someone, shown), organization: where, specialty: specialty.length > 0 ? specialty : undefined, telecom: points }, shown)
}

/** What an insurer is called: its organisation, or who stands for it, with the insurer's own number. */
const payer = (place: Place, use: Use): Draft | undefined => {
  const inner = inside(place).find(({ element }) => PRACTICES.includes(element.local) && !isNull(element))
  const [title] = inner ? named(inner, 'name').flatMap((one) => line(one) ?? []) : []
  const numbers = identifiers(place, use) ?? (inner && identifiers(inner, use))
  return title || numbers ? own('Organization', { identifier: numbers, name: title, telecom: each(named(inner ?? place, 'telecom'), telecom, use), address: each(named(inner ?? place, 'addr'), address, use) }, title) : undefined
}

export const PEOPLE_TYPES: Readonly<Record<string, Datatype>> = {
  PN: { makes: ['HumanName'], read: name },
  AD: { makes: ['Address'], read: address },
  TEL: { makes: ['ContactPoint'], read: telecom },
  role: { makes: ['Reference'], read: role },
  organization: { makes: ['Reference'], read: organization },
  payer: { makes: ['Reference'], read: payer },
}
