/** Looks for certificates in an LDAPv3 directory (RFC 4511): an anonymous search by mail, in whatever naming contexts it has. */
import { connect } from 'node:net'
import { type BaseBlock, Boolean as Asn1Boolean, Constructed, Enumerated, fromBER, Integer, OctetString, Primitive, Sequence } from 'asn1js'

const PATIENCE = 5000 // milliseconds for one server
const LARGEST = 4 * 1024 ** 2 // bytes of all that it says
const MOST_CONTEXTS = 10
const MOST_ENTRIES = 20
const APPLICATION = 2
const OPERATION = { bind: 0, bound: 1, unbind: 2, search: 3, entry: 4, done: 5 } as const
const WHERE = { base: 0, subtree: 2 } as const
const GOOD_ENOUGH = [0, 4, 32] // success, more than was asked for, no such object

/** The directory cannot be asked: nothing is known about what it has. */
export class DirectoryDown extends Error {}

type Attributes = ReadonlyMap<string, readonly Buffer[]>

/** The certificates (userCertificate, DER) of the people whose mail is an address or a domain. Rejects with DirectoryDown. */
export const certificatesIn = async (host: string, port: number, mail: string): Promise<readonly Buffer[]> => {
  const session = new Session(host, port)
  try {
    await session.bind()
    const [root] = await session.search('', WHERE.base, 'objectClass', null, ['namingContexts'])
    const contexts = (root?.get('namingcontexts') ?? []).map(String).slice(0, MOST_CONTEXTS)
    const found: Buffer[] = []
    for (const context of contexts.length > 0 ? contexts : ['']) {
      for (const entry of await session.search(context, WHERE.subtree, 'mail', mail, ['userCertificate'])) found.push(...[...entry].filter(([name]) => /^usercertificate(;|$)/.test(name)).flatMap(([, values]) => values))
    }
    return found
  } catch (error) {
    throw new DirectoryDown(`the directory ${host}:${port} does not answer as one`, { cause: error })
  } finally {
    session.close()
  }
}

class Session {
  readonly #socket
  readonly #timer: NodeJS.Timeout
  #bytes: Buffer = Buffer.alloc(0)
  #taken = 0
  #id = 0
  #failure: Error | null = null
  #wake: () => void = () => {}

  constructor(host: string, port: number) {
    this.#socket = connect(port, host)
    this.#timer = setTimeout(() => this.#fail(new Error('no answer')), PATIENCE)
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('closed')))
    this.#socket.on('data', (piece) => {
      this.#taken += piece.length
      if (this.#taken > LARGEST) return this.#fail(new Error('too much'))
      this.#bytes = Buffer.concat([this.#bytes, piece])
      this.#wake()
    })
  }

  async bind(): Promise<void> {
    this.#send(new Constructed({ idBlock: { tagClass: APPLICATION, tagNumber: OPERATION.bind }, value: [new Integer({ value: 3 }), octets(''), new Primitive({ idBlock: { tagClass: 3, tagNumber: 0 } })] }))
    const { operation, parts } = await this.#next()
    if (operation !== OPERATION.bound || numberOf(parts[0]) !== 0) throw new Error('not bound')
  }

  /** The entries where an attribute is there (value null) or has a value. */
  async search(base: string, scope: number, attribute: string, value: string | null, wanted: readonly string[]): Promise<readonly Attributes[]> {
    const filter = value === null
      ? new Primitive({ idBlock: { tagClass: 3, tagNumber: 7 }, valueHex: hex(attribute) })
      : new Constructed({ idBlock: { tagClass: 3, tagNumber: 3 }, value: [octets(attribute), octets(value)] })
    this.#send(new Constructed({
      idBlock: { tagClass: APPLICATION, tagNumber: OPERATION.search },
      value: [octets(base), new Enumerated({ value: scope }), new Enumerated({ value: 0 }), new Integer({ value: MOST_ENTRIES }), new Integer({ value: PATIENCE / 1000 }), new Asn1Boolean({ value: false }), filter, new Sequence({ value: wanted.map(octets) })],
    }))
    const entries: Attributes[] = []
    for (;;) {
      const { operation, parts } = await this.#next()
      if (operation === OPERATION.entry && entries.length < MOST_ENTRIES) entries.push(attributesOf(parts[1]))
      if (operation !== OPERATION.done) continue
      if (!GOOD_ENOUGH.includes(numberOf(parts[0]))) throw new Error(`result ${numberOf(parts[0])}`)
      return entries
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#socket.destroy()
  }

  #send(operation: BaseBlock): void {
    this.#id += 1
    this.#socket.write(Buffer.from(new Sequence({ value: [new Integer({ value: this.#id }), operation] }).toBER()))
  }

  /** The next answer to what was asked last. */
  async #next(): Promise<{ readonly operation: number; readonly parts: readonly BaseBlock[] }> {
    for (;;) {
      if (this.#failure) throw this.#failure
      const length = frameLength(this.#bytes)
      if (length !== null && this.#bytes.length >= length) {
        const [id, operation] = partsOf(fromBER(this.#bytes.subarray(0, length)).result)
        this.#bytes = this.#bytes.subarray(length)
        if (operation && numberOf(id) === this.#id) return { operation: operation.idBlock.tagNumber, parts: partsOf(operation) }
        continue
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }
}

/** The bytes of the message at the beginning, once its length can be read. */
const frameLength = (bytes: Buffer): number | null => {
  const first = bytes[1]
  if (first === undefined) return null
  if (first < 0x80) return first + 2
  const count = first & 0x7f
  if (count === 0 || count > 4) throw new Error('a length that LDAP does not have')
  return bytes.length < 2 + count ? null : bytes.readUIntBE(2, count) + 2 + count
}

const attributesOf = (block: BaseBlock | undefined): Attributes =>
  new Map(partsOf(block).map((one) => {
    const [name, values] = partsOf(one)
    return [bytesOf(name).toString('latin1').toLowerCase(), partsOf(values).map(bytesOf)]
  }))

const partsOf = (block: BaseBlock | undefined): readonly BaseBlock[] => {
  const { value } = (block?.valueBlock ?? {}) as { value?: unknown }
  return Array.isArray(value) ? (value as readonly BaseBlock[]) : []
}
const bytesOf = (block: BaseBlock | undefined): Buffer => Buffer.from((block?.valueBlock as { valueHexView?: Uint8Array } | undefined)?.valueHexView ?? [])
const numberOf = (block: BaseBlock | undefined): number => {
  const bytes = bytesOf(block)
  return bytes.length === 0 || bytes.length > 6 ? -1 : bytes.readUIntBE(0, bytes.length)
}
const octets = (text: string): OctetString => new OctetString({ valueHex: hex(text) })
const hex = (text: string): ArrayBuffer => new Uint8Array(Buffer.from(text)).buffer
