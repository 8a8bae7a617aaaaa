/** The ways back to a provider, best first: as mappings/providers/ways.yaml orders them, and what the provider asked for before all. */
import { type Static, Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { mistakes } from '../../engine/schema-errors.js'
import { checkZone, Duration, duration } from '../../engine/units.js'
import { readHours } from '../../engine/watch/hours.js'
import { calendar, nextOpening } from '../clock/working-time.js'
import { zoneDays } from '../clock/zone-days.js'
import type { ProofStage } from '../desk-contracts.js'
import type { Provider, Way } from '../contracts.js'

export const WAYS: readonly Way[] = ['360x', 'direct', 'hl7', 'fhir', 'fax', 'portal', 'email', 'file', 'phone']

/** What a way does beside being taken by whoever carries it. */
export interface WayRule {
  /** The other side's system says later that it has it, by that stage, within so many milliseconds. */
  readonly confirms: { readonly by: ProofStage; readonly within: number } | null
  /** What failed and may be tried again is, so many times in all; `next` after a failure, within the allowed hours. */
  readonly retry: { readonly attempts: number; readonly zone: string; next(after: number): number } | null
}

const OneWay = Type.Object({
  confirms: Type.Optional(Type.Object({ by: Type.Enum(['processed', 'dispatched', 'delivered'], { description: 'The stage that confirms it.' }), within: Duration }, { additionalProperties: false, description: 'The other side’s system says later that it has it.' })),
  retry: Type.Optional(Type.Object({
    every: Duration, attempts: Type.Integer({ minimum: 1, maximum: 20, description: 'In all.' }), hours: Type.String({ minLength: 1, maxLength: 300, description: 'When it may be tried: `Mon-Sun 07:00-21:00`.' }),
    zone: Type.String({ minLength: 1, maxLength: 60, description: 'Whose hours: `America/Chicago`.' }),
  }, { additionalProperties: false, description: 'What failed and may be tried again is, the same way.' })),
}, { additionalProperties: false })

/** The schema of mappings/providers/ways.yaml. */
export const WaysFile = Type.Object({
  order: Type.Array(Type.Union(WAYS.map((way) => Type.Literal(way))), { minItems: 1, uniqueItems: true, description: 'The ways back, best first; what is left out comes last.' }),
  ways: Type.Optional(Type.Partial(Type.Object(Object.fromEntries(WAYS.map((way) => [way, OneWay])) as Record<Way, typeof OneWay>, { additionalProperties: false }), { additionalProperties: false })),
}, { additionalProperties: false })

/** The order of a document. Throws its mistakes, one a line with file:line:column. */
export const waysOrder = (document: MappingDocument): readonly Way[] => {
  const found = mistakes(WaysFile, document.value, { name: 'the ways back' })
  if (found.length > 0) throw new Error(found.map(({ keys, message }) => `${document.place(...keys)}: ${message}`).join('\n'))
  wayRules(document)
  const { order } = document.value as { readonly order: readonly Way[] }
  return [...order, ...WAYS.filter((way) => !order.includes(way))]
}

/** What each way of a document does. Throws a sentence with its place where hours or a zone are none. */
export const wayRules = (document: MappingDocument): ReadonlyMap<Way, WayRule> => {
  const { ways = {} } = document.value as Static<typeof WaysFile>
  return new Map(Object.entries(ways).map(([way, { confirms, retry }]) => {
    try {
      return [way as Way, { confirms: confirms ? { by: confirms.by, within: duration(confirms.within) } : null, retry: retry ? retrying(retry) : null }] as const
    } catch (error) {
      throw new Error(`${document.place('ways', way, 'retry')}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }))
}

const retrying = ({ every, attempts, hours, zone }: NonNullable<Static<typeof OneWay>['retry']>): WayRule['retry'] => {
  checkZone(zone)
  const open = calendar(zoneDays(zone), readHours(hours), () => false)
  return { attempts, zone, next: (after) => nextOpening(after + duration(every), open) }
}

/** Best first; of one way, as they were learned. What failed for good comes last. */
export const inOrder = (ways: Provider['ways'], preferred: Way | null, order: readonly Way[]): Provider['ways'] => {
  const rank = ({ way, failed }: Provider['ways'][number]): number => (failed ? order.length : way === preferred ? -1 : 0) + order.indexOf(way) * (way === preferred ? 0 : 1)
  return [...ways].sort((a, b) => rank(a) - rank(b))
}
