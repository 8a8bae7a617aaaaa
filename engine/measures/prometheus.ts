/** The measures in the text that Prometheus reads. Labels have the names of channel files and words of this file, nothing from messages. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Engine } from '../engine.js'
import { version } from '../version.js'
import { BOUNDS, type Durations } from './durations.js'
import type { ChannelNow, DestinationNow } from './snapshot.js'

type Labels = Readonly<Partial<Record<'channel' | 'destination' | 'verdict' | 'outcome' | 'version' | 'node', string>>>
type Value = readonly [labels: Labels, value: number]

/** Makes the text anew each time that it is called; `look` says how the channels are now. */
export function prometheusText(engine: Engine, look: () => Promise<readonly ChannelNow[]>): () => Promise<string> {
  const registry = new Registry()
  let channels: readonly ChannelNow[] = []
  let readable = true
  collectDefaultMetrics({ register: registry })
  const families: (() => string)[] = []

  const perChannel = (values: (channel: ChannelNow) => readonly Value[]) => (): readonly Value[] => channels.flatMap((channel) => values(channel).map(([labels, value]): Value => [{ channel: channel.name, ...labels }, value]))
  const perDestination = (values: (destination: DestinationNow) => readonly Value[]) => perChannel(({ destinations }) => destinations.flatMap((one) => values(one).map(([labels, value]): Value => [{ destination: one.name, ...labels }, value])))
  const counter = (name: string, help: string, values: () => readonly Value[]): void => void families.push(() => familyText(name, help, 'counter', values().map(([labels, value]) => line(name, text(labels), value))))
  const gauge = (name: string, help: string, values: () => readonly Value[]): void => void families.push(() => familyText(name, help, 'gauge', values().map(([labels, value]) => line(name, text(labels), value))))
  const histogram = (name: string, help: string, values: () => readonly (readonly [Labels, Durations])[]): void =>
    void families.push(() => familyText(name, help, 'histogram', values().flatMap(([labels, durations]) => series(name, text(labels), durations))))

  gauge('refero_build_info', 'The version that runs; always 1.', () => [[{ version: version(), node: process.versions.node }, 1]])
  counter('refero_messages_received_total', 'Messages that arrived, duplicates and unreadable ones included.', perChannel(({ counted }) => [[{}, counted.received]]))
  counter('refero_messages_duplicate_total', 'Messages that had been received before, and were answered again.', perChannel(({ counted }) => [[{}, counted.duplicates]]))
  counter('refero_messages_unreadable_total', 'Messages that were kept and rejected because they could not be read.', perChannel(({ counted }) => [[{}, counted.unreadable]]))
  counter('refero_messages_acknowledged_total', 'Replies to senders.', perChannel(({ counted }) => Object.entries(counted.acknowledged).map(([verdict, value]): Value => [{ verdict }, value])))
  counter('refero_messages_transformed_total', 'Messages that went through their steps to a destination.', perChannel(({ counted }) => [[{}, counted.transformed]]))
  counter('refero_messages_filtered_total', 'Messages that no destination gets, because of a step.', perChannel(({ counted }) => [[{}, counted.filtered]]))
  counter('refero_messages_failed_total', 'Messages that failed in their steps.', perChannel(({ counted }) => [[{}, counted.errors]]))
  counter('refero_deliveries_filtered_total', 'Messages that a destination does not get, because of its own steps.', perDestination(({ counted }) => [[{}, counted.filtered]]))
  counter('refero_deliveries_skipped_total', 'Deliveries that the channel says to skip when they are refused, or that a person gave up at this destination.', perDestination(({ counted }) => [[{}, counted.skipped]]))
  counter('refero_attempts_total', 'Attempts to deliver, by what became of them.', perDestination(({ counted }) => Object.entries(counted.attempts).map(([outcome, value]): Value => [{ outcome }, value])))

  gauge('refero_channel_up', 'Whether the channel runs.', perChannel(({ state }) => [[{}, state === 'running' ? 1 : 0]]))
  gauge('refero_channel_last_received_timestamp_seconds', 'When the last message arrived.', perChannel(({ counted }) => instant(counted.lastReceived)))
  gauge('refero_destination_last_sent_timestamp_seconds', 'When a message was last sent.', perDestination(({ counted }) => instant(counted.lastSent)))
  gauge('refero_queue_depth', 'Deliveries on their way.', perDestination(({ queue }) => [[{}, queue.waiting]]))
  gauge('refero_queue_held', 'Deliveries that a person must decide on.', perDestination(({ queue }) => [[{}, queue.held]]))
  gauge('refero_queue_oldest_age_seconds', 'How long ago the oldest message of the queue was received.', perDestination(({ queue }) => [[{}, queue.oldest ? (engine.world.clock.now().getTime() - queue.oldest.getTime()) / 1000 : 0]]))
  gauge('refero_store_up', 'Whether the store works.', () => [[{}, readable && engine.storeTrouble === null ? 1 : 0]])
  gauge('refero_store_bytes', 'What the store takes of the disk, the search by words included.', () => [[{}, storeBytes(engine.world.dataFolder)]])
  gauge('refero_troubles', 'How many things /ready calls wrong.', () => [[{}, engine.troubles().length]])

  histogram('refero_reply_seconds', 'From the arrival of a message to the reply to its sender.', () => channels.map(({ name, counted }) => [{ channel: name }, counted.reply]))
  histogram('refero_steps_seconds', 'What the steps of a message took, those of its destinations included.', () => channels.map(({ name, counted }) => [{ channel: name }, counted.steps]))
  const ofDestinations = (of: (destination: DestinationNow) => Durations) => (): (readonly [Labels, Durations])[] => channels.flatMap(({ name, destinations }) => destinations.map((one) => [{ channel: name, destination: one.name }, of(one)] as const))
  histogram('refero_attempt_seconds', 'What one attempt to deliver took.', ofDestinations(({ counted }) => counted.attempt))
  histogram('refero_delivery_seconds', 'From the arrival of a message to its having been sent.', ofDestinations(({ counted }) => counted.delivery))

  return async () => {
    try {
      channels = await look()
      readable = true
    } catch {
      readable = false // what is counted is told all the same, and what waits as it was last known
    }
    return `${await registry.metrics()}${families.map((family) => family()).join('')}`
  }
}

const instant = (date: Date | null): readonly Value[] => (date ? [[{}, date.getTime() / 1000]] : [])

const FILES = ['messages.db', 'messages.db-wal', 'search.db', 'search.db-wal']
const storeBytes = (folder: string): number => FILES.reduce((sum, file) => sum + (statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0), 0)

/** One measure with its samples (Prometheus exposition format 0.0.4). Written here: a registry takes a second for the series of some hundred channels. */
const familyText = (name: string, help: string, type: 'counter' | 'gauge' | 'histogram', samples: readonly string[]): string => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('')}\n`

const line = (name: string, labels: string, value: number): string => `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`

const text = (labels: Labels): string => Object.entries(labels).map(([label, value]) => `${label}="${value.replace(/[\\"\n]/g, (each) => (each === '\n' ? '\\n' : `\\${each}`))}"`).join(',')

const ENDS: readonly string[] = [...BOUNDS.map((bound) => String(bound / 1000)), '+Inf']

function series(name: string, labels: string, { counts, count, sum }: Durations): readonly string[] {
  let under = 0
  const buckets = ENDS.map((end, n) => {
    under += counts[n] ?? 0
    return line(`${name}_bucket`, `${labels},le="${end}"`, under)
  })
  return [...buckets, line(`${name}_sum`, labels, sum / 1000), line(`${name}_count`, labels, count)]
}
