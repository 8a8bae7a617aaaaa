/** Looks at the certificates in the settings of channels, TLS's and S/MIME's, as PEM or as the name of a file, and says which end soon. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, resolve } from 'node:path'
import { duration } from '../units.js'
import type { WatchedChannel } from './engine-view.js'
import { instantIn, span } from './incident.js'
import type { Look } from './look.js'
import { lasting } from './settings.js'

const DEPTH = 8
/** What `tls:` of a connector, or a mail connector itself, calls certificates: its own must all be valid, of authorities one is enough. */
const OWN = ['cert']
const AUTHORITIES = ['ca', 'clients']
/** What S/MIME calls them: ours (`identities`), recipients' (`certificates`), who signs a bundle, and authorities. */
const ANCHORS = 'anchors'

interface Found { readonly path: string; readonly value: string; readonly authorities: boolean; readonly passphrase?: string }

export class CertificateProbe {
  readonly #zone: string
  readonly #soon: number
  readonly #ends = new Map<string, Date | null>() // by what is in them; null where it cannot be read

  /** `soon`: how long before its end a certificate is told of, where its channel says nothing. */
  constructor(zone: string, soon: string) {
    this.#zone = zone
    this.#soon = duration(soon)
  }

  async look(channels: readonly WatchedChannel[], look: Look): Promise<void> {
    const used = new Set<string>()
    for (const channel of channels) await this.#lookAt(channel, look, used)
    for (const known of this.#ends.keys()) if (!used.has(known)) this.#ends.delete(known)
  }

  async #lookAt({ name, loaded: { definition, file } }: WatchedChannel, look: Look, used: Set<string>): Promise<void> {
    const soon = lasting(definition.watch.certificate) ?? this.#soon
    const places = [
      { destination: null, of: 'the source', settings: definition.source.settings },
      ...definition.steps.map((step) => ({ destination: null, of: `the step ${step.name}`, settings: step.settings })),
      ...definition.destinations.flatMap(({ name: destination, to, steps }) => [{ destination, of: destination, settings: to.settings }, ...steps.map((step) => ({ destination, of: `the step ${step.name} of ${destination}`, settings: step.settings }))]),
    ]
    for (const { destination, of, settings } of places) {
      for (const found of certificatesIn(settings)) {
        const { path, value } = found
        const about = { kind: 'certificate', channel: name, destination, subject: path } as const
        const bytes = await bytesOf(value, file)
        const end = bytes === null ? null : await this.#endOf(bytes, found, used)
        if (end === null) look.unsure((one) => one.kind === 'certificate' && one.channel === name && one.destination === destination && one.subject === path)
        if (end === null || end.getTime() - look.at.getTime() > soon) continue
        const left = end.getTime() - look.at.getTime()
        const which = `The certificate \`${path}\`${isPem(value) ? '' : ` (${basename(value)})`} of ${of} in channel ${name}`
        const what = left > 0 ? `${which} is valid until ${instantIn(this.#zone, end)}: ${span(left)} more.` : `${which} has been invalid since ${instantIn(this.#zone, end)}.`
        look.find({ ...about, since: look.at, count: 1, what })
      }
    }
  }

  async #endOf(bytes: Buffer, { authorities, passphrase }: Found, used: Set<string>): Promise<Date | null> {
    const key = `${authorities} ${createHash('sha256').update(bytes).digest('hex')}`
    used.add(key)
    const known = this.#ends.get(key)
    if (known !== undefined) return known
    const ends = (await certificatesOf(bytes, passphrase)).map(({ validTo }) => new Date(validTo).getTime())
    const end = ends.length === 0 ? null : new Date(authorities ? Math.max(...ends) : Math.min(...ends))
    this.#ends.set(key, end)
    return end
  }
}

/** The certificates below any `tls:` of some settings, those of mail connectors, of SAML and of S/MIME. */
export const certificatesIn = (settings: unknown, path: readonly string[] = []): readonly Found[] => {
  if (typeof settings !== 'object' || settings === null || path.length > DEPTH) return []
  const { passphrase } = settings as { readonly passphrase?: unknown }
  return Object.entries(settings).flatMap(([name, value]): readonly Found[] => {
    const here = [...path, name]
    if (typeof value !== 'string') return certificatesIn(value, here)
    const kind = kindOf(path, name)
    return kind === null ? [] : [{ path: here.join('.'), value, authorities: kind === 'authorities', ...(kind === 'own' && path.at(-2) === 'identities' && typeof passphrase === 'string' && { passphrase }) }]
  })
}

const kindOf = (path: readonly string[], name: string): 'own' | 'authorities' | null => {
  const [list, within] = [path.at(-2), path.at(-1)]
  const isTls = within === 'tls' || path.length === 0
  if (isTls && AUTHORITIES.includes(name)) return 'authorities'
  if (isTls && OWN.includes(name)) return 'own'
  if (name === ANCHORS || within === ANCHORS) return 'authorities'
  return (list === 'identities' && name === 'certificate') || (list === 'bundles' && name === 'signer') || within === 'certificates' ? 'own' : null
}

const isPem = (value: string): boolean => value.includes('-----BEGIN ')

/** As the connectors look for it: beside the channel's file, or else below the folder that the engine was started in. Null where there is no such file: the channel cannot start, and says so. */
const bytesOf = async (value: string, file: string): Promise<Buffer | null> => {
  if (isPem(value)) return Buffer.from(value)
  const places = isAbsolute(value) ? [value] : [resolve(dirname(resolve(file)), value), resolve(value)]
  for (const place of places) {
    const bytes = await readFile(place).catch(() => null)
    if (bytes !== null) return bytes
  }
  return null
}

/** Those of PEM text, DER, a .p7b, or a PKCS#12 file, as S/MIME reads them; none where nothing can be read. */
const certificatesOf = async (bytes: Buffer, passphrase: string | undefined): Promise<readonly X509Certificate[]> => {
  const blocks = bytes.toString('latin1').match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)
  if (blocks) return blocks.flatMap((block) => readable(() => [new X509Certificate(block)]))
  const [{ readCertificates }, { pemOfPkcs12 }] = await Promise.all([import('../smime/certificates.js'), import('../smime/openssl.js')])
  const plain = readable(() => readCertificates(bytes).map(({ x509 }) => x509))
  if (plain.length > 0 || passphrase === undefined) return plain
  const pem = await pemOfPkcs12(bytes, passphrase).catch(() => '')
  return pem === '' ? [] : certificatesOf(Buffer.from(pem), undefined)
}

const readable = (read: () => readonly X509Certificate[]): readonly X509Certificate[] => {
  try {
    return read()
  } catch {
    return []
  }
}
