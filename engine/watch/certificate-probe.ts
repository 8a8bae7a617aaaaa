/** Looks at the certificates in the settings of channels, as PEM or as the name of a file, and says which end soon. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, resolve } from 'node:path'
import { duration } from '../units.js'
import type { WatchedChannel } from './engine-view.js'
import { instantIn, span } from './incident.js'
import type { Look } from './look.js'
import { lasting } from './settings.js'

const DEPTH = 8
/** What `tls:` of a connector calls certificates: its own must all be valid, of authorities one is enough. */
const OWN = ['cert']
const AUTHORITIES = ['ca', 'clients']

interface Found { readonly path: string; readonly value: string; readonly authorities: boolean }

export class CertificateProbe {
  readonly #zone: string
  readonly #soon: number
  readonly #ends = new Map<string, Date | null>() // by PEM; null where it cannot be read

  /** `soon`: how long before its end a certificate is told of, where its channel says nothing. */
  constructor(zone: string, soon: string) {
    this.#zone = zone
    this.#soon = duration(soon)
  }

  async look(channels: readonly WatchedChannel[], look: Look): Promise<void> {
    const used = new Set<string>()
    for (const channel of channels) await this.#lookAt(channel, look, used)
    for (const pem of this.#ends.keys()) if (!used.has(pem)) this.#ends.delete(pem)
  }

  async #lookAt({ name, loaded: { definition, file } }: WatchedChannel, look: Look, used: Set<string>): Promise<void> {
    const soon = lasting(definition.watch.certificate) ?? this.#soon
    const ends = [{ destination: null, settings: definition.source.settings }, ...definition.destinations.map(({ name: destination, to: { settings } }) => ({ destination, settings }))]
    for (const { destination, settings } of ends) {
      for (const { path, value, authorities } of certificatesIn(settings)) {
        const about = { kind: 'certificate', channel: name, destination, subject: path } as const
        const pem = await pemOf(value, file)
        const end = pem === null ? null : this.#endOf(pem, authorities, used)
        if (end === null) look.unsure((one) => one.kind === 'certificate' && one.channel === name && one.destination === destination && one.subject === path)
        if (end === null || end.getTime() - look.at.getTime() > soon) continue
        const left = end.getTime() - look.at.getTime()
        const which = `The certificate \`${path}\`${isPem(value) ? '' : ` (${basename(value)})`} of ${destination ?? 'the source'} in channel ${name}`
        const what = left > 0 ? `${which} is valid until ${instantIn(this.#zone, end)}: ${span(left)} more.` : `${which} has been invalid since ${instantIn(this.#zone, end)}.`
        look.find({ ...about, since: look.at, count: 1, what })
      }
    }
  }

  #endOf(pem: string, authorities: boolean, used: Set<string>): Date | null {
    const key = `${authorities} ${pem}`
    used.add(key)
    const known = this.#ends.get(key)
    if (known !== undefined) return known
    const ends = blocksOf(pem).map((block) => new Date(block.validTo).getTime())
    const end = ends.length === 0 ? null : new Date(authorities ? Math.max(...ends) : Math.min(...ends))
    this.#ends.set(key, end)
    return end
  }
}

/** The certificates below any `tls:` of some settings. */
export const certificatesIn = (settings: unknown, path: readonly string[] = []): readonly Found[] => {
  if (typeof settings !== 'object' || settings === null || path.length > DEPTH) return []
  return Object.entries(settings).flatMap(([name, value]): readonly Found[] => {
    const here = [...path, name]
    if (typeof value !== 'string') return certificatesIn(value, here)
    const authorities = AUTHORITIES.includes(name)
    return path.at(-1) === 'tls' && (authorities || OWN.includes(name)) ? [{ path: here.join('.'), value, authorities }] : []
  })
}

const isPem = (value: string): boolean => value.includes('-----BEGIN ')

/** As the connectors look for it: beside the channel's file, or else below the folder that the engine was started in. Null where there is no such file: the channel cannot start, and says so. */
const pemOf = async (value: string, file: string): Promise<string | null> => {
  if (isPem(value)) return value
  const places = isAbsolute(value) ? [value] : [resolve(dirname(resolve(file)), value), resolve(value)]
  for (const place of places) {
    const text = await readFile(place, 'utf8').catch(() => null)
    if (text !== null) return text
  }
  return null
}

const blocksOf = (pem: string): readonly X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).flatMap((block) => {
    try {
      return [new X509Certificate(block)]
    } catch {
      return []
    }
  })
