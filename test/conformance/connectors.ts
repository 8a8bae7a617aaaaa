/** What holds for every connector: it is driven against itself in a loop, destination → source → receive. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import type t from 'tap'
import type { Delivery, DestinationConnector, Inbound, Log, Outcome, Receive, Reply, SourceConnector, Tools, Verdict } from '../../engine/contracts.js'
import { clock } from '../../engine/clock.js'

export interface ConnectorLoop {
  /** A source that has not started; `at` is where another one of this loop listened, and this one is to listen again. */
  makeSource(tools: Tools, at?: string): SourceConnector
  /** A destination that sends to where a source listens: what its `start` resolved with. */
  makeDestination(at: string, tools: Tools): DestinationConnector
  /** What the protocol carries; each arrives byte for byte. One of about 5 MB belongs among them where it may be so large. */
  readonly payloads: readonly Buffer[]
  /** The reply of a receiver to a payload: with the acknowledgement that the protocol needs, if it needs one. */
  reply(inbound: Inbound, verdict: Verdict): Reply
  /** What the destination makes of the verdicts; absent where it never hears of them (a folder). */
  readonly hears?: { readonly rejected: Outcome['kind']; readonly error: Outcome['kind'] }
  /** Words of the payloads that may never be in a log. */
  readonly secrets: readonly string[]
  /** Where a piece at a time arrives, if `at` is reached over TCP: the same place with another port. */
  through?(at: string, port: number): string
}

interface LogLine { readonly level: string; readonly event: string; readonly facts: string }

/** Tools for a connector alone: a real clock, a log that is kept in `lines`, and nothing else unless it is given. */
export function connectorTools(given: Partial<Tools> = {}): { readonly tools: Tools; readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  const log: Log = (level, event, facts) => {
    lines.push({ level, event, facts: JSON.stringify(facts ?? {}, (_, value: unknown) => (value instanceof Error ? `${value.name} ${value.message}` : value)) })
  }
  const absent = (what: string) => (): never => {
    throw new Error(`this test has no ${what}`)
  }
  const tools: Tools = {
    channel: 'test', clock, log, dataFolder: '', format: absent('formats'), table: absent('code tables'), mapping: absent('mappings'), beside: absent('files beside a channel'),
    feed: absent('channels'), serve: absent('web server'), incidents: absent('incidents'), fate: absent('fates'), service: absent('services'), ...given,
  }
  return { tools, lines }
}

let deliveries = 0

/** A delivery of a payload, as a lane would claim it. */
export const deliveryOf = (payload: Buffer): Delivery => {
  deliveries += 1
  return { id: deliveries, messageId: deliveries, channel: 'loop', destination: 'loop', lane: 0, header: { controlId: `${deliveries}`, type: null }, receivedAt: new Date(0), payload, attempts: 1 }
}

const never = new AbortController().signal

/** Runs the suite; a subtest each, so that a failure names what does not hold. */
export function connectorConformance(test: typeof t, name: string, loop: ConnectorLoop): void {
  const [first = Buffer.alloc(0)] = loop.payloads
  const { tools, lines } = connectorTools()

  /** A loop with one source and one destination, closed when the subtest ends. */
  const open = async (s: Pick<typeof t, 'teardown'>, receive: Receive, by = (at: string): Promise<string> => Promise.resolve(at)) => {
    const source = loop.makeSource(tools)
    const at = await source.start(receive)
    const destination = loop.makeDestination(await by(at), tools)
    await destination.open()
    s.teardown(async () => {
      await destination.close()
      await source.stop()
    })
    return { source, at, destination, send: (payload: Buffer, signal = never) => destination.deliver(deliveryOf(payload), signal) }
  }
  const collector = (wanted: number) => {
    const taken: Buffer[] = []
    let done: () => void = () => {}
    const all = new Promise<void>((resolve) => {
      done = resolve
    })
    const receive: Receive = async (inbound) => {
      taken.push(Buffer.from(inbound.bytes))
      if (taken.length >= wanted) done()
      return loop.reply(inbound, 'accepted')
    }
    return { taken, all, receive }
  }

  test.test(`${name}: every payload arrives byte for byte and in order`, async (s) => {
    const { taken, all, receive } = collector(loop.payloads.length)
    const { send } = await open(s, receive)
    for (const payload of loop.payloads) s.equal((await send(payload)).kind, 'sent')
    await all
    s.equal(taken.length, loop.payloads.length, 'none is missing, none comes twice')
    loop.payloads.forEach((payload, n) => {
      s.ok(taken[n]?.equals(payload), `payload ${n} of ${payload.length} bytes is unchanged`)
    })
  })

  test.test(`${name}: the origin says who sent it`, async (s) => {
    const origins: string[] = []
    const { send } = await open(s, async (inbound) => {
      origins.push(inbound.origin)
      return loop.reply(inbound, 'accepted')
    })
    if ((await send(first)).kind === 'sent' && loop.hears) s.match(origins, [/\S/])
  })

  if (loop.hears) test.test(`${name}: an aborted delivery is unknown at once, and the next one is not given its answer`, async (s) => {
    let arrived: () => void = () => {}
    const taken = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const releases: (() => void)[] = []
    let held = true
    const { send, destination } = await open(s, async (inbound) => {
      arrived()
      if (held) await new Promise<void>((resolve) => releases.push(resolve))
      return loop.reply(inbound, held ? 'accepted' : 'rejected')
    })
    const abort = new AbortController()
    const sending = send(first, abort.signal)
    await taken
    abort.abort()
    s.equal((await sending).kind, 'unknown')
    held = false
    for (const release of releases) release()
    s.equal((await send(first)).kind, loop.hears?.rejected, 'this answer is its own')
    const over = new AbortController()
    over.abort()
    s.not((await destination.deliver(deliveryOf(first), over.signal)).kind, 'sent', 'aborted before it began')
  })

  if (loop.hears) test.test(`${name}: verdicts become outcomes`, async (s) => {
    let verdict: Verdict = 'accepted'
    const { send } = await open(s, async (inbound) => loop.reply(inbound, verdict))
    s.equal((await send(first)).kind, 'sent')
    verdict = 'rejected'
    s.equal((await send(first)).kind, loop.hears?.rejected)
    verdict = 'error'
    s.equal((await send(first)).kind, loop.hears?.error)
    verdict = 'accepted'
    s.equal((await send(first)).kind, 'sent', 'a refusal does not spoil the connection')
  })

  if (loop.hears) test.test(`${name}: a source that is down is unavailable, and is reached again once it is back`, async (s) => {
    const { receive } = collector(Number.POSITIVE_INFINITY)
    const { source, at, send } = await open(s, receive)
    s.equal((await send(first)).kind, 'sent')
    await source.stop()
    const away = await send(first)
    s.equal(away.kind, 'unavailable')
    const again = loop.makeSource(tools, at)
    await again.start(receive)
    s.teardown(() => again.stop())
    s.equal((await send(first)).kind, 'sent', 'by the same destination')
  })

  test.test(`${name}: a source that stops answers what it has taken`, async (s) => {
    let arrived: () => void = () => {}
    const taken = new Promise<void>((resolve) => {
      arrived = resolve
    })
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let answered = false
    const { source, send } = await open(s, async (inbound) => {
      arrived()
      await held
      answered = true
      return loop.reply(inbound, 'accepted')
    })
    const sending = send(first)
    await taken
    const stopping = source.stop().then(() => answered)
    release()
    s.ok(await stopping, 'it has stopped only after that')
    s.equal((await sending).kind, 'sent')
  })

  test.test(`${name}: a source can be started again after it has stopped`, async (s) => {
    const { taken, receive } = collector(1)
    const source = loop.makeSource(tools)
    await source.start(receive)
    await source.stop()
    const at = await source.start(receive)
    s.teardown(() => source.stop())
    const destination = loop.makeDestination(at, tools)
    s.teardown(() => destination.close())
    await destination.open()
    s.equal((await destination.deliver(deliveryOf(first), never)).kind, 'sent')
    if (loop.hears) s.equal(taken.length, 1)
  })

  if (loop.through) test.test(`${name}: what arrives a byte at a time is whole`, async (s) => {
    const { taken, receive } = collector(1)
    const { send } = await open(s, receive, async (at) => loop.through?.(at, await dribble(s, Number(new URL(at).port))) ?? at)
    s.equal((await send(first)).kind, 'sent')
    s.ok(taken[0]?.equals(first))
  })

  test.test(`${name}: no content is in the log`, (s) => {
    const said = lines.map(({ event, facts }) => `${event} ${facts}`).join('\n')
    s.ok(loop.secrets.length > 0 && loop.secrets.every((secret) => loop.payloads.some((payload) => payload.includes(secret))), 'the words looked for are in the payloads')
    for (const secret of loop.secrets) s.notOk(said.includes(secret))
    s.end()
  })
}

/** A TCP proxy that passes a byte at a time to `port`; resolves with the port to connect to. */
export async function dribble(s: Pick<typeof t, 'teardown'>, port: number): Promise<number> {
  const server = createServer((from) => {
    const to = connect({ port, host: '127.0.0.1', noDelay: true })
    to.pipe(from)
    from.on('error', () => to.destroy())
    to.on('error', () => from.destroy())
    const pass = async (): Promise<void> => {
      for await (const piece of from as AsyncIterable<Buffer>) {
        for (const byte of piece) {
          to.write(Buffer.of(byte))
          await new Promise(setImmediate) // a packet each
        }
      }
      to.end()
    }
    pass().catch(() => to.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  s.teardown(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}
