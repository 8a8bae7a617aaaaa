/** Which resource of a later message is about the same thing as one that the referral already has. */
import type { ClaimResponse, Coverage, FhirResource, Organization, Practitioner, ServiceRequest } from 'fhir/r4.js'
import { holds } from './combine.js'
import { decidedBy } from './coverage-facts.js'
import { sameWords } from './reading.js'
import { identifiersOf } from './references.js'
import { digestOf } from './stable-id.js'
import type { Placed, TypeName, View } from './view.js'

/** Of one message only: how it was sent and read. They are carried into no other. */
export const OF_THE_MESSAGE: ReadonlySet<TypeName> = new Set<TypeName>(['MessageHeader', 'OperationOutcome', 'Provenance'])

/** Several of theirs may be one of ours. */
const PEOPLE: ReadonlySet<string> = new Set(['Practitioner', 'Organization'])

/** Pairs of ours and theirs, by the URL of theirs. */
export const counterparts = (ours: View, theirs: View): ReadonlyMap<string, Placed> => {
  const pairs = new Map<string, Placed>()
  const pair = (mine: Placed | null | undefined, other: Placed | null | undefined): void => {
    if (mine && other && mine.resource.resourceType === other.resource.resourceType && !pairs.has(other.url)) pairs.set(other.url, mine)
  }
  pair(ours.request, theirs.request)
  pair(ours.task, theirs.task)
  pair(ours.patient, theirs.patient)
  people(ours, theirs, pair)
  for (const other of theirs.of('Coverage')) pair(ours.of('Coverage').find((mine) => sameCoverage(ours, mine, theirs, other)), other)
  for (const other of theirs.of('Coverage')) {
    const mine = pairs.get(other.url) as Placed<Coverage> | undefined
    if (mine) pair(ours.follow(mine.resource.payor?.[0], mine), theirs.follow(other.resource.payor?.[0], other))
  }
  for (const other of theirs.of('Condition')) pair(ours.of('Condition').find((mine) => other.resource.code?.coding?.some((one) => mine.resource.code?.coding?.some((code) => code.code === one.code && code.system === one.system))), other)
  const alike = new Map<string, Placed[]>() // the first of theirs is the first of ours, where several say the same
  const paired = new Set(pairs.values())
  for (const one of [...ours.all.filter((mine) => !paired.has(mine)), ...paired]) alike.set(digestOfContent(one.resource), [...(alike.get(digestOfContent(one.resource)) ?? []), one])
  const roleLast = [...theirs.all].sort((a, b) => Number(a.resource.resourceType === 'PractitionerRole') - Number(b.resource.resourceType === 'PractitionerRole'))
  for (const other of roleLast) {
    if (pairs.has(other.url)) continue
    const same = alike.get(digestOfContent(other.resource))
    const mine = (same && same.length > 1 ? same.shift() : same?.[0]) ?? sameNumber(ours.all.filter((one) => PEOPLE.has(one.resource.resourceType) || ![...pairs.values()].includes(one)), other)
    if (mine && inTheSameRole(ours, mine, theirs, other, pairs)) pair(mine, other)
  }
  return pairs
}

/** A role says little itself: it is the same one if the same person is in it. */
const inTheSameRole = (ours: View, mine: Placed, theirs: View, other: Placed, pairs: ReadonlyMap<string, Placed>): boolean => {
  if (mine.resource.resourceType !== 'PractitionerRole' || other.resource.resourceType !== 'PractitionerRole') return true
  const person = theirs.follow(other.resource.practitioner, other)
  return (person ? pairs.get(person.url) : null) === ours.follow(mine.resource.practitioner, mine)
}

/** Of the requester and of the performer: the role, and the person and the practice in it where they are the same. */
const people = (ours: View, theirs: View, pair: (mine: Placed | null | undefined, other: Placed | null | undefined) => void): void => {
  const named = (view: View, part: 'requester' | 'performer') => {
    const request = view.request as Placed<ServiceRequest> | null
    const role = request && view.follow(part === 'requester' ? request.resource.requester : request.resource.performer?.[0], request)
    const inside = (key: 'practitioner' | 'organization') => (role?.resource.resourceType === 'PractitionerRole' ? view.follow(role.resource[key], role) : null)
    const of = (type: TypeName, key: 'practitioner' | 'organization') => (role?.resource.resourceType === type ? role : inside(key))
    return { role, person: of('Practitioner', 'practitioner') as Placed<Practitioner> | null, practice: of('Organization', 'organization') as Placed<Organization> | null }
  }
  for (const part of ['requester', 'performer'] as const) {
    const [mine, other] = [named(ours, part), named(theirs, part)]
    const samePerson = !mine.person || !other.person || isSamePerson(mine.person.resource, other.person.resource)
    if (!samePerson) continue
    pair(mine.role, other.role)
    pair(mine.person, other.person)
    if (!mine.practice?.resource.name || !other.practice?.resource.name || sameWords(mine.practice.resource.name, other.practice.resource.name)) pair(mine.practice, other.practice)
  }
}

const isSamePerson = (one: Practitioner, other: Practitioner): boolean => {
  const npi = ({ identifier }: Practitioner) => identifier?.find(({ system }) => system === 'http://hl7.org/fhir/sid/us-npi')?.value
  if (npi(one) && npi(other)) return npi(one) === npi(other)
  return sameWords(one.name?.[0]?.family ?? '', other.name?.[0]?.family ?? '') && (one.name?.[0]?.given?.[0]?.[0]?.toLowerCase() ?? '') === (other.name?.[0]?.given?.[0]?.[0]?.toLowerCase() ?? '')
}

const sameCoverage = (ours: View, mine: Placed<Coverage>, theirs: View, other: Placed<Coverage>): boolean => {
  if (mine.resource.subscriberId && other.resource.subscriberId) return sameWords(mine.resource.subscriberId, other.resource.subscriberId)
  const payer = (view: View, { resource }: Placed<Coverage>, from: Placed): string => {
    const organization = view.follow(resource.payor?.[0], from)?.resource
    return (organization?.resourceType === 'Organization' ? organization.name : resource.payor?.[0]?.display) ?? ''
  }
  return sameWords(payer(ours, mine, mine), payer(theirs, other, other))
}

/** A resource that has one of the same numbers; of people, the same person; of payers’ answers, the same decision. */
const sameNumber = (ours: readonly Placed[], other: Placed): Placed | undefined => {
  const numbers = numbersOf(other.resource)
  return numbers.length === 0 ? undefined : ours.find(({ resource }) => resource.resourceType === other.resource.resourceType && !(resource.resourceType === 'Practitioner' && !isSamePerson(resource, other.resource as Practitioner)) && !(resource.resourceType === 'ClaimResponse' && decidesElse(resource, other.resource as ClaimResponse)) && numbersOf(resource).some((mine) => numbers.some((one) => holds(mine, one) && holds(one, mine))))
}
/** A payer that changes its mind keeps the number: each decision is one of its own, and the last holds. */
const decidesElse = (mine: ClaimResponse, other: ClaimResponse): boolean => {
  const [known, said] = [decidedBy(mine), decidedBy(other)]
  return known.code !== null && said.code !== null && (['code', 'visits', 'from', 'until'] as const).some((key) => known[key] !== said[key])
}

const numbersOf = (resource: FhirResource) => {
  const master = resource.resourceType === 'DocumentReference' && resource.masterIdentifier ? [resource.masterIdentifier] : []
  return [...master, ...identifiersOf(resource)].filter(({ value }) => value).map(({ system, value, type }) => ({ system, value, type: type?.coding?.[0]?.code }))
}

/** The content of a resource, whatever it and those it refers to are called. */
export const digestOfContent = (resource: FhirResource): string => digestOf(stable(resource) ?? '')
const stable = (value: unknown): string | undefined => {
  if (Array.isArray(value)) return `[${value.map(stable).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value).filter(([key]) => !['id', 'meta', 'text', 'reference', 'url', 'display'].includes(key) || (key === 'url' && !/^urn:uuid:/.test(String((value as { url?: string }).url)))).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => `${key}:${stable(item)}`).join()}}`
}
