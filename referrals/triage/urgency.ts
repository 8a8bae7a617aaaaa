/** How urgent a referral is: as stated, raised by what it says, never lowered. */
import type { Evidence, Finding, ReferralFacts, Urgency } from '../contracts.js'
import type { Hit } from './phrases.js'
import { type Passage, pathOf, quoted } from './passages.js'
import { fitsPatient, type Person } from './person.js'
import { isIcd10 } from './codes.js'
import { isWithin } from './ranges.js'
import type { UrgencyMeaning, UrgencyRule, UrgencyTable } from './urgency-table.js'

const LEVELS: readonly Urgency[] = ['routine', 'urgent', 'asap', 'stat']
/** What a person reads; more would hide the rest. */
const MOST_EVIDENCE = 12
/** How far behind its name a result's number may stand: "Hgb today was 6.2". */
const VALUE_REACH = 5

/** Among how many neighbours a longer phrase is looked for. */
const NEAR = 30

interface Raise { readonly rule: UrgencyRule; readonly confidence: number; readonly evidence: Evidence }

/** `specialties`: those that the referral may be for. */
export const urgencyOf = (facts: ReferralFacts, passages: readonly Passage[], specialties: readonly string[], person: Person, table: UrgencyTable): { readonly urgency: Finding<Urgency>; readonly raised: boolean } => {
  const stated = facts.priority
  const raises = [...byCodes(facts, table), ...byResults(facts, table), ...passages.flatMap((passage) => byWords(passage, table))]
    .filter(({ rule }) => !rule.for || rule.for.some((specialty) => specialties.includes(specialty)))
    .flatMap((raise) => withPerson(raise, person, table))
  const level = LEVELS[Math.max(LEVELS.indexOf(stated ?? 'routine'), ...raises.map(({ rule }) => LEVELS.indexOf(rule.raises)))] ?? 'routine'
  const reasons = raises.filter(({ rule }) => rule.raises === level).sort((a, b) => b.confidence - a.confidence)
  const said: Evidence = stated === null
    ? { says: 'no priority is stated' }
    : { says: `${stated} is stated`, ...place(pathOf(facts, 'priority')) }
  const lesser = raises.filter(({ rule }) => rule.raises !== level)
  const surest = Math.max(0, ...reasons.map(({ confidence }) => confidence))
  return {
    urgency: {
      value: level,
      confidence: stated === level ? Math.max(table.confidence.stated, surest) : reasons.length > 0 ? surest : table.confidence.assumed,
      evidence: unique([...reasons.map(({ evidence }) => evidence), said, ...lesser.map(({ evidence }) => evidence)]).slice(0, MOST_EVIDENCE),
    },
    raised: LEVELS.indexOf(level) > LEVELS.indexOf(stated ?? 'routine'),
  }
}

const byCodes = (facts: ReferralFacts, { rules, confidence }: UrgencyTable): Raise[] => facts.diagnoses.flatMap((diagnosis, index) => {
  const code = isIcd10(diagnosis) ? (diagnosis.code as string) : null
  if (code === null) return []
  return rules.flatMap((rule): Raise[] => {
    const range = rule.ranges.find((one) => isWithin(code, one))
    return range ? [{ rule, confidence: confidence.coded, evidence: { says: `the diagnosis ${code} is ${rule.says}`, quote: code, ...place(pathOf(facts, `diagnoses[${index}]`)) } }] : []
  })
})

const byResults = (facts: ReferralFacts, { rules, confidence }: UrgencyTable): Raise[] => facts.findings.flatMap(({ what, value }, index) => {
  const number = Number.parseFloat(value?.replace(/^[<>=≤≥ ]+/, '') ?? '')
  return rules.flatMap((rule): Raise[] => rule.value && what.code !== null && rule.value.loinc?.includes(what.code) && isReached(rule, number)
    ? [{ rule, confidence: confidence.coded, evidence: { says: `the result ${what.text ?? what.code} of ${value} is ${rule.says}`, quote: `${what.text ?? what.code} ${value}`, ...place(pathOf(facts, `findings[${index}]`)) } }]
    : [])
})

const byWords = (passage: Passage, { confidence }: UrgencyTable): Raise[] => {
  const hits = passage.hits.filter((hit): hit is Hit<UrgencyMeaning> => hit.meaning.kind === 'urgency')
  const raised = new Map<UrgencyRule, number>()
  return hits.flatMap((hit, index): Raise[] => {
    const { rule, role } = hit.meaning
    // One rule, said twice as surely, is said once.
    if (role !== 'words' || raised.get(rule) === confidence.said || (rule.value && !valueBehind(passage, hit, rule))) return []
    const { status, because, ticked } = passage.assert(hit.from, hit.to)
    // A number that is there cannot be denied: "no ketones, A1c 14".
    if (status !== 'affirmed' && status !== 'uncertain' && !(status === 'negated' && rule.value)) return []
    const misread = hits.slice(Math.max(0, index - NEAR), index + NEAR).some((longer) => longer.meaning.rule === rule && longer.meaning.role === 'not' && longer.from < hit.to && longer.to > hit.from)
    if (misread && !ticked) return []
    if (rule.with && !hits.some((other) => other.meaning.rule === rule && other.meaning.role === 'with' && passage.assert(other.from, other.to).status === 'affirmed')) return []
    raised.set(rule, status === 'affirmed' ? confidence.said : confidence.doubtful)
    const doubt = status === 'uncertain' ? `, though in doubt ("${because}")` : ''
    const evidence = { says: `this is ${rule.says}${doubt}`, quote: quoted(passage, hit.from, hit.to), ...place(passage.at) }
    return [{ rule, confidence: status === 'uncertain' ? confidence.doubtful : passage.source === 'document' ? confidence.attached : confidence.said, evidence }]
  })
}

/** Whether one of the next words is a number that the rule asks for; of "210/95" the first. */
const valueBehind = ({ words }: Passage, { from, to }: Hit<UrgencyMeaning>, rule: UrgencyRule): boolean => {
  for (let at = to; at < to + VALUE_REACH; at++) {
    const word = words[at]
    if (word?.sentence !== words[from]?.sentence || /^[;.]$/.test(word?.text ?? '')) return false
    if (/^\d/.test(word?.text ?? '')) return isReached(rule, Number(latest(words, at)))
  }
  return false
}

/** The last number of a course: of "4.2 -> 14.8", "12.9 to 8.2" and "17 → 11" the second. */
const latest = (words: Passage['words'], at: number): string => {
  let behind = at + 1
  while (COURSE.test(words[behind]?.text ?? '')) behind++
  const next = words[behind]
  return behind > at + 1 && /^\d/.test(next?.text ?? '') && next?.sentence === words[at]?.sentence ? latest(words, behind) : (words[at]?.text ?? '')
}

const COURSE = /^(-|>|→|➔|–|to|then|now|(?:\(-\)))$/

const isReached = ({ value }: UrgencyRule, number: number): boolean => number > (value?.above ?? Number.NEGATIVE_INFINITY) && number < (value?.below ?? Number.POSITIVE_INFINITY)

/** A rule for an age that is not known counts with doubt where it asks for a lower bound only. */
const withPerson = (raise: Raise, person: Person, { confidence }: UrgencyTable): Raise[] => {
  const fit = fitsPatient(raise.rule, person)
  if (fit === 'yes') return [raise]
  if (fit === 'no' || raise.rule.age?.below !== undefined) return []
  return [{ ...raise, confidence: Math.min(raise.confidence, confidence.doubtful), evidence: { ...raise.evidence, says: `${raise.evidence.says}; the rule asks for an age or a sex that is not known` } }]
}

const place = (at: string | undefined): { at?: string } => (at === undefined ? {} : { at })

const unique = (list: readonly Evidence[]): Evidence[] => [...new Map(list.map((one) => [`${one.says}|${one.quote}`, one])).values()]
