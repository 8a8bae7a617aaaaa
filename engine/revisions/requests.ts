/** What can be asked of the channels of a running engine, and what it answers. */
import type { ChannelStatus } from '../engine.js'
import type { Problem } from '../problem.js'

/** Who asks, and why: both are kept. */
export interface Asking {
  readonly by: string
  readonly why: string
}

/** A file that a channel needs, brought along by whoever deploys it. */
export interface BroughtFile {
  readonly kind: 'mapping' | 'script' | 'fixture'
  readonly path: string // a mapping’s below the folder of mappings, a fixture’s below that of fixtures, a script’s beside the channel file
  readonly text?: string // either this
  readonly base64?: string // or this
}

/** A channel as it is to be. */
export interface Draft {
  readonly text: string
  readonly files: readonly BroughtFile[]
  readonly tests: boolean // whether the channel's own tests are run, and must pass
}

export interface DeployRequest extends Asking, Draft {
  /** The revision that the text was made from, as `basedOn` of the channel said; null for a channel that is not there yet. */
  readonly basedOn: string | null
  readonly shared: boolean // whether files may change that other channels depend on too
  readonly dryRun: boolean
}

export interface RemoveRequest extends Asking {
  readonly basedOn: string
  readonly abandon: boolean // whether messages may wait that nobody delivers then
  readonly dryRun: boolean
}

export interface RollbackRequest extends Asking {
  readonly to: number | null // a sequence; null: one step back
  readonly shared: boolean // whether files may change that other channels depend on too
  readonly dryRun: boolean
}

/** A place in the history. */
export interface Point {
  readonly sequence: number | null // null: it is none yet
  readonly revision: string
}

/** A file beside the channel file that a change writes or removes. */
export interface ChangedFile {
  readonly name: string // as the history names it: fixtures/visits/sample.hl7
  readonly how: 'new' | 'changed' | 'removed'
  readonly size: number // bytes that it will have, or had where it is removed
}

/** What a change does, or would do where it is only planned. */
export interface Change {
  readonly channel: string
  readonly before: Point | null // null: there was no such channel
  readonly after: Point | null // null: there is no such channel any more
  readonly changed: boolean // false: everything is so already
  readonly diff: string // unified, of the channel file, of scripts and of mappings; empty where nothing does
  readonly files: readonly ChangedFile[] // what is written or removed beside the channel file
  readonly restarts: readonly string[] // the channels that stop and start again because of it
  readonly warnings: readonly Problem[]
  readonly tests: { readonly passed: number; readonly failed: number } | null // null: none were run
  readonly notes: readonly string[] // what else a person should know
  readonly applied: boolean // false: only planned
  readonly status: ChannelStatus | null // once it is applied
}

/** A channel file as it is now, and what of it runs. */
export interface ChannelFileNow {
  readonly name: string
  readonly file: string // as shown to people
  readonly text: string // as it is on the disk; what was removed last, where there is no file
  readonly basedOn: string // what a change of this text says that it is based on
  readonly applied: boolean // whether this text is what runs
  readonly problems: readonly Problem[] // what keeps it from running
  readonly revision: string | null // what runs
  readonly sequence: number | null
  readonly at: string | null // since when; ISO 8601
  readonly by: string | null
  readonly why: string | null
  readonly files: readonly string[] // scripts, mappings and profiles that it depends on
  readonly removed: boolean
}
