/** What stands between the `|` of a cell: how each kind of column reads it, what it holds of, and how narrow it is. */
import { didYouMean } from '../../engine/nearest.js'
import { list } from '../../engine/schema-words.js'

export interface Alternative {
  holds(value: string): boolean
  /** Larger is narrower; comparable within one column only. 1 is the widest that still asks for something. */
  readonly narrowness: number
  /** Values that it holds of, its ends among them: what overlaps are looked for with. */
  readonly samples: readonly string[]
  /** Whether it holds wherever `other`, of the same column, holds; false where that is not certain. */
  covers(other: Alternative): boolean
  /** What it is made of, for `covers` of its own kind. */
  readonly shape: unknown
}

/** How the cells of a column are read. */
export interface Kind {
  /** Throws a sentence ("is no …") that follows the quoted text. */
  parse(text: string): Alternative
  /** A value that no cell is likely to name. */
  readonly elsewhere: string
}

/** Lower case, words apart by one space, accents gone: how words are compared. */
export const folded = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^\p{L}\p{N}*]+/gu, ' ').trim()

const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
const MOST_WILDCARDS = 3
const wildcard = (text: string): RegExp => {
  if (text.split('*').length - 1 > MOST_WILDCARDS) throw new Error(`has more than ${MOST_WILDCARDS} asterisks`)
  return new RegExp(`^${escaped(text)}$`, 's')
}

/** The whole value, `*` standing for any characters. */
export const words: Kind = {
  elsewhere: 'anything else',
  parse: (text) => {
    const pattern = folded(text)
    if (pattern === '') throw new Error('has no letter or digit')
    const matches = wildcard(pattern)
    const plain = !pattern.includes('*')
    const sample = pattern.replaceAll('*', '')
    return {
      holds: plain ? (value) => folded(value) === pattern : (value) => matches.test(folded(value)),
      narrowness: plain ? 1000 : 1 + sample.length,
      samples: [sample],
      covers: ({ shape }) => shape === pattern || (typeof shape === 'string' && !shape.includes('*') && matches.test(shape)),
      shape: pattern,
    }
  },
}

const TITLES = new Set(['dr', 'doctor', 'md', 'do', 'np', 'pa', 'mr', 'mrs', 'ms', 'the'])
const nameWords = (text: string): string[] => {
  const all = folded(text).split(' ').filter((word) => word !== '')
  const without = all.filter((word) => !TITLES.has(word))
  return without.length > 0 ? without : all
}

/** A name or a number: every word written must be among the words of the value, in any order; titles do not count. */
export const names: Kind = {
  elsewhere: 'somebody else',
  parse: (text) => {
    const wanted = nameWords(text)
    if (wanted.length === 0) throw new Error('has no letter or digit')
    const tests = wanted.map(wildcard)
    const plain = wanted.map((word) => word.replaceAll('*', ''))
    return {
      holds: (value) => {
        const found = nameWords(value)
        return tests.every((test) => found.some((word) => test.test(word)))
      },
      narrowness: 1 + plain.join('').length,
      samples: [plain.join(' ')],
      covers: ({ shape }) => Array.isArray(shape) && tests.every((test) => shape.some((word: string) => !word.includes('*') && test.test(word))),
      shape: wanted,
    }
  },
}

/** One of a few words; with `order`, a `+` behind it means it and all above. */
export const oneOf = (order: readonly string[], ordered = false): Kind => ({
  elsewhere: order[0] ?? '',
  parse: (text) => {
    const plus = ordered && text.endsWith('+')
    const word = (plus ? text.slice(0, -1) : text).trim().toLowerCase()
    const from = order.indexOf(word)
    if (from < 0) throw new Error(`is not one of ${list(order)}${didYouMean(word, order)}`)
    const taken = plus ? order.slice(from) : [word]
    return {
      holds: (value) => taken.includes(value),
      narrowness: 1 + order.length - taken.length + 1,
      samples: taken,
      covers: ({ shape }) => Array.isArray(shape) && shape.every((each: string) => taken.includes(each)),
      shape: taken,
    }
  },
})

/** A language of BCP 47: `es` takes `es-MX` too. */
export const languages: Kind = {
  elsewhere: 'qaa',
  parse: (text) => {
    const tag = text.toLowerCase()
    if (!/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/.test(tag)) throw new Error('is no language of BCP 47, such as es, es-MX or hmn')
    const holds = (value: string): boolean => value.toLowerCase() === tag || value.toLowerCase().startsWith(`${tag}-`)
    return { holds, narrowness: 1 + tag.split('-').length, samples: [tag], covers: ({ shape }) => typeof shape === 'string' && holds(shape), shape: tag }
  },
}

const OLDEST = 150
/** Whole years: `<18`, `<=17`, `18-64`, `65+`, `>=65`, `>64`, `2`. A value `41-42` is one that is not known exactly, and both must be meant. */
export const ages: Kind = {
  elsewhere: '40',
  parse: (text) => {
    const [, sign, first = '', upper, plus] = /^(<=?|>=?)?\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?(\+)?$/.exec(text) ?? []
    const number = Number(first)
    if (first === '' || (sign && (upper || plus)) || (upper && plus)) throw new Error('is no age in years, such as <18, 18-64 or 65+')
    const low = sign === '>' ? number + 1 : sign?.startsWith('<') ? 0 : number
    const high = sign === '<' ? number - 1 : sign === '<=' ? number : upper ? Number(upper) : sign || plus ? OLDEST : number
    if (high < low) throw new Error(upper ? `ends before it begins; write ${upper}-${first}` : 'is no age that anybody can have')
    return {
      holds: (value) => value.split('-').every((age) => Number(age) >= low && (Number(age) <= high || high === OLDEST)),
      narrowness: 1 + OLDEST - (high - low) + 1,
      samples: [String(low), String(high)],
      covers: ({ shape }) => Array.isArray(shape) && low <= shape[0] && shape[1] <= high,
      shape: [low, high],
    }
  },
}
