/** Several interchanges, groups and transactions in one file: each transaction in an interchange of its own. */
import { MessageFault } from '../../errors.js'
import { nameOf, type Segment, segmentOf } from './body.js'
import { checkEnvelope, transactionsOf } from './envelope.js'
import { carried, type Reading } from './parse.js'
import { segmentsOf } from './segments.js'
import { isBlank, openingOf, type Separators } from './separators.js'

/**
 * Each transaction with its own ISA, GS, GE and IEA, whose counts become 1; or null where the bytes are one transaction. A group whose own numbers are wrong stays together, and an
 * interchange whose numbers are wrong stays whole: it is refused as one, and the others are taken. Throws a MessageFault (unreadable) where there is no interchange.
 */
export const separate = (bytes: Buffer, { limits, check }: Reading): readonly Buffer[] | null => {
  const text = carried(bytes, limits)
  const parts = interchanges(text).flatMap(({ from, to, separators }) => (separators ? inInterchange(text.slice(from, to), separators, check !== 'none') : [text.slice(from, to)]))
  if (parts.length > MOST) throw new MessageFault({ kind: 'unsupported', reason: `the file holds more than ${MOST} transactions` })
  return parts.length === 1 ? null : parts.map((part) => Buffer.from(part, 'latin1'))
}

const MOST = 100_000

/** Where each interchange stands: to its IEA with what blanks follow, or to the next ISA, or to the end. */
const interchanges = (text: string): readonly { readonly from: number; readonly to: number; readonly separators: Separators | null }[] => {
  const found: { from: number; to: number; separators: Separators | null }[] = []
  for (let from = 0; from < text.length; ) {
    const opening = found.length === 0 ? openingOf(text) : laterOpening(text, from)
    const to = opening ? endOf(text, opening.start, opening.separators) : text.length
    found.push({ from, to, separators: opening?.separators ?? null })
    from = to
  }
  return found
}

const laterOpening = (text: string, from: number): ReturnType<typeof openingOf> | null => {
  try {
    return openingOf(text, from)
  } catch {
    return null
  }
}

const endOf = (text: string, start: number, { element, terminator }: Separators): number => {
  for (let from = start; ; ) {
    const to = text.indexOf(terminator, from)
    if (to === -1) return text.length
    const closes = text.startsWith(`IEA${element}`, from)
    let next = to + 1
    while (next < text.length && isBlank(text.charCodeAt(next))) next++
    if (closes || next >= text.length || text.startsWith(`ISA${element}`, next)) return next
    from = next
  }
}

const inInterchange = (text: string, separators: Separators, checked: boolean): readonly string[] => {
  const start = text.indexOf('ISA')
  let segments: readonly Segment[]
  try {
    segments = segmentsOf(text, start, separators, Number.POSITIVE_INFINITY)
    checkEnvelope(segments, separators, checked ? ['ISA'] : [])
  } catch {
    return [text]
  }
  const transactions = transactionsOf(segments, separators)
  if (transactions.length < 2) return [text]
  const [header, trailer] = [segments[0], segments.at(-1)] as [Segment, Segment]
  const written = (inside: readonly Segment[]): string => text.slice(0, start) + [header, ...inside, counted(trailer, separators)].map(({ text: one, end }) => one + end).join('')
  const groups = new Map<number, (typeof transactions)[number][]>()
  for (const one of transactions) {
    const known = groups.get(one.group)
    if (known) known.push(one)
    else groups.set(one.group, [one])
  }
  return [...groups].flatMap(([at, own]) => {
    const end = segments.findIndex((segment, where) => where > at && nameOf(segment, separators) === 'GE')
    const group = segments.slice(at, end + 1)
    if (checked && !stands([header, ...group, counted(trailer, separators)], separators)) return [written(group)]
    const [opens, closes] = [segments[at], segments[end]] as [Segment, Segment]
    return own.map(({ from, to }) => written([opens, ...segments.slice(from, to + 1), counted(closes, separators)]))
  })
}

const stands = (segments: readonly Segment[], separators: Separators): boolean => {
  try {
    checkEnvelope(segments, separators, ['GS'])
    return true
  } catch {
    return false
  }
}

/** A trailer that counts one. */
const counted = (trailer: Segment, separators: Separators): Segment => {
  const [name = '', , ...rest] = trailer.text.split(separators.element)
  return segmentOf([name, '1', ...rest], trailer.end, separators)
}
