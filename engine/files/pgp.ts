/** OpenPGP (RFC 9580) of whole files: opening what was encrypted to us, and sealing what only the receiver is to read. */
import type { Key, PrivateKey, PublicKey } from 'openpgp'
import { type Static, Type } from 'typebox'
import type { Clock, Tools } from '../contracts.js'
import { MessageFault } from '../errors.js'
import { keyText } from './key-text.js'

const key = (description: string) => Type.String({ minLength: 1, maxLength: 200_000, description: `${description}: armored text (\`\${secret:name}\`), or a file beside the channel’s own.` })
const Passphrase = Type.String({ minLength: 1, maxLength: 1000, description: `What our key is locked with: \`\${secret:name}\`.` })

/** The setting `pgp` of a source. */
export const PgpOpening = Type.Object({
  key: key('Our private key, to which files are encrypted'),
  passphrase: Type.Optional(Passphrase),
  verify: Type.Optional(key('The sender’s public key. With it, a file that this key has not signed is refused')),
}, { additionalProperties: false, description: 'Files are OpenPGP messages, and are decrypted before they are handed over. One that cannot be goes to `failed`, with the reason.' })

/** The setting `pgp` of a destination. */
export const PgpSealing = Type.Object({
  for: key('The receiver’s public key'),
  key: Type.Optional(key('Our private key, to sign with')),
  passphrase: Type.Optional(Passphrase),
}, { additionalProperties: false, description: 'Files are encrypted to the receiver, and signed where we have a key. Their names end in a digest of what is in them, so that an attempt repeated after a crash leaves one.' })

/** Reads the keys, and gives what opens a file of at most `maximum` bytes once opened. Rejects with a sentence where a key cannot be used; what it gives rejects with a MessageFault. */
export const opening = async (settings: Static<typeof PgpOpening>, maximum: number, tools: Tools): Promise<(bytes: Buffer) => Promise<Buffer>> => {
  const { decrypt, readMessage } = await import('openpgp')
  const decryptionKeys = await ours(settings, tools)
  const verificationKeys = settings.verify === undefined ? undefined : await theirs('pgp.verify', settings.verify, tools)
  const config = { maxDecompressedMessageSize: maximum }
  return async (bytes) => {
    const message = await (isArmored(bytes) ? readMessage({ armoredMessage: bytes.toString('latin1'), config }) : readMessage({ binaryMessage: bytes, config })).catch(because('it is no OpenPGP message'))
    if (message.getEncryptionKeyIDs().length === 0) throw fault('it is not encrypted to a key')
    const { data, signatures } = await decrypt({ message, decryptionKeys, ...(verificationKeys && { verificationKeys }), format: 'binary', date: tools.clock.now(), config })
      .catch(because('it cannot be decrypted: it is for another key, damaged, or too large once it is open'))
    if (data.length > maximum) throw fault(`it has ${data.length} bytes once it is open; at most ${maximum} are taken (\`maximum\`)`)
    if (verificationKeys) await signed(signatures)
    return Buffer.from(data)
  }
}

/** Reads the keys, and gives what seals a file. Rejects with a sentence where a key cannot be used. */
export const sealing = async (settings: Static<typeof PgpSealing>, tools: Tools): Promise<(bytes: Buffer) => Promise<Buffer>> => {
  const { createMessage, encrypt } = await import('openpgp')
  const encryptionKeys = await theirs('pgp.for', settings.for, tools)
  const now = (): Date => tools.clock.now()
  await usable(encryptionKeys, tools.clock)
  const signingKeys = settings.key === undefined ? undefined : await ours({ ...settings, key: settings.key }, tools)
  return async (bytes) => {
    const message = await createMessage({ binary: new Uint8Array(bytes), date: now() })
    return Buffer.from(await encrypt({ message, encryptionKeys, ...(signingKeys && { signingKeys }), format: 'binary', date: now() }))
  }
}

/** Throws a sentence where `passphrase` has nothing to unlock. */
export const checkSealing = ({ key, passphrase }: Static<typeof PgpSealing>): void => {
  if (passphrase !== undefined && key === undefined) throw new Error('`pgp.passphrase` unlocks `pgp.key`, which is not set.')
}

const ours = async ({ key, passphrase }: { readonly key: string; readonly passphrase?: string }, tools: Tools): Promise<PrivateKey> => {
  const { decryptKey, readPrivateKey } = await import('openpgp')
  const read = await readPrivateKey({ armoredKey: keyText('pgp.key', key, tools) }).catch(unreadable('pgp.key', 'armored private key'))
  if (read.isDecrypted()) return read
  if (passphrase === undefined) throw new Error('`pgp.key` is locked; set `pgp.passphrase`.')
  return decryptKey({ privateKey: read, passphrase }).catch(() => { throw new Error('`pgp.passphrase` does not unlock `pgp.key`.') })
}

const theirs = async (setting: string, value: string, tools: Tools): Promise<PublicKey> => {
  const { readKey } = await import('openpgp')
  const read: Key = await readKey({ armoredKey: keyText(setting, value, tools) }).catch(unreadable(setting, 'armored public key'))
  return read.toPublic()
}

const usable = async (key: PublicKey, clock: Clock): Promise<void> => {
  await key.getEncryptionKey(undefined, clock.now()).catch(() => { throw new Error('`pgp.for` cannot be encrypted to: it has expired, was revoked, or is for signing only.') })
}

const signed = async (signatures: readonly { readonly verified: Promise<unknown> }[]): Promise<void> => {
  if (signatures.length === 0) throw fault('it is not signed, and `pgp.verify` asks for that')
  const good = await Promise.all(signatures.map(({ verified }) => verified.then(() => true, () => false)))
  if (!good.includes(true)) throw fault('its signature is not by the key of `pgp.verify`, or does not fit what it holds')
}

const isArmored = (bytes: Buffer): boolean => bytes.subarray(0, 200).toString('latin1').trimStart().startsWith('-----BEGIN PGP')

const fault = (why: string): MessageFault => new MessageFault({ kind: 'unreadable', reason: `The file cannot be opened with OpenPGP: ${why}.` })
const because = (why: string) => (): never => { throw fault(why) }
const unreadable = (setting: string, what: string) => (): never => { throw new Error(`\`${setting}\` is no ${what}.`) }
