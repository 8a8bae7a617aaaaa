/** The `file` destination: writes each message to a file of its own, which appears whole or not at all. */
import { createHash } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { Type } from 'typebox'
import type { Outcome } from '../../engine/contracts.js'
import { defineDestination } from '../../engine/define.js'
import { checkName, digested, isUnique, nameOf } from '../../engine/files/naming.js'
import { checkSealing, PgpSealing, sealing } from '../../engine/files/pgp.js'
import { exists } from './moving.js'
import { conclude, isThere, place, write } from './placing.js'

const DEFAULTS = { name: '{controlId}-{deliveryId}', extension: '', whenExists: 'number' } as const

export default defineDestination({
  name: 'file',
  summary: 'Writes each message to a file of its own, under its final name only once it is whole and on disk.',
  settings: Type.Object({
    folder: Type.String({ minLength: 1, maxLength: 1000, description: 'The folder; a relative one is in the data folder. Made if it is missing.' }),
    name: Type.Optional(Type.String({
      pattern: '^(?:[A-Za-z0-9_-]|\\{[A-Za-z]+\\})(?:[A-Za-z0-9._-]|\\{[A-Za-z]+\\})*$', maxLength: 200, default: DEFAULTS.name,
      description: 'The name, with {controlId}, {messageId}, {deliveryId}, {type}, {time} (of writing), {channel}, {destination}. With {deliveryId}, an attempt repeated after a crash leaves one file.',
    })),
    extension: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]{0,20}$', default: DEFAULTS.extension, description: 'What follows the name, without its dot: `hl7`.' })),
    whenExists: Type.Optional(Type.Enum(['number', 'replace', 'refuse'], { default: DEFAULTS.whenExists, description: 'Where another file has the name: `number` appends -2, `replace` overwrites it, `refuse` refuses the delivery.' })),
    pgp: Type.Optional(PgpSealing),
  }, { additionalProperties: false }),
  examples: [
    { folder: 'outbox', extension: 'json' },
    { folder: '/out', name: '{type}-{controlId}-{deliveryId}', extension: 'hl7' },
    { folder: '/out/latest', name: '{controlId}', extension: 'hl7', whenExists: 'replace' },
  ],
  create(given, tools) {
    const { clock, dataFolder } = tools
    const { name: pattern, extension, whenExists, pgp, ...settings } = { ...DEFAULTS, ...given }
    const folder = resolve(dataFolder, settings.folder)
    checkName(pattern)
    if (pgp) checkSealing(pgp)
    let seal: ((bytes: Buffer) => Promise<Buffer>) | null = null
    // Each installation has its own temporary names, for several may share a folder.
    const installation = createHash('sha256').update(`${hostname()} ${resolve(dataFolder)}`).digest('hex').slice(0, 8)

    return {
      async open() {
        seal = pgp ? await sealing(pgp, tools) : null
        await mkdir(folder, { recursive: true }).catch((error: unknown) => {
          throw new Error(`The folder cannot be made: ${whatIsWrong(error, folder)}`, { cause: error })
        })
      },
      async deliver(delivery, signal) {
        const { id, channel, payload, attempts } = delivery
        const name = nameOf(seal ? digested(pattern, payload) : pattern, extension, delivery, clock.now())
        const temporary = join(folder, `.${channel}-${id}-${installation}.tmp`)
        try {
          if ((isUnique(pattern) || attempts > 1) && (await (seal ? exists(join(folder, name)) : isThere(folder, name, whenExists, payload)))) return await sent(folder, temporary)
          await write(temporary, seal ? await seal(payload) : payload, signal)
          if (!(await place(folder, temporary, name, whenExists))) {
            await rm(temporary, { force: true })
            return { kind: 'refused', reason: 'A file of this name is there already.', code: 'exists' }
          }
        } catch (error) {
          await rm(temporary, { force: true }).catch(() => undefined) // hidden, and removed by the next attempt
          return { kind: 'unavailable', reason: signal.aborted ? 'The folder did not answer in time.' : whatIsWrong(error, folder) }
        }
        return sent(folder, temporary)
      },
      async close() {},
    }
  },
})

/** The file has its name; it is sent once that, too, would survive a power cut. */
const sent = async (folder: string, temporary: string): Promise<Outcome> => {
  try {
    await conclude(folder, temporary)
    return { kind: 'sent' }
  } catch (error) {
    return { kind: 'unknown', reason: whatIsWrong(error, folder) }
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full', EDQUOT: 'the quota of the disk is used up', EACCES: 'we may not write there', EPERM: 'we may not write there',
  ENOENT: 'the folder does not exist', ENOTDIR: 'a part of it is not a folder', EROFS: 'the disk is read-only', EIO: 'the disk fails',
  EEXIST: 'a file that is no folder, or too many of one name, are in the way',
}

/** Names the folder and never the file, whose name comes from a message. */
const whatIsWrong = (error: unknown, folder: string): string => {
  const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException
  return `${folder}: ${SENTENCES[code] ?? 'it cannot be written'} (${code}).`
}
