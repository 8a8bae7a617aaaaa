/** Makes the problem of a place in a channel file, or in a profile that it uses. */
import type { LoadedChannel } from './channel-loader.js'
import type { Problem } from './problem.js'
import type { Keys } from './schema-errors.js'
import type { YamlSource } from './yaml-source.js'

/** What is wrong, without where. */
export interface Wrong extends Pick<Problem, 'rule' | 'message'>, Partial<Pick<Problem, 'hint' | 'severity'>> {}

/**
 * The problem of what the keys lead to. It always names the channel’s own file, whose channel cannot run; what lies in a profile is told
 * at its `uses`, and the sentence begins with the place in the profile.
 */
export const problemAt = (yaml: YamlSource, keys: Keys, { rule, message, hint = '', severity = 'error' }: Wrong, at: 'key' | 'value' = 'value'): Problem => {
  const { file, line, column, used } = yaml.position(keys, at)
  const fields = yaml.scalar(keys)?.filled?.map(({ field, place, given }) => `\`${field}\` is ${given ? 'given' : 'left to its default'} at ${place}.`) ?? []
  const how = [hint, ...fields].filter(Boolean).join(' ')
  return used ? { file: yaml.file, ...used, rule, message: `${file}:${line}:${column}: ${message}`, hint: how, severity } : { file, line, column, rule, message, hint: how, severity }
}

/** `at`: whether the last of the keys itself is meant, or what it leads to. */
export const complaint = (channel: LoadedChannel, keys: Keys, severity: Problem['severity'], rule: string, message: string, hint = '', at: 'key' | 'value' = 'value'): Problem =>
  problemAt(channel.yaml, keys, { rule, message, hint, severity }, at)

/** Where the piece with these settings is named, for another problem to point at. */
export const whereOf = (channel: LoadedChannel, keys: Keys): string => {
  const { file, line, column } = channel.yaml.position(keys, 'key')
  return `${file}:${line}:${column}`
}
