/** Compares what a channel's test expects with what came of it, and says the difference as a person would. */
import { existsSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { ChannelTest, ExpectedDelivery, ExpectedValue } from './channel-definition.js'
import type { LoadedChannel } from './channel-loader.js'
import type { DeliveryStatus, MessageArchive, MessageFormat, MessageSummary, Reply } from './contracts.js'
import type { Channel } from './channel.js'
import { fixtureAt } from './fixtures.js'
import { difference } from './rehearse.js'
import type { Pieces } from './registry.js'

export interface Failure {
  readonly what: string // which expectation: `epic PID-3.1`
  readonly expected: string
  readonly found: string
  readonly detail: string // a diff, or empty
}

/** What came of a test's messages. */
export interface Result {
  readonly channel: Channel
  readonly loaded: LoadedChannel
  readonly pieces: Pieces
  readonly messages: readonly MessageSummary[]
  readonly replies: readonly Reply[]
  readonly store: MessageArchive
  readonly fixtures: string
}

export interface Sent { readonly status: DeliveryStatus; readonly reason: string | null; readonly payload: Buffer }

const STATES: readonly string[] = ['queued', 'held', 'error', 'sent']

export async function checkExpectations(expect: ChannelTest['expect'], result: Result): Promise<readonly Failure[]> {
  const failures: Failure[] = []
  for (const [name, expected] of Object.entries(expect)) {
    if (name === 'acknowledgement') failures.push(...checkList(name, ([] as unknown[]).concat(expected).map(String), result.replies.map(acknowledged), sameAcknowledgement))
    else if (name === 'history') failures.push(...checkList(name, expected as string[], await history(result), (a, b) => a === b))
    else failures.push(...(await checkDestination(name, expected as ExpectedDelivery, result)))
  }
  return failures
}

async function checkDestination(name: string, expected: ExpectedDelivery, result: Result): Promise<readonly Failure[]> {
  const sent = await deliveriesTo(name, result)
  const why = [...new Set(result.messages.flatMap(({ status, reason }) => (status === 'error' || status === 'filtered' ? [`${status}: ${reason}`] : [])))].join('; ')
  const found = sent.length === 0 ? `nothing${why && ` (${why})`}` : `${sent.length} (${sent.map(({ status }) => status).join(', ')})`
  if (expected === 'nothing') return sent.length === 0 ? [] : [{ what: name, expected: 'nothing', found, detail: '' }]
  const list = Array.isArray(expected) ? expected : [expected]
  if (sent.length !== list.length) return [{ what: name, expected: list.length === 1 ? 'one delivery' : `${list.length} deliveries`, found, detail: '' }]
  const format = formatOf(name, result)
  return list.flatMap((one, n) => checkOne(list.length === 1 ? name : `${name}[${n + 1}]`, one as string | Record<string, ExpectedValue>, sent[n] as Sent, format, result.fixtures))
}

function checkOne(what: string, expected: string | Record<string, ExpectedValue>, sent: Sent, format: MessageFormat, fixtures: string): readonly Failure[] {
  if (typeof expected === 'string') {
    if (STATES.includes(expected)) return sent.status === expected ? [] : [{ what, expected, found: `${sent.status}${sent.reason ? `: ${sent.reason}` : ''}`, detail: '' }]
    return checkFile(what, expected, sent.payload, fixtures)
  }
  const body = format.parse(sent.payload)
  return Object.entries(expected).flatMap(([path, value]) => {
    const wrong = format.checkPath(path)
    const found = wrong ? [] : format.read(body, path)
    if (wrong) return [{ what: `${what} ${path}`, expected: 'a path', found: wrong, detail: '' }]
    return holds(value, found) ? [] : [{ what: `${what} ${path}`, expected: words(value), found: found.length === 0 ? 'nothing' : found.map((one) => `“${one}”`).join(', '), detail: '' }]
  })
}

function checkFile(what: string, file: string, payload: Buffer, fixtures: string): readonly Failure[] {
  const path = fixtureAt(fixtures, file)
  if (!existsSync(path)) return [{ what, expected: `the content of ${file}`, found: 'no such file in the fixtures folder', detail: '' }]
  const expected = readFileSync(path)
  if (expected.equals(payload) || sameJson(expected, payload)) return []
  return [{ what, expected: `the content of ${file}`, found: 'other content', detail: difference(expected, payload, file, 'found') }]
}

function sameJson(a: Buffer, b: Buffer): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(a.toString()), JSON.parse(b.toString()))
  } catch {
    return false
  }
}

/** A text must be among the values, null means that there are none, a list is all of them in order. */
function holds(expected: ExpectedValue, found: readonly string[]): boolean {
  if (expected === null) return found.every((value) => value === '')
  if (Array.isArray(expected)) return isDeepStrictEqual(expected.map(String), [...found])
  if (typeof expected !== 'object') return found.includes(String(expected))
  const { not, matches, exists } = expected
  if (not !== undefined && holds(not, found)) return false
  if (matches !== undefined && !found.some((value) => new RegExp(matches, 'u').test(value))) return false
  return exists === undefined || exists === found.some((value) => value !== '')
}

const words = (expected: ExpectedValue): string => (expected === null ? 'nothing' : typeof expected === 'object' ? JSON.stringify(expected) : `“${expected}”`)

/** What a destination got, or is to get, in order. */
export async function deliveriesTo(name: string, { messages, store }: Result): Promise<readonly Sent[]> {
  const sent: Sent[] = []
  for (const message of messages) {
    const content = await store.content(message.id)
    for (const delivery of message.deliveries.filter(({ destination }) => destination === name)) {
      const payload = content?.deliveries.find(({ id }) => id === delivery.id)?.payload ?? Buffer.alloc(0)
      sent.push({ status: delivery.status, reason: delivery.reason, payload })
    }
  }
  return sent
}

/** The format that a destination's payloads are in, by what each step on the way there produces. */
export function formatOf(name: string, { channel, loaded: { definition }, pieces }: Result): MessageFormat {
  const steps = [...definition.steps, ...(definition.destinations.find((destination) => destination.name === name)?.steps ?? [])]
  const produced = steps.map((step) => pieces.transforms.get(step.name)?.produces).filter((format) => format !== undefined)
  return channel.formats(produced.at(-1) ?? channel.format.name)
}

/** What happened to the messages, in order. */
export async function history({ messages, store }: Result): Promise<readonly string[]> {
  const entries = await Promise.all(messages.map(({ id }) => store.history(id)))
  return entries.flatMap((one) => (one ?? []).map(({ what }) => what))
}

function checkList(what: string, expected: readonly string[], found: readonly string[], same: (expected: string, found: string) => boolean): readonly Failure[] {
  const alike = expected.length === found.length && expected.every((one, n) => same(one, found[n] as string))
  return alike ? [] : [{ what, expected: expected.join(', ') || 'none', found: found.join(', ') || 'none', detail: '' }]
}

/** What a sender was told: the acknowledgement codes where the format has them (`CA AA`), and the verdict. */
export function acknowledged({ verdict, acknowledgements }: Reply): string {
  const codes = acknowledgements.flatMap((bytes) => [...bytes.toString('latin1').matchAll(/[\r\n]MSA.([A-Z]{2})/g)].map(([, code]) => code))
  return [...codes, verdict].join(' ')
}

const sameAcknowledgement = (expected: string, found: string): boolean => found.split(' ').includes(expected) || found === expected
