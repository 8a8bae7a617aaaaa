/** What is done with files on an SFTP server, each in one call. */
import type { Attributes, FileEntryWithStats, Stats } from 'ssh2'
import { namesLike } from '../../engine/files/numbered.js'
import { type Connection, SftpError } from './connection.js'

const CHUNK = 32_768 // bytes, what every server takes at once
const AT_ONCE = 32 // requests under way

export const list = (server: Connection, folder: string): Promise<readonly FileEntryWithStats[]> =>
  server.ask<readonly FileEntryWithStats[]>((sftp, done) => sftp.readdir(folder, done))

/** Of a link, the link itself. */
export const look = (server: Connection, path: string): Promise<Stats> => server.ask<Stats>((sftp, done) => sftp.lstat(path, done))

export const exists = async (server: Connection, path: string): Promise<boolean> => look(server, path).then(() => true, absent)
const absent = (error: unknown): false => {
  if (error instanceof SftpError && error.code === 'ENOENT') return false
  throw error
}

/** The first `length` bytes of a file; fewer where it has fewer. */
export const read = async (server: Connection, path: string, length: number): Promise<Buffer> => {
  const handle = await server.ask<Buffer>((sftp, done) => sftp.open(path, 'r', done))
  try {
    const bytes = Buffer.allocUnsafe(length)
    let end = length
    await inChunks(length, async (at, size) => {
      for (let from = 0; from < size && at + from < end; ) {
        const count = await server.ask<number>((sftp, done) => sftp.read(handle, bytes, at + from, size - from, at + from, (error, count) => (isEnd(error) ? done(null, 0) : done(error, count))))
        if (count === 0) end = Math.min(end, at + from)
        from += count || size
      }
    })
    return bytes.subarray(0, end)
  } finally {
    await closed(server, handle)
  }
}
const isEnd = (error: unknown): boolean => (error as { code?: unknown } | undefined)?.code === 1

/** Writes a new file, in place of one of that name. */
export const write = async (server: Connection, path: string, bytes: Buffer): Promise<void> => {
  const attributes: Attributes = { mode: 0o660 } as Attributes
  const handle = await server.ask<Buffer>((sftp, done) => sftp.open(path, 'w', attributes, done))
  try {
    await inChunks(bytes.length, (at, size) => server.ask<void>((sftp, done) => sftp.write(handle, bytes, at, size, at, done)))
    // To disk where the server can (fsync@openssh.com).
    await server.ask<void>((sftp, done) => sftp.ext_openssh_fsync(handle, done)).catch(unlessLost)
  } finally {
    await closed(server, handle)
  }
}

/** Never overwrites where the server follows the protocol (§6.5 of draft-ietf-secsh-filexfer-02); looks before, for those that do not. False where the name is taken. */
export const renameTo = async (server: Connection, from: string, to: string): Promise<boolean> => {
  if (await exists(server, to)) return false
  try {
    await server.ask<void>((sftp, done) => sftp.rename(from, to, done))
    return true
  } catch (error) {
    if (error instanceof SftpError && error.answered && (await exists(server, to))) return false
    throw error
  }
}

/** Moves a file to a name in a folder that is free there; `before` is done once that name is known. */
export const moveTo = async (server: Connection, from: string, folder: string, name: string, before: (target: string) => Promise<void> = async () => undefined): Promise<void> => {
  for (const candidate of namesLike(name)) {
    const target = `${folder}/${candidate}`
    if (await exists(server, target)) continue
    await before(target)
    if (await renameTo(server, from, target)) return
  }
}

export const remove = (server: Connection, path: string): Promise<void> => server.ask<void>((sftp, done) => sftp.unlink(path, done))

/** Makes a folder and those above it that are missing. */
export const makeFolder = async (server: Connection, path: string): Promise<void> => {
  if (path === '' || path === '.' || path === '/') return
  if (await exists(server, path)) {
    if ((await server.ask<Stats>((sftp, done) => sftp.stat(path, done))).isDirectory()) return
    throw new SftpError('a file is where a folder should be (ENOTDIR).', 'ENOTDIR', true)
  }
  await makeFolder(server, path.replace(/\/?[^/]*$/, ''))
  await server.ask<void>((sftp, done) => sftp.mkdir(path, done)).catch(async (error: unknown) => {
    if (!(await exists(server, path))) throw error // another has made it meanwhile
  })
}

const closed = (server: Connection, handle: Buffer): Promise<unknown> => server.ask<void>((sftp, done) => sftp.close(handle, done)).catch(() => undefined)

const unlessLost = (error: unknown): void => {
  if (!(error instanceof SftpError) || error.code === 'ECONNRESET' || error.code === 'ECLOSED') throw error
}

/** Does something for each chunk, several at once; after the first failure none is begun. */
const inChunks = async (length: number, work: (at: number, size: number) => Promise<void>): Promise<void> => {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < length) {
      const at = next
      next += CHUNK
      await work(at, Math.min(CHUNK, length - at)).catch((error: unknown) => {
        next = length
        throw error
      })
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, Math.ceil(length / CHUNK)) }, one))
}
