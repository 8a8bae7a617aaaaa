/** Where each value of a referral came from, and what was concluded from which words. */
import type { Bundle } from 'fhir/r4.js'
import { VALUE_SOURCE } from '../canonical/canonical.js'
import { factsOf } from '../canonical/facts.js'
import { type View, viewOf } from '../canonical/view.js'
import type { ReferralFacts } from '../contracts.js'
import type { ReferralEvent } from '../desk-contracts.js'
import type { Known, Rules } from '../rules.js'
import { timelineOf } from './timeline.js'

/** Of a value: its path in the bundle, the place in what came ("PID-5[1].1.1"), from whom and when, and how sure it is (1: certain). */
interface Origin { readonly path: string; readonly from: string; readonly confidence: number; readonly by: string | null; readonly in: string | null; readonly recorded: string | null }

const CONCLUSIONS = new Set(['triaged', 'needs-information', 'routed', 'route-uncertain', 'matched', 'match-uncertain', 'patient-pending'])

/** `triage` and `routing` are what the tables say now; `concluded` is what was decided, and when. */
export function evidenceOf(bundle: Bundle, events: readonly ReferralEvent[], rules: Pick<Rules, 'triage' | 'route' | 'zone'>, known: Known) {
  const facts = factsOf(bundle)
  const triage = rules.triage(facts, known)
  const origins = originsIn(viewOf(bundle))
  return {
    values: Object.entries(facts.paths).filter(([name]) => !Object.keys(facts.paths).some((other) => other.startsWith(`${name}.`))).map(([name, at]) => ({ fact: name, value: valueAt(facts, name), at, origins: origins(at) })),
    triage, routing: rules.route(facts, triage),
    concluded: timelineOf(events.filter(({ name }) => CONCLUSIONS.has(name)), rules.zone).map(({ sequence, at, name, says, by, reason, applied, why }) => ({ sequence, at, name, says, by, reason, applied, why })),
  }
}

/** "coverage[0].authorization" in the facts; null where it names a thing that the facts keep otherwise. */
function valueAt(facts: ReferralFacts, name: string): unknown {
  let value: unknown = facts
  for (const key of name.split(/[.[\]]+/).filter(Boolean)) {
    if (typeof value !== 'object' || value === null) return null
    value = (value as Record<string, unknown>)[key]
  }
  return value ?? null
}

/** Of a path, what its Provenance says: of the value itself, of the parts of it, else of what it is a part of, else of its resource. */
function originsIn(view: View): (at: string) => readonly Origin[] {
  const sources = new Map<string, Origin[]>()
  for (const { resource } of view.of('Provenance')) {
    const { recorded = null } = resource
    const by = resource.agent[0]?.who.display ?? resource.agent[0]?.who.reference ?? null
    const said = resource.entity?.[0]?.what
    const source = said?.display ?? said?.identifier?.value ?? null
    for (const { reference = '', extension = [] } of resource.target) {
      const known = sources.get(reference) ?? []
      sources.set(reference, known)
      for (const { url, valueString = '' } of extension) {
        if (url !== VALUE_SOURCE) continue
        const [path = '', from = '', confidence = '1'] = valueString.split(' ')
        known.push({ path, from, confidence: Number(confidence), by, in: source, recorded })
      }
    }
  }
  return (at) => {
    const placed = view.all.findLast((one) => isWithin(at, one.at))
    const of = placed ? (sources.get(placed.url) ?? []) : []
    const path = placed ? at.slice(placed.at.length + 1) : at
    const parts = of.filter((one) => isWithin(one.path, path))
    if (parts.length > 0) return parts
    const around = of.filter((one) => isWithin(path, one.path))
    const longest = Math.max(0, ...around.map((one) => one.path.length))
    return around.length > 0 ? around.filter((one) => one.path.length === longest) : of.filter((one) => one.path === '$this')
  }
}

const isWithin = (path: string, whole: string): boolean => path === whole || path.startsWith(`${whole}.`) || path.startsWith(`${whole}[`)
