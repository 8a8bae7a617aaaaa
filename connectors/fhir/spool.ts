/** What must survive a crash: notifications that wait to be worked on, a file each, and how far we are. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Numbers } from './event-numbers.js'

/** How far we are with a server. */
export interface Ledger {
  subscriptions: Record<string, { id: string | null; numbers: Numbers | null }>
  looks: Record<string, { since: string; next: string | null; newest: string | null }> // times of the server's clock
}

export interface Waiting { readonly file: string; readonly of: string; readonly bytes: Buffer } // `of`: the subscription's name

export interface Spool {
  readonly ledger: Ledger
  /** Durable once it resolves. */
  save(): Promise<void>
  keep(of: string, bytes: Buffer): Promise<void>
  first(): Promise<Waiting | null>
  done(file: string): Promise<void>
  /** Puts a notification where a person finds it. */
  aside(file: string): Promise<void>
  readonly length: number
}

const NAME = /^(\d{12})\.notification$/

/** Opens what a folder holds, and makes it where it is missing. */
export const openSpool = async (folder: string): Promise<Spool> => {
  const aside = join(folder, 'aside')
  await mkdir(aside, { recursive: true })
  const found = await readdir(folder)
  const waiting = found.filter((name) => NAME.test(name)).sort()
  for (const name of found) if (name.endsWith('.part')) await rm(join(folder, name), { force: true })
  const ledger = JSON.parse(await readFile(join(folder, 'ledger.json'), 'utf8').catch(missingIs('{"subscriptions":{},"looks":{}}'))) as Ledger
  let last = Math.max(0, ...[...waiting, ...await readdir(aside)].map((name) => Number(NAME.exec(name)?.[1] ?? 0)))
  let saving: Promise<void> = Promise.resolve()

  const put = async (name: string, bytes: Buffer): Promise<void> => {
    const part = join(folder, `${name}.part`)
    const file = await open(part, 'w', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, join(folder, name))
    const directory = await open(folder, 'r')
    await directory.sync().finally(() => directory.close())
  }

  return {
    ledger,
    save: () => (saving = saving.catch(() => {}).then(() => put('ledger.json', Buffer.from(JSON.stringify(ledger))))),
    async keep(of, bytes) {
      const name = `${String(++last).padStart(12, '0')}.notification`
      await put(name, Buffer.concat([Buffer.from(`${of}\n`), bytes]))
      waiting.push(name)
    },
    async first() {
      const file = waiting[0]
      if (file === undefined) return null
      const whole = await readFile(join(folder, file))
      const end = whole.indexOf('\n')
      return { file, of: whole.subarray(0, end).toString(), bytes: whole.subarray(end + 1) }
    },
    async done(file) {
      await rm(join(folder, file), { force: true })
      waiting.splice(waiting.indexOf(file), 1)
    },
    async aside(file) {
      await rename(join(folder, file), join(aside, file))
      waiting.splice(waiting.indexOf(file), 1)
    },
    get length() {
      return waiting.length
    },
  }
}

const missingIs = (text: string) => (error: NodeJS.ErrnoException): string => {
  if (error.code === 'ENOENT') return text
  throw error
}
