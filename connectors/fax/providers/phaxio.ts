/** Phaxio v2.1: forms with the fax as JSON and the file, signed over the address and the form (`callback`), or over the body (`hmac`). */
import { createHash, createHmac } from 'node:crypto'
import { same } from '../../../engine/web/authentication.js'
import { type RawEvent, readForm } from '../places.js'
import type { Provider, Proofs } from '../provider.js'

const HEADER = 'x-phaxio-signature'

export const phaxio: Provider = {
  name: 'phaxio', shape: 'push', ways: ['callback', 'hmac', 'basic', 'secret'], needs: { source: ['user', 'password'], destination: ['user', 'password'] },
  verify: (event, { callback }) => callback === undefined || isSigned(event, callback),
}

/** HMAC-SHA1 over the address, then each parameter in the order of names, then each file’s name and SHA-1. */
const isSigned = ({ headers, body }: RawEvent, { token, url }: NonNullable<Proofs['callback']>): boolean => {
  const type = headers['content-type'] ?? ''
  const { fields, files } = type.toLowerCase().startsWith('multipart/') ? readForm(body, type) : { fields: Object.fromEntries(new URLSearchParams(body.toString('utf8'))), files: {} }
  const signed = createHmac('sha1', token).update(url)
  for (const name of Object.keys(fields).sort()) signed.update(`${name}${fields[name]}`)
  for (const [name, content] of Object.entries(files).sort(([one], [other]) => (one < other ? -1 : 1))) signed.update(`${name}${createHash('sha1').update(content).digest('hex')}`)
  return same(headers[HEADER] ?? '', signed.digest('hex'))
}
