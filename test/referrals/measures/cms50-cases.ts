/** CMS50v14 by its published logic, case by case, in words: who is in the population, and whose loop is closed. The year is 2026, the practice in New York. */
import type { Encounter, ServiceRequest, Task } from 'fhir/r4.js'

export const ZONE = 'America/New_York'
export const YEAR = 2026
export const CODES = {
  referral: [{ system: 'urn:example:codes', code: 'referral' }], encounter: [{ system: 'urn:example:codes', code: 'office-visit' }], intervention: [{ system: 'urn:example:codes', code: 'crisis-therapy' }],
  consultantReport: [{ system: 'http://loinc.org', code: '11488-4', display: 'Consult note' }, { system: 'http://loinc.org', code: '28570-0', display: 'Procedure note' }],
}

export interface Report { readonly at: string | null; readonly status?: Task['status']; readonly code?: string; readonly basedOn?: number | 'nothing' } // basedOn: another referral of the patient
export interface Referral { readonly authoredOn: string | null; readonly status?: ServiceRequest['status']; readonly intent?: ServiceRequest['intent']; readonly code?: string; readonly reports?: readonly Report[] }
export interface Visit { readonly start: string | null; readonly end: string | null; readonly status?: Encounter['status']; readonly type?: string; readonly intervention?: 'completed' | 'not-done' }
export interface Person { readonly visits: readonly Visit[]; readonly referrals: readonly Referral[] }
export interface Case { readonly says: string; readonly people: readonly Person[]; readonly population: number; readonly numerator: number; readonly withoutEncounter?: number }

const JUNE = '2026-06-06T09:00:00-04:00'
const JULY = '2026-07-06T09:00:00-04:00'
const VISIT: Visit = { start: '2026-06-06T08:30:00-04:00', end: '2026-06-06T09:10:00-04:00' }
const answered: Referral = { authoredOn: JUNE, reports: [{ at: JULY }] }

/** One patient who was seen in June. */
const one = (says: string, population: number, numerator: number, ...referrals: readonly Referral[]): Case => ({ says, people: [{ visits: [VISIT], referrals }], population, numerator })
const authored = (says: string, population: number, numerator: number, authoredOn: string | null, at: string): Case => one(says, population, numerator, { authoredOn, reports: [{ at }] })
const reported = (says: string, numerator: number, ...reports: readonly Report[]): Case => one(says, 1, numerator, { authoredOn: JUNE, reports })
const visited = (says: string, population: number, ...visits: readonly Visit[]): Case => ({ says, people: [{ visits, referrals: [answered] }], population, numerator: population, withoutEncounter: 1 - population })

export const CASES: readonly Case[] = [
  one('a referral in June and its report in July', 1, 1, answered),
  one('a referral that was never answered', 1, 0, { authoredOn: JUNE }),
  one('a patient who was seen and not referred', 0, 0),

  authored('a referral in the first second of the year', 1, 1, '2026-01-01T00:00:00-05:00', JULY),
  authored('a referral in the last second of the year before', 0, 0, '2025-12-31T23:59:59-05:00', JULY),
  authored('a referral in the last second of 31 October, answered in November', 1, 1, '2026-10-31T23:59:59-04:00', '2026-11-20T09:00:00-05:00'),
  authored('a referral in the first second of 1 November', 0, 0, '2026-11-01T00:00:00-04:00', '2026-11-20T09:00:00-05:00'),
  authored('31 October by the practice’s clocks, 1 November in UTC', 1, 1, '2026-11-01T03:30:00Z', '2026-11-20T09:00:00-05:00'),
  authored('1 November by the practice’s clocks, 31 October in Honolulu', 0, 0, '2026-10-31T18:30:00-10:00', '2026-11-20T09:00:00-05:00'),
  authored('a referral of which only the day is known, 31 October, answered the day after', 1, 1, '2026-10-31', '2026-11-01T00:00:00-04:00'),
  authored('a referral of which only the day is known, answered on that day: after it or not cannot be told', 1, 0, '2026-06-06', '2026-06-06T17:00:00-04:00'),
  authored('a referral of which only the month is known, within the window', 1, 1, '2026-05', JULY),
  authored('a referral of which only October is known: in time or not cannot be told', 0, 0, '2026-10', '2026-11-20T09:00:00-05:00'),
  authored('a referral of which only the year is known', 0, 0, '2026', JULY),
  authored('a referral that does not say when it was made', 0, 0, null, JULY),

  one('two referrals, the first answered', 1, 1, answered, { authoredOn: '2026-08-01T09:00:00-04:00' }),
  one('two referrals, only the second answered: the first counts', 1, 0, { authoredOn: JUNE }, { authoredOn: '2026-08-01T09:00:00-04:00', reports: [{ at: '2026-09-01T09:00:00-04:00' }] }),
  one('two referrals, the later one received first', 1, 1, { authoredOn: '2026-08-01T09:00:00-04:00' }, answered),
  one('two referrals a minute apart, both answered', 1, 1, answered, { authoredOn: '2026-06-06T09:01:00-04:00', reports: [{ at: JULY }] }),
  one('two referrals a minute apart, written in two zones: the earlier instant is the first', 1, 1, { authoredOn: '2026-06-06T08:00:00-05:00', reports: [{ at: JULY }] }, { authoredOn: '2026-06-06T09:01:00-04:00' }),
  one('one last year, unanswered, and one this year, answered', 1, 1, { authoredOn: '2025-11-06T09:00:00-05:00' }, answered),
  one('the first was taken back, the second answered', 1, 1, { authoredOn: '2026-05-01T09:00:00-04:00', status: 'revoked' }, answered),
  one('the first is a draft, the second unanswered', 1, 0, { authoredOn: '2026-05-01T09:00:00-04:00', status: 'draft', reports: [{ at: JULY }] }, { authoredOn: JUNE }),
  one('the answer to the second names the first', 1, 1, { authoredOn: JUNE }, { authoredOn: '2026-08-01T09:00:00-04:00', reports: [{ at: '2026-09-01T09:00:00-04:00', basedOn: 0 }] }),

  one('a referral that is completed', 1, 1, { ...answered, status: 'completed' }),
  one('a draft', 0, 0, { ...answered, status: 'draft' }),
  one('a referral that was taken back', 0, 0, { ...answered, status: 'revoked' }),
  one('a referral on hold', 0, 0, { ...answered, status: 'on-hold' }),
  one('a referral entered in error', 0, 0, { ...answered, status: 'entered-in-error' }),
  one('a plan', 0, 0, { ...answered, intent: 'plan' }),
  one('a proposal', 0, 0, { ...answered, intent: 'proposal' }),
  one('an order for an X-ray, which is no referral', 0, 0, { ...answered, code: 'x-ray' }),

  reported('a report from before the referral', 0, { at: '2026-06-05T09:00:00-04:00' }),
  reported('a report at the very moment of the referral', 0, { at: JUNE }),
  reported('a report one second after the referral', 1, { at: '2026-06-06T09:00:01-04:00' }),
  reported('a report an hour after the referral, written in UTC', 1, { at: '2026-06-06T14:00:00Z' }),
  reported('a report in the last minute of the year, next year in UTC', 1, { at: '2027-01-01T04:59:00Z' }),
  reported('a report in the first minute of the next year', 0, { at: '2027-01-01T00:00:00-05:00' }),
  reported('a report that does not say when it ended', 0, { at: null }),
  reported('a report that is still being written', 0, { at: JULY, status: 'in-progress' }),
  reported('a report that was asked for and refused', 0, { at: JULY, status: 'rejected' }),
  reported('a report that was withdrawn', 0, { at: JULY, status: 'entered-in-error' }),
  reported('a report that was withdrawn, and another that holds', 1, { at: JULY, status: 'entered-in-error' }, { at: '2026-07-20T09:00:00-04:00' }),
  reported('several reports in time', 1, { at: JULY }, { at: '2026-08-06T09:00:00-04:00' }),
  reported('the report of a procedure, which is of the value set', 1, { at: JULY, code: '28570-0' }),
  reported('a discharge summary, which is not', 0, { at: JULY, code: '18842-5' }),
  reported('a report that names no referral', 0, { at: JULY, basedOn: 'nothing' }),

  visited('no encounter at all', 0),
  visited('an encounter last year only', 0, { start: '2025-12-31T10:00:00-05:00', end: '2025-12-31T10:30:00-05:00' }),
  visited('an encounter next year only', 0, { start: '2027-01-01T10:00:00-05:00', end: '2027-01-01T10:30:00-05:00' }),
  visited('an encounter over the end of the year', 0, { start: '2026-12-31T23:00:00-05:00', end: '2027-01-01T01:00:00-05:00' }),
  visited('an encounter on the last day, next year in UTC', 1, { start: '2027-01-01T02:00:00Z', end: '2027-01-01T02:30:00Z' }),
  visited('an encounter after the referral, in December', 1, { start: '2026-12-01T10:00:00-05:00', end: '2026-12-01T10:30:00-05:00' }),
  visited('encounters of which only the days are known', 1, { start: '2026-12-31', end: '2026-12-31' }),
  visited('an encounter that has no end', 0, { start: VISIT.start, end: null }),
  visited('an encounter that is planned', 0, { ...VISIT, status: 'planned' }),
  visited('an encounter that is not finished', 0, { ...VISIT, status: 'in-progress' }),
  visited('a stay in hospital, which is not of the value sets', 0, { ...VISIT, type: 'inpatient' }),
  visited('an intervention that stands for an encounter', 1, { ...VISIT, type: 'crisis-therapy', intervention: 'completed' }),
  visited('an intervention that was not performed', 0, { ...VISIT, type: 'crisis-therapy', intervention: 'not-done' }),
  visited('one encounter that counts among others', 1, { start: '2025-03-01T10:00:00-05:00', end: '2025-03-01T10:30:00-05:00' }, VISIT),

  { says: 'three patients: answered, unanswered, not seen', people: [{ visits: [VISIT], referrals: [answered] }, { visits: [VISIT], referrals: [{ authoredOn: JUNE }] }, { visits: [], referrals: [answered] }], population: 2, numerator: 1, withoutEncounter: 1 },
]
