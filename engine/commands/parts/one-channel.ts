/** Finds the channel that a command was given: by its name, or by its file. */
import { resolve } from 'node:path'
import type { LoadedChannel } from '../../channel-loader.js'
import type { Terminal } from '../../command.js'
import { ReferoError } from '../../errors.js'
import { didYouMean } from '../../nearest.js'
import { type Problem, problemLine } from '../../problem.js'

/** Resolves to null, having said why, where the channel’s file is broken; throws where there is no such channel. */
export function oneChannel(word: string | undefined, channels: readonly LoadedChannel[], problems: readonly Problem[], terminal: Terminal): LoadedChannel | null {
  const names = channels.map(({ definition }) => definition.name)
  if (word === undefined) throw new ReferoError('USAGE', `Name a channel${didYouMean('', names)}`)
  const found = channels.find(({ definition, file }) => definition.name === word || resolve(file) === resolve(word))
  if (found) return found
  const wrong = problems.filter(({ file, severity }) => severity === 'error' && (resolve(file) === resolve(word) || new RegExp(`(^|[/\\\\])${escaped(word)}\\.ya?ml$`).test(file)))
  if (wrong.length === 0) throw new ReferoError('NOT_FOUND', `No channel is called \`${word.slice(0, 100)}\`${didYouMean(word, names)}`)
  for (const problem of wrong) terminal.err(problemLine(problem))
  return null
}

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
