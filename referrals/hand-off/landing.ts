/** What a delivered hand-off became, from what was really sent and what was really answered. */
import type { Bundle } from 'fhir/r4.js'
import { withRoute } from '../canonical/changes.js'
import type { Route } from '../contracts.js'
import type { EventFacts, Key, Notice, ReferralEvent } from '../desk-contracts.js'
import type { DeskParts } from '../change.js'
import { receipt } from './receipt.js'
import type { Readers, Receipt, Sent, TheirId } from './receipt-contracts.js'

/** What the channel sent, and what came back. */
export interface Sending { readonly payload: Buffer; readonly response: Buffer | null; readonly at: Date }
export interface Landing {
  readonly receipt: Receipt | null // null: it is no hand-off, or what was sent is forgotten
  readonly identifiers: NonNullable<EventFacts['identifiers']>
  readonly confirmed: boolean // the receiver itself answered, beyond the transport
}

export async function landingOf(parts: DeskParts, id: number, sending: Sending | null, readers: Readers): Promise<Landing> {
  const notice = await parts.store.notice(id)
  const sent = sending && formatOf(sending.payload)
  const confirmed = Boolean(sending?.response) && sent?.format !== 'mime' // whoever carries a mail or a fax answers for itself
  const nothing = { receipt: null, identifiers: [], confirmed }
  if ((notice?.kind !== 'hand-off' && notice?.kind !== 'referral') || notice.referral === null || !sending) return nothing
  const [text, events] = await Promise.all([parts.store.bundle(notice.referral), parts.store.events(notice.referral)])
  if (text === null || !sent) return nothing
  const route = notice.kind === 'hand-off' ? routeAt(events, sending.at) : null
  const bundle = JSON.parse(text) as Bundle
  const made = receipt({ bundle: route ? withRoute(bundle, route) : bundle, sent, response: sending.response, profile: receiverOf(notice), at: sending.at.toISOString() }, parts.rules().receiptFields, readers)
  return { receipt: notice.kind === 'hand-off' ? made : null, identifiers: made.ids.flatMap(keysOf), confirmed }
}

/** The route that went along: a later one goes with the next message. */
const routeAt = (events: readonly ReferralEvent[], at: Date): Route | null =>
  events.findLast(({ name, applied, facts, recordedAt }) => name === 'routed' && applied && facts.route && new Date(recordedAt) <= at)?.facts.route ?? null

/** By what it can come back: a number, or a resource by its address and, as its own server refers to it, by its name there. */
const keysOf = ({ kind, value, system = '' }: TheirId): readonly Key[] => {
  const is = KINDS[kind]
  if (is === undefined) return []
  return is === 'filler' ? [{ kind: is, value: `${system}|${value}` }] : [...(system === '' ? [] : [{ kind: is, value: `${system.replace(/\/$/, '')}/${value}` }]), { kind: is, value: `|${value}` }]
}

const receiverOf = ({ to }: Notice): string => to.replace(/^ehr /, '')
const KINDS: Readonly<Record<string, Key['kind']>> = { 'filler number': 'filler', 'their referral number': 'filler', ServiceRequest: 'request', Task: 'task', Appointment: 'appointment' }

const formatOf = (payload: Buffer): Sent | null => {
  const start = payload.subarray(0, 200).toString('latin1').trimStart()
  if (/^(MSH|FHS|BHS)/.test(start)) return { format: 'hl7v2', payload }
  if (start.startsWith('{')) return { format: 'fhir', payload }
  return /^[A-Za-z-]+:/.test(start) ? { format: 'mime', payload } : null
}
