/** Who pays, as a referral's Bundle says: its coverages, the first payer first, and the authorizations that came with them. */
import type { ClaimResponse, Coverage, Organization } from 'fhir/r4.js'
import type { CoverageFacts, Decided } from '../contracts.js'
import { type Located, said, sameWords } from './reading.js'
import type { Placed, View } from './view.js'

interface Authorization { readonly number: string | null; readonly payer: string | null; readonly at: string; readonly decided: Decided | null }
/** The text of an adjudication's category whose reason is the payer's decision (X12 data element 306) and why, and of one whose value is the visits. */
export const DECISIONS = 'decision'
const VISITS = 'visits authorized'
/** A coverage, its path, and the paths of what it says by the names of its facts. */
export type Paid = Located<CoverageFacts> & { readonly paths: Readonly<Record<string, string>> }

export const coverageFacts = (view: View): readonly Paid[] => {
  const named = (view.request?.resource.insurance ?? []).flatMap((reference) => view.follow(reference, view.request as Placed) ?? [])
  const of = <Kind extends 'Coverage' | 'ClaimResponse'>(kind: Kind) => {
    const referred = named.filter(({ resource }) => resource.resourceType === kind) as readonly Placed[]
    return [...referred, ...view.about(kind).filter((one) => !referred.includes(one as Placed))]
  }
  const coverages = (of('Coverage') as readonly Placed<Coverage>[]).filter(({ resource }) => resource.status !== 'cancelled' && resource.status !== 'entered-in-error').map((one) => coverage(view, one))
  const authorizations = [...(of('ClaimResponse') as readonly Placed<ClaimResponse>[])].sort((a, b) => byTime(a.resource, b.resource)).flatMap((one) => authorization(view, one))
  const order = ({ resource }: Paid & { resource: Coverage }): number => resource.order ?? Number.MAX_SAFE_INTEGER
  return authorized([...coverages].sort((a, b) => order(a) - order(b)), authorizations)
}

/** The order in which a payer decided. A day without its time is neither before nor after what is of the same day: what came later is later. */
export const byTime = ({ created: one = '' }: ClaimResponse, { created: other = '' }: ClaimResponse): number => {
  const days = one.slice(0, 10).localeCompare(other.slice(0, 10))
  return days !== 0 || one.length <= 10 || other.length <= 10 ? days : Date.parse(one) - Date.parse(other)
}

const coverage = (view: View, placed: Placed<Coverage>): Paid & { readonly resource: Coverage } => {
  const { resource, at } = placed
  const payor = view.follow(resource.payor?.[0], placed) as Placed<Organization> | null
  const kind = (code: string) => (resource.class ?? []).map((one, index) => ({ ...one, at: `${at}.class[${index}]` })).filter(({ type }) => type?.coding?.some((coding) => coding.code === code))
  const inClass = (code: string, key: 'name' | 'value') => kind(code).flatMap((one) => said(one[key], `${one.at}.${key}`))
  const identifiers = (payor?.resource.identifier ?? []).map((one, index) => ({ ...one, at: `${payor?.at}.identifier[${index}]` }))
  const member = (resource.identifier ?? []).map((one, index) => ({ ...one, at: `${at}.identifier[${index}]` })).filter(({ type }) => type?.coding?.some(({ code }) => code === 'MB' || code === 'SN'))
  const found: Readonly<Record<Exclude<keyof CoverageFacts, 'authorization' | 'decided'>, readonly Located<string>[]>> = {
    payer: [...said(payor?.resource.resourceType === 'Organization' ? payor.resource.name : undefined, `${payor?.at}.name`), ...said(resource.payor?.[0]?.display, `${at}.payor[0].display`)],
    payerId: [...identifiers.filter(({ type }) => type?.coding?.some(({ code }) => code === 'NIIP' || code === 'NII')), ...identifiers].flatMap((one) => said(one.value, `${one.at}.value`)).concat(said(resource.payor?.[0]?.identifier?.value, `${at}.payor[0].identifier.value`)),
    plan: [...inClass('plan', 'name'), ...inClass('plan', 'value'), ...said(resource.type?.text, `${at}.type.text`), ...said(resource.type?.coding?.[0]?.display, `${at}.type.coding[0].display`)],
    memberId: [...said(resource.subscriberId, `${at}.subscriberId`), ...member.flatMap((one) => said(one.value, `${one.at}.value`))],
    group: [...inClass('group', 'value'), ...inClass('group', 'name')],
  }
  const first = (key: keyof typeof found): string | null => found[key][0]?.value ?? null
  const paths = Object.fromEntries(Object.entries(found).flatMap(([key, [one]]) => (one ? [[key, one.at]] : [])))
  return { value: { payer: first('payer'), payerId: first('payerId'), plan: first('plan'), memberId: first('memberId'), group: first('group'), authorization: null }, at, paths, resource }
}

/** A decision as a ClaimResponse has it; `code` is X12's of data element 306; a disposition without one is no decision (AUT-1 of HL7 v2 is a plan). */
export const decidedBy = ({ disposition, preAuthRef, preAuthPeriod, item, adjudication }: ClaimResponse): Decided & { readonly code: string | null; readonly number: string | null } => {
  const all = [...(item ?? []).flatMap((one) => one.adjudication), ...(adjudication ?? [])]
  const visits = all.filter(({ category }) => category.text === VISITS).map(({ value }) => value).find((value) => value !== undefined)
  const code = all.flatMap(({ category, reason }) => (category.text === DECISIONS ? (reason?.coding ?? []) : [])).find(({ system }) => system?.endsWith('/306'))?.code
  return { code: code ?? null, number: preAuthRef ?? null, decision: code === undefined ? null : (disposition ?? code), visits: visits ?? null, from: preAuthPeriod?.start ?? null, until: preAuthPeriod?.end ?? null }
}

/** AUT-6 and the like: the number under which a payer authorized the referral beforehand, and what it decided. */
const authorization = (view: View, placed: Placed<ClaimResponse>): readonly Authorization[] => {
  const { resource, at } = placed
  if (resource.status === 'entered-in-error' || (resource.status === 'cancelled' && decidedBy(resource).code === null)) return []
  const { code: _code, number: _number, ...decided } = decidedBy(resource)
  const says = Object.values(decided).some((value) => value !== null) ? decided : null
  const insurer = view.follow(resource.insurer, placed)?.resource
  const payer = (insurer?.resourceType === 'Organization' ? insurer.name : said(resource.insurer?.display, '')[0]?.value) ?? null
  const numbers = resource.status === 'cancelled' ? [] : said(resource.preAuthRef, `${at}.preAuthRef`)
  if (numbers.length === 0) return says ? [{ number: null, payer, at, decided: says }] : []
  return numbers.map(({ value, at: where }) => ({ number: value, payer, at: where, decided: says }))
}

/** Each authorization with its payer's coverage; one that names no payer is the first coverage's, and one of another payer stands alone. What was decided last holds. */
const authorized = (coverages: readonly Paid[], authorizations: readonly Authorization[]): readonly Paid[] => {
  const result = coverages.map(({ value, at, paths }) => ({ value, at, paths }))
  const same = (one: string | null, other: string | null): boolean => [one, other].some((name) => name === null || name === 'not named') || sameWords(one ?? '', other ?? '')
  const holding = authorizations.filter(({ number, payer }, index) => number !== null || !authorizations.slice(index + 1).some((later) => later.decided !== null && same(later.payer, payer))) // a refusal has no number, and is overtaken by whatever is decided after it
  for (const { number, payer, at, decided } of holding) {
    const index = result.findIndex(({ value }) => (number === null || value.authorization === null || value.authorization === number) && (payer === null || payer === 'not named' || value.payer === null || sameWords(value.payer, payer)))
    const fitting = result[index]
    const more = { ...(number !== null && { authorization: number }), ...(decided && { decided }) }
    if (fitting) result[index] = { ...fitting, value: { ...fitting.value, ...more }, paths: { ...fitting.paths, ...(number !== null && { authorization: at }) } }
    else result.push({ value: { payer, payerId: null, plan: null, memberId: null, group: null, authorization: null, ...more }, at: at.replace(/\.preAuthRef$/, ''), paths: number === null ? {} : { authorization: at } })
  }
  return result
}
