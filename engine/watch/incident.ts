/** What an incident is, and how it is said to the person on call. Nothing in it is content of a message. */
import type { IncidentMoment } from '../contracts.js'

/** What can be wrong, and what the person on call can do about it. */
export const KINDS = {
  silent: 'Ask the sender whether it still sends, and whether its interface is up; look at the network and at the firewall between.',
  oldest: 'Look at why it goes no further, the receiver or the channel’s own steps: `refero top`, and the history of the oldest message.',
  depth: 'Look whether the receiver is slow or down; what waits is kept, and is delivered in order.',
  refused: 'Read the receiver’s reason in the history of these messages; mend the mapping or the receiver, then replay them.',
  errors: 'Read the reason in the history of these messages; mend the channel or ask the sender, then replay them.',
  disconnected: 'Look whether the other system is up and reached from here: address, port, firewall, certificates.',
  certificate: 'Put the new certificate in place of the old one before then; a file that changes is read again without a restart.',
  disk: 'Free space on that disk, or retain less (`retain:`); without space no message can be taken.',
  store: 'See the detail; until the store works again, senders are told to send again later. A search that fails holds up no message.',
  'channel-failed': 'Mend what is named; the engine tries again by itself.',
  held: 'Decide for each what is held: replay it, or skip it. Until then nothing behind it is sent.',
  many: 'So much at once has one cause more often than many: look at the network, at the machine, at what they have in common.',
} as const satisfies Record<string, string>

export type IncidentKind = keyof typeof KINDS
export const IS_KIND = (word: string): word is IncidentKind => word in KINDS

/** What an incident is about: there is one open incident for each. */
export interface Subject {
  readonly kind: IncidentKind
  readonly channel: string | null
  readonly destination: string | null
  readonly subject: string | null // what else tells it apart: a file
}

/** Something that is wrong now. */
export interface Cause extends Subject {
  readonly since: Date
  readonly count: number
  readonly what: string // a sentence of names, numbers and times
  readonly because: string | null // what a computer said of it; not for the log
}

export type IncidentState = 'open' | 'acknowledged' | 'resolved'

export interface Incident extends Subject {
  readonly id: number
  readonly state: IncidentState
  readonly openedAt: Date
  readonly since: Date // when the cause began
  readonly last: Date // when the cause was last seen
  readonly resolvedAt: Date | null
  readonly count: number // of what it is about: deliveries, messages
  readonly times: number // how often it opened: more than once where it came back soon
  readonly what: string
  readonly because: string | null
  readonly acknowledged: { readonly by: string; readonly why: string; readonly at: Date } | null
}

/** The same for the same cause, whatever its numbers. */
export const causeKey = ({ kind, channel, destination, subject }: Subject): string => JSON.stringify([kind, channel, destination, subject])

export type Moment = IncidentMoment['moment'] | 'updated'

/** A line of the log of incidents: the incident as it was from that moment on. */
export interface Entry {
  readonly position: number
  readonly moment: Moment
  readonly at: Date
  readonly incident: Incident
}

/** For people and programs: what the API answers, and what a message of `source: incidents` holds. */
export const told = (incident: Incident): Readonly<Record<string, unknown>> => ({ ...incident, advice: KINDS[incident.kind] })

/** What a moment is to a source; each opening has a key of its own. */
export const momentOf = ({ position, moment, at, incident }: Entry & { readonly moment: IncidentMoment['moment'] }): IncidentMoment => ({
  position, at, moment, kind: incident.kind, channel: incident.channel,
  key: `incident/${incident.id}-${incident.openedAt.getTime()}/${moment}/${moment === 'acknowledged' ? at.getTime() : incident.times}`,
  about: { moment, ...told(incident) },
})

/** One line for a list or a log: what, and since when. */
export const headline = ({ what, because }: Pick<Incident, 'what' | 'because'>): string => (because ? `${what} ${because}` : what)

const UNITS = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000]] as const

/** A time span for people, in its two largest units: `3d 4h`, `12m`, `5s`. */
export const span = (milliseconds: number): string => {
  const parts: string[] = []
  let rest = Math.max(0, milliseconds)
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
  }
  return parts.slice(0, 2).join(' ') || '0s'
}

/** An instant for people, to the minute: `Mon 2026-03-02 07:12 EST`. */
export const instantIn = (zone: string, at: Date): string => {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', weekday: 'short', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' })
    .formatToParts(at)
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? ''
  return `${part('weekday')} ${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')} ${part('timeZoneName')}`
}

/** `1 delivery`, `3 deliveries`. */
export const some = (count: number, one: string, several: string): string => `${count} ${count === 1 ? one : several}`
