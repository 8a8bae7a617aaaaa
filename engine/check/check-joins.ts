/** Rules about channels beside each other: two that want the same thing, and which channel leads to which. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LoadedChannel } from '../channel-loader.js'
import type { Rule } from './check.js'
import { complaint, whereOf } from '../complaint.js'
import { didYouMean } from '../nearest.js'
import type { Problem } from '../problem.js'
import type { Keys } from '../schema-errors.js'

/** Two sources cannot claim one port, folder or path; a port as a whole is more than a path on it. */
export const claims: Rule = (channels, { pieces, settings }) => {
  const own = settings.http && settings.http.port !== 0 ? `port ${settings.http.port}` : null
  const taken: { readonly claim: string; readonly by: LoadedChannel }[] = []
  return channels.filter(({ definition }) => definition.enabled).flatMap(channel => {
    const { source } = channel.definition
    return (pieces.sources.get(source.name)?.claims?.(source.settings) ?? []).flatMap(claim => {
      const first = taken.find(other => clash(claim, other.claim))
      if (!first) taken.push({ claim, by: channel })
      const holder = first ? `The channel \`${first.by.definition.name}\`` : 'The engine’s own web server'
      if (!first && !(own && clash(claim, own))) return []
      const message = `${holder} has ${first?.claim ?? own} already${first ? `, at ${whereOf(first.by, first.by.definition.source.keys)}` : ''}.`
      return [complaint(channel, source.keys, 'error', 'claimed-twice', message, 'Give one of them another, or set `enabled: false`.', 'key')]
    })
  })
}

const clash = (a: string, b: string): boolean => a === b || wholePort(a, b) || wholePort(b, a)
const wholePort = (port: string, other: string): boolean => /^port \d+$/.test(port) && other.startsWith(`${port} `)

interface Lead { readonly from: LoadedChannel; readonly to: string; readonly keys: Keys }

/** Every channel that is led to exists and runs, and none leads back to itself. */
export const leads: Rule = (channels, { pieces }) => {
  const byName = new Map(channels.map(channel => [channel.definition.name, channel]))
  const all: Lead[] = channels.flatMap(from => from.definition.destinations.flatMap(({ to }) => {
    const name = pieces.destinations.get(to.name)?.leadsTo?.(to.settings) ?? null
    return name === null ? [] : [{ from, to: name, keys: to.keys }]
  }))
  const unknown = all.flatMap(({ from, to, keys }) => {
    const next = byName.get(to)
    if (next) return next.definition.enabled || !from.definition.enabled ? [] : [complaint(from, keys, 'warning', 'leads-nowhere', `The channel \`${to}\` is not enabled, so what is sent to it waits.`, '', 'key')]
    if (existsSync(join(dirname(from.file), `${to}.yaml`))) return [] // its own file says what is wrong
    return [complaint(from, keys, 'error', 'unknown-name', `No channel is called \`${to}\`${didYouMean(to, byName.keys())}`, '', 'key')]
  })
  return [...unknown, ...cycles(all)]
}

/** One problem for each cycle, at the first of its channels that comes in the files' order. */
const cycles = (all: readonly Lead[]): Problem[] => {
  const from = (name: string): readonly Lead[] => all.filter(lead => lead.from.definition.name === name)
  const done = new Set<string>()
  const problems: Problem[] = []
  const follow = (name: string, trail: readonly Lead[]): void => {
    for (const lead of from(name)) {
      const start = trail.findIndex(({ from }) => from.definition.name === lead.to)
      const path = [...trail, lead]
      if (start >= 0 || lead.to === name) {
        const [first = lead, ...rest] = path.slice(start < 0 ? -1 : start)
        const names = [first, ...rest].map(({ from }) => `\`${from.definition.name}\``)
        problems.push(complaint(first.from, first.keys, 'error', 'cycle', `Messages go round for ever: ${[...names, names[0]].join(' → ')}.`, 'Send one of these somewhere else.', 'key'))
      } else if (!done.has(lead.to)) follow(lead.to, path)
    }
    done.add(name)
  }
  for (const lead of all) if (!done.has(lead.from.definition.name)) follow(lead.from.definition.name, [])
  return problems
}
