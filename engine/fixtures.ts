/** Where the files that the tests of channels name lie: in the folder of fixtures, or else among those of the product. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { shippedFixtures } from '../config/loader.js'
import type { ChannelDefinition } from './channel-definition.js'

/** The path of a fixture; in `folder`, the folder of fixtures, where it lies nowhere. */
export const fixtureAt = (folder: string, file: string): string => {
  const [own, product] = [resolve(folder, file), resolve(shippedFixtures(), file)]
  return existsSync(own) || !existsSync(product) ? own : product
}

/** What can be expected of a destination in one word; any other text names a file. */
export const STATES: readonly string[] = ['nothing', 'queued', 'held', 'error', 'sent']

/** The files that the tests of a channel name, given and expected, each once. */
export const fixturesOf = ({ tests }: Pick<ChannelDefinition, 'tests'>): readonly string[] => {
  const expected = tests.flatMap(({ expect }) => Object.entries(expect).filter(([name]) => name !== 'acknowledgement' && name !== 'history').flatMap(([, value]) => value))
  const files = expected.filter((value): value is string => typeof value === 'string' && !STATES.includes(value))
  return [...new Set([...tests.flatMap(({ given }) => given), ...files])].sort()
}
