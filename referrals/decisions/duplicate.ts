/** A referral that repeats another is closed, and what it brought is added to the other. */
import type { Bundle } from 'fhir/r4.js'
import { addedWords } from '../canonical/added-words.js'
import { addTo } from '../canonical/addition.js'
import { factsOf } from '../canonical/facts.js'
import { searchText } from '../canonical/search-text.js'
import type { Changed, DeskParts } from '../change.js'
import type { Key, ReferralState } from '../desk-contracts.js'
import { apply } from '../apply.js'
import { hasAddress } from '../way-back.js'
import { type Decision, decide, notNow, unfit } from './decide.js'
import { isSameChart } from './ruled-out.js'

/** First the other has it all, then this one is closed: whoever dies between the two is asked again, and both are done once. */
export async function duplicate(parts: DeskParts, decision: Decision, same: string): Promise<Changed> {
  const [one, other] = await Promise.all([parts.store.state(decision.referral), parts.store.state(same)])
  if (!other) throw unfit('The other referral is not there.')
  if (one && (await parts.store.done(decision.command)) === null) await addToOther(parts, decision, one, other)
  return decide(parts, decision, (before, { event }) => ({ news: [closing(before, other, event)] }))
}

const closing = ({ id }: ReferralState, other: ReferralState, event: Parameters<Parameters<typeof decide>[2]>[1]['event']) => {
  if (id === other.id) throw unfit('A referral is no duplicate of itself.')
  return event('closed', { same: other.id, reason: `It repeats referral ${other.reference}, which goes on.` })
}

async function addToOther(parts: DeskParts, decision: Decision, one: ReferralState, other: ReferralState): Promise<void> {
  refuse(one, other, decision, parts)
  const [text, documents] = await Promise.all([parts.store.bundle(one.id), parts.store.documents(one.id)])
  await decide(parts, { ...decisionFor(decision, other), command: `${decision.command} other` }, async (before, { event }) => {
    const held = await parts.store.bundle(before.id)
    const { bundle, added, contradictions } = addTo(JSON.parse(held ?? '{}') as Bundle, JSON.parse(text ?? '{}') as Bundle)
    const facts = factsOf(bundle)
    const words = [`Referral ${one.reference} is the same.`, addedWords(added) ?? 'It says nothing new.', ...contradictions].join(' ')
    const missing = before.missing.length > 0 ? { missing: parts.rules().triage(facts, { reachable: hasAddress(before.provider === null ? null : await parts.providers.get(before.provider)) }).missing } : {}
    return {
      bundle, documents: documents.map(({ referral: _referral, event: _event, ...document }) => document), keys: shared(one),
      news: [event('information-added', { words, ...missing, ...(documents.length > 0 && { documents: documents.map(({ id }) => id) }) })],
      found: { text: `${searchText(facts, before.reference)} ${one.reference}`, payer: facts.coverage[0]?.payer ?? null },
    }
  })
}

const decisionFor = ({ by, reason }: Decision, other: ReferralState): Omit<Decision, 'command'> => ({ by, reason, referral: other.id, seen: other.sequence })

/** A patient of a chart is found with either; a number that names one referral alone leads from the closed one to the other. */
const shared = ({ patient }: ReferralState): readonly Key[] => (patient.chart ? [{ kind: 'patient', value: `${patient.chart.source}|${patient.chart.id}` }] : [])

function refuse(one: ReferralState, other: ReferralState, { by, reason }: Decision, { clock }: DeskParts): void {
  const closed = apply(one, { name: 'closed', at: clock.now().toISOString(), by: { kind: 'person', name: by }, reason, facts: { reason } })
  if ('refused' in closed) throw notNow(closed.refused)
  if (one.id === other.id) throw unfit('A referral is no duplicate of itself.')
  if (one.direction !== other.direction) throw unfit('One came in and the other went out: they are two.')
  if (other.sameAs) throw unfit(`Referral ${other.reference} is itself closed as a duplicate of another: name that one.`)
  const [mine, theirs] = [one.patient.chart, other.patient.chart]
  if (mine && theirs && mine.source === theirs.source && !isSameChart(mine, theirs)) throw unfit('They are about two patients.')
}
