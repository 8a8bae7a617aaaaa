/** Certificates and keys, written in the settings as PEM or as the path of a PEM file. */
import { readFile } from 'node:fs/promises'
import { type Static, Type } from 'typebox'

const Pem = (description: string) => Type.String({ minLength: 1, maxLength: 1_000_000, description: `${description} PEM, or the path of a PEM file.` })

/** Of a source: who we are, and who may come. */
export const ServerTls = Type.Object({
  cert: Pem('The certificate and its chain.'),
  key: Pem('The private key: `${secret:name}`.'),
  clients: Type.Optional(Pem('The authorities whose client certificates are asked for and accepted (mTLS).')),
}, { additionalProperties: false, description: 'Serves HTTPS. Files are read again each minute, so that a new certificate needs no restart.' })

/** Of a destination: whom we trust, and who we are. */
export const ClientTls = Type.Object({
  ca: Type.Optional(Pem('The authorities trusted instead of the well-known ones.')),
  cert: Type.Optional(Pem('Our certificate and its chain, for a receiver that asks for one.')),
  key: Type.Optional(Pem('The private key of `cert`: `${secret:name}`.')),
}, { additionalProperties: false, description: 'What HTTPS needs beyond the well-known authorities. Receivers are always verified.' })

/** The PEM texts of what is set, by the names that node:tls uses. Rejects with a sentence that names the setting of a file that cannot be read. */
export const readTls = async ({ cert, key, ca, clients }: Static<typeof ClientTls> & { readonly clients?: string }): Promise<Readonly<Record<string, string>>> => {
  const entries = Object.entries({ cert, key, ca: ca ?? clients }).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(await Promise.all(entries.map(async ([name, value]) => [name, await pem(name === 'ca' && clients ? 'clients' : name, value)])))
}

const pem = async (setting: string, value: string): Promise<string> => {
  if (value.includes('-----BEGIN ')) return value
  return readFile(value, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`\`tls.${setting}\` is neither PEM nor the path of a file that can be read (${error.code}).`, { cause: error })
  })
}
