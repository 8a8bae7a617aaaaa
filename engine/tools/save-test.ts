/** Writes a test into a channel file: the sample as a fixture, and what the channel does with it now as what is expected. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { Document, isScalar, parseDocument, visit } from 'yaml'
import type { MockOutcome } from '../channel-definition.js'
import { type LoadContext, type LoadedChannel, loadChannel } from '../channel-loader.js'
import { play, runChannelTest, type TestWorld } from '../channel-tests.js'
import { type Derived, deriveExpectations } from './derive-expectations.js'
import { ReferoError } from '../errors.js'
import { problemLine } from '../problem.js'

export interface NewTest {
  readonly name: string
  readonly sample: Buffer // as it may be kept: de-identified
  readonly fixture: string // where it goes, below the fixtures folder
  readonly mock: Readonly<Record<string, MockOutcome>>
}

/** What a new test is to be written with. */
export interface Desk {
  readonly context: LoadContext
  readonly world: TestWorld
}

/**
 * Writes the fixture and the test, and runs it: a test that does not pass is not left behind. `text` is what the channel
 * file is to hold besides, where it is new. Resolves with the channel as it is now.
 */
export async function saveTest(path: string, text: string, { name, sample, fixture, mock }: NewTest, { context, world }: Desk): Promise<LoadedChannel> {
  const before = await read(path, context, text)
  if (before.definition.tests.some((test) => test.name === name)) throw new ReferoError('TAKEN', `The channel ${before.definition.name} has a test called “${name}” already; give this one another name.`)
  const file = join(world.fixtures, fixture)
  if (existsSync(file)) throw new ReferoError('TAKEN', `The file ${file}.`)
  const store = world.openStore()
  const derived = await play(before, [{ bytes: sample, origin: fixture }], { mock: lists(mock) }, world, store).then(deriveExpectations).finally(() => store.close())
  const written = [{ file, bytes: sample }, ...derived.files.map(({ payload }, n) => ({ file: join(world.fixtures, expectedFile(fixture, n)), bytes: payload }))]
  const test = { name, given: fixture.split(sep).join('/'), ...(Object.keys(mock).length > 0 ? { mock } : {}), expect: withFolders(derived, fixture) }
  const whole = withTest(text, test, path)
  try {
    for (const each of written) {
      mkdirSync(dirname(each.file), { recursive: true })
      writeFileSync(each.file, each.bytes, { flag: 'wx' })
    }
    const after = await read(path, context, whole)
    const added = after.definition.tests.find((one) => one.name === name)
    const failures = added ? (await runChannelTest(after, added, world)).failures : []
    if (!added || failures.length > 0) throw new ReferoError('NOT_KEPT', `It does not pass a second time: ${failures.map(({ what, expected, found }) => `${what}: expected ${expected}, found ${found}`).join('; ')}.`)
    writeWhole(path, whole)
    return after
  } catch (error) {
    for (const each of written) rmSync(each.file, { force: true })
    throw error
  }
}

/** The text with a test at the end of its `tests:`, everything else as it was. */
export function withTest(text: string, test: object, path: string): string {
  const block = (indent: string): string => readable(test).replace(/^/gm, indent)
  const tests = parseDocument(text, { keepSourceTokens: true }).get('tests', true) as { readonly items?: readonly { readonly range?: readonly number[] | null }[]; readonly flow?: boolean; readonly range?: readonly number[] | null } | undefined
  const last = tests?.items?.at(-1)?.range?.[1]
  const first = tests?.items?.[0]?.range?.[0]
  if (tests === undefined) return `${text.trimEnd()}\ntests:\n${block('  ')}\n`
  if (tests.flow || last === undefined || first === undefined) throw new ReferoError('WRONG_FILE', `${relative(process.cwd(), path)}: \`tests:\` is not written as a list of \`- name: …\` lines; write it so, and try again.`)
  const line = text.slice(text.lastIndexOf('\n', first) + 1, first)
  const head = text.slice(0, last).trimEnd()
  const rest = text.slice(head.length)
  return `${head}\n${block(' '.repeat(Math.max(0, line.indexOf('-'))))}${rest === '' ? '\n' : rest}`
}

/** Lists of words on one line, as a person would write them. */
const readable = (test: object): string => {
  const document = new Document([test])
  visit(document, {
    Seq: (_, list) => {
      if (list.items.every(isScalar)) list.flow = true
    },
  })
  return document.toString({ lineWidth: 0, indentSeq: false, flowCollectionPadding: false }).trimEnd()
}

const lists = (mock: NewTest['mock']): Record<string, readonly MockOutcome[]> => Object.fromEntries(Object.entries(mock).map(([name, one]) => [name, [one]]))

const expectedFile = (fixture: string, n: number): string => `${fixture.replace(/\.[^.]*$/, '')}.expected-${n + 1}`

/** Names the files of the expectation as they are written: beside the sample. */
const withFolders = ({ expect, files }: Derived, fixture: string): Readonly<Record<string, unknown>> => {
  let n = 0
  const named = (value: unknown): unknown => (Array.isArray(value) ? value.map(named) : typeof value === 'string' && value.endsWith('.expected') ? expectedFile(fixture, n++).split(sep).join('/') : value)
  return files.length === 0 ? expect : Object.fromEntries(Object.entries(expect).map(([key, value]) => [key, named(value)]))
}

const read = async (path: string, context: LoadContext, text: string): Promise<LoadedChannel> => {
  const { channel, problems } = await loadChannel(path, context, text)
  if (!channel) throw new ReferoError('INVALID', `${problems.filter(({ severity }) => severity === 'error').map(problemLine).join(' ')}`)
  return channel
}

const writeWhole = (path: string, text: string): void => {
  const passing = join(dirname(path), `.${randomUUID()}.tmp`)
  writeFileSync(passing, text)
  renameSync(passing, path)
}
