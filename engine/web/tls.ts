/** Certificates and keys, written in the settings as PEM or as the path of a PEM file. */
import { type Static, Type } from 'typebox'
import type { Tools } from '../contracts.js'

const Pem = (description: string) => Type.String({ minLength: 1, maxLength: 1_000_000, description: `${description} PEM text, or a file: absolute, or beside the channel’s own.` })

/** Of a source: who we are, and who may come. */
export const ServerTls = Type.Object({
  cert: Pem('The certificate and its chain.'),
  key: Pem(`The private key: \`\${secret:name}\`.`),
  clients: Type.Optional(Pem('The authorities whose client certificates are asked for and accepted (mTLS).')),
}, { additionalProperties: false, description: 'Serves HTTPS. Files are read again each minute, so that a new certificate needs no restart.' })

/** Of a destination: whom we trust, and who we are. */
export const ClientTls = Type.Object({
  ca: Type.Optional(Pem('The authorities trusted instead of the well-known ones.')),
  cert: Type.Optional(Pem('Our certificate and its chain, for a receiver that asks for one.')),
  key: Type.Optional(Pem(`The private key of \`cert\`: \`\${secret:name}\`.`)),
}, { additionalProperties: false, description: 'What HTTPS needs beyond the well-known authorities. Receivers are always verified.' })

/** The PEM texts of what is set, by the names that node:tls uses. Throws a sentence that names the setting of a file that cannot be read, and quotes nothing. */
export const readTls = ({ cert, key, ca, clients }: Static<typeof ClientTls> & { readonly clients?: string }, tools: Tools): Readonly<Record<string, string>> => {
  const settings = { cert, key, ...(clients ? { clients } : { ca }) }
  return Object.fromEntries(Object.entries(settings).flatMap(([name, value]) => (value ? [[name === 'clients' ? 'ca' : name, pem(name, value, tools)]] : [])))
}

const pem = (setting: string, value: string, tools: Tools): string => {
  if (value.includes('-----BEGIN ')) return value
  try {
    return tools.beside(value).text
  } catch (error) {
    throw new Error(`\`tls.${setting}\` is neither PEM text nor a file that can be read (${(error as NodeJS.ErrnoException).code}).`, { cause: error })
  }
}
