/** What was missing has been learned by a person, or is gone without. */
import type { Annotation, Bundle, Provenance, ServiceRequest } from 'fhir/r4.js'
import { VALUE_SOURCE } from '../canonical/canonical.js'
import { replaced } from '../canonical/changes.js'
import { stableUrl } from '../canonical/stable-id.js'
import { viewOf } from '../canonical/view.js'
import type { Changed, DeskParts } from '../change.js'
import { type Decision, decide, notNow, unfit } from './decide.js'

export interface Answer {
  readonly answered: readonly string[] // items that are known now
  readonly without: readonly string[] // items that it goes on without
  readonly words: string // what was learned: a note of the referral, which goes along to the EHR
}

export const inform = (parts: DeskParts, decision: Decision, { answered, without, words }: Answer): Promise<Changed> => decide(parts, decision, async (before, { at, event }) => {
  const items = [...new Set([...answered, ...without])]
  if (before.missing.length === 0) throw notNow('Nothing is missing.')
  const unknown = items.filter((item) => !before.missing.some((one) => one.item === item))
  if (unknown.length > 0) throw unfit(`${unknown.map((item) => `\`${item.slice(0, 80)}\``).join(', ')} ${unknown.length > 1 ? 'are' : 'is'} not missing; missing are ${before.missing.map(({ item }) => `\`${item}\``).join(', ')}.`)
  const said = (names: readonly string[]): string => before.missing.filter(({ item }) => names.includes(item)).map(({ says }) => says).join(', ')
  const told = [answered.length > 0 ? `Known now: ${said(answered)}.` : '', without.length > 0 ? `It goes on without ${said(without)}.` : ''].filter(Boolean).join(' ')
  const text = await parts.store.bundle(before.id)
  const bundle = text === null || answered.length === 0 ? null : withNote(JSON.parse(text) as Bundle, { text: words, time: at, authorString: decision.by })
  return { news: [event('information-added', { answered: items, words: told, evidence: [{ says: words }] })], ...(bundle && { bundle }) }
})

/** The words as a note of the request, with a Provenance that says whose they are. */
function withNote(bundle: Bundle, note: Annotation & { readonly time: string }): Bundle {
  const { request } = viewOf(bundle)
  if (!request) return bundle
  const at = `note[${request.resource.note?.length ?? 0}].text`
  const noted = replaced(bundle, [request], (resource) => ({ ...(resource as ServiceRequest), note: [...((resource as ServiceRequest).note ?? []), note] }))
  const provenance: Provenance = {
    resourceType: 'Provenance', target: [{ extension: [{ url: VALUE_SOURCE, valueString: `${at} person` }], reference: request.url }], recorded: note.time, agent: [{ who: { display: note.authorString ?? '' } }],
  }
  return { ...noted, entry: [...(noted.entry ?? []), { fullUrl: stableUrl('person', request.url, at, note.time), resource: provenance }] }
}
