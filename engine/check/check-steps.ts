/** Rule: every step can be reached by some message. */
import type { ChannelPiece } from '../channel-definition.js'
import type { LoadedChannel } from '../channel-loader.js'
import type { Rule } from './check.js'
import { complaint, whereOf } from '../complaint.js'
import type { Problem } from '../problem.js'

/** Two `keep: { types }` after each other with no type in common let nothing pass; what is between them could change the type. */
export const unreachable: Rule = channels => channels.flatMap(channel => {
  const problems: Problem[] = []
  const last = through(channel, channel.definition.steps, null, problems)
  for (const { steps } of channel.definition.destinations) through(channel, steps, last, problems)
  return problems
})

interface Kept { readonly step: ChannelPiece; readonly types: readonly string[] }

const through = (channel: LoadedChannel, steps: readonly ChannelPiece[], before: Kept | null, problems: Problem[]): Kept | null => {
  let kept = before
  for (const step of steps) {
    if (step.name !== 'keep') kept = null
    const types = step.name === 'keep' ? typesOf(step) : null
    if (!types) continue
    const common = kept ? types.filter(type => kept?.types.some(other => overlap(type, other))) : types
    if (kept && common.length === 0) {
      const message = `Nothing can pass here: ${whereOf(channel, kept.step.keys)} lets only ${kept.types.join(', ')} through, and this only ${types.join(', ')}. What follows is never reached.`
      problems.push(complaint(channel, step.keys, 'error', 'unreachable', message, 'Remove one of them, or give them a type in common.', 'key'))
      return null
    }
    kept = { step, types: common }
  }
  return kept
}

const typesOf = ({ settings }: ChannelPiece): readonly string[] | null =>
  Array.isArray(settings.types) && settings.types.every(type => typeof type === 'string') ? settings.types : null

/** Whether one message can have both types: `ADT` is every ADT, and `*` anything. */
const overlap = (a: string, b: string): boolean => {
  const [parts, others] = [a.split('^'), b.split('^')]
  return parts.every((part, index) => others[index] === undefined || part === others[index] || part === '*' || others[index] === '*')
}
