/** Says of a mention in a text whether it is so: negated, of the family, only possible, past, or in doubt (after NegEx and ConText). */
import type { Category, Trigger } from './assertion-table.js'
import type { Hit } from './phrases.js'
import type { Word } from './words.js'

export type Status = 'affirmed' | 'negated' | 'family' | 'hypothetical' | 'historical' | 'uncertain'
/** What holds of a mention, and the words that say so (empty where nothing says otherwise). */
export interface Assertion { readonly status: Status; readonly because: string }

/** Of the words from `from` up to `to`. */
export type Assert = (from: number, to: number) => Assertion

const STATUS: Readonly<Record<Category, Status>> = { negation: 'negated', family: 'family', hypothetical: 'hypothetical', history: 'historical', uncertain: 'uncertain' }
/** What is denied is not the mother's either; a thing of the past may still be in doubt, but not the other way round. */
const ORDER: readonly Category[] = ['negation', 'family', 'hypothetical', 'history', 'uncertain']
const AFFIRMED: Assertion = { status: 'affirmed', because: '' }
/** How many words a form may put between a box and the words that it is for. */
const BOX_REACH = 6
const RIGHT_AFTER_REACH = 3
const RECENT_REACH = 8
const EMPTY_BOX = /^(\[[ _]?\]|\( ?\)|☐)$/
const YES_OR_NO = /^(yes|no|y|n)$/
const TICKED_BOX = /^(\[[x✓✔]\]|\([x✓✔]\)|[☑☒✓✔])$/

/** Prepares one text; each mention then costs its sentence. `hits` are those of the assertion table's triggers in it. */
export const asserting = (text: string, words: readonly Word[], hits: readonly Hit<Trigger>[]): Assert => {
  const bySentence = new Map<number, Hit<Trigger>[]>()
  for (const hit of hits) {
    const sentence = words[hit.from]?.sentence ?? 0
    const list = bySentence.get(sentence)
    if (list) list.push(hit)
    else bySentence.set(sentence, [hit])
  }
  const sections = sectionsOf(words, hits)
  return (from, to) => {
    const sentence = words[from]?.sentence ?? 0
    const near = bySentence.get(sentence) ?? []
    const answer = answered(words, near, from, to)
    if (answer) return answer
    const own = near.filter((hit) => hit.to <= from || hit.from >= to)
    for (const category of ORDER) {
      const trigger = triggerFor(category, words, own, from, to)
      if (!trigger || (category === 'history' && isRecent(words, own, trigger, from, to))) continue
      return { status: STATUS[category], because: text.slice(words[trigger.from]?.from, words[trigger.to - 1]?.to) }
    }
    const section = sections.get(sentence)
    if (!section || (section.status === 'historical' && near.some((hit) => isMark(hit, 'recent')))) return AFFIRMED
    return words[section.heading - 1]?.sentence === sentence && !reaches(section.status === 'historical' ? 'history' : section.status, words, own, section.heading, from, true) ? AFFIRMED : section
  }
}

/** The trigger whose reach a mention lies in, or undefined. */
const triggerFor = (category: Category, words: readonly Word[], hits: readonly Hit<Trigger>[], from: number, to: number): Hit<Trigger> | undefined => {
  const ofCategory = hits.filter(({ meaning }) => meaning.kind === 'trigger' && meaning.category === category)
  const misleading = ofCategory.filter((hit) => isRole(hit, 'not'))
  return ofCategory.find((hit) => {
    if (misleading.some((longer) => longer.from <= hit.from && longer.to >= hit.to)) return false
    if (isRole(hit, 'before')) return hit.to <= from && reaches(category, words, hits, hit.to, from, true)
    if (isRole(hit, 'after')) return hit.from >= to && reaches(category, words, hits, to, hit.from, false)
    if (isRole(hit, 'rightBefore')) return hit.to === from
    if (isRole(hit, 'rightAfter')) return hit.from >= to && hit.from - to < RIGHT_AFTER_REACH && words.slice(to, hit.from).every(({ text }) => !/^[,;|/]$/.test(text)) && reaches(category, words, hits, to, hit.from, false)
    return false
  })
}

/** Whether nothing between a trigger and a mention (the words from `start` up to `end`) ends its reach. */
const reaches = (category: Category, words: readonly Word[], hits: readonly Hit<Trigger>[], start: number, end: number, forward: boolean): boolean => {
  // A stop right behind its trigger belongs to it: "no longer has", "no c/o".
  const stopped = hits.some((hit) => hit.from >= start + (forward && category === 'negation' ? 1 : 0) && hit.to <= end && isStop(hit, category))
  if (stopped) return false
  for (let at = start; at < end; at++) {
    const sign = words[at]?.text ?? ''
    if (sign === ':' && at > start) return false
    if (sign === '|' || EMPTY_BOX.test(sign) || TICKED_BOX.test(sign)) return false
    if ((sign === ',' || sign === ';') && forward && standsAlone(words, hits, at + 1, sign === ';')) return false
    if (sign === ';' && !forward) return false
  }
  return true
}

/** Whether what follows a comma or semicolon is a statement of its own ("cough for 2 weeks"), not the next of a list. */
const standsAlone = (words: readonly Word[], hits: readonly Hit<Trigger>[], start: number, semicolon: boolean): boolean => {
  const first = words[start]
  if (!first || first.text === 'or' || first.text === 'nor' || first.text === 'and') return false
  let end = start
  while (words[end]?.sentence === first.sentence && !/^[,;|]$/.test(words[end]?.text ?? '')) end++
  if (hits.some((hit) => isMark(hit, 'lasting') && hit.from >= start && hit.to <= end)) return true
  return semicolon && end - start > 4
}

/** What a form says beside a mention: "Chest pain: No", "[x] syncope". */
const answered = (words: readonly Word[], hits: readonly Hit<Trigger>[], from: number, to: number): Assertion | null => {
  let at = to
  while (/^[:\-–|=?.…_]$/.test(words[at]?.text ?? '')) at++
  const answer = hits.find((hit) => hit.from === at && (isMark(hit, 'yes') || isMark(hit, 'no')))
  const table = at > to || (YES_OR_NO.test(words[at]?.text ?? '') && hits.some((hit) => isMark(hit, 'yes') && YES_OR_NO.test(words[hit.from]?.text ?? '')))
  if (answer && table && endsAnswer(words, answer.to, words[to - 1], at === to)) return isMark(answer, 'yes') ? AFFIRMED : { status: 'negated', because: words[at]?.text ?? '' }
  const box = boxOf(words, from, to)
  return box === undefined ? null : EMPTY_BOX.test(box) ? { status: 'negated', because: 'the box is empty' } : AFFIRMED
}

/** "Chest pain - no fever" is no answer; "Chest pain: no, fever: yes" and "Chest pain: no  Fever: yes" are. */
const endsAnswer = (words: readonly Word[], at: number, mention: Word | undefined, tight: boolean): boolean => {
  const next = words[at]
  if (!next || next.line !== mention?.line || next.sentence !== mention.sentence || /^[,;|.)/]$/.test(next.text) || tight) return true
  return words.slice(at, at + 5).some(({ text, line }) => text === ':' && line === next.line)
}

/** The tick box of a mention: the one before it where the line begins with a box, else the one behind it. */
const boxOf = (words: readonly Word[], from: number, to: number): string | undefined => {
  const line = words[from]?.line
  const isBox = (index: number): boolean => EMPTY_BOX.test(words[index]?.text ?? '') || TICKED_BOX.test(words[index]?.text ?? '')
  let first = from
  while (words[first - 1]?.line === line && first > 0) first--
  let leading = first
  while (words[leading]?.line === line && leading < from && words[leading]?.text !== ':' && !isBox(leading)) leading++
  let last = to
  while (words[last]?.line === line) last++
  const before = isBox(first) || (words[leading]?.text === ':' && isBox(leading + 1)) || (!isBox(last - 1) && isBox(from - 1))
  for (let step = 1; step <= BOX_REACH; step++) {
    const at = before ? from - step : to + step - 1
    if (words[at]?.line !== line || (words[at]?.text === ';' || words[at]?.text === '.')) return undefined
    if (isBox(at)) return words[at]?.text
  }
  return undefined
}

/** Whether the past is of these days: "s/p fall yesterday". */
const isRecent = (words: readonly Word[], hits: readonly Hit<Trigger>[], trigger: Hit<Trigger>, from: number, to: number): boolean =>
  hits.some((hit) => isMark(hit, 'recent') && (hit.to <= trigger.from || hit.from >= trigger.to) && (hit.from >= to ? hit.from - to <= RECENT_REACH && !words.slice(to, hit.from).some(({ text }) => text === ';' || text === ',') : from - hit.to <= 2 && hit.to <= from))

const LONGEST_HEADING = 5
const SHORT_ENTRY = 6

interface Section { readonly status: 'historical' | 'family' | 'hypothetical'; readonly because: string; readonly heading: number } // `heading`: behind its last word

/** The sentences that stand under a heading which says whose or when: "PMH: stroke, MI." */
const sectionsOf = (words: readonly Word[], hits: readonly Hit<Trigger>[]): ReadonlyMap<number, Section> => {
  const sections = new Map<number, Section>()
  const headings = hits.filter((hit) => hit.meaning.kind === 'section' && isHeading(words, hit))
  for (const [index, heading] of headings.entries()) {
    const { meaning } = heading
    if (meaning.kind !== 'section' || meaning.section === 'current') continue
    const section: Section = { status: meaning.section === 'history' ? 'historical' : meaning.section, because: words.slice(heading.from, heading.to).map(({ text }) => text).join(' '), heading: heading.to }
    const line = words[heading.from]?.line ?? 0
    const alone = words[heading.to + (words[heading.to]?.text === ':' ? 1 : 0)]?.line !== line
    const next = headings[index + 1]?.from ?? words.length
    let previous = words[heading.from]
    for (let at = heading.from; at < next; at++) {
      const word = words[at] as Word
      if (alone ? word.line - (previous?.line ?? 0) > 1 : word.line !== line && word.sentence !== previous?.sentence) break
      if (word.sentence !== previous?.sentence && (otherHeading(words, at) || (!alone && (lengthOf(words, at) > SHORT_ENTRY || hits.some((hit) => words[hit.from]?.sentence === word.sentence && isStop(hit, 'history')))))) break
      sections.set(word.sentence, section)
      previous = word
    }
  }
  return sections
}

const isHeading = (words: readonly Word[], { from, to }: Hit<Trigger>): boolean => {
  const [before, first, behind] = [words[from - 1], words[from], words[to]]
  const begins = !before || before.sentence !== first?.sentence || before.line !== first.line || /^[*•.#]$/.test(before.text)
  return begins && (behind?.text === ':' || behind?.text === '-' || behind === undefined || behind.line !== first?.line)
}

const otherHeading = (words: readonly Word[], at: number): boolean => words.slice(at, at + LONGEST_HEADING).some(({ text, line }) => text === ':' && line === words[at]?.line)

const lengthOf = (words: readonly Word[], at: number): number => {
  let end = at
  while (words[end]?.sentence === words[at]?.sentence && end - at < 20) end++
  return end - at
}

const isRole = ({ meaning }: Hit<Trigger>, role: string): boolean => meaning.kind === 'trigger' && meaning.role === role
const isStop = (hit: Hit<Trigger>, category: Category): boolean => isMark(hit, 'stop') || (hit.meaning.kind === 'trigger' && hit.meaning.category === category && hit.meaning.role === 'stops')
const isMark = ({ meaning }: Hit<Trigger>, mark: string): boolean => meaning.kind === 'mark' && meaning.mark === mark
