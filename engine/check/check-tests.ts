/** Rules about the tests in a channel file: there are some, and what they name exists. */
import { existsSync } from 'node:fs'
import type { LoadContext, LoadedChannel } from '../channel-loader.js'
import type { Rule } from './check.js'
import { complaint } from '../complaint.js'
import { fixtureAt, STATES } from '../fixtures.js'
import { didYouMean } from '../nearest.js'
import { type Problem, shown } from '../problem.js'
import type { Keys } from '../schema-errors.js'

const HISTORY = ['received', 'filtered', 'transformed', 'error', 'queued', 'sent', 'held', 'refused', 'unavailable', 'unknown', 'retry', 'duplicate', 'acknowledged', 'replayed', 'skipped']

export const tests: Rule = (channels, context) => channels.flatMap(channel => {
  if (channel.definition.tests.length > 0) return ofTests(channel, context)
  return [complaint(channel, ['name'], 'warning', 'no-tests', `The channel \`${channel.definition.name}\` has no tests.`, 'Add `tests:` with a message that goes through and one that does not.')]
})

const ofTests = (channel: LoadedChannel, { settings: { fixtures } }: LoadContext): Problem[] => {
  const problems: Problem[] = []
  const destinations = channel.definition.destinations.map(({ name }) => name)
  const names = new Map<string, number>()
  const known = (name: string, keys: Keys): void => {
    if (!destinations.includes(name)) problems.push(complaint(channel, keys, 'error', 'unknown-name', `This channel has no destination called \`${name}\`${didYouMean(name, destinations)}`, '', 'key'))
  }
  const fixture = (file: string, keys: Keys): void => {
    if (!existsSync(fixtureAt(fixtures, file))) problems.push(complaint(channel, keys, 'error', 'no-fixture', `There is no file \`${file}\` in ${shown(fixtures)}.`, 'Name a file by its path there.'))
  }
  channel.definition.tests.forEach((test, index) => {
    const at = (...keys: Keys): Keys => ['tests', index, ...keys]
    const before = names.get(test.name)
    if (before !== undefined) problems.push(complaint(channel, at('name'), 'warning', 'same-name', `A test with this name is already at ${channel.place('tests', before, 'name')}.`, 'Say what is different about each.'))
    names.set(test.name, index)
    test.given.forEach((file, n) => { fixture(file, channel.yaml.scalar(at('given')) ? at('given') : at('given', n)) })
    for (const name of Object.keys(test.mock)) known(name, at('mock', name))
    test.expect.history?.forEach((what, n) => {
      if (!HISTORY.includes(what)) problems.push(complaint(channel, at('expect', 'history', n), 'error', 'unknown-name', `Nothing in a history is called \`${what}\`${didYouMean(what, HISTORY)}`))
    })
    for (const [name, expected] of Object.entries(test.expect)) {
      if (name === 'acknowledgement' || name === 'history') continue
      known(name, at('expect', name))
      const items = Array.isArray(expected) ? expected.map((one, n) => [one, at('expect', name, n)] as const) : [[expected, at('expect', name)] as const]
      for (const [item, keys] of items) if (typeof item === 'string' && !STATES.includes(item)) fixture(item, keys)
    }
  })
  return problems
}
