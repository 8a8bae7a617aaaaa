/** Rules about settings that contradict each other or have no effect. */
import { basename, extname } from 'node:path'
import type { ChannelDestination } from '../channel-definition.js'
import type { LoadedChannel } from '../channel-loader.js'
import type { Rule } from './check.js'
import { complaint } from '../complaint.js'
import type { Problem } from '../problem.js'
import { duration } from '../units.js'

/** A channel is easily found when its file has its name. */
export const fileNames: Rule = channels => channels.flatMap(channel => {
  const file = basename(channel.file, extname(channel.file))
  const { name } = channel.definition
  return file === name ? [] : [complaint(channel, ['name'], 'warning', 'file-name', `The channel is called \`${name}\` and its file \`${basename(channel.file)}\`.`, `Call the file \`${name}.yaml\`.`)]
})

export const contradictions: Rule = channels => channels.flatMap(channel => [...ofChannel(channel), ...ofDestinations(channel)])

const ofChannel = (channel: LoadedChannel): Problem[] => {
  const { retain, acknowledge, acknowledgeWithin, concurrency, duplicates } = channel.definition
  const problems: Problem[] = []
  if (duration(retain.facts) < duration(retain.content)) {
    problems.push(complaint(channel, ['retain', 'facts'], 'error', 'retain', `The facts are retained for ${retain.facts}, less than the content (${retain.content}), which needs them.`, 'Retain the facts at least as long as the content.'))
  }
  if (duration(duplicates.within) > duration(retain.facts)) {
    problems.push(complaint(channel, ['duplicates', 'within'], 'warning', 'retain', `Duplicates are looked for within ${duplicates.within}, but messages are forgotten after ${retain.facts}.`, 'Retain the facts at least as long.'))
  }
  if (acknowledge === 'received' && channel.yaml.scalar(['acknowledgeWithin'])) {
    problems.push(complaint(channel, ['acknowledgeWithin'], 'warning', 'no-effect', '`acknowledgeWithin` has no effect with `acknowledge: received`, which never waits.', '', 'key'))
  }
  if (acknowledge === 'delivered') {
    channel.definition.destinations.forEach(({ timeout, name }, index) => {
      if (duration(timeout) < duration(acknowledgeWithin)) return
      const message = `One attempt to send to \`${name}\` may take ${timeout}, and the sender is told to try again after ${acknowledgeWithin}.`
      problems.push(complaint(channel, ['destinations', index, 'timeout'], 'warning', 'acknowledge-limit', message, 'Make `timeout` shorter than `acknowledgeWithin`.'))
    })
  }
  const partitioned = channel.definition.destinations.findIndex(({ partition }) => partition !== null)
  if (concurrency > 1 && partitioned >= 0) {
    problems.push(complaint(channel, ['concurrency'], 'error', 'order', `\`concurrency: ${concurrency}\` gives up the order that \`partition\` (${channel.place('destinations', partitioned, 'partition')}) is there to keep.`, 'Remove one of them.', 'key'))
  }
  return problems
}

const ofDestinations = (channel: LoadedChannel): Problem[] => {
  const seen = new Map<string, number>()
  return channel.definition.destinations.flatMap((destination, index) => {
    const { name } = destination
    const before = seen.get(name)
    seen.set(name, index)
    const problems = waits(channel, destination, index)
    if (before !== undefined) problems.push(complaint(channel, ['destinations', index, 'name'], 'error', 'same-name', `A destination called \`${name}\` is already at ${channel.place('destinations', before, 'name')}.`, 'Give each destination a name of its own.'))
    if (RESERVED.includes(name)) problems.push(complaint(channel, ['destinations', index, 'name'], 'error', 'same-name', `A destination cannot be called \`${name}\`: tests use that word for something else.`, 'Choose another name.'))
    return problems
  })
}

const RESERVED = ['acknowledgement', 'history']

const waits = (channel: LoadedChannel, { retry }: ChannelDestination, index: number): Problem[] =>
  duration(retry.longest) >= duration(retry.every) ? [] : [complaint(channel, ['destinations', index, 'retry'], 'warning', 'retry', `The longest wait (${retry.longest}) is shorter than the first (${retry.every}).`, 'Make `longest` at least `every`.')]
