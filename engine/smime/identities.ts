/** Who we are: certificates and private keys of our addresses, from files beside the channel or secrets, read anew when they change. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Tools } from '../contracts.js'
import { type Certificate, domainOf, names, readCertificates, sameAddress } from './certificates.js'
import { pemOfPkcs12 } from './openssl.js'
import type { IdentitySettings } from './settings.js'

export interface Identity {
  readonly address: string // an address, or a domain
  readonly certificate: Certificate
  readonly key: KeyObject
  readonly chain: readonly Certificate[] // what else lay beside the certificate
}

/** The bytes of PEM text, or of a file beside the channel. Throws a sentence. */
export const bytesOf = (tools: Pick<Tools, 'beside'>, value: string, setting: string): Buffer => {
  if (value.includes('-----BEGIN ')) return Buffer.from(value)
  try {
    const { text, file } = tools.beside(value)
    return text.includes('-----BEGIN ') ? Buffer.from(text) : readFileSync(file)
  } catch (error) {
    throw new Error(`\`${setting}\` is neither PEM text nor a file that can be read (${(error as NodeJS.ErrnoException).code ?? 'not found'}).`, { cause: error })
  }
}

/** Identities by their settings. What they are made of is read at each call, and parsed when it has changed. Rejects with a sentence. */
export const identityReader = (settings: readonly IdentitySettings[], tools: Pick<Tools, 'beside'>): (() => Promise<readonly Identity[]>) => {
  const known = new Map<IdentitySettings, { readonly of: string; readonly identity: Identity }>()
  const read = async (one: IdentitySettings): Promise<Identity> => {
    const certificate = bytesOf(tools, one.certificate, 'certificate')
    const key = one.key === undefined ? null : bytesOf(tools, one.key, 'key')
    const of = `${certificate.toString('base64')} ${key?.toString('base64')}`
    const before = known.get(one)
    if (before?.of === of) return before.identity
    try {
      const identity = await identityOf(one, certificate, key)
      known.set(one, { of, identity })
      return identity
    } catch (error) {
      throw new Error(`The identity ${one.address} cannot be used: ${(error as Error).message}.`, { cause: error })
    }
  }
  return () => Promise.all(settings.map(read))
}

const identityOf = async ({ address, passphrase }: IdentitySettings, file: Buffer, keyFile: Buffer | null): Promise<Identity> => {
  const pem = keyFile === null && !file.includes('-----BEGIN ') ? Buffer.from(await pemOfPkcs12(file, passphrase ?? '')) : file
  const key = privateKey(keyFile ?? pem, passphrase)
  const all = readCertificates(pem)
  const certificate = all.find(({ x509 }) => x509.checkPrivateKey(key))
  if (!certificate) throw new Error('its key belongs to none of its certificates')
  if (!(address.includes('@') ? names(certificate, address) : certificate.domains.includes(address.toLowerCase()))) throw new Error('its certificate names another address or domain in subjectAltName')
  return { address, certificate, key, chain: all.filter((one) => one !== certificate) }
}

const privateKey = (bytes: Buffer, passphrase: string | undefined): KeyObject => {
  const secret = passphrase === undefined ? {} : { passphrase }
  try {
    return bytes.includes('-----BEGIN ') ? createPrivateKey({ key: bytes, ...secret }) : createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8', ...secret })
  } catch (error) {
    throw new Error('its private key cannot be read; PEM, or PKCS#8 in DER, is needed, with its `passphrase` where it is encrypted', { cause: error })
  }
}

/** The identity of an address: its own before that of its domain. */
export const identityFor = (identities: readonly Identity[], address: string): Identity | undefined =>
  identities.find((one) => one.address.includes('@') && sameAddress(one.address, address)) ?? identities.find((one) => !one.address.includes('@') && one.address.toLowerCase() === domainOf(address))
