/** `refero send`: sends the messages of a file as another system would, and prints what it is answered. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { clock } from '../clock.js'
import { JSON_OPTION, type Command, type Given } from '../command.js'
import type { Delivery, DestinationConnector, Outcome } from '../contracts.js'
import { ReferoError } from '../errors.js'
import { findPieces, type Pieces } from '../registry.js'
import { duration } from '../units.js'
import { plainTools } from '../world.js'

const send: Command = {
  name: 'send',
  summary: 'Sends a file’s messages to an engine and prints the acknowledgements.',
  usage: 'FILE … [--to mllp://HOST:PORT | mllps://HOST:PORT | http://HOST:PORT/PATH | https://…]',
  options: {
    to: { type: 'string', value: 'URL', describe: 'where to; mllp://127.0.0.1:2575 unless REFERO_MLLP_PORT says another port' },
    format: { type: 'string', value: 'NAME', describe: 'how a file of several messages is taken apart; hl7v2 unless said' },
    token: { type: 'string', value: 'TOKEN', describe: 'the bearer token of a source that asks for one; http and https only' },
    ca: { type: 'string', value: 'FILE', describe: 'the authorities, or the very certificate, that the receiver is known by; mllps and https only' },
    cert: { type: 'string', value: 'FILE', describe: 'the certificate to show where senders must have one, with --key' },
    key: { type: 'string', value: 'FILE', describe: 'its private key' },
    timeout: { type: 'string', value: 'TIME', describe: 'how long to wait for each answer; 30s unless said' },
    ...JSON_OPTION,
  },
  exits: '0 all accepted, 1 some refused, 2 not sent or nobody answered.',
  async run(given, terminal) {
    if (given.words.length === 0) throw new ReferoError('USAGE', 'Name a file to send.')
    const url = given.text('to') ?? `mllp://127.0.0.1:${terminal.environment.REFERO_MLLP_PORT ?? 2575}`
    const pieces = await findPieces()
    const connector = connectorFor(url, given, pieces)
    const format = plainTools(pieces).format(given.text('format') ?? 'hl7v2')
    const timeout = duration(given.text('timeout') ?? '30s')
    let worst = 0
    let number = 0
    await connector.open()
    for (const file of given.words) {
      const bytes = readFileSync(file)
      for (const payload of format.separate(bytes) ?? [bytes]) {
        const outcome = await attempt(connector, payload, ++number, timeout)
        const answer = 'response' in outcome ? outcome.response?.toString() : undefined
        if (given.flag('json')) terminal.out(JSON.stringify({ file, ...outcome, response: answer }))
        else terminal.out(answer === undefined ? `${file}: ${outcome.kind}${'reason' in outcome ? `: ${outcome.reason}` : ''}` : answer.replace(/\r\n?/g, '\n').trimEnd())
        worst = Math.max(worst, outcome.kind === 'sent' ? 0 : outcome.kind === 'refused' ? 1 : 2)
      }
    }
    await connector.close()
    return worst
  },
}

function connectorFor(text: string, given: Given, pieces: Pieces): DestinationConnector {
  const url = URL.canParse(text) ? new URL(text) : null
  const scheme = url?.protocol.slice(0, -1) ?? ''
  if (!url || !SCHEMES.includes(scheme)) throw new ReferoError('USAGE', `\`${text}\` is no place to send to: write mllp://host:port, mllps://host:port, http://host:port/path or https://host:port/path.`)
  const files = Object.entries({ ca: given.text('ca'), cert: given.text('cert'), key: given.text('key') }).flatMap(([name, file]) => (file === undefined ? [] : [[name, resolve(file)] as const]))
  const secure = scheme.endsWith('s')
  if (files.length > 0 && !secure) throw new ReferoError('USAGE', `--${files[0]?.[0]} is for mllps:// and https://.`)
  const token = given.text('token')
  if (token !== undefined && !scheme.startsWith('http')) throw new ReferoError('USAGE', '--token is for http:// and https://.')
  const tls = files.length > 0 || scheme === 'mllps' ? { tls: Object.fromEntries(files) } : {}
  const [name, settings] = scheme.startsWith('mllp')
    ? ['mllp', { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 2575), ...tls }] as const
    : ['http', { url: text, ...(token !== undefined && { token }), ...tls }] as const
  const definition = pieces.destinations.get(name)
  if (!definition) throw new ReferoError('NOT_FOUND', `No connector is called ${name}.`)
  return definition.create(settings, plainTools(pieces))
}

const SCHEMES = ['mllp', 'mllps', 'http', 'https']

async function attempt(connector: DestinationConnector, payload: Buffer, number: number, timeout: number): Promise<Outcome> {
  const abort = new AbortController()
  const over = new AbortController()
  void clock.sleep(timeout, over.signal).then(() => abort.abort())
  const delivery: Delivery = { id: number, messageId: number, channel: 'send', destination: 'send', lane: 0, header: { controlId: null, type: null }, receivedAt: clock.now(), payload, attempts: 1 }
  const outcome = await connector.deliver(delivery, abort.signal)
  over.abort()
  return outcome
}

export default send
