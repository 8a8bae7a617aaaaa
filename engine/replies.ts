/** What a sender is told: at once, or when a channel that acknowledges later has decided. */
import type { Fault, MessageFormat, Progress, Reply, Verdict } from './contracts.js'
import type { Channel } from './channel.js'

/** What a sender is owed when everything is known at once: the stored and the done acknowledgement, or the one that says no. */
export function replyTo(format: MessageFormat, bytes: Buffer, verdict: Verdict, fault?: Fault): Reply {
  const stored = format.acknowledge(bytes, 'stored', verdict, fault)
  const done = verdict === 'accepted' || stored === null ? format.acknowledge(bytes, 'done', verdict, fault) : null
  return { verdict, reason: fault?.reason ?? null, acknowledgements: [stored, done].filter((acknowledgement) => acknowledgement !== null) }
}

/** Decides, once, what the sender of these bytes is told by a channel that acknowledges later; null while that is open. */
export async function conclude(channel: Channel, id: number, bytes: Buffer): Promise<Reply | null> {
  const progress = await channel.store.progress(id)
  if (!progress) return null
  if (progress.reply) return progress.reply
  const verdict = verdictOn(channel, progress)
  if (!verdict) return null
  const fault = verdict.reason === null ? undefined : faultOf(channel, verdict.reason)
  const done = channel.format.acknowledge(bytes, 'done', verdict.verdict, fault)
  return channel.store.answer(id, { ...verdict, acknowledgements: done ? [done] : [] }, channel.clock.now())
}

/** A stored reason names the place at fault where there is one: `PID-3: …`. What names none is nothing that the sender can mend. */
function faultOf(channel: Channel, text: string): Fault {
  const [location = '', ...rest] = text.split(': ')
  const reason = rest.join(': ')
  return reason && !location.includes(' ') && channel.format.checkPath(location) === null ? { kind: 'value', location, reason } : { kind: 'internal', reason: text }
}

function verdictOn(channel: Channel, { status, reason, deliveries }: Progress): { verdict: Verdict; reason: string | null } | null {
  if (status === 'received') return null
  if (status === 'error') return { verdict: 'rejected', reason: reason ?? 'The message could not be transformed.' }
  if (channel.acknowledge === 'transformed') return { verdict: 'accepted', reason: null }
  const failed = deliveries.find((delivery) => delivery.status === 'error')
  if (failed) return { verdict: 'rejected', reason: `${failed.destination}: ${failed.reason}` }
  return deliveries.every((delivery) => delivery.status === 'sent') ? { verdict: 'accepted', reason: null } : null
}

/** The honest interim answer of a channel that acknowledges later: never stored, so that a repetition gets the real one. */
export function notYet(format: MessageFormat, bytes: Buffer, reason: string): Reply {
  const done = format.acknowledge(bytes, 'done', 'error', { kind: 'internal', reason })
  return { verdict: 'error', reason, acknowledgements: done ? [done] : [] }
}

/** The one answer to an envelope of several messages: the worst verdict, and every acknowledgement in an envelope of its own. */
export function replyToAll(format: MessageFormat, bytes: Buffer, replies: readonly Reply[]): Reply {
  const verdict = (['error', 'rejected'] as const).find((worse) => replies.some((reply) => reply.verdict === worse)) ?? 'accepted'
  const refused = replies.filter((reply) => reply.verdict !== 'accepted')
  const acknowledgements = replies.flatMap((reply) => reply.acknowledgements)
  return {
    verdict,
    reason: refused[0] ? `${refused.length} of ${replies.length} messages were not accepted; the first: ${refused[0].reason}` : null,
    acknowledgements: acknowledgements.length > 0 ? [format.assemble(bytes, acknowledgements)] : [],
  }
}
