/** Makes the problem of a place in a channel file. */
import type { LoadedChannel } from './channel-loader.js'
import type { Problem } from './problem.js'
import type { Keys } from './schema-errors.js'

/** `at`: whether the last of the keys itself is meant, or what it leads to. */
export const complaint = (channel: LoadedChannel, keys: Keys, severity: Problem['severity'], rule: string, message: string, hint = '', at: 'key' | 'value' = 'value'): Problem =>
  ({ file: channel.file, ...channel.yaml.position(keys, at), rule, message, hint, severity })

/** Where the piece with these settings is named, for another problem to point at. */
export const whereOf = (channel: LoadedChannel, keys: Keys): string => {
  const { line, column } = channel.yaml.position(keys, 'key')
  return `${channel.file}:${line}:${column}`
}
