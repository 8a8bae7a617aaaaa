/** Triage: what a referral lacks, how urgent it is, which specialty it is for and what kind of document it is, each with its evidence. */
import type { Evidence, ReferralFacts, Triage } from '../contracts.js'
import { missingItems } from './completeness.js'
import { kindOf } from './kind.js'
import { LONGEST_TEXT, type Passage, passagesOf } from './passages.js'
import { personOf } from './person.js'
import { specialtiesOf } from './specialty.js'
import type { TriageTables } from './tables.js'
import { urgencyOf } from './urgency.js'

export interface TriageOptions {
  /** The day that ages are reckoned on, YYYY-MM-DD; the day of writing (`authoredOn`) where left out. */
  readonly today?: string
  readonly reachable?: boolean // the provider directory has an address that the referrer can be answered at
  /** What the missing items are named in, BCP 47; English where left out, or where the table has no such words. */
  readonly language?: string
}

/** A pure function of what it is given. Looks at the first 64 kB of each text, and says where it looked no further. */
export const triage = (facts: ReferralFacts, tables: TriageTables, { today, reachable = false, language = 'en' }: TriageOptions = {}): Triage => {
  const day = today ?? facts.authoredOn
  const passages = passagesOf(facts, tables)
  const person = personOf(facts, day)
  const [specialty = null, ...others] = specialtiesOf(facts, passages, person, tables.specialty)
  const kind = kindOf(facts, passages, tables.kind)
  const { urgency, raised } = urgencyOf(facts, passages, [specialty, ...others].flatMap((one) => one?.value ?? []), person, tables.urgency)
  const missing = missingItems({ facts, reachable, passages, person, today: day, specialty, kind, language }, tables.completeness, tables.find)
  return { missing, urgency: { ...urgency, evidence: [...urgency.evidence, ...passages.flatMap(cutShort)] }, raised, specialty, others, kind }
}

const cutShort = ({ cut, at, source }: Passage): Evidence[] =>
  cut === 0 ? [] : [{ says: `the ${source} is too long: its last ${cut} characters were not looked at (${LONGEST_TEXT} of one text are)`, ...(at === undefined ? {} : { at }) }]
