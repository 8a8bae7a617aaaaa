/** Runs the tests inside a channel file: the real steps, the real store and the real flow, with receivers that answer as mocked. */
import { readFileSync } from 'node:fs'
import type { LoadedChannel } from './channel-loader.js'
import type { ChannelTest, MockOutcome } from './channel-definition.js'
import type { Clock, Inbound, MessageArchive, MessageStore, Outcome, Reply } from './contracts.js'
import { checkExpectations, type Failure, type Result } from './expectations.js'
import { sentence } from './errors.js'
import { fixtureAt } from './fixtures.js'
import type { Channel, Destination } from './channel.js'
import { receive, settlement, transform } from './message-flow.js'
import { conclude, notYet } from './replies.js'
import { stillChannel } from './still-channel.js'
import type { World } from './world.js'

export interface TestResult {
  readonly channel: string
  readonly name: string
  readonly failures: readonly Failure[] // none: it passed
  readonly milliseconds: number
}

export interface TestWorld extends Omit<World, 'store' | 'events'> {
  readonly fixtures: string // the folder that `given:` and expected files lie in
  readonly openStore: () => MessageStore & MessageArchive // a fresh one each time
}

const AT = '2026-01-05T09:00:00Z' // when a test says no time
const MOST_ATTEMPTS = 1_000

export async function runChannelTest(loaded: LoadedChannel, test: ChannelTest, world: TestWorld): Promise<TestResult> {
  const started = performance.now()
  const store = world.openStore()
  let failures: readonly Failure[]
  try {
    failures = await run(loaded, test, world, store)
  } catch (error) {
    failures = [{ what: 'the test', expected: 'to run', found: sentence(error), detail: '' }]
  } finally {
    await store.close()
  }
  return { channel: loaded.definition.name, name: test.name, failures, milliseconds: performance.now() - started }
}

async function run(loaded: LoadedChannel, test: ChannelTest, world: TestWorld, store: MessageStore & MessageArchive): Promise<readonly Failure[]> {
  const given = test.given.map((file) => ({ bytes: readFileSync(fixtureAt(world.fixtures, file)), origin: file }))
  return checkExpectations(test.expect, await play(loaded, given, test, world, store))
}

/** Takes messages through the whole channel, with receivers that answer as mocked, and resolves with what came of them. */
export async function play(loaded: LoadedChannel, given: readonly Inbound[], test: Pick<ChannelTest, 'at' | 'mock'>, world: TestWorld, store: MessageStore & MessageArchive): Promise<Result> {
  const clock = testClock(new Date(test.at ?? AT))
  const answered = new Map<string, number>()
  const still = stillChannel(loaded, world, store, clock)
  const channel: Channel = {
    ...still,
    reply: async (id, bytes) => {
      await work(channel, test, answered, clock)
      return (await conclude(channel, id, bytes)) ?? notYet(channel.format, bytes, 'it is not done with')
    },
  }
  const replies: Reply[] = []
  for (const inbound of given) replies.push(await receive(channel, inbound))
  await work(channel, test, answered, clock)
  const messages = [...(await store.search({ channel: channel.name, limit: 500 }))].reverse()
  return { channel, messages, replies, store, loaded, pieces: world.pieces, fixtures: world.fixtures }
}

/** Does all that can be done now: every step, and every delivery that the mocks have an answer for. */
async function work(channel: Channel, test: Pick<ChannelTest, 'mock'>, answered: Map<string, number>, clock: TestClock): Promise<void> {
  for (let waiting = await channel.store.received(channel.name, 100); waiting.length > 0; waiting = await channel.store.received(channel.name, 100)) await transform(channel, waiting)
  for (let moved = true; moved; ) {
    moved = false
    for (const destination of channel.destinations) {
      for (let lane = 0; lane < destination.lanes; lane++) moved = (await workLane(channel, destination, lane, test.mock[destination.name] ?? ['sent'], answered, clock)) || moved
    }
  }
}

/** Delivers what one lane has; true if there was anything. What waits for another lane is looked at again. */
async function workLane(channel: Channel, destination: Destination, lane: number, mocks: readonly MockOutcome[], answered: Map<string, number>, clock: TestClock): Promise<boolean> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const { deliveries: [delivery], due } = await channel.store.claim({ channel: channel.name, destination: destination.name, lane }, 1, clock.now())
    const next = answered.get(destination.name) ?? 0
    if (!delivery && due && next < mocks.length) {
      clock.goTo(due)
      continue
    }
    if (!delivery) return attempt > 0
    answered.set(destination.name, next + 1)
    await channel.store.settle([settlement(channel, destination, delivery, outcomeOf(mocks[Math.min(next, mocks.length - 1)] ?? 'sent'))])
  }
  return true
}

function outcomeOf(mock: MockOutcome): Outcome {
  if (mock === 'sent' || mock === 'AA' || mock === 'CA') return { kind: 'sent' }
  if (mock === 'unavailable' || mock === 'unknown') return { kind: mock, reason: 'as the test says' }
  if (typeof mock === 'number') {
    if (mock < 300) return { kind: 'sent' }
    if (NOT_NOW.has(mock)) return { kind: 'unavailable', reason: `HTTP ${mock}, as the test says`, code: String(mock) }
    if (PERHAPS.has(mock)) return { kind: 'unknown', reason: `HTTP ${mock}, as the test says` }
  }
  return { kind: 'refused', reason: `${mock}, as the test says`, code: String(mock) }
}

/** What these statuses mean to the http connector (connectors/http/README.md). */
const NOT_NOW = new Set([401, 407, 408, 425, 429, 503, 507, 521, 522, 523])
const PERHAPS = new Set([502, 504, 520, 524])

interface TestClock extends Clock { goTo(time: Date): void }

function testClock(start: Date): TestClock {
  let now = start
  return {
    now: () => now,
    sleep: async (milliseconds) => {
      now = new Date(now.getTime() + milliseconds)
    },
    goTo: (time) => {
      now = time
    },
  }
}
