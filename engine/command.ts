/** What a command of the command line is: its words, and what it may use of the terminal. */
import type { parseArgs } from 'node:util'

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>

export interface Command {
  readonly name: string
  readonly summary: string // one line, for `refero help`
  readonly usage: string // what follows the name: `FILE … [--to URL]`
  readonly options: Readonly<Record<string, Options[string] & { readonly describe: string; readonly value?: string }>>
  readonly words?: number // how many it takes at most after its name; any number unless said
  readonly exits: string // what each exit code means
  run(given: Given, terminal: Terminal): Promise<number>
}

/** What was written after the command's name. */
export interface Given {
  readonly words: readonly string[]
  text(option: string): string | undefined
  flag(option: string): boolean
}

export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly interactive: boolean
  out(line: string): void
  err(line: string): void
  /** Asks a question that is answered with y or n. */
  confirm(question: string): Promise<boolean>
}

export const JSON_OPTION = { json: { type: 'boolean', describe: 'print JSON, for programs; what went wrong too, as { error, code, hint }' } } as const
