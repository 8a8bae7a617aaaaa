/** Counts what happens, per channel and per destination, from the moment the engine started. Names come from channel files alone, so that they stay few. */
import type { Verdict } from '../contracts.js'
import type { EngineEvent, Events } from '../events.js'
import { Durations } from './durations.js'

export class DestinationMeasures {
  readonly attempts = { sent: 0, refused: 0, unavailable: 0, unknown: 0 }
  filtered = 0 // by the destination's own steps
  skipped = 0
  lastSent: Date | null = null
  readonly attempt = new Durations()
  readonly delivery = new Durations() // from arrival to sent
}

export class ChannelMeasures {
  received = 0
  duplicates = 0
  unreadable = 0
  readonly acknowledged: Record<Verdict, number> = { accepted: 0, error: 0, rejected: 0 }
  transformed = 0
  filtered = 0
  errors = 0
  lastReceived: Date | null = null
  readonly reply = new Durations() // from arrival to the sender's answer
  readonly steps = new Durations()
  readonly destinations = new Map<string, DestinationMeasures>()

  destination(name: string): DestinationMeasures {
    return this.destinations.get(name) ?? added(this.destinations, name, new DestinationMeasures())
  }
}

export class Measures {
  readonly #channels = new Map<string, ChannelMeasures>()

  constructor(events: Events) {
    events.listen((event) => count(this.channel(event.channel), event))
  }

  /** What was counted of a channel; zeros where nothing was. */
  channel(name: string): ChannelMeasures {
    return this.#channels.get(name) ?? added(this.#channels, name, new ChannelMeasures())
  }
}

function added<Counted>(all: Map<string, Counted>, name: string, measures: Counted): Counted {
  all.set(name, measures)
  return measures
}

function count(channel: ChannelMeasures, event: EngineEvent): void {
  const { what, took, at } = event
  switch (what) {
    case 'received':
    case 'duplicate':
    case 'unreadable':
      channel.received++
      channel.lastReceived = at
      if (what === 'duplicate') channel.duplicates++
      if (what === 'unreadable') channel.unreadable++
      break
    case 'acknowledged':
      channel.acknowledged[event.verdict ?? 'error']++
      channel.reply.add(took ?? 0)
      break
    case 'transformed':
    case 'error':
    case 'filtered':
      if (event.destination !== null) channel.destination(event.destination).filtered++
      else {
        if (what === 'transformed') channel.transformed++
        else if (what === 'filtered') channel.filtered++
        else channel.errors++
        channel.steps.add(took ?? 0)
      }
      break
    case 'sent':
    case 'refused':
    case 'unavailable':
    case 'unknown':
      countAttempt(channel.destination(event.destination ?? ''), what, event)
      break
    case 'skipped':
      if (event.destination !== null) channel.destination(event.destination).skipped++
      break
  }
}

function countAttempt(destination: DestinationMeasures, what: keyof DestinationMeasures['attempts'], { took, at, receivedAt }: EngineEvent): void {
  destination.attempts[what]++
  if (took !== null) destination.attempt.add(took)
  if (what !== 'sent') return
  destination.lastSent = at
  if (receivedAt) destination.delivery.add(at.getTime() - receivedAt.getTime())
}
