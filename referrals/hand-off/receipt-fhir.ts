/** What became of a referral that was written by FHIR: by the resources that were sent and those that the server shows. */
import type { Outcome, Readers, TheirId } from './receipt-contracts.js'
import { isSaid, isSame, type ReceiptField } from './receipt-fields.js'

interface Resource { readonly resourceType: string; readonly [element: string]: unknown }
/** As the `fhir` connector answers (connectors/fhir/evidence.ts). */
interface Write { readonly role: string; readonly type: string; readonly how: string; readonly reference: string; readonly sent: Resource | null; readonly returned: Resource | null; readonly words?: string; readonly note?: string }
export interface FhirAnswer { readonly server?: string; readonly writes: readonly Write[]; readonly ended: { readonly reason: string } | null }

/** The answer of a delivery; nothing was written where it is none. */
export const readFhirAnswer = (response: Buffer | null): FhirAnswer => {
  try {
    const value = JSON.parse(response?.toString() ?? '') as { kind?: unknown; server?: unknown; writes?: unknown; ended?: FhirAnswer['ended'] }
    if (value.kind === 'fhir-hand-off' && Array.isArray(value.writes)) return { ...(typeof value.server === 'string' && { server: value.server }), writes: value.writes as Write[], ended: value.ended ?? null }
  } catch {
    // an answer that cannot be read proves nothing, and is told so below
  }
  return { writes: [], ended: { reason: 'the answer tells nothing of what was written' } }
}

export const fhirWhere = ({ writes, ended }: FhirAnswer): string => {
  const landed = writes.map(({ reference, role, how }) => `${reference}${role === 'summary' ? ' (summary)' : ''}${how === 'found' ? ' (was there)' : ''}`).join(', ') || 'nothing was written'
  return ended ? `${landed}; then it ended: ${ended.reason}` : landed
}

export const fhirIds = ({ server, writes }: FhirAnswer): readonly TheirId[] => writes.map(({ type, reference }) => ({ kind: type, value: reference, at: 'Location', ...(server !== undefined && { system: server }) }))

/** Where the EHR contradicts the referral anywhere, that is what is told; then the best proof there is. */
const ORDER = ['different', 'written', 'accepted-not-confirmed', 'not-carried'] as const

export const fhirField = ({ evaluate }: Readers, { writes }: FhirAnswer, field: ReceiptField, value: string): Outcome => {
  const outcomes = field.fhir.flatMap((path) => writes.filter(({ type }) => path.startsWith(`${type}.`)).flatMap((write) => inWrite(evaluate, field, path, value, write)))
  const said = writes.filter(({ words }) => words !== undefined && isSaid(field, value, words)).map(({ role, reference, returned }): Outcome =>
    (returned ? { became: `${role} (${reference})`, state: 'written', note: 'in words' } : { became: `${role} (${reference})`, state: 'accepted-not-confirmed', note: 'in words; the server does not show it' }))
  const all = [...outcomes, ...said]
  for (const state of ORDER) {
    const found = all.find((each) => each.state === state)
    if (found) return found
  }
  return { became: null, state: 'not-carried', note: 'nothing that was written has a place for it' }
}

const inWrite = (evaluate: Readers['evaluate'], field: ReceiptField, path: string, value: string, { sent, returned, note }: Write): readonly Outcome[] => {
  const had = (resource: Resource | null): readonly string[] => (resource ? evaluate(resource, path).filter(Boolean) : [])
  const became = (each: string): string => `${path} = ${each}`
  const shown = had(returned)
  const same = shown.find((each) => isSame(field, value, each))
  if (same !== undefined) return [{ became: became(same), state: 'written', note: sent ? null : 'the chart has it' }]
  const [other] = shown
  const carried = had(sent).find((each) => isSame(field, value, each))
  if (carried !== undefined && !returned) return [{ became: became(carried), state: 'accepted-not-confirmed', note: 'the server does not show what it has' }]
  if (other !== undefined && !field.many && (carried !== undefined || !sent)) return [{ became: became(other), state: 'different', note: sent ? 'the server has another value' : 'the chart has another value, and is left as it is' }]
  if (carried !== undefined) return [{ became: null, state: 'not-carried', note: note ?? 'it was sent, and the server did not keep it' }]
  return sent ? [] : [{ became: null, state: 'not-carried', note: 'the chart does not have it, and is left as it is' }]
}
