/** What became of a message, as the desk is told it: from the deliveries of the channel and what receivers answered. */
import fhirpath from 'fhirpath'
import type { Fate, Tools } from '../../engine/contracts.js'
import type { Desk } from '../../referrals/desk.js'
import type { Readers } from '../../referrals/hand-off/receipt-contracts.js'
import type { NoticeFate } from '../../referrals/settling.js'

/** Delivered once each destination has it; uncertain where one is held in doubt; failed otherwise. */
export async function fateOf(desk: Desk, tools: Tools, notice: number, { mark, status, reason, deliveries }: Fate): Promise<NoticeFate> {
  const current = deliveries.filter((one) => !(one.status === 'error' && one.settled && deliveries.some((other) => other !== one && other.destination === one.destination && other.status === 'sent')))
  const bad = current.find((one) => one.status !== 'sent')
  const sent = status === 'transformed' && current.length > 0 && !bad
  const outcome = sent ? 'sent' : bad?.status === 'held' && bad.doubtful ? 'uncertain' : 'failed'
  const at = new Date(Math.max(...current.map((one) => one.at.getTime()), 0) || tools.clock.now())
  const [first] = current
  const landed = await desk.landing(notice, sent && first?.payload ? { payload: first.payload, response: first.response, at } : null, readersOf(tools))
  return { mark, outcome, at, channel: tools.channel, reason: sent ? null : (bad?.reason ?? reason ?? 'the channel sent it to nobody'), doubtful: current.some((one) => one.doubtful), ...landed }
}

/** A message is parsed once, however many of its fields are read. */
const readersOf = (tools: Tools): Readers => {
  const format = tools.format('hl7v2')
  const bodies = new WeakMap<Buffer, unknown>()
  const bodyOf = (message: Buffer): unknown => {
    const body = bodies.get(message) ?? format.parse(message)
    bodies.set(message, body)
    return body
  }
  return {
    read: (message, path) => format.read(bodyOf(message), path),
    evaluate: (resource, expression) => compiled(expression)(resource).map((value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value))),
  }
}

const expressions = new Map<string, (resource: object) => unknown[]>()
const compiled = (expression: string): ((resource: object) => unknown[]) => {
  const known = expressions.get(expression)
  if (known) return known
  const made = fhirpath.compile(expression) as (resource: object) => unknown[]
  expressions.set(expression, made)
  return made
}
