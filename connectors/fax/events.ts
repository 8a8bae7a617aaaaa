/** What an event of a fax service says: a fax received, what became of one, or nothing that concerns us. */
import { MessageFault } from '../../engine/errors.js'
import type { Facts, Stage } from './facts.js'
import { fileAt, type Source, textAt } from './places.js'

export interface ReceivedFax {
  readonly kind: 'received'
  readonly id: string
  readonly from: string | null
  readonly to: string | null
  readonly name: string | null // CSID, or the caller's name: a hint, and no identity
  readonly pages: number | null
  readonly at: Date
  readonly file: Buffer | URL | null // null: to be fetched by its id
}

export interface FaxStatus {
  readonly kind: 'status'
  readonly id: string
  readonly direction: 'in' | 'out'
  readonly stage: Exclude<Stage, 'received'>
  readonly again: boolean // of what failed: whether it may be sent again
  readonly says: string | null // in one of our words: busy, no answer
  readonly words: string | null // in the service's own
  readonly from: string | null
  readonly to: string | null
  readonly pages: number | null
  readonly at: Date
  readonly tag: string | null // what we gave it to know our fax by: its Message-ID
}

export type FaxEvent = ReceivedFax | FaxStatus | { readonly kind: 'ignored' }

/** What holds of every service where its own facts say nothing. The first that fits decides. */
const REASONS: NonNullable<Facts['reasons']> = [
  { match: 'busy', says: 'busy', again: true },
  { match: 'no.?answer|not answer|ring(?:ing)? time', says: 'no answer', again: true },
  { match: 'no.?carrier|not a fax|human|voice|no fax (?:machine|device)', says: 'no fax machine answered', again: true },
  { match: 'invalid.*(?:number|destination|phone)|bad number|unallocated|not in service|disconnected number|number.*(?:invalid|unknown)', says: 'the number is not in service', again: false },
  { match: 'disconnect|hang.?up|interrupt|drop|line|training|timed?.?out|congest|circuit|temporar', says: 'the connection was lost', again: true },
  { match: 'reject|block|declin|unauthori[sz]ed|permission|forbidden', says: 'refused', again: false },
  { match: 'cancel|killed|removed', says: 'cancelled', again: false },
  { match: 'format|convert|render|corrupt|document', says: 'the document could not be converted', again: false },
]

/** Reads an event as the facts say. Throws a MessageFault for one without an id, or that does not say what it is about. */
export const readEvent = (source: Source, facts: Facts, arrived: Date, direction: 'in' | 'out' | null = null): FaxEvent => {
  const { fields, events = {}, statuses = {}, directions = {} } = facts
  const text = (name: keyof Facts['fields']): string | null => textAt(source, fields[name])
  const word = text('event')
  const meaning = word === null ? undefined : lookUp(events, word)
  if (meaning === 'ignored') return { kind: 'ignored' }
  const said = text('status')
  const stage = (said === null ? undefined : lookUp(statuses, said)) ?? stageOf(meaning)
  const spoken = text('direction')
  const way = direction ?? wayOf(meaning) ?? (spoken === null ? undefined : lookUp(directions, spoken)) ?? (stage === 'received' || (fields.direction === undefined && fields.event === undefined) ? 'in' : null)
  if (way === null) throw unclear(word === null ? 'it says neither an event nor a direction that is known' : 'its event is not known', facts.title)
  const id = text('id')
  if (id === null || !/^[\x21-\x7e]{1,200}$/.test(id)) throw unclear('it has no id of a fax', facts.title)
  const pages = text('pages')
  const common = { id, from: text('from'), to: text('to'), pages: pages !== null && /^\d{1,5}$/.test(pages) ? Number(pages) : null, at: timeOf(text('at')) ?? arrived }
  if (way === 'in' && stage !== 'failed') return stage === 'queued' || stage === 'sending' ? { kind: 'ignored' } : { kind: 'received', ...common, name: text('name'), file: fileAt(source, fields.file) }
  const words = text('reason') ?? (stage === undefined || stage === 'failed' ? said : null)
  const reason = stage === 'failed' ? reasonOf(facts, [text('reason'), said].filter((one) => one !== null).join(' ')) : null
  return {
    kind: 'status', ...common, direction: way, words, tag: text('tag'),
    stage: stage === undefined || stage === 'received' ? 'uncertain' : stage,
    again: reason?.again ?? false, says: reason?.says ?? (stage === undefined ? 'the service’s word for it is not known' : null),
  }
}

const reasonOf = ({ reasons = [] }: Facts, words: string): { readonly says: string; readonly again: boolean } | null =>
  [...reasons, ...REASONS].find(({ match }) => new RegExp(match, 'i').test(words.slice(0, 1000))) ?? null

const lookUp = <T>(table: Readonly<Record<string, T>>, word: string): T | undefined => {
  const wanted = word.toLowerCase()
  return Object.entries(table).find(([key]) => key.toLowerCase() === wanted)?.[1]
}

const wayOf = (meaning: string | undefined): 'in' | 'out' | undefined =>
  meaning === undefined ? undefined : meaning.startsWith('inbound') || meaning === 'received' ? 'in' : 'out'

const stageOf = (meaning: string | undefined): Stage | undefined =>
  meaning === undefined || meaning === 'inbound' || meaning === 'outbound' ? undefined : (meaning.replace(/^(?:in|out)bound /, '') as Stage)

/** A time in ISO 8601, in seconds or milliseconds since 1970, or as a date can be read; null for none. */
const timeOf = (text: string | null): Date | null => {
  if (text === null) return null
  const at = /^\d{9,13}$/.test(text) ? new Date(Number(text) * (text.length < 12 ? 1000 : 1)) : new Date(/^\d{4}-\d\d-\d\d[ T][\d:.]+$/.test(text) ? `${text.replace(' ', 'T')}Z` : text)
  return Number.isNaN(at.getTime()) || at.getTime() < 0 ? null : at
}

const unclear = (why: string, title: string): MessageFault => new MessageFault({ kind: 'value', reason: `an event of ${title} cannot be used: ${why}` })
