/** Looks at a changed channel before anything is written: with the rules of `refero check`, beside the other channels, and with the channel's own tests. */
import { resolve } from 'node:path'
import { runChannelTest, type TestWorld } from '../channel-tests.js'
import { loadChannel, type LoadContext, type LoadedChannel } from '../channel-loader.js'
import { checkChannels } from '../check/check.js'
import { complaint } from '../complaint.js'
import { inOrder, type Problem, problemLine } from '../problem.js'

/** What a changed channel would be. */
export interface Examined {
  readonly channel: LoadedChannel | null // null where it cannot be read
  readonly problems: readonly Problem[] // errors and warnings of its file, and errors that it brings to others
  readonly tests: { readonly passed: number; readonly failed: number } | null // null: none were run
}

export const errorsIn = (problems: readonly Problem[]): Problem[] => problems.filter(({ severity }) => severity === 'error')

/** `path` is the file that would hold `text`; `others` are the channels as they run now, the one of that file among them or not. */
export async function examine(name: string, path: string, text: string, others: readonly LoadedChannel[], context: LoadContext, tests: TestWorld | null): Promise<Examined> {
  const { channel, problems } = await loadChannel(path, context, text)
  if (!channel) return { channel, problems, tests: null }
  const written = channel.definition.name
  if (written !== name) {
    const other: Problem = { ...channel.yaml.position(['name']), rule: 'other-name', message: `This is the channel \`${written}\`, not \`${name}\`.`, hint: `Write \`name: ${name}\`, or deploy it as \`${written}\`.`, severity: 'error' }
    return { channel, problems: inOrder([...problems, other]), tests: null }
  }
  const found = inOrder([...problems, ...joined(others, channel, context)])
  if (!tests || errorsIn(found).length > 0) return { channel, problems: found, tests: null }
  const failures: Problem[] = []
  for (const [n, test] of channel.definition.tests.entries()) {
    const { failures: failed } = await runChannelTest(channel, test, tests)
    failures.push(...failed.map(({ what, expected, found: instead }): Problem => ({
      ...channel.yaml.position(['tests', n, 'name']), rule: 'test-failed', message: `The test “${test.name}” fails: ${what}: expected ${expected}, found ${instead}.`, hint: '', severity: 'error',
    })))
  }
  const failed = new Set(failures.map(({ line }) => line)).size
  return { channel, problems: inOrder([...found, ...failures]), tests: { passed: channel.definition.tests.length - failed, failed } }
}

/** What the rules say of a channel beside the others, and what they say of the others only because of it. */
function joined(others: readonly LoadedChannel[], channel: LoadedChannel, context: LoadContext): Problem[] {
  const rest = others.filter(({ definition }) => definition.name !== channel.definition.name)
  const after = checkChannels(inFileOrder([...rest, channel]), context)
  return after.filter((problem) => resolve(problem.file) === resolve(channel.file)).concat(newErrors(checkChannels(inFileOrder(others), context), after, channel.file))
}

/** What keeps a channel from being removed: the others that feed it. */
export function feeding(name: string, channels: readonly LoadedChannel[], { pieces }: LoadContext): Problem[] {
  return channels.flatMap((channel) => channel.definition.destinations
    .filter(({ to }) => channel.definition.name !== name && pieces.destinations.get(to.name)?.leadsTo?.(to.settings) === name)
    .map((destination) => complaint(channel, destination.to.keys, 'error', 'fed', `The channel \`${channel.definition.name}\` feeds \`${name}\` through its destination \`${destination.name}\`.`, 'Remove that destination first, or send it somewhere else.', 'key')))
}

function newErrors(before: readonly Problem[], after: readonly Problem[], except: string): Problem[] {
  const known = new Set(before.map(problemLine))
  return errorsIn(after).filter((problem) => problem.file !== except && !known.has(problemLine(problem)))
}

const inFileOrder = (channels: readonly LoadedChannel[]): LoadedChannel[] => [...channels].sort((a, b) => (a.file < b.file ? -1 : 1))
