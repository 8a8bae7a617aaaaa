/** The `sftp` destination: writes each message to a file on an SFTP server, which appears under its name whole or not at all. */
import { Type } from 'typebox'
import type { Delivery, Outcome } from '../../engine/contracts.js'
import { defineDestination } from '../../engine/define.js'
import { checkName, digested, isUnique, nameOf } from '../../engine/files/naming.js'
import { namesLike } from '../../engine/files/numbered.js'
import { checkSealing, PgpSealing, sealing } from '../../engine/files/pgp.js'
import { checkServer, Connection, serverSettings, SftpError } from './connection.js'
import * as files from './files.js'

const DEFAULTS = { name: '{controlId}-{deliveryId}', extension: '', whenExists: 'number' } as const

export default defineDestination({
  name: 'sftp',
  summary: 'Writes each message to a file of its own on an SFTP server, under its final name only once it is whole.',
  settings: Type.Object({
    ...serverSettings,
    folder: Type.String({ minLength: 1, maxLength: 1000, pattern: '^[^\\0]*$', description: 'The folder; a relative one is in the folder that we land in. Made if it is missing.' }),
    name: Type.Optional(Type.String({
      pattern: '^(?:[A-Za-z0-9_-]|\\{[A-Za-z]+\\})(?:[A-Za-z0-9._-]|\\{[A-Za-z]+\\})*$', maxLength: 200, default: DEFAULTS.name,
      description: 'The name, with {controlId}, {messageId}, {deliveryId}, {type}, {time} (of writing), {channel}, {destination}. With {deliveryId}, an attempt repeated after a crash leaves one file.',
    })),
    extension: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]{0,20}$', default: DEFAULTS.extension, description: 'What follows the name, without its dot: `hl7`.' })),
    whenExists: Type.Optional(Type.Enum(['number', 'refuse'], { default: DEFAULTS.whenExists, description: 'Where another file has the name: `number` appends -2, `refuse` refuses the delivery.' })),
    pgp: Type.Optional(PgpSealing),
  }, { additionalProperties: false }),
  examples: [
    { host: 'sftp.payer.example', user: 'practice', key: `\${secret:payer-key}`, hostKey: 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU', folder: '/in', extension: '278' },
    { host: '127.0.0.1', port: 2222, user: 'practice', password: `\${secret:sftp}`, folder: 'in', name: '{type}-{deliveryId}', whenExists: 'refuse' },
  ],
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const { name: pattern, extension, whenExists, pgp } = settings
    const folder = settings.folder.replace(/(?<=.)\/+$/, '')
    checkServer(settings)
    checkName(pattern)
    if (pgp) checkSealing(pgp)
    const server = new Connection(settings, tools)
    let seal: ((bytes: Buffer) => Promise<Buffer>) | null = null

    /** With PGP the bytes differ each time: the name says what is in them. */
    const named = (delivery: Delivery): string => nameOf(seal ? digested(pattern, delivery.payload) : pattern, extension, delivery, tools.clock.now())

    /** Whether the file is there already, from an attempt whose end we did not see. */
    const isThere = async (name: string, payload: Buffer): Promise<boolean> => {
      if (seal) return files.exists(server, `${folder}/${name}`)
      for (const candidate of whenExists === 'number' ? namesLike(name) : [name]) {
        const path = `${folder}/${candidate}`
        if (!(await files.exists(server, path))) return false
        const entry = await files.look(server, path)
        if (entry.isFile() && entry.size === payload.length && payload.equals(await files.read(server, path, payload.length))) return true
      }
      return false
    }

    const deliver = async (delivery: Delivery, moment: { renaming: boolean }): Promise<Outcome> => {
      const { id, channel, destination, payload, attempts } = delivery
      const name = named(delivery)
      const temporary = `${folder}/.${channel}-${destination}-${id}.tmp`
      await files.makeFolder(server, folder)
      if ((isUnique(pattern) || attempts > 1) && (await isThere(name, payload))) return { kind: 'sent' }
      await files.write(server, temporary, seal ? await seal(payload) : payload)
      for (const candidate of whenExists === 'number' ? namesLike(name) : [name]) {
        moment.renaming = true
        if (await files.renameTo(server, temporary, `${folder}/${candidate}`)) return { kind: 'sent' }
        moment.renaming = false
      }
      await files.remove(server, temporary).catch(() => undefined)
      return { kind: 'refused', reason: 'A file of this name is there already.', code: 'exists' }
    }

    return {
      async open() {
        seal = pgp ? await sealing(pgp, tools) : null
      },
      async deliver(delivery, signal) {
        const moment = { renaming: false }
        const stop = (): void => void server.close()
        signal.addEventListener('abort', stop, { once: true })
        try {
          return await deliver(delivery, moment)
        } catch (error) {
          const lost = !(error instanceof SftpError && error.answered)
          const reason = signal.aborted ? 'The server did not answer in time.' : error instanceof SftpError ? error.message : 'The file could not be written.'
          return { kind: moment.renaming && lost ? 'unknown' : 'unavailable', reason }
        } finally {
          signal.removeEventListener('abort', stop)
        }
      },
      close: () => server.close(),
    }
  },
})
