/** A folder on an SFTP server as an inbox uses it. It is connected to when it is looked at, less often the longer that fails. */
import type { Stats } from 'ssh2'
import type { Clock } from '../../engine/contracts.js'
import { type Folder, isSame, ledgerKey, type Seen, unusable } from '../../engine/files/arrivals.js'
import type { Connection } from './connection.js'
import * as files from './files.js'

export interface Places {
  readonly url: string // sftp://host:port
  readonly folder: string
  readonly done: string
  readonly failed: string
  readonly answers: string | null
}

const GROWTH = { first: 5000, longest: 600_000 } // milliseconds between attempts to connect

export const remoteFolder = ({ url, folder, done, failed, answers }: Places, server: Connection, clock: Clock): Folder => {
  let failures = 0
  let until = 0
  const at = (name: string): string => `${folder}/${name}`
  const look: Folder['look'] = async (name) => seenAs(name, await files.look(server, at(name)))

  const connected = async (): Promise<void> => {
    if (clock.now().getTime() < until) throw new Error('The server could not be connected to; that is tried again later.')
    try {
      await server.connect()
      failures = until = 0
    } catch (error) {
      until = clock.now().getTime() + Math.min(GROWTH.first * 2 ** failures++, GROWTH.longest)
      throw error
    }
  }

  return {
    path: `${url}${folder.startsWith('/') ? '' : '/~/'}${folder}`,
    async open() {},
    async list(matches) {
      await connected()
      const entries = await files.list(server, folder || '/')
      return entries.filter(({ filename, attrs }) => attrs.isFile() && matches(filename)).map(({ filename, attrs }) => ({ name: filename, seen: filename.includes('\uFFFD') ? null : seenAs(filename, attrs) }))
    },
    look,
    async read(seen, maximum) {
      const before = await files.look(server, at(seen.name))
      if (!before.isFile()) return { kind: 'unusable', reason: 'It is not a regular file.' }
      if (!isSame(seen, seenAs(seen.name, before))) return { kind: 'changed' }
      const reason = unusable(seen.size, maximum)
      if (reason !== null) return { kind: 'unusable', reason }
      const bytes = await files.read(server, at(seen.name), Number(seen.size))
      const same = bytes.length === Number(seen.size) && isSame(seen, await look(seen.name))
      return same ? { kind: 'read', bytes, key: ledgerKey(seen, bytes) } : { kind: 'changed' }
    },
    origin: (name) => `${url}${folder.startsWith('/') ? '' : '/~/'}${at(name)}`,
    async answer(name, answer) {
      const to = answers ?? folder
      const [unfinished, target] = [`${to}/.${name}.tmp`, `${to}/${name}.answer`]
      await files.makeFolder(server, to)
      await files.write(server, unfinished, answer)
      if (await files.exists(server, target)) await files.remove(server, target)
      await files.renameTo(server, unfinished, target)
    },
    remove: (name) => files.remove(server, at(name)),
    async move(name, to, reason) {
      const target = to === 'done' ? done : failed
      await files.makeFolder(server, target)
      await files.moveTo(server, at(name), target, name, async (path) => {
        if (reason !== null) await files.write(server, `${path}.reason.txt`, Buffer.from(`${reason}\n`))
      })
    },
    close: () => server.close(),
  }
}

/** SFTP (version 3, which servers speak) tells times in seconds. */
const seenAs = (name: string, { size, mtime }: Stats): Seen => ({ name, size: BigInt(size), changed: BigInt(mtime) * 1_000_000_000n })
