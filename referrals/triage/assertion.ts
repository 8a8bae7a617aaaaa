/** Says of a mention in a text whether it is so: negated, of the family, only possible, past, or in doubt (after NegEx and ConText). */
import type { Category, Trigger } from './assertion-table.js'
import type { Hit } from './phrases.js'
import type { Word } from './words.js'

export type Status = 'affirmed' | 'negated' | 'family' | 'hypothetical' | 'historical' | 'uncertain'
/** What holds of a mention, and the words that say so (empty where nothing says otherwise). */
export interface Assertion { readonly status: Status; readonly because: string; readonly ticked?: boolean } // `ticked`: a form says so by its box or answer

/** Of the words from `from` up to `to`. */
export type Assert = (from: number, to: number) => Assertion

const STATUS: Readonly<Record<Category, Status>> = { negation: 'negated', family: 'family', hypothetical: 'hypothetical', history: 'historical', uncertain: 'uncertain' }
/** What is denied is not the mother's either; a thing of the past may still be in doubt, but not the other way round. */
const ORDER: readonly Category[] = ['negation', 'family', 'hypothetical', 'history', 'uncertain']
const AFFIRMED: Assertion = { status: 'affirmed', because: '' }
const TICKED: Assertion = { ...AFFIRMED, ticked: true }
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
  const lines = linesOf(words)
  return (from, to) => {
    const sentence = words[from]?.sentence ?? 0
    const near = bySentence.get(sentence) ?? []
    const answer = answered(words, near, lines, from, to)
    if (answer) return answer
    const own = near.filter((hit) => hit.to <= from || hit.from >= to)
    for (const category of ORDER) {
      const trigger = triggerFor(category, words, own, from, to)
      if (!trigger || (category === 'history' && isRecent(words, own, trigger, from, to))) continue
      return { status: STATUS[category], because: text.slice(words[trigger.from]?.from, words[trigger.to - 1]?.to) }
    }
    const doubt = near.find((hit) => hit.from >= from && hit.to <= to && hit.meaning.kind === 'trigger' && hit.meaning.category === 'uncertain')
    if (doubt) return { status: 'uncertain', because: text.slice(words[doubt.from]?.from, words[doubt.to - 1]?.to) }
    const section = sections.get(sentence)
    if (!section || (section.status === 'historical' && near.some((hit) => isMark(hit, 'recent')))) return AFFIRMED
    return words[section.heading - 1]?.sentence === sentence && !reaches(section.status === 'historical' ? 'history' : section.status, words, own, section.heading, from, true) ? AFFIRMED : section
  }
}

/** The trigger whose reach a mention lies in, or undefined. What stops the nearest one on a side stops those beyond it. */
const triggerFor = (category: Category, words: readonly Word[], hits: readonly Hit<Trigger>[], from: number, to: number): Hit<Trigger> | undefined => {
  const ofCategory = hits.filter(({ meaning }) => meaning.kind === 'trigger' && meaning.category === category)
  if (ofCategory.length === 0) return undefined
  const misleading = ofCategory.filter((hit) => isRole(hit, 'not'))
  const meant = ofCategory.filter((hit) => !isRole(hit, 'not') && !isRole(hit, 'stops') && !misleading.some((longer) => longer.from <= hit.from && longer.to >= hit.to))
  const beside = meant.find((hit) => (isRole(hit, 'rightBefore') && hit.to === from)
    || (isRole(hit, 'rightAfter') && hit.from >= to && hit.from - to < RIGHT_AFTER_REACH && words.slice(to, hit.from).every(({ text }) => !/^[,;|/]$/.test(text)) && reaches(category, words, hits, to, hit.from, false)))
  if (beside) return beside
  const before = meant.findLast((hit) => isRole(hit, 'before') && hit.to <= from)
  if (before && reaches(category, words, hits, before.to, from, true)) return before
  const after = meant.find((hit) => isRole(hit, 'after') && hit.from >= to)
  return after && reaches(category, words, hits, to, after.from, false) ? after : undefined
}

/** Whether nothing between a trigger and a mention (the words from `start` up to `end`) ends its reach. */
const reaches = (category: Category, words: readonly Word[], hits: readonly Hit<Trigger>[], start: number, end: number, forward: boolean): boolean => {
  // A stop right behind its trigger belongs to it: "no longer has", "no c/o".
  const stopped = hits.some((hit) => hit.from >= start + (forward && category === 'negation' ? 1 : 0) && hit.to <= end && isStop(hit, category))
  if (stopped) return false
  for (let at = start; at < end; at++) {
    const sign = words[at]?.text ?? ''
    if (sign === ':' && at > start) return false
    if (sign === '|' || isBox(sign)) return false
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
const answered = (words: readonly Word[], hits: readonly Hit<Trigger>[], lines: readonly Line[], from: number, to: number): Assertion | null => {
  let at = to
  while (/^[:\-–|=?.…_]$/.test(words[at]?.text ?? '')) at++
  const answer = isAnd(words, at) ? undefined : hits.find((hit) => hit.from === at && (isMark(hit, 'yes') || isMark(hit, 'no')))
  const table = at > to || (YES_OR_NO.test(words[at]?.text ?? '') && hits.some((hit) => isMark(hit, 'yes') && YES_OR_NO.test(words[hit.from]?.text ?? '')))
  if (answer && table && endsAnswer(words, answer.to, words[to - 1], at === to)) return isMark(answer, 'yes') ? TICKED : { status: 'negated', because: words[at]?.text ?? '' }
  const box = boxOf(words, lines, from, to)
  return box === undefined ? null : EMPTY_BOX.test(box) ? { status: 'negated', because: 'the box is empty' } : TICKED
}

/** The Spanish "and", not the Y of a form: "niega dolor y fiebre". */
const isAnd = (words: readonly Word[], at: number): boolean => words[at]?.text === 'y' && !words[at]?.capital && /^\p{L}{2}/u.test(words[at + 1]?.text ?? '') && words[at + 1]?.sentence === words[at]?.sentence

/** "Chest pain - no fever" is no answer; "Chest pain: no, fever: yes" and "Chest pain: no  Fever: yes" are. */
const endsAnswer = (words: readonly Word[], at: number, mention: Word | undefined, tight: boolean): boolean => {
  const next = words[at]
  if (!next || next.line !== mention?.line || next.sentence !== mention.sentence || /^[,;|.)/]$/.test(next.text) || tight) return true
  return words.slice(at, at + 5).some(({ text, line }) => text === ':' && line === next.line)
}

interface Line { readonly hasBox: boolean; readonly boxesFirst: boolean; readonly boxesLast: boolean }

/** Of each line whether it has tick boxes, and on which side of its words: "[x] a [ ] b", "Choose: [x] a", "a [x] b [ ]". */
const linesOf = (words: readonly Word[]): readonly Line[] => {
  const lines: Word[][] = []
  for (const word of words) {
    const line = lines[word.line]
    if (line) line.push(word)
    else lines[word.line] = [word]
  }
  return lines.map((line) => {
    const colon = line.findIndex(({ text }) => text === ':')
    const first = line.findIndex(({ text }) => isBox(text))
    return { hasBox: first >= 0, boxesFirst: first === 0 || (first > 0 && first === colon + 1), boxesLast: isBox(line.at(-1)?.text ?? '') }
  })
}

/** The tick box of a mention: the one before it where the line's boxes stand before their words, else the one behind it. */
const boxOf = (words: readonly Word[], lines: readonly Line[], from: number, to: number): string | undefined => {
  const number = words[from]?.line ?? 0
  const line = lines[number]
  if (!line?.hasBox) return undefined
  const before = line.boxesFirst || (!line.boxesLast && isBox(words[from - 1]?.text ?? ''))
  for (let step = 1; step <= BOX_REACH; step++) {
    const word = words[before ? from - step : to + step - 1]
    if (!word || word.line !== number || word.text === ';' || word.text === '.') return undefined
    if (isBox(word.text)) return word.text
  }
  return undefined
}

const isBox = (text: string): boolean => EMPTY_BOX.test(text) || TICKED_BOX.test(text)

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
