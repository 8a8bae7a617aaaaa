/** What a payer decided of a referral, in words, and what of it a person must look at: the same of X12 278 responses and of FHIR. */
import type { Bundle, ClaimResponse } from 'fhir/r4.js'
import { byTime, decidedBy, DECISIONS } from './coverage-facts.js'
import { viewOf } from './view.js'

export interface PayersAnswer {
  readonly words: string // a sentence
  readonly waits: string | null // why somebody must look at it; null where the referral goes on with it
}

/** With what the reason of a person's duty begins, where a payer's answer is one. */
export const FROM_THE_PAYER = 'The payer'

/** X12 data element 306: not certified, cancelled, contact payer. */
const UNDECIDED = new Set(['A3', 'C', 'CT'])

/** What these ClaimResponses say. */
export const payersAnswer = (decisions: readonly ClaimResponse[]): PayersAnswer => ({
  words: `A payer’s answer: ${decisionWords(decisions)}.`,
  waits: [...new Set(decisions.flatMap((one) => forAPerson(one) ?? []))].join(' ') || null,
})

/** Whether all that a payer says in `more` was said before the last that `held` knows of it: an answer that was overtaken. */
export const isOvertaken = (more: Bundle, held: Bundle): boolean => {
  const [said, known] = [decisionsIn(more), decisionsIn(held)]
  return said.length > 0 && known.some((last) => said.every((one) => byTime(one, last) < 0))
}

/** Of a referral that tells itself what was decided of it; null where it tells no decision, but the number of an earlier one at most. */
export const answerIn = (bundle: Bundle): PayersAnswer | null => {
  const decisions = decisionsIn(bundle)
  return decisions.length === 0 ? null : payersAnswer(decisions)
}

const decisionsIn = (bundle: Bundle): readonly ClaimResponse[] => viewOf(bundle).of('ClaimResponse').map(({ resource }) => resource).filter((one) => one.use === 'preauthorization' && (decidedBy(one).code !== null || one.outcome === 'error'))

/** "authorization certified in full, number GLA990127, 3 visits, 2026-03-05 – 2026-06-05" */
export const decisionWords = (decisions: readonly ClaimResponse[]): string => decisions.map((one) => {
  const { decision, number, visits, from, until } = decidedBy(one)
  return [
    `authorization ${decision ?? one.disposition ?? one.outcome}`, ...(number === null ? [] : [`number ${number}`]), ...(visits === null ? [] : [visits === 1 ? '1 visit' : `${visits} visits`]),
    ...(from === null && until === null ? [] : [`${from ?? '…'} – ${until ?? '…'}`]),
  ].join(', ')
}).join('; ')

const forAPerson = (one: ClaimResponse): string | null => {
  const { code, decision } = decidedBy(one)
  const why = [...(one.item ?? []).flatMap(({ adjudication }) => adjudication), ...(one.adjudication ?? [])].flatMap(({ category, reason }) => (category.text === DECISIONS ? (reason?.text ?? reason?.coding?.filter(({ system }) => !system?.endsWith('/306')).map((coding) => coding.display ?? `code ${coding.code}`) ?? []) : []))
  const because = [...new Set([...why, ...(one.error ?? []).map(({ code: of }) => of.text ?? of.coding?.[0]?.display ?? `code ${of.coding?.[0]?.code}`)])]
  const reason = because.length > 0 ? `: ${because.join('; ').replace(/\.$/, '')}` : ', and gives no reason'
  if (one.outcome === 'error' && code === null) return `${FROM_THE_PAYER} could not decide about the authorization${reason}. Correct it and ask again, or say that nothing is new.`
  if (code === null || !UNDECIDED.has(code)) return null
  return `${FROM_THE_PAYER} answers “${decision}”${reason}. Ask the payer, or tell the referrer; then say that nothing is new.`
}
