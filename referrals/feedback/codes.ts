/** Which event an appointment's or a visit's news is, by the HL7 v2 event (table 0003) where there is one and by the FHIR status; and what FHIR values say. */
import type { Appointment, CodeableConcept, Encounter, FhirResource } from 'fhir/r4.js'
import type { EventName } from '../desk-contracts.js'

/** SIU^S12–S17 and S26; S14 (changed) and S18–S24 say by their status (SCH-25, table 0278) what became of it. */
export function appointmentEvent(trigger: string | null, status: Appointment['status']): EventName | null {
  const told = OF_STATUS[status] ?? null
  if (trigger === 'S26' || told === 'no-show') return 'no-show'
  if (trigger !== null && CANCELLED.has(trigger)) return 'appointment-cancelled'
  if (told === 'appointment-cancelled' || told === 'seen') return told
  if (trigger === 'S13') return 'rescheduled'
  return told
}
const CANCELLED = new Set(['S15', 'S16', 'S17'])
const OF_STATUS: Partial<Record<Appointment['status'], EventName>> = {
  'booked': 'scheduled', 'arrived': 'seen', 'checked-in': 'seen', 'fulfilled': 'seen', 'cancelled': 'appointment-cancelled', 'noshow': 'no-show', 'entered-in-error': 'appointment-cancelled',
}

/**
 * A patient who was registered for a visit (A04), admitted (A01) or has left (A03) was seen, and is there still where the leaving is cancelled (A13);
 * a change (A08) says it only by the visit's status. What is cancelled (A11, A27, A38) or deleted (A23), or was entered in error, did not take place.
 */
export function visitEvent(trigger: string | null, status: Encounter['status']): EventName | null {
  if (trigger === null ? status === 'cancelled' || status === 'entered-in-error' : CALLED_OFF.has(trigger)) return 'visit-cancelled'
  if (trigger !== null && !SEEN.has(trigger)) return trigger === 'A08' && status === 'finished' ? 'seen' : null
  return WAS_THERE.has(status) ? 'seen' : null
}
const CALLED_OFF = new Set(['A11', 'A23', 'A27', 'A38'])
const SEEN = new Set(['A01', 'A03', 'A04', 'A13'])
const WAS_THERE = new Set<Encounter['status']>(['arrived', 'triaged', 'in-progress', 'finished', 'onleave'])

export const codeOf = (type: CodeableConcept | undefined): string | null => type?.coding?.find(({ code }) => code)?.code ?? null
export const texts = (concept: CodeableConcept | undefined): readonly string[] => (concept ? [concept.text, ...(concept.coding ?? []).flatMap(({ display, code }) => [display, code])].filter((word) => word !== undefined) : [])

export const nameOf = (resource: FhirResource | undefined): string | null => {
  if (!resource || !('name' in resource)) return null
  const { name } = resource as { name?: string | { family?: string; given?: string[]; text?: string }[] }
  if (typeof name === 'string') return name
  const [first] = name ?? []
  return first ? (first.text ?? [...(first.given ?? []), first.family].filter(Boolean).join(' ')) : null
}

/** In UTC; null where it is no time. */
export const instant = (text: string | undefined): string | null => {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? null : new Date(time).toISOString()
}
