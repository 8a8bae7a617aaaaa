/** Runs the openssl program for what Node.js does not do: RSA PKCS#1 v1.5 (which Node 20 refuses to decrypt) and PKCS#12. */
import { spawn } from 'node:child_process'
import { randomBytes, type KeyObject } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'

const PATIENCE = 20_000 // milliseconds
const LARGEST = 256 * 1024 ** 2 // bytes of an answer

/** openssl could not be run at all: nothing is known about what it was given. */
export class OpensslMissing extends Error {}

/**
 * What openssl makes of `input`; null where it refuses it. `secret` is given through a pipe, as `fd:3`. `command` is the program.
 * Throws OpensslMissing where it is not installed or does not end in time.
 */
export const openssl = (options: readonly string[], input: Buffer, secret: string, command = 'openssl'): Promise<Buffer | null> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, options, { stdio: ['pipe', 'pipe', 'ignore', 'pipe'], timeout: PATIENCE, killSignal: 'SIGKILL' })
    const pieces: Buffer[] = []
    let taken = 0
    child.on('error', (error) => reject(new OpensslMissing('openssl cannot be run; install it (Debian: apt-get install openssl), or use Node.js 22 or later.', { cause: error })))
    child.stdout?.on('data', (piece: Buffer) => {
      taken += piece.length
      if (taken > LARGEST) child.kill('SIGKILL')
      else pieces.push(piece)
    })
    child.on('close', (code, signal) => (signal === null ? resolve(code === 0 ? Buffer.concat(pieces) : null) : reject(new OpensslMissing(`openssl did not answer within ${PATIENCE / 1000} s.`))))
    for (const [pipe, bytes] of [[child.stdin, input], [child.stdio[3] as Writable | null, Buffer.from(`${secret}\n`)]] as const) {
      pipe?.on('error', () => {}) // it ended before it had read all: its exit says so
      pipe?.end(bytes)
    }
  })

/**
 * The content of CMS enveloped data in DER, or null where it cannot be had with this key. The key lies on disk only encrypted with a passphrase of the
 * moment, in a folder that nobody else may read.
 */
export const decryptByOpenssl = async (cms: Buffer, certificate: string, key: KeyObject, command?: string): Promise<Buffer | null> => {
  const folder = await mkdtemp(join(tmpdir(), 'refero-smime-'))
  const passphrase = randomBytes(24).toString('hex')
  try {
    await writeFile(join(folder, 'certificate.pem'), certificate, { mode: 0o600 })
    await writeFile(join(folder, 'key.pem'), key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }), { mode: 0o600 })
    return await openssl(['cms', '-decrypt', '-binary', '-inform', 'DER', '-recip', join(folder, 'certificate.pem'), '-inkey', join(folder, 'key.pem'), '-passin', 'fd:3'], cms, passphrase, command)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A PKCS#12 file as PEM: its key, in the clear, and its certificates. Old ciphers (RC2, 3DES) are tried too. Throws a sentence. */
export const pemOfPkcs12 = async (bytes: Buffer, passphrase: string): Promise<string> => {
  for (const old of [[], ['-legacy']]) {
    const pem = await openssl(['pkcs12', '-passin', 'fd:3', '-nodes', ...old], bytes, passphrase)
    if (pem !== null) return pem.toString('latin1')
  }
  throw new Error('is no PKCS#12 file, or its `passphrase` is wrong')
}
