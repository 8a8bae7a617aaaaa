/** How long somebody has: as time passes (`15m`, `72h`, `30d`), or as a practice works (`4 working hours`, `2 working days`). */
import { Type } from 'typebox'
import { duration } from '../../engine/units.js'
import type { Urgency } from '../contracts.js'

export type Span =
  | { readonly kind: 'elapsed'; readonly milliseconds: number }
  | { readonly kind: 'open'; readonly milliseconds: number } // of open hours
  | { readonly kind: 'days'; readonly days: number } // working days
export type Spans = Readonly<Record<Urgency, Span>>

export const SpanText = Type.String({
  pattern: '^[1-9][0-9]{0,4}[smhd]$|^(?:1 working (?:minute|hour|day)|(?:[2-9]|[1-9][0-9]{1,2}) working (?:minutes|hours|days))$',
  description: 'How long: `15m`, `72h`, `30d`, `4 working hours`, `1 working day` or `2 working days`.',
})

/** Of a text that `SpanText` allows. */
export const readSpan = (text: string): Span => {
  const [, amount, unit] = /^(\d+) working (minute|hour|day)s?$/.exec(text) ?? []
  if (amount === undefined) return { kind: 'elapsed', milliseconds: duration(text) }
  return unit === 'day' ? { kind: 'days', days: Number(amount) } : { kind: 'open', milliseconds: duration(`${amount}${unit === 'hour' ? 'h' : 'm'}`) }
}
