/** Who is it? Pure: facts and the charts that share a key with them give a Match. */
import type { Candidate, Chart, Match } from '../contracts.js'
import { compare, type Matcher } from './compare.js'
import { explain, inWords } from './explain.js'
import type { Frequencies } from './frequencies.js'
import { type Judgement, judge } from './gates.js'
import type { Person } from './normalise.js'
import { chance, type Score, score } from './score.js'

/** A chart as the index found it, by its system and its number there: the survivor of its merges; `forms` is what it and the charts merged into it say. */
export interface Found {
  readonly source: string
  readonly id: string
  readonly active: boolean
  readonly chart: () => Chart // read only where it is told
  readonly forms: readonly Person[]
}
interface Judged extends Found, Score, Judgement { readonly form: Person; readonly numbered: boolean }

/**
 * `certain`: the first candidate may be written to. It has weight enough, nothing contradicts or is in doubt, and no competitor is near.
 * `possible`: a person decides; `none`: nobody comes near, and there are no candidates.
 *
 * Each system is decided by itself: charts of one system always compete, and where two of them are above the certain line neither is certain
 * ("OneExactMatch"). Charts of two systems compete only if they do not agree with each other as one person's would; where they agree, both
 * are told, the better first, and to know whether the second may be written to, ask for its system alone (`sources`).
 */
export const decide = (ours: Person, found: readonly Found[], matcher: Matcher, rare: Frequencies, limit: number): Match => {
  const { settings } = matcher
  const judged = found.map(each => judgeFound(ours, each, matcher, rare))
    .filter(({ weight, numbered, somebodyElse }) => numbered || (weight >= settings.decide.possible && !somebodyElse))
    .sort((a, b) => b.weight - a.weight || order(a.source, b.source) || order(a.id, b.id))
  const [best, ...others] = judged
  if (!best) return { grade: 'none', candidates: [], reasons: [found.length === 0 ? 'no chart shares a name with birth date, address or phone, or a number' : `no chart comes near: the best of ${found.length} compared has too little in common or is of somebody else`] }

  const line = certainLine(settings.decide, rare.charts)
  const needed = line + (best.confirmed ? 0 : settings.decide.unconfirmed + (best.elsewhere ? settings.decide.elsewhere : 0))
  const rival = others.find(other => best.weight - other.weight < settings.decide.margin && compete(best, other, line, matcher, rare))
  const against = [
    ...best.contradictions,
    ...best.doubts,
    ...(best.weight < needed ? [`too little agrees to be certain${best.confirmed ? '' : ' where no address, phone, e-mail or number confirms it'} (weight ${number(best.weight)}, ${number(needed)} are needed)`] : []),
    ...(rival ? [rival.weight >= line ? `more than one chart is above the certain line (also ${rival.source} ${rival.id})` : `another chart (${rival.source} ${rival.id}) fits almost as well (weight ${number(rival.weight)})`] : []),
  ]
  const certain = against.length === 0
  const ceiling = Math.max(settings.decide.charts, rare.charts)
  const candidates = judged.slice(0, limit).map((each, at): Candidate => ({
    chart: each.chart(),
    score: at === 0 && certain ? Math.max(LINE, chance(each.weight, ceiling)) : Math.min(LINE - 0.01, chance(each.weight, ceiling)),
    weight: each.weight, compared: explain(each.fields), says: inWords(each.fields), contradictions: each.contradictions,
  }))
  return { grade: certain ? 'certain' : 'possible', candidates, reasons: certain ? [`${inWords(best.fields)}; no other chart is near (weight ${number(best.weight)}, ${number(needed)} needed)`] : against }
}

/** No score below is certain, none above is not. */
const LINE = 0.9

/** Bits that are needed: one more for each doubling of the charts, for with them the namesakes double. */
export const certainLine = (decide: Matcher['settings']['decide'], charts: number): number => decide.certain + Math.max(0, Math.log2(charts / decide.charts))

const judgeFound = (ours: Person, found: Found, matcher: Matcher, rare: Frequencies): Judged => {
  const forms = found.forms.map(form => ({ form, ...score(compare(ours, form, matcher, rare), matcher.settings) }))
  const best = forms.reduce((a, b) => (b.weight > a.weight ? b : a))
  const numbered = best.fields.some(({ field, how }) => field === 'identifier' && how === 'same')
  return { ...found, ...best, numbered, ...judge(ours, best.form, best.fields, found.active) }
}

const compete = (a: Judged, b: Judged, line: number, matcher: Matcher, rare: Frequencies): boolean => {
  if (a.source === b.source) return true
  const { fields, weight } = score(compare(a.form, b.form, matcher, rare), matcher.settings)
  const { contradictions, doubts } = judge(a.form, b.form, fields, true)
  return weight < line || contradictions.length > 0 || doubts.length > 0
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const number = (weight: number): string => weight.toFixed(1)
