/** What follows when a channel changes: what a person should know before, a sentence each. */
import type { ChannelDefinition } from '../channel-definition.js'
import type { ChannelChange } from './structural-diff.js'
import { duration } from '../units.js'

type Changed = Omit<ChannelChange, 'consequences'>

/** `before` is null of what is added, `after` of what is removed. */
export const consequencesOf = (change: Changed, before: ChannelDefinition | null, after: ChannelDefinition | null): readonly string[] => {
  if (!before) return after?.enabled ? ['It starts.'] : ['It is not enabled, and does not start.']
  if (!after) return ['It stops; its messages stay in the store, and what waits in its queues waits until a channel of this name is there again.']
  if (change.before !== null) return [`It is the channel \`${change.before}\` under another name: it starts with empty queues, and the messages and queues of \`${change.before}\` stay under that name.`]
  const path = (beginning: string): boolean => change.settings.some((each) => each.path === beginning || each.path.startsWith(`${beginning}.`) || each.path.startsWith(`${beginning}[`))
  return [
    ...(before.enabled && !after.enabled ? ['It stops: senders are refused, and what waits in its queues waits.'] : []),
    ...(!before.enabled && after.enabled ? ['It starts.'] : []),
    ...(change.restarts && before.enabled ? ['It restarts: its source closes and opens again, and what is under way is finished first.'] : []),
    ...(!change.restarts && after.enabled ? ['It does not restart.'] : []),
    ...(path('source') ? ['Its source is another: senders may have to be told.'] : []),
    ...(path('format') || path('steps') ? ['Messages that are received and have not been through the steps yet go through the new ones.'] : []),
    ...(path('acknowledge') ? [`Senders are acknowledged when a message is ${after.acknowledge}; before, when it was ${before.acknowledge}.`] : []),
    ...shorter(before, after),
    ...change.destinations.added.map((name) => `\`${name}\` gets what is received from now on; earlier messages reach it by a replay.`),
    ...change.destinations.removed.map((name) => `What waits for \`${name}\` is sent no more and stays in the store: let its queue run empty first, or skip what waits.`),
    ...change.destinations.renamed.map(({ from, to }) => `\`${to}\` is \`${from}\` under another name, and its queue starts empty: what waits for \`${from}\` is sent no more; let its queue run empty first.`),
    ...after.destinations.flatMap(({ name }) => ofDestination(name, change)),
  ]
}

const ofDestination = (name: string, { settings }: Changed): string[] => {
  const of = settings.filter(({ path }) => path.startsWith(`destinations.${name}.`)).map(({ path }) => path.slice(`destinations.${name}.`.length))
  const any = (beginning: string): boolean => of.some((path) => path === beginning || path.startsWith(`${beginning}.`) || path.startsWith(`${beginning}[`))
  return [
    ...(any('to') ? [`What waits for \`${name}\` is sent to the new receiver, as it was made by the steps before.`] : []),
    ...(any('steps') || any('keep') ? [`What waits for \`${name}\` was made by the steps before; a replay makes it anew.`] : []),
    ...(any('partition') ? [`What waits for \`${name}\` keeps the key that it was made with; only what comes is ordered by the new one.`] : []),
  ]
}

const shorter = (before: ChannelDefinition, after: ChannelDefinition): string[] => {
  const less = (was: string, is: string): boolean => duration(is) < duration(was)
  return [
    ...(less(before.retain.content, after.retain.content) ? [`The content of finished messages older than ${after.retain.content} is forgotten, and cannot be had back.`] : []),
    ...(less(before.retain.facts, after.retain.facts) ? [`What is known of messages older than ${after.retain.facts} is forgotten, and cannot be had back.`] : []),
    ...(less(before.duplicates.within, after.duplicates.within) ? [`A message that is sent again after more than ${after.duplicates.within} is a new message.`] : []),
  ]
}

interface Waiting { readonly channel: string; readonly destination: string; readonly waiting: number; readonly held: number }

/** The same with how much waits, now, in the queues that would go. */
export const withWaiting = (changes: readonly ChannelChange[], queues: readonly Waiting[]): readonly ChannelChange[] => changes.map((change) => {
  const old = change.before ?? change.channel
  const going = (destination: string): boolean => change.change === 'removed' || change.before !== null || change.destinations.removed.includes(destination) || change.destinations.renamed.some(({ from }) => from === destination)
  const full = queues.filter(({ channel, destination, waiting, held }) => channel === old && going(destination) && waiting + held > 0)
  return { ...change, consequences: [...change.consequences, ...full.map(({ destination, waiting, held }) => `In the queue of \`${destination}\` now: ${waiting} waiting, ${held} held.`)] }
})
