/** Statements that we sign, so that we know them again when somebody brings them: links and sessions. HMAC-SHA256 (RFC 2104) over JSON, with the time until which it holds. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { same } from './authentication.js'

/** `until`: milliseconds since 1970. */
export interface Statement { readonly until: number }

const LONGEST = 4000 // characters
const SHORTEST_KEY = 32

/** A text for addresses and cookies. What is signed for one purpose is nothing for another. */
export const sign = (key: Buffer, purpose: string, statement: Statement): string => {
  const said = Buffer.from(JSON.stringify(statement)).toString('base64url')
  return `${said}.${seal(key, purpose, said)}`
}

/** What was signed; null for what we did not sign, or no longer holds. */
export const readSigned = <Said extends Statement>(key: Buffer, purpose: string, text: string, now: Date): Said | null => {
  if (text.length > LONGEST) return null
  const [said = '', mac = '', more] = text.split('.')
  if (more !== undefined || !same(mac, seal(key, purpose, said))) return null
  const statement = JSON.parse(Buffer.from(said, 'base64url').toString()) as Said
  return statement.until > now.getTime() ? statement : null
}

const seal = (key: Buffer, purpose: string, said: string): string => createHmac('sha256', key).update(`${purpose}\n${said}`).digest('base64url')

/** Throws a sentence for a key that is too short to be one. */
export const checkKey = (given: string | undefined): void => {
  if (given !== undefined && given.length < SHORTEST_KEY) throw new Error(`\`key\` has fewer than ${SHORTEST_KEY} characters; \`openssl rand -hex 32\` makes one.`)
}

/** The key that is given; without one that of the file `portal.key` in the data folder, which is made, for nobody else to read, when it is first needed. */
export const signingKey = (given: string | undefined, dataFolder: string): Buffer => {
  if (given !== undefined) return createHash('sha256').update(given).digest()
  const file = join(dataFolder, 'portal.key')
  try {
    mkdirSync(dataFolder, { recursive: true })
    writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const key = readFileSync(file, 'utf8').trim()
  if (key.length < SHORTEST_KEY) throw new Error('portal.key in the data folder holds no key; delete the file, and links that were sent before end to hold.')
  return createHash('sha256').update(key).digest()
}

const STATUS = 'status'
export interface StatusLink extends Statement { readonly reference: string }

/** The address at which whoever has it follows one referral: `portal` is where the portal is (`https://referrals.heart.example/portal`). */
export const statusLink = (key: Buffer, portal: string, reference: string, until: Date): string =>
  `${portal.replace(/\/+$/, '')}/status?t=${sign(key, STATUS, { reference, until: until.getTime() } as StatusLink)}`

export const readStatusLink = (key: Buffer, text: string, now: Date): StatusLink | null => readSigned<StatusLink>(key, STATUS, text, now)
