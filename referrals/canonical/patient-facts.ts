/** The patient of a referral, as its Bundle describes them. */
import type { Patient } from 'fhir/r4.js'
import type { PatientFacts } from '../contracts.js'
import type { Paid } from './coverage-facts.js'
import { type Located, type Paths, address, distinct, each, identifier, personName, said, telecoms } from './reading.js'
import type { Placed } from './view.js'

/** Identifier types (HL7 v2 table 0203) that a payer gives: member, Medicare, Medicaid, health card, subscriber. */
const MEMBER_TYPES = new Set(['MB', 'MC', 'MA', 'HC', 'SN'])
const LANGUAGE_TAG = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/ // BCP 47, as far as one can tell without its registry

export const patientFacts = (patient: Placed<Patient> | null, coverage: readonly Paid[], paths: Paths): PatientFacts => {
  const { resource, at } = patient ?? { resource: { resourceType: 'Patient' } satisfies Patient, at: 'Patient' }
  const { phones, emails } = telecoms(resource.telecom, at)
  const identifiers = each(resource.identifier, `${at}.identifier`, identifier)
  const members = identifiers.filter(({ value }) => MEMBER_TYPES.has(value.type ?? '')).map((one) => ({ value: one.value.value, at: one.at }))
  const insured = coverage.flatMap(({ value: { memberId }, paths: places }) => (memberId ? [{ value: memberId, at: places.memberId ?? '' }] : []))
  if (patient) paths.thing('patient', at)
  return {
    identifiers: paths.many('patient.identifiers', identifiers),
    names: paths.many('patient.names', lastIfOld(each(resource.name, `${at}.name`, personName), ({ use }) => use === 'old' || use === 'maiden' || use === 'nickname')),
    birthDate: paths.one('patient.birthDate', said(resource.birthDate, `${at}.birthDate`)),
    sex: paths.one('patient.sex', resource.gender ? [{ value: resource.gender, at: `${at}.gender` }] : []),
    addresses: paths.many('patient.addresses', each(resource.address, `${at}.address`, (one, place) => (one.use === 'old' ? [] : address(one, place)))),
    phones: paths.many('patient.phones', distinct(phones)), emails: paths.many('patient.emails', distinct(emails)),
    memberIds: paths.many('patient.memberIds', distinct([...insured, ...members])),
    birthOrder: resource.multipleBirthInteger ?? null,
    deceased: resource.deceasedBoolean === true || resource.deceasedDateTime !== undefined,
    language: paths.one('patient.language', languages(resource, at)),
  }
}

const lastIfOld = <Value>(located: readonly Located<Value>[], old: (value: Value) => boolean): readonly Located<Value>[] => [...located.filter(({ value }) => !old(value)), ...located.filter(({ value }) => old(value))]

/** The preferred language first. */
const languages = (patient: Patient, at: string): readonly Located<string>[] => {
  const spoken = each(patient.communication, `${at}.communication`, ({ language, preferred }, place) => {
    const codes = each(language?.coding, `${place}.language.coding`, ({ code }, where) => (code && LANGUAGE_TAG.test(code) ? [{ value: { preferred, code }, at: `${where}.code` }] : []))
    return codes.length === 0 && LANGUAGE_TAG.test(language?.text ?? '') ? [{ value: { preferred, code: language?.text ?? '' }, at: `${place}.language.text` }] : codes
  })
  return [...spoken.filter(({ value }) => value.preferred), ...spoken.filter(({ value }) => !value.preferred)].map(({ value, at: place }) => ({ value: value.code, at: place }))
}
