/** The envelope of an interchange: what is in what, and whether its control numbers and counts agree (X12.6). */
import { MessageFault } from '../../errors.js'
import { elementOf, nameOf, type Segment } from './body.js'
import type { Separators } from './separators.js'

/** A transaction (ST … SE), by the places of its first and last segment. */
export interface Transaction { readonly from: number; readonly to: number; readonly group: number } // group: the place of its GS, -1 where there is none

const SPANS = { ISA: ['IEA', 2, 13], GS: ['GE', 2, 6], ST: ['SE', 2, 2] } as const
type Opener = keyof typeof SPANS
const CLOSERS: Readonly<Record<string, Opener>> = { IEA: 'ISA', GE: 'GS', SE: 'ST' }
const INSIDE: Readonly<Record<Opener, Opener | null>> = { ISA: null, GS: 'ISA', ST: 'GS' }
const WORDS: Readonly<Record<Opener, string>> = { ISA: 'functional groups', GS: 'transaction sets', ST: 'segments' }

/** Throws the first MessageFault: a header or trailer that is missing or stands elsewhere, a control number that differs, a count that is wrong. */
export const checkEnvelope = (segments: readonly Segment[], separators: Separators, only: readonly Opener[] = ['ISA', 'GS', 'ST']): void => {
  const open: { name: Opener; at: number; count: number }[] = []
  segments.forEach((segment, at) => {
    const name = nameOf(segment, separators)
    const closes = CLOSERS[name]
    if (isOpener(name)) {
      const around = open.at(-1)
      if (around && INSIDE[name] !== around.name) throw missing(SPANS[around.name][0], `${name} begins before ${around.name} is closed`)
      if ((around?.name ?? null) !== INSIDE[name]) throw missing(INSIDE[name] ?? 'ISA', `${name} stands outside of it`)
      if (around && around.name !== 'ST') around.count++
      open.push({ name, at, count: 0 })
    } else if (closes) {
      const opened = open.pop()
      if (!opened) throw missing(closes, `${name} closes what was never opened`)
      if (opened.name !== closes) throw missing(SPANS[opened.name][0], `${name} stands where it is expected`)
      if (only.includes(closes)) checkTrailer(segment, segments[opened.at], name, closes, closes === 'ST' ? at - opened.at + 1 : opened.count, separators)
    } else if (open.length < 3 && name !== 'TA1') {
      throw new MessageFault({ kind: 'unreadable', reason: 'the segment stands outside of a transaction', location: name })
    }
  })
  const last = open.at(-1)
  if (last) throw missing(SPANS[last.name][0], 'the interchange ends without it')
}

const isOpener = (name: string): name is Opener => name === 'ISA' || name === 'GS' || name === 'ST'

const checkTrailer = (trailer: Segment, header: Segment | undefined, name: string, opener: Opener, found: number, separators: Separators): void => {
  const [, own, theirs] = SPANS[opener]
  if (!sameNumber(elementOf(trailer, own, separators), elementOf(header, theirs, separators))) throw wrong(`${name}-${own}`, `is not the control number of ${opener}-${theirs}`)
  const counted = elementOf(trailer, 1, separators).trim()
  if (!/^\d{1,10}$/.test(counted) || Number(counted) !== found) throw wrong(`${name}-1`, `does not count the ${WORDS[opener]}, of which ${found} were found`)
}

/** Control numbers are the same whatever zeroes and spaces they are filled with. */
const sameNumber = (one: string, other: string): boolean => plain(one) === plain(other)
const plain = (number: string): string => number.trim().replace(/^0+(?=.)/, '')

const missing = (location: string, reason: string) => new MessageFault({ kind: 'required', reason, location })
const wrong = (location: string, reason: string) => new MessageFault({ kind: 'value', reason, location })

/** The transactions of segments; none in an interchange that only acknowledges. */
export const transactionsOf = (segments: readonly Segment[], separators: Separators): readonly Transaction[] => {
  const transactions: Transaction[] = []
  let group = -1
  let from = -1
  segments.forEach((segment, at) => {
    const name = nameOf(segment, separators)
    if (name === 'GS') group = at
    else if (name === 'ST') from = at
    else if (name === 'SE' && from !== -1) {
      transactions.push({ from, to: at, group })
      from = -1
    }
  })
  return transactions
}
