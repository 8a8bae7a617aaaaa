/** Somebody who sends or takes a referral, as its Bundle describes them: the role, the person in it, and the practice. */
import type { Location, Organization, Practitioner, PractitionerRole, Reference } from 'fhir/r4.js'
import type { Coded, Identifier, ProviderFacts } from '../contracts.js'
import { NPI, type Located, type Paths, type Telecoms, address, coded, codings, distinct, each, identifier, inOneLine, personName, said, telecoms } from './reading.js'
import type { Placed, View } from './view.js'

const TAXONOMY = 'http://nucc.org/provider-taxonomy'

interface Parts {
  readonly role: Placed<PractitionerRole> | null
  readonly person: Placed<Practitioner> | null
  readonly practice: Placed<Organization> | null
  readonly place: Placed<Location> | null
}

/** Whom a reference names; null where it names nobody who could be answered (a patient, a relative, a device). */
export const providerFacts = (view: View, reference: Reference | undefined, from: Placed, at: string, name: string, paths: Paths): ProviderFacts | null => {
  const named = view.follow(reference, from)
  if (named && !['PractitionerRole', 'Practitioner', 'Organization'].includes(named.resource.resourceType)) return null
  const parts = partsOf(view, named)
  const shown = named ? [] : said(reference?.display, `${at}.display`)
  const { role, person, practice, place } = parts
  if (!role && !person && !practice && shown.length === 0 && !reference?.identifier?.value) return null
  paths.thing(name, named?.at ?? at)

  const own = reference?.identifier && !named ? identifier(reference.identifier, `${at}.identifier`) : []
  const identifiers = [...own, ...[person, role, practice].flatMap((one) => each(one?.resource.identifier, `${one?.at}.identifier`, identifier))]
  const roleNames = named?.resource.resourceType === 'PractitionerRole' && !person ? said(role?.resource.practitioner?.display, `${role?.at}.practitioner.display`) : []
  const names = [...each(person?.resource.name, `${person?.at}.name`, personName), ...[...roleNames, ...shown.filter(({ value }) => looksLikeAPerson(value))].map((one) => ({ value: { ...inOneLine(one.value), suffix: null, use: null }, at: one.at }))]
  const practices = [
    ...said(practice?.resource.name, `${practice?.at}.name`), ...(practice ? [] : said(role?.resource.organization?.display, `${role?.at}.organization.display`)),
    ...shown.filter(({ value }) => !looksLikeAPerson(value)),
  ]
  // A practice's own NPI would make one provider of all who work there.
  const forNpi = names.length > 0 ? identifiers.filter(({ at: where }) => !practice || !where.startsWith(`${practice.at}.`)) : identifiers
  const points = (kind: keyof Telecoms) => paths.many(`${name}.${kind}`, distinct([role, person, practice, place].flatMap((one) => telecoms(one?.resource.telecom, one?.at ?? '')[kind]), (value) => value.toLowerCase()))
  const x360 = points('x360Addresses')
  const addresses = [person, practice].flatMap((one) => each(one?.resource.address, `${one?.at}.address`, (found, where) => (found.use === 'home' || found.use === 'old' ? [] : address(found, where))))
  return {
    npi: paths.one(`${name}.npi`, forNpi.filter(({ value }) => isNpi(value)).map((one) => ({ value: one.value.value, at: `${one.at}.value` }))),
    identifiers: paths.many(`${name}.identifiers`, distinct(identifiers)),
    name: paths.one(`${name}.name`, names), practice: paths.one(`${name}.practice`, practices), specialty: paths.one(`${name}.specialty`, specialties(parts)),
    address: paths.one(`${name}.address`, [...addresses, ...(place?.resource.address ? address(place.resource.address, `${place.at}.address`) : [])]),
    phones: points('phones'), faxes: points('faxes'), emails: points('emails'), directAddresses: [...points('directAddresses'), ...directEndpoints(view, role)],
    ...(x360.length > 0 && { x360Addresses: x360 }),
  }
}

const partsOf = (view: View, named: Placed | null): Parts => {
  const none = { role: null, person: null, practice: null, place: null }
  switch (named?.resource.resourceType) {
    case 'Practitioner': return { ...none, person: named as Placed<Practitioner> }
    case 'Organization': return { ...none, practice: named as Placed<Organization> }
    case 'PractitionerRole': {
      const role = named as Placed<PractitionerRole>
      const of = <Kind extends Placed>(reference: Reference | undefined, type: string): Kind | null => {
        const found = view.follow(reference, role)
        return found?.resource.resourceType === type ? (found as Kind) : null
      }
      return { role, person: of(role.resource.practitioner, 'Practitioner'), practice: of(role.resource.organization, 'Organization'), place: of(role.resource.location?.[0], 'Location') }
    }
    default: return none
  }
}

/** The specialty of the role, else what the person is qualified for; a taxonomy code before others. */
const specialties = ({ role, person }: Parts): readonly Located<Coded>[] => {
  const all = [
    ...each(role?.resource.specialty, `${role?.at}.specialty`, coded),
    ...each(person?.resource.qualification, `${person?.at}.qualification`, ({ code }, at) => codings(code, `${at}.code`).filter(({ value }) => value.system === TAXONOMY)),
  ]
  return [...all.filter(({ value }) => value.system === TAXONOMY), ...all.filter(({ value }) => value.system !== TAXONOMY)]
}

const directEndpoints = (view: View, role: Placed<PractitionerRole> | null): readonly string[] => (role?.resource.endpoint ?? []).flatMap((reference) => {
  const endpoint = view.follow(reference, role as Placed)?.resource
  return endpoint?.resourceType === 'Endpoint' && endpoint.connectionType.code === 'direct-project' ? [endpoint.address.replace(/^mailto:/i, '').trim()] : []
})

const isNpi = ({ system, type, value }: Identifier): boolean => (system === NPI || type === 'NPI') && /^\d{10}$/.test(value)
/** "RAO, ANITA", "Dr. Anita Rao", "Anita Rao MD": what else a reference shows is taken for a practice. */
const looksLikeAPerson = (text: string): boolean => /^[\p{L}'. -]+,\s*[\p{L}'. -]+$/u.test(text) && !/,\s*(?:inc|llc|pc|pa|pllc|ltd)\b/i.test(text) || /^(?:dr|prof|mr|mrs|ms)\.?\s/i.test(text) || /[\s,](?:m\.?d|d\.?o|n\.?p|p\.?a-?c|aprn|dpm|dds|phd)\.?$/i.test(text)
