/** Finds many phrases in a text in one pass: words, `stem*`, `(one|another)`, `[perhaps]`, `#` (a number), `####` (a year), `...` (up to four words). */
import { type Word, wordsOf } from './words.js'

export interface Hit<Meaning> {
  readonly meaning: Meaning
  readonly from: number // of the first word
  readonly to: number // behind the last word
}

/** One word: one of these, or one that begins with one of the stems; those in `capitals` must be written so. */
interface Choice { readonly kind: 'choice'; readonly words: ReadonlySet<string>; readonly capitals: ReadonlySet<string>; readonly stems: readonly string[] }
interface Gap { readonly kind: 'gap' }
type Step = Choice | Gap | { readonly kind: 'number' } | { readonly kind: 'year' }
interface Sequence<Meaning> { readonly steps: readonly Step[]; readonly meaning: Meaning }

const GAP = 4
const MOST_VARIANTS = 256
const SHORTEST_STEM = 3
const NUMBERS = new Set(['a', 'an', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'twelve', 'few', 'several', 'couple', 'many', 'some'])

/** What is wrong with a phrase, in a sentence, or null. */
export const phraseProblem = (phrase: string): string | null => {
  try {
    sequencesOf(phrase)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** Finds every hit of the phrases, by where they begin; of one meaning only the longest at a place. Throws a sentence at a wrong phrase. */
export const phraseSet = <Meaning>(entries: Iterable<readonly [phrase: string, meaning: Meaning]>): ((words: readonly Word[]) => Hit<Meaning>[]) => {
  const byWord = new Map<string, Sequence<Meaning>[]>()
  const byStem = new Map<string, Sequence<Meaning>[]>()
  const numbered: Sequence<Meaning>[] = []
  for (const [phrase, meaning] of entries) {
    for (const steps of sequencesOf(phrase)) {
      const first = steps[0] as Step
      const add = (map: Map<string, Sequence<Meaning>[]>, key: string): void => {
        const list = map.get(key)
        if (list) list.push({ steps, meaning })
        else map.set(key, [{ steps, meaning }])
      }
      if (first.kind !== 'choice') numbered.push({ steps, meaning })
      else {
        for (const word of [...first.words, ...first.capitals]) add(byWord, word)
        for (const stem of first.stems) add(byStem, stem.slice(0, SHORTEST_STEM))
      }
    }
  }
  return (words) => words.flatMap((word, from) => {
    const longest = new Map<Meaning, Hit<Meaning>>()
    const tries = [byWord.get(word.text), byStem.get(word.text.slice(0, SHORTEST_STEM)), isNumber(word.text) ? numbered : undefined]
    for (const sequences of tries) for (const { steps, meaning } of sequences ?? []) {
      const to = end(steps, 0, words, from, word.sentence)
      if (to > (longest.get(meaning)?.to ?? 0)) longest.set(meaning, { meaning, from, to })
    }
    return [...longest.values()]
  })
}

/** Behind the last word of a sequence that begins at a word, or -1. */
const end = (steps: readonly Step[], step: number, words: readonly Word[], at: number, sentence: number): number => {
  const wanted = steps[step]
  if (!wanted) return at
  const word = words[at]
  if (word?.sentence !== sentence) return -1
  if (wanted.kind === 'gap') {
    for (let skipped = 0; skipped <= GAP; skipped++) {
      const to = end(steps, step + 1, words, at + skipped, sentence)
      if (to > 0) return to
    }
    return -1
  }
  if (fits(wanted, word)) return end(steps, step + 1, words, at + 1, sentence)
  // "palpable L breast mass" is a palpable breast mass.
  return step > 0 && isSide(word) ? end(steps, step, words, at + 1, sentence) : -1
}

const SIDES = new Set(['left', 'right', 'bilateral', 'bilat', 'b/l', 'lt', 'rt', 'sided'])
/** Which side is meant; "L" and "R" in capitals. */
const isSide = ({ text, capital }: Word): boolean => SIDES.has(text) || (capital && (text === 'l' || text === 'r'))

const fits = (step: Exclude<Step, Gap>, word: Word): boolean => {
  if (step.kind === 'number') return isNumber(word.text)
  if (step.kind === 'year') return /^(19|20)\d\d$/.test(word.text)
  return step.words.has(word.text) || (word.capital && step.capitals.has(word.text)) || step.stems.some((stem) => word.text.startsWith(stem))
}

const isNumber = (text: string): boolean => /^\d/.test(text) || NUMBERS.has(text)

const sequencesOf = (phrase: string): readonly (readonly Step[])[] => variants(phrase).map((variant) => {
  const steps = variant.split(/\s+/).filter((part) => part !== '').flatMap(stepsOf)
  if (steps.length === 0) throw new Error(`\`${phrase}\` may stand for no word at all`)
  if (steps[0]?.kind === 'gap' || steps.at(-1)?.kind === 'gap') throw new Error(`\`${phrase}\` begins or ends with \`...\``)
  return steps
})

const stepsOf = (part: string): Step[] => {
  if (part === '...') return [{ kind: 'gap' }]
  if (part === '####') return [{ kind: 'year' }]
  if (part === '#') return [{ kind: 'number' }]
  if (part.startsWith('{')) return [choice(part.slice(1, -1).split('|'))]
  const words = part.replace(/\*$/, '')
  return /^\([-+]\)$/.test(part) ? [choice([part])] : wordsOf(words).map(({ text, to }) => choice([`${isAbbreviation(part) ? part : text}${part.endsWith('*') && to === words.length ? '*' : ''}`]))
}

const choice = (parts: readonly string[]): Choice => {
  const stems = parts.filter((part) => part.endsWith('*')).map((part) => folded(part.slice(0, -1)))
  const short = stems.find((stem) => stem.length < SHORTEST_STEM)
  if (short !== undefined) throw new Error(`\`${short}*\` is too short a stem: it needs ${SHORTEST_STEM} letters before the star`)
  const capitals = new Set(parts.filter(isAbbreviation).map(folded))
  return { kind: 'choice', stems, capitals, words: new Set(parts.filter((part) => !part.endsWith('*') && !isAbbreviation(part)).map(folded)) }
}

const folded = (word: string): string => wordsOf(word)[0]?.text ?? word

/** "MS" must be written in capitals; "A1c" need not. */
const isAbbreviation = (part: string): boolean => /^[A-Z]{2,}$/.test(part)

/** What `(a|b c)` and `[d]` stand for; choices of single words stay together as `{a|b}`, for these cost nothing. */
const variants = (phrase: string): string[] => {
  const group = /\(([^()[\]]*\|[^()[\]]*)\)|\[([^()[\]]+)\]/.exec(phrase)
  if (!group) {
    if (/[()[\]]/.test(phrase.replace(/\([-+]\)/g, ''))) throw new Error(`\`${phrase}\` has a bracket that is not closed, or holds no choice`)
    return [phrase]
  }
  const [whole, must, may] = group
  const parts = (must ?? may ?? '').split(/\|(?![^{]*\})/).map((part) => part.trim())
  const single = parts.filter((part) => part !== '' && part !== '#' && part !== '####' && !part.startsWith('{') && wordsOf(part.replace(/\*$/, '')).length === 1)
  const choices = [...(single.length > 0 ? [single.length === 1 ? single[0] : `{${single.join('|')}}`] : []), ...parts.filter((part) => !single.includes(part)), ...(may === undefined ? [] : [''])]
  const made = choices.flatMap((one) => variants(`${phrase.slice(0, group.index)} ${one} ${phrase.slice(group.index + whole.length)}`))
  if (made.length > MOST_VARIANTS) throw new Error(`\`${phrase}\` stands for more than ${MOST_VARIANTS} phrases`)
  return made
}
