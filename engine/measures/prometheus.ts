/** The measures in the text that Prometheus reads. Labels have the names of channel files and words of this file, nothing from messages. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { collectDefaultMetrics, Counter, Gauge, Histogram, type HistogramConfiguration, Registry } from 'prom-client'
import type { Engine } from '../engine.js'
import { version } from '../version.js'
import { BOUNDS, type Durations } from './durations.js'
import type { ChannelNow, DestinationNow } from './snapshot.js'

type Label = 'channel' | 'destination' | 'verdict' | 'outcome'
type Labels = Partial<Record<Label, string>>
type Value = readonly [labels: Labels, value: number]

/** Makes the text anew each time that it is called; `look` says how the channels are now. */
export function prometheusText(engine: Engine, look: () => Promise<readonly ChannelNow[]>): () => Promise<string> {
  const registry = new Registry()
  let channels: readonly ChannelNow[] = []
  let readable = true
  collectDefaultMetrics({ register: registry })
  new Gauge({ name: 'refero_build_info', help: 'The version that runs; always 1.', labelNames: ['version', 'node'], registers: [registry] }).set({ version: version(), node: process.versions.node }, 1)

  const perChannel = (values: (channel: ChannelNow) => readonly Value[]) => (): readonly Value[] => channels.flatMap((channel) => values(channel).map(([labels, value]): Value => [{ channel: channel.name, ...labels }, value]))
  const perDestination = (values: (destination: DestinationNow) => readonly Value[]) => perChannel(({ destinations }) => destinations.flatMap((one) => values(one).map(([labels, value]): Value => [{ destination: one.name, ...labels }, value])))
  const counter = (name: string, help: string, labels: readonly Label[], values: () => readonly Value[]): void => {
    new Counter({ name, help, labelNames: labels, registers: [registry], collect() {
      this.reset()
      for (const [given, value] of values()) this.inc(given, value)
    } })
  }
  const gauge = (name: string, help: string, labels: readonly Label[], values: () => readonly Value[]): void => {
    new Gauge({ name, help, labelNames: labels, registers: [registry], collect() {
      this.reset()
      for (const [given, value] of values()) this.set(given, value)
    } })
  }
  const histogram = (name: string, help: string, labels: readonly Label[], values: () => Iterable<readonly [Labels, Durations]>): void => {
    new CountedHistogram({ name, help, labelNames: labels, registers: [registry] }, values)
  }
  const CHANNEL = ['channel'] as const
  const DESTINATION = ['channel', 'destination'] as const

  counter('refero_messages_received_total', 'Messages that arrived, duplicates and unreadable ones included.', CHANNEL, perChannel(({ counted }) => [[{}, counted.received]]))
  counter('refero_messages_duplicate_total', 'Messages that had been received before, and were answered again.', CHANNEL, perChannel(({ counted }) => [[{}, counted.duplicates]]))
  counter('refero_messages_unreadable_total', 'Messages that were kept and rejected because they could not be read.', CHANNEL, perChannel(({ counted }) => [[{}, counted.unreadable]]))
  counter('refero_messages_acknowledged_total', 'Replies to senders.', [...CHANNEL, 'verdict'], perChannel(({ counted }) => Object.entries(counted.acknowledged).map(([verdict, value]): Value => [{ verdict }, value])))
  counter('refero_messages_transformed_total', 'Messages that went through their steps to a destination.', CHANNEL, perChannel(({ counted }) => [[{}, counted.transformed]]))
  counter('refero_messages_filtered_total', 'Messages that no destination gets, because of a step.', CHANNEL, perChannel(({ counted }) => [[{}, counted.filtered]]))
  counter('refero_messages_failed_total', 'Messages that failed in their steps.', CHANNEL, perChannel(({ counted }) => [[{}, counted.errors]]))
  counter('refero_deliveries_filtered_total', 'Messages that a destination does not get, because of its own steps.', DESTINATION, perDestination(({ counted }) => [[{}, counted.filtered]]))
  counter('refero_deliveries_skipped_total', 'Deliveries that the channel says to skip when they are refused, or that a person gave up at this destination.', DESTINATION, perDestination(({ counted }) => [[{}, counted.skipped]]))
  counter('refero_attempts_total', 'Attempts to deliver, by what became of them.', [...DESTINATION, 'outcome'], perDestination(({ counted }) => Object.entries(counted.attempts).map(([outcome, value]): Value => [{ outcome }, value])))

  gauge('refero_channel_up', 'Whether the channel runs.', CHANNEL, perChannel(({ state }) => [[{}, state === 'running' ? 1 : 0]]))
  gauge('refero_channel_last_received_timestamp_seconds', 'When the last message arrived.', CHANNEL, perChannel(({ counted }) => instant(counted.lastReceived)))
  gauge('refero_destination_last_sent_timestamp_seconds', 'When a message was last sent.', DESTINATION, perDestination(({ counted }) => instant(counted.lastSent)))
  gauge('refero_queue_depth', 'Deliveries on their way.', DESTINATION, perDestination(({ queue }) => [[{}, queue.waiting]]))
  gauge('refero_queue_held', 'Deliveries that a person must decide on.', DESTINATION, perDestination(({ queue }) => [[{}, queue.held]]))
  gauge('refero_queue_oldest_age_seconds', 'How long ago the oldest message of the queue was received.', DESTINATION, perDestination(({ queue }) => [[{}, queue.oldest ? (engine.world.clock.now().getTime() - queue.oldest.getTime()) / 1000 : 0]]))
  gauge('refero_store_up', 'Whether the store works.', [], () => [[{}, readable && engine.storeTrouble === null ? 1 : 0]])
  gauge('refero_store_bytes', 'What the store takes of the disk.', [], () => [[{}, storeBytes(engine.world.dataFolder)]])
  gauge('refero_troubles', 'How many things /ready calls wrong.', [], () => [[{}, engine.troubles().length]])

  histogram('refero_reply_seconds', 'From the arrival of a message to the reply to its sender.', CHANNEL, () => channels.map(({ name, counted }) => [{ channel: name }, counted.reply]))
  histogram('refero_steps_seconds', 'What the steps of a message took, those of its destinations included.', CHANNEL, () => channels.map(({ name, counted }) => [{ channel: name }, counted.steps]))
  const ofDestinations = (of: (destination: DestinationNow) => Durations) => (): (readonly [Labels, Durations])[] => channels.flatMap(({ name, destinations }) => destinations.map((one) => [{ channel: name, destination: one.name }, of(one)] as const))
  histogram('refero_attempt_seconds', 'What one attempt to deliver took.', DESTINATION, ofDestinations(({ counted }) => counted.attempt))
  histogram('refero_delivery_seconds', 'From the arrival of a message to its having been sent.', DESTINATION, ofDestinations(({ counted }) => counted.delivery))

  return async () => {
    try {
      channels = await look()
      readable = true
    } catch {
      readable = false // what is counted is told all the same, and what waits as it was last known
    }
    return registry.metrics()
  }
}

const instant = (date: Date | null): readonly Value[] => (date ? [[{}, date.getTime() / 1000]] : [])

const FILES = ['messages.db', 'messages.db-wal']
const storeBytes = (folder: string): number => FILES.reduce((sum, file) => sum + (statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0), 0)

/** A histogram that was counted elsewhere: counting with labels at every message would cost more than all else that is measured. */
class CountedHistogram extends Histogram<Label> {
  readonly #configuration: HistogramConfiguration<Label>
  readonly #values: () => Iterable<readonly [Labels, Durations]>

  constructor(configuration: HistogramConfiguration<Label>, values: () => Iterable<readonly [Labels, Durations]>) {
    super(configuration)
    this.#configuration = configuration
    this.#values = values
  }

  /** What the registry asks every metric for. */
  async getForPromString(): Promise<object> {
    const { name, help } = this.#configuration
    return { name, help, type: 'histogram', aggregator: 'sum', values: [...this.#values()].flatMap(([labels, durations]) => series(name, labels, durations)) }
  }
}

interface Sample { readonly metricName: string; readonly labels: Readonly<Record<string, string>>; readonly sharedLabels: object; readonly value: number }

function series(name: string, labels: Labels, { counts, count, sum }: Durations): Sample[] {
  let under = 0
  const sample = (suffix: string, value: number, more: object = {}): Sample => ({ metricName: `${name}_${suffix}`, labels: { ...labels, ...more }, sharedLabels: {}, value })
  const buckets = counts.map((each, n) => {
    under += each
    return sample('bucket', under, { le: n < BOUNDS.length ? String((BOUNDS[n] as number) / 1000) : '+Inf' })
  })
  return [...buckets, sample('sum', sum / 1000), sample('count', count)]
}
