/** What people have asked of channels (to pause, stop or go on), kept with who and why, so that it holds over a restart. */
import { join } from 'node:path'
import { type Asked, AT_WORK, type Control } from '../control.js'
import type { Disk } from './disk.js'
import type { History } from './history.js'
import { contentOf } from './snapshot.js'

/** One thing that somebody asked of a channel, or of one of its destinations. */
export interface Wish {
  readonly what: 'paused' | 'stopped' | 'started'
  readonly destination: string | null
  readonly by: string
  readonly why: string
  readonly at: string // ISO 8601
}

interface Kept extends Control {
  readonly wishes: readonly Wish[] // the last first
}

const MOST = 200 // wishes remembered for a channel
const NOTHING: Kept = { ...AT_WORK, wishes: [] }

export class Wishes {
  readonly #history: History
  readonly #disk: Disk
  readonly #kept = new Map<string, Kept>()

  constructor(history: History, disk: Disk) {
    this.#history = history
    this.#disk = disk
  }

  /** What holds for a channel now. A file that is damaged counts as none: the channel runs. */
  readonly controlOf = (channel: string): Control => this.#of(channel)

  /** What was asked of a channel, the last first. */
  of(channel: string): readonly Wish[] {
    return this.#of(channel).wishes
  }

  async add(channel: string, wish: Wish): Promise<void> {
    const { what, destination, by, why, at } = wish
    const before = this.#of(channel)
    const asked: Asked | null = what === 'started' ? null : { state: what, by, why, at }
    const { [destination ?? '']: _, ...others } = before.destinations
    const kept: Kept = {
      channel: destination === null ? asked : before.channel,
      destinations: destination === null ? before.destinations : { ...others, ...(asked && { [destination]: asked }) },
      wishes: [wish, ...before.wishes].slice(0, MOST),
    }
    await this.#disk.write(this.#file(channel), `${JSON.stringify(kept, null, 1)}\n`)
    this.#kept.set(channel, kept)
  }

  #of(channel: string): Kept {
    const known = this.#kept.get(channel)
    if (known) return known
    const kept = read(contentOf(this.#file(channel)))
    this.#kept.set(channel, kept)
    return kept
  }

  #file(channel: string): string {
    return join(this.#history.folderOf(channel), 'control.json')
  }
}

function read(text: string | null): Kept {
  try {
    return text === null ? NOTHING : { ...NOTHING, ...(JSON.parse(text) as Partial<Kept>) }
  } catch {
    return NOTHING
  }
}
