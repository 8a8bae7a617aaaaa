/** Certificates for tests, made anew each time by openssl, and what openssl itself makes and reads of CMS. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCertificate, readCertificates, type Certificate } from '../../engine/smime/certificates.js'
import type { Identity } from '../../engine/smime/identities.js'
import { createPrivateKey } from 'node:crypto'

export const openssl = (options: readonly string[], input: Buffer | string = ''): Buffer => execFileSync('openssl', [...options], { input, stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 2 ** 27 })

const MAIL = 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=emailProtection\nsubjectKeyIdentifier=hash\n'
export const LEAF = (san: string, more = 'keyUsage=critical,digitalSignature,keyEncipherment\n'): string => `${MAIL}${more}subjectAltName=${san}\n`
export const AUTHORITY = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'

/** An authority and what it issues, all below one folder. */
export class Pki {
  constructor(readonly folder: string) {}

  path = (name: string): string => join(this.folder, name)
  read = (name: string): Buffer => readFileSync(this.path(name))

  key(name: string, kind: 'rsa' | 'weak' | 'ec' = 'rsa'): void {
    const what = kind === 'ec' ? ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${kind === 'weak' ? 1024 : 2048}`]
    openssl(['genpkey', ...what, '-out', this.path(`${name}.key`)])
  }

  root(name: string, key = name): void {
    this.key(key)
    openssl(['req', '-x509', '-new', '-key', this.path(`${key}.key`), '-subj', `/CN=${name}`, '-days', '3', '-sha256', '-addext', 'keyUsage=critical,keyCertSign', '-out', this.path(`${name}.pem`)])
  }

  /** A certificate of a key, issued by another. */
  issue(name: string, key: string, by: string, extensions: string, { digest = 'sha256', byKey = by }: { readonly digest?: string; readonly byKey?: string } = {}): Certificate {
    writeFileSync(this.path('extensions'), extensions)
    const request = openssl(['req', '-new', '-key', this.path(`${key}.key`), '-subj', `/CN=${name}`])
    openssl(['x509', '-req', '-CA', this.path(`${by}.pem`), '-CAkey', this.path(`${byKey}.key`), '-days', '3', `-${digest}`, '-extfile', this.path('extensions'), '-set_serial', `0x${Buffer.from(name).toString('hex').slice(0, 30)}`, '-out', this.path(`${name}.pem`)], request)
    return this.certificate(name)
  }

  certificate = (name: string): Certificate => readCertificate(this.read(`${name}.pem`))

  identity = (address: string, name: string, key = name, chain: readonly string[] = []): Identity => ({
    address, certificate: this.certificate(name), key: createPrivateKey(this.read(`${key}.key`)), chain: chain.flatMap((one) => readCertificates(this.read(`${one}.pem`))),
  })

  /** What openssl signs: multipart/signed of a wrapped message, with line breaks as they are sent. */
  signed(message: Buffer, name: string, key: string, options: readonly string[] = []): Buffer {
    const wrapped = Buffer.concat([Buffer.from('Content-Type: message/rfc822\r\n\r\n'), message])
    return openssl(['cms', '-sign', '-crlfeol', '-signer', this.path(`${name}.pem`), '-inkey', this.path(`${key}.key`), '-md', 'sha256', ...options], wrapped)
  }

  /** What openssl encrypts, under a header from one to another. */
  encrypted(entity: Buffer, name: string, options: readonly string[] = []): Buffer {
    const sealed = openssl(['cms', '-encrypt', '-binary', '-aes256', '-outform', 'DER', ...options.filter((one) => !one.startsWith('rsa_') ), ...recipient(this.path(`${name}.pem`), options)], entity)
    return mailOf(sealed)
  }
}

const recipient = (pem: string, options: readonly string[]): readonly string[] => ['-recip', pem, ...options.filter((one) => one.startsWith('rsa_')).flatMap((one) => ['-keyopt', one])]

/** CMS as the mail that carries it. */
export const mailOf = (cms: Buffer, from = 'outer@elsewhere.example'): Buffer => Buffer.from(
  `Received: from relay.example\r\nFrom: ${from}\r\nTo: referrals@direct.heart.example\r\nSubject: outer\r\nX-Refero-Signed-By: forged@evil.example\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n${cms.toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`,
)
