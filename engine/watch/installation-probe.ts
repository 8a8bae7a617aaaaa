/** Looks at what all channels share: the disk, the store, and the channels that cannot start. */
import { statfs } from 'node:fs/promises'
import type { MessageArchive } from '../contracts.js'
import { ReferoError, sentence } from '../errors.js'
import { size } from '../units.js'
import type { EngineView } from './engine-view.js'
import type { Look } from './look.js'

/** Of a disk, in bytes. */
export interface Disk { readonly free: number; readonly whole: number }

/** What the disk of a folder has left for this user. */
export const diskOf = async (folder: string): Promise<Disk> => {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { free: bavail * bsize, whole: blocks * bsize }
}

const RECOVERED = 1.1 // of the space that is too little: what must be free for the incident to end

/** `space`: `5%` or a size; `read` gives what there is. */
export const lookAtDisk = async (space: string, folder: string, look: Look, read = diskOf): Promise<void> => {
  const isDisk = ({ kind }: { kind: string }): boolean => kind === 'disk'
  let disk: Disk
  try {
    disk = await read(folder)
  } catch {
    look.unsure(isDisk)
    return
  }
  const least = space.endsWith('%') ? (disk.whole * Number(space.slice(0, -1))) / 100 : size(space)
  if (disk.free >= least) {
    if (disk.free < least * RECOVERED) look.unsure(isDisk)
    return
  }
  const what = `The disk of the data folder has ${sized(disk.free)} free (${((disk.free / disk.whole) * 100).toFixed(1)}%): less than ${space}.`
  look.find({ kind: 'disk', channel: null, destination: null, since: look.at, count: 1, what })
}

export const lookAtStore = ({ storeTrouble }: EngineView, look: Look): void => {
  if (storeTrouble !== null) look.find({ kind: 'store', channel: null, destination: null, since: look.at, count: 1, what: 'The message store fails.', because: storeTrouble })
}

/** The search by words has a file of its own, and may fail while messages are taken and sent as ever: nobody would notice but who searches. */
export const lookAtSearch = async (archive: Pick<MessageArchive, 'textIndexed'>, look: Look): Promise<void> => {
  try {
    await archive.textIndexed()
  } catch (error) {
    const what = 'The search by words fails; until it works, what is older than `retain:` says is not forgotten either.'
    look.find({ kind: 'store', channel: null, destination: null, subject: 'search', since: look.at, count: 1, what, because: error instanceof ReferoError ? sentence(error) : null })
  }
}

export const lookAtChannels = (engine: EngineView, look: Look): void => {
  const about = { kind: 'channel-failed', destination: null, since: look.at } as const
  for (const { name, state, trouble } of engine.status()) {
    if (state === 'failed') look.find({ ...about, channel: name, count: 1, what: `Channel ${name} cannot start; it is tried again.`, because: trouble })
    else if (state === 'starting') look.unsure((one) => one.kind === 'channel-failed' && one.channel === name)
  }
  const broken = (problems: EngineView['problems'], called: string): void => {
    for (const file of new Set(problems.map((problem) => problem.file))) {
      const own = problems.filter((problem) => problem.file === file)
      const because = own.slice(0, 3).map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`).join(' ')
      look.find({ ...about, channel: null, subject: file, count: own.length, what: `The ${called} ${file} ${called === 'table' ? 'is broken' : 'cannot be used'}; what ran before goes on.`, because })
    }
  }
  broken(engine.problems, 'channel file')
  broken(engine.otherProblems, 'table')
}

const sized = (bytes: number): string => {
  const unit = bytes >= 1024 ** 3 ? 'GB' : 'MB'
  return `${(bytes / (unit === 'GB' ? 1024 ** 3 : 1024 ** 2)).toFixed(1)} ${unit}`
}
