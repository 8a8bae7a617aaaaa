/** Asks DNS for records that node:dns does not know: CERT (RFC 4398) and SRV (RFC 2782), of resolvers of one's own, over UDP and, where an answer does not fit, TCP. */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { getServers } from 'node:dns'
import { connect, isIP } from 'node:net'

export const TYPE = { srv: 33, cert: 37 } as const
const INTERNET = 1
const PKIX = 1
const PATIENCE = 3000 // milliseconds for one resolver and way
const LARGEST = 65_535 // bytes
const MOST_RECORDS = 100

/** No resolver answered: nothing is known about whether there are records. */
export class DnsDown extends Error {}

interface Resolver { readonly host: string; readonly port: number }
export interface Answer { readonly data: Buffer; readonly name: (offset: number) => string; readonly seconds: number }

/** `10.0.0.53`, `10.0.0.53:5353`, `[::1]:53`; those of this computer where none are given. Throws a sentence. */
export const resolversOf = (servers: readonly string[] = getServers()): readonly Resolver[] => servers.map((text) => {
  const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? (isIP(text) ? [null, text] : [])
  const host = six ?? four ?? ''
  if (!isIP(host)) throw new Error(`\`${text.slice(0, 60)}\` is no resolver; write its IP address, with a port where it is not 53: \`10.0.0.53\`, \`[::1]:5353\`.`)
  return { host, port: port === undefined ? 53 : Number(port) }
})

/** The certificates (PKIX, in DER) at a name, and how long they may be kept. Rejects with DnsDown. */
export const certificatesAt = async (name: string, resolvers: readonly Resolver[]): Promise<{ readonly certificates: readonly Buffer[]; readonly seconds: number }> => {
  const answers = await ask(name, TYPE.cert, resolvers)
  const certificates = answers.filter(({ data }) => data.length > 5 && data.readUInt16BE(0) === PKIX).map(({ data }) => data.subarray(5))
  return { certificates, seconds: Math.min(...answers.map(({ seconds }) => seconds), 86_400) }
}

/** Where a service is, the first to be asked first. Rejects with DnsDown. */
export const serviceAt = async (name: string, resolvers: readonly Resolver[]): Promise<readonly { readonly host: string; readonly port: number }[]> => {
  const found = (await ask(name, TYPE.srv, resolvers)).filter(({ data }) => data.length > 6)
  return found.map(({ data, name: read }) => ({ priority: data.readUInt16BE(0), weight: data.readUInt16BE(2), port: data.readUInt16BE(4), host: read(6) }))
    .filter(({ host, port }) => host !== '' && port > 0).sort((one, other) => one.priority - other.priority || other.weight - one.weight)
}

/** The records of a type at a name; none where there are none. */
const ask = async (name: string, type: number, resolvers: readonly Resolver[]): Promise<readonly Answer[]> => {
  const query = queryOf(name, type)
  if (query === null) return []
  for (const resolver of resolvers) {
    try {
      const short = await overUdp(query, resolver)
      return readAnswer((short[2] as number) & 0x02 ? await overTcp(query, resolver) : short, query, type)
    } catch {
      // The next one may know.
    }
  }
  throw new DnsDown(`no resolver answered: ${resolvers.map(({ host, port }) => `${host}:${port}`).join(', ') || 'there is none'}`)
}

/** A question, or null where a name cannot be one. */
const queryOf = (name: string, type: number): Buffer | null => {
  const labels = name.split('.')
  if (name.length > 253 || labels.some((label) => !/^[\x21-\x7e]{1,63}$/.test(label))) return null
  const question = Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]), Buffer.from([0, type >> 8, type & 0xff, 0, INTERNET])])
  const header = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) // recursion desired, one question
  header.writeUInt16BE(randomInt(0x10000), 0)
  return Buffer.concat([header, question])
}

const overUdp = (query: Buffer, { host, port }: Resolver): Promise<Buffer> => new Promise((resolve, reject) => {
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
  const ended = (error: Error | null, answer?: Buffer): void => {
    clearTimeout(timer)
    socket.close()
    if (answer) resolve(answer)
    else reject(error)
  }
  const timer = setTimeout(() => ended(new Error('no answer')), PATIENCE)
  socket.once('error', (error) => ended(error))
  socket.on('message', (answer) => {
    if (answersTo(answer, query)) ended(null, answer) // anything else may be forged, or late
  })
  socket.connect(port, host, () => socket.send(query))
})

const overTcp = (query: Buffer, { host, port }: Resolver): Promise<Buffer> => new Promise((resolve, reject) => {
  const socket = connect(port, host)
  let bytes = Buffer.alloc(0)
  const ended = (error: Error | null, answer?: Buffer): void => {
    clearTimeout(timer)
    socket.destroy()
    if (answer) resolve(answer)
    else reject(error)
  }
  const timer = setTimeout(() => ended(new Error('no answer')), PATIENCE)
  socket.on('error', (error) => ended(error))
  socket.on('close', () => ended(new Error('closed')))
  socket.on('connect', () => socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 0xff]), query])))
  socket.on('data', (piece) => {
    bytes = Buffer.concat([bytes, piece])
    if (bytes.length > LARGEST + 2) ended(new Error('too large'))
    else if (bytes.length >= 2 && bytes.length >= bytes.readUInt16BE(0) + 2) {
      const answer = bytes.subarray(2, bytes.readUInt16BE(0) + 2)
      ended(answersTo(answer, query) ? null : new Error('another answer'), answersTo(answer, query) ? answer : undefined)
    }
  })
})

/** Whether an answer is to this very question, which it repeats. */
const answersTo = (answer: Buffer, query: Buffer): boolean =>
  answer.length >= query.length && answer.readUInt16BE(0) === query.readUInt16BE(0) && ((answer[2] as number) & 0x80) !== 0 && answer.toString('latin1', 12, query.length).toLowerCase() === query.toString('latin1', 12).toLowerCase()

const readAnswer = (message: Buffer, query: Buffer, type: number): readonly Answer[] => {
  const code = (message[3] as number) & 0x0f
  if (code === 3) return [] // no such name
  if (code !== 0) throw new Error(`answer ${code}`)
  const found: Answer[] = []
  let at = query.length
  for (let left = Math.min(message.readUInt16BE(6), MOST_RECORDS); left > 0; left -= 1) {
    at = nameAt(message, at).end
    const length = message.readUInt16BE(at + 8)
    const start = at + 10
    if (start + length > message.length) throw new Error('cut off')
    if (message.readUInt16BE(at) === type) found.push({ data: message.subarray(start, start + length), name: (offset) => nameAt(message, start + offset).name, seconds: message.readUInt32BE(at + 4) & 0x7fffffff })
    at = start + length
  }
  return found
}

/** A name, which may point back into the message (RFC 1035 §4.1.4), and where it ends. */
const nameAt = (message: Buffer, from: number): { readonly name: string; readonly end: number } => {
  const labels: string[] = []
  let end = -1
  for (let at = from, jumps = 0; jumps < 50 && labels.length < 128; ) {
    const length = message.readUInt8(at)
    if (length === 0) return { name: labels.join('.'), end: end < 0 ? at + 1 : end }
    if (length >= 0xc0) {
      if (end < 0) end = at + 2
      at = message.readUInt16BE(at) & 0x3fff
      jumps += 1
    } else {
      labels.push(message.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
  }
  throw new Error('a name without end')
}
