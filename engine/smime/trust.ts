/** Whom we trust: anchors from files, read anew when they change, and bundles that are fetched and kept on disk. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tools } from '../contracts.js'
import { sentence } from '../errors.js'
import { duration } from '../units.js'
import { type Certificate, readCertificates } from './certificates.js'
import { bytesOf } from './identities.js'
import type { BundleSettings } from './settings.js'
import { verifySigned } from './verify.js'

const DAY = 86_400_000 // milliseconds; the longest that a bundle may go without being looked for
const AGAIN = 10 * 60_000 // milliseconds until a fetch that failed is tried again
const PATIENCE = 15_000 // milliseconds
const LARGEST = 20 * 1024 ** 2 // bytes

export interface TrustGiven { readonly anchors?: readonly string[] | undefined; readonly bundles?: readonly BundleSettings[] | undefined }
type Fetching = (url: string) => Promise<Buffer>

/** All anchors together. Rejects with a sentence where a file cannot be read; a bundle that cannot be fetched stays what it was, and the log says so. */
export const anchorReader = ({ anchors = [], bundles = [] }: TrustGiven, tools: Pick<Tools, 'beside' | 'dataFolder' | 'log' | 'clock' | 'channel'>, get: Fetching = download): (() => Promise<readonly Certificate[]>) => {
  const parsed = new Map<string, { readonly of: string; readonly certificates: readonly Certificate[] }>()
  const certificates = (name: string, bytes: Buffer): readonly Certificate[] => {
    const of = createHash('sha256').update(bytes).digest('hex')
    const before = parsed.get(name)
    if (before?.of === of) return before.certificates
    try {
      const found = readCertificates(bytes)
      parsed.set(name, { of, certificates: found })
      return found
    } catch (error) {
      throw new Error(`The trust anchors ${name.includes('-----BEGIN ') ? 'of a PEM text' : name} cannot be used: ${sentence(error)}.`, { cause: error })
    }
  }
  const fetched = bundles.map((bundle) => bundleReader(bundle, tools, get))
  return async () => [
    ...anchors.flatMap((name) => certificates(name, bytesOf(tools, name, 'anchors'))),
    ...(await Promise.all(fetched.map(async (read, index) => certificates(bundles[index]?.url ?? '', await read())))).flat(),
  ]
}

/** The bytes of one bundle, fetched again when they are older than `every`. */
const bundleReader = ({ url, every, signer }: BundleSettings, tools: Pick<Tools, 'beside' | 'dataFolder' | 'log' | 'clock' | 'channel'>, get: Fetching): (() => Promise<Buffer>) => {
  const folder = join(tools.dataFolder, 'trust-bundles')
  const file = join(folder, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.p7b`)
  const longest = Math.min(duration(every ?? '24h'), DAY)
  let tried = Number.NEGATIVE_INFINITY
  let under: Promise<void> | null = null
  const refresh = async (): Promise<void> => {
    const bytes = await get(url)
    if (signer !== undefined) checkSigner(bytes, readCertificates(bytesOf(tools, signer, 'signer')))
    readCertificates(bytes) // what is no bundle does not take the place of one
    await mkdir(folder, { recursive: true })
    await writeFile(`${file}.new`, bytes)
    await utimes(`${file}.new`, tools.clock.now(), tools.clock.now()) // its age is told by our clock
    await rename(`${file}.new`, file)
  }
  return async () => {
    const now = tools.clock.now().getTime()
    const kept = await stat(file).then(({ mtimeMs }) => mtimeMs, () => null)
    if ((kept === null || now - kept > longest) && now - tried > Math.min(AGAIN, longest)) {
      under ??= refresh().finally(() => {
        tried = tools.clock.now().getTime()
        under = null
      })
      await under.catch((error: unknown) => tools.log('warn', 'a trust bundle cannot be fetched; what was fetched last stays', { channel: tools.channel, path: new URL(url).host, error }))
    }
    return await readFile(file).catch((error: unknown) => {
      throw new Error(`The trust bundle ${url} has never been fetched; the log says why.`, { cause: error })
    })
  }
}

const checkSigner = (bundle: Buffer, signers: readonly Certificate[]): void => {
  const { signers: signed } = verifySigned(bundle, null)
  if (!signed.some(({ der }) => signers.some((one) => one.der.equals(der)))) throw new Error('The trust bundle is signed by somebody else than its `signer`.')
}

const download: Fetching = async (url) => {
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE), redirect: 'error' })
  if (!response.ok || !response.body) throw Object.assign(new Error(`${response.status}`), { code: String(response.status) })
  const pieces: Uint8Array[] = []
  let taken = 0
  for await (const piece of response.body) {
    taken += piece.byteLength
    if (taken > LARGEST) throw Object.assign(new Error('The trust bundle is too large.'), { code: 'TOO_LARGE' })
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
