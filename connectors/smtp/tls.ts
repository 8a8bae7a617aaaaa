/** The certificate of the listener and its key, written in the settings as PEM or as the path of a PEM file. */
import { createSecureContext } from 'node:tls'
import { Type } from 'typebox'
import type { Tools } from '../../engine/contracts.js'

const Pem = (description: string) => Type.String({ minLength: 1, maxLength: 1_000_000, description: `${description} PEM text, or a file: absolute, or beside the channel’s own. A file is read again each minute.` })

export const certificateSettings = {
  cert: Type.Optional(Pem('The certificate of this server and its chain.')),
  key: Type.Optional(Pem(`Its private key: \`\${secret:name}\`.`)),
}

export interface Certificate { readonly cert: string; readonly key: string }

/** The PEM texts. Throws a sentence that names the setting at fault and quotes nothing. */
export const readCertificate = (given: Certificate, tools: Tools): Certificate => {
  const read = { cert: pem('cert', given.cert, tools), key: pem('key', given.key, tools) }
  try {
    createSecureContext(read)
  } catch (error) {
    throw new Error(`TLS cannot be used: \`cert\` and \`key\` are no certificate and the private key that belongs to it (${(error as NodeJS.ErrnoException).code}).`)
  }
  return read
}

const pem = (setting: string, value: string, tools: Tools): string => {
  if (value.includes('-----BEGIN ')) return value
  try {
    return tools.beside(value).text
  } catch (error) {
    throw new Error(`\`${setting}\` is neither PEM text nor a file that can be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}
