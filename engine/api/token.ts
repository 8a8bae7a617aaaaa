/** The bearer token of the operations API: made on first start, shown once, kept as a hash only. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'token.sha256'

/** Makes a new token, which replaces any other, and returns it: the only time that it can be seen. */
export function newToken(dataFolder: string): string {
  const token = `refero_${randomBytes(24).toString('base64url')}`
  const file = join(dataFolder, FILE)
  writeFileSync(`${file}.tmp`, `${hash(token).toString('hex')}\n`, { mode: 0o600 })
  renameSync(`${file}.tmp`, file)
  return token
}

export const hasToken = (dataFolder: string): boolean => existsSync(join(dataFolder, FILE))

/** Whether an Authorization header carries the token; the file is read each time, so that a new token holds at once. */
export function allows(dataFolder: string, authorization: string | undefined): boolean {
  const given = /^Bearer ([\w-]{1,200})$/i.exec(authorization ?? '')?.[1]
  if (given === undefined || !hasToken(dataFolder)) return false
  const stored = Buffer.from(readFileSync(join(dataFolder, FILE), 'utf8').trim(), 'hex')
  const found = hash(given)
  return stored.length === found.length && timingSafeEqual(stored, found)
}

const hash = (token: string): Buffer => createHash('sha256').update(token).digest()
