/** What is different between two folders of channels, setting by setting, and what would follow if the one took the other's place. */
import { existsSync, readFileSync } from 'node:fs'
import type { ChannelDefinition } from '../channel-definition.js'
import type { LoadedChannel } from '../channel-loader.js'
import { explainChannel } from './explain.js'
import { type Change, changesBetween } from './structural-diff-values.js'
import { consequencesOf } from './structural-diff-consequences.js'

/** What is different in one channel. */
export interface ChannelChange {
  readonly channel: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly file: string // where it is, or was
  readonly before: string | null // the name it had, where only the name is another
  readonly settings: readonly Change[]
  readonly destinations: { readonly added: readonly string[]; readonly removed: readonly string[]; readonly renamed: readonly { readonly from: string; readonly to: string }[] }
  readonly tests: { readonly added: readonly string[]; readonly removed: readonly string[]; readonly changed: readonly string[] }
  readonly documents: readonly string[] // mappings, profiles and scripts that it depends on and that have changed
  readonly restarts: boolean
  readonly consequences: readonly string[] // a sentence each
}

/** `documents`: the names of changed documents by the file of either side. */
export const channelChanges = (before: readonly LoadedChannel[], after: readonly LoadedChannel[], documents: ReadonlyMap<string, string> = new Map()): readonly ChannelChange[] => {
  const was = new Map(before.map((channel) => [channel.definition.name, channel]))
  const is = new Map(after.map((channel) => [channel.definition.name, channel]))
  const both = [...was.keys()].filter((name) => is.has(name))
  const gone = before.filter(({ definition }) => !is.has(definition.name))
  const come = after.filter(({ definition }) => !was.has(definition.name))
  const renamed = come.flatMap((channel) => {
    const old = gone.find((each) => alike(each, channel))
    return old ? [{ old, channel }] : []
  })
  const changes = [
    ...both.flatMap((name) => compared(was.get(name), is.get(name), documents)),
    ...renamed.map(({ old, channel }) => whole(channel, 'changed', old)),
    ...gone.filter((channel) => !renamed.some(({ old }) => old === channel)).map((channel) => whole(channel, 'removed')),
    ...come.filter((channel) => !renamed.some((each) => each.channel === channel)).map((channel) => whole(channel, 'added')),
  ]
  return changes.sort((a, b) => (a.channel < b.channel ? -1 : 1))
}

const compared = (before: LoadedChannel | undefined, after: LoadedChannel | undefined, documents: ReadonlyMap<string, string>): ChannelChange[] => {
  if (!before || !after) return []
  const found = changesBetween(explainChannel(before), explainChannel(after))
  const tests = testChanges(before.definition, after.definition)
  const touched = [...new Set([...before.files, ...after.files].flatMap((file) => documents.get(file) ?? []))].sort()
  const scripts = scriptsChanged(before, after)
  const destinations = Object.values(found.destinations).some((names) => names.length > 0)
  if (found.settings.length === 0 && !destinations && Object.values(tests).every((names) => names.length === 0) && touched.length === 0 && scripts.length === 0) return []
  const restarts = after.definition.enabled && (before.definition.enabled ? destinations || found.settings.some(({ path }) => path !== 'description') || touched.length > 0 || scripts.length > 0 : true)
  const change = { channel: after.definition.name, change: 'changed' as const, file: after.file, before: null, ...found, tests, documents: [...touched, ...scripts], restarts }
  return [{ ...change, consequences: consequencesOf(change, before.definition, after.definition) }]
}

const whole = (channel: LoadedChannel, change: ChannelChange['change'], old?: LoadedChannel): ChannelChange => {
  const { definition, file } = channel
  const names = definition.destinations.map(({ name }) => name)
  const none = { added: [], removed: [], renamed: [] }
  const made = {
    channel: definition.name, change, file, before: old?.definition.name ?? null, settings: [], documents: [],
    destinations: change === 'added' ? { ...none, added: names } : change === 'removed' ? { ...none, removed: names } : none,
    tests: { added: [], removed: [], changed: [] }, restarts: change !== 'removed' && definition.enabled,
  }
  return { ...made, consequences: consequencesOf(made, change === 'added' ? null : (old ?? channel).definition, change === 'removed' ? null : definition) }
}

/** Whether two channels say the same but for their names. */
const alike = (one: LoadedChannel, other: LoadedChannel): boolean => {
  const { settings } = changesBetween(explainChannel(one), explainChannel(other))
  return settings.every(({ path }) => path === 'name')
}

const testChanges = (before: ChannelDefinition, after: ChannelDefinition): ChannelChange['tests'] => {
  const was = new Map(before.tests.map((test) => [test.name, JSON.stringify(test)]))
  const is = new Map(after.tests.map((test) => [test.name, JSON.stringify(test)]))
  return {
    added: [...is.keys()].filter((name) => !was.has(name)),
    removed: [...was.keys()].filter((name) => !is.has(name)),
    changed: [...is.keys()].filter((name) => was.has(name) && was.get(name) !== is.get(name)),
  }
}

/** Files beside the channel (scripts) whose content differs, by their names. */
const scriptsChanged = (before: LoadedChannel, after: LoadedChannel): string[] => {
  const beside = ({ files }: LoadedChannel): Map<string, string> => new Map(files.filter((file) => !file.endsWith('.yaml')).map((file) => [file.replace(/^.*[\\/]/, ''), file]))
  const [was, is] = [beside(before), beside(after)]
  return [...new Set([...was.keys(), ...is.keys()])].filter((name) => content(was.get(name)) !== content(is.get(name))).sort()
}

const content = (file: string | undefined): string | null => (file !== undefined && existsSync(file) ? readFileSync(file, 'utf8') : null)
