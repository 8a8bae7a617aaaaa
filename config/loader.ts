/** Reads the configuration: command line before environment, before a file of one's own, before default.yaml. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ReferoError, sentence } from '../engine/errors.js'
import { nearest } from '../engine/nearest.js'
import { inOrder, type Problem, problemLine, shown } from '../engine/problem.js'
import { mistakes } from '../engine/schema-errors.js'
import { readYaml, type YamlSource } from '../engine/yaml-source.js'
import { FOLDERS, Settings } from './schema.js'
import { secretsOf } from './secrets.js'

type Environment = Readonly<Record<string, string | undefined>>

export interface Asked {
  /** Settings of the command line by their dotted name: `{ 'http.port': '8421', data: '/srv/refero' }`. */
  readonly flags?: Readonly<Record<string, string | undefined>>
  /** A file of one's own; without it REFERO_CONFIG, or none. */
  readonly config?: string | undefined
  readonly environment?: Environment
}

export interface Configuration {
  readonly settings: Settings
  /** The environment as channels see it: each setting under its REFERO_ name, and all else that is set. */
  readonly environment: Environment
  readonly secrets: (name: string) => string | undefined
  /** Sentences about what is probably a slip. */
  readonly warnings: readonly string[]
}

/** Throws CONFIG_BROKEN, with a line for each mistake that names the file's line, the variable or the option. */
export const loadConfiguration = ({ flags = {}, config, environment = process.env }: Asked = {}): Configuration => {
  const wrong: string[] = []
  const root = productFolder()
  const values: Record<string, unknown> = {}

  const readFile = (path: string, folder: (name: string) => string): void => {
    const yaml = readOwn(path, environment, wrong)
    if (!yaml) return
    const complaints = mistakes(Settings, yaml.value, { name: 'the configuration', written: keys => yaml.scalar(keys)?.text ?? null })
      .filter(({ rule }) => rule !== 'missing-setting') // only what has been put together must be complete
      .map(({ keys, at, rule, message }): Problem => ({ ...yaml.position(keys, at), rule, message, hint: '', severity: 'error' }))
    wrong.push(...inOrder(complaints).map(problemLine))
    for (const [name, value] of leaves(yaml.value)) {
      values[name] = isFolder(name) && typeof value === 'string' ? resolve(folder(name), value) : value
    }
  }
  const take = (name: string, text: string, called: string): void => {
    const value = typedAs(name, text)
    const [mistake] = mistakes(Settings, nested(new Map([[name, value]])), { name: called, written: () => text }).filter(({ rule }) => rule !== 'missing-setting')
    if (mistake) wrong.push(`${called}: ${mistake.message}`)
    values[name] = isFolder(name) ? resolve(text) : value
  }

  // What is written lies where the engine is started; so does what is read, where it is there: a folder of one's own beside the product's.
  const own = (name: string): boolean => name === 'data' || name === 'secrets' || existsSync(join(process.cwd(), name))
  readFile(join(root, 'config', 'default.yaml'), name => (own(name) ? process.cwd() : root))
  const file = config ?? environment.REFERO_CONFIG
  if (file) readFile(resolve(file), () => dirname(resolve(file)))
  for (const name of NAMES) {
    const text = environment[variableOf(name)]
    if (text !== undefined) take(name, text, variableOf(name))
  }
  for (const [name, text] of Object.entries(flags)) {
    if (text !== undefined) take(name, text, `--${name.replaceAll('.', '-')}`)
  }
  values.secrets ??= join(String(values.data), 'secrets')
  const settings = nested(new Map(Object.entries(values)))
  if (wrong.length === 0) wrong.push(...mistakes(Settings, settings, { name: 'the configuration' }).map(({ message }) => message))
  if (wrong.length > 0) throw new ReferoError('CONFIG_BROKEN', wrong.join('\n'))
  const complete = settings as Settings
  return {
    settings: complete,
    environment: { ...environment, ...Object.fromEntries([...leaves(complete)].map(([name, value]) => [variableOf(name), String(value)])) },
    secrets: secretsOf(complete.secrets, environment),
    warnings: slips(environment),
  }
}

/** `http.port` → REFERO_HTTP_PORT */
export const variableOf = (name: string): string => `REFERO_${name.replaceAll('.', '_').toUpperCase()}`

/** The folder that has config/, channels/, mappings/ and fixtures/: where package.json is, above the compiled code. */
export const productFolder = (): string => {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder)
  return folder
}

/** The mappings that come with the product: what a folder of one's own does not have is found there. */
export const shippedMappings = (): string => join(productFolder(), 'mappings')

/** The fixtures that come with the product: what the tests of the shipped channels name is found there, whatever folder one has of one's own. */
export const shippedFixtures = (): string => join(productFolder(), 'fixtures')

/** The settings as what is written by hand is to be added: not to the product's own folders, but beside where the command runs. */
export const ownSettings = (settings: Settings): Settings => {
  const own = (name: 'channels' | 'mappings' | 'fixtures'): string => (settings[name] === join(productFolder(), name) ? resolve(name) : settings[name])
  return { ...settings, channels: own('channels'), mappings: own('mappings'), fixtures: own('fixtures') }
}

const readOwn = (path: string, environment: Environment, wrong: string[]): YamlSource | null => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    wrong.push(`${shown(path)}: the file cannot be read: ${sentence(error)}.`)
    return null
  }
  const yaml = readYaml(path, text, { environment, secrets: () => undefined, secretPlace: () => 'a channel: a configuration has no secrets' })
  wrong.push(...yaml.problems.map(problemLine))
  return yaml.problems.length > 0 ? null : yaml
}

/** Every setting that there is, by its dotted name: `data`, `http.port`. */
export const NAMES: readonly string[] = Object.entries(Settings.properties).flatMap(([name, schema]) =>
  'properties' in schema ? Object.keys(schema.properties).map(inner => `${name}.${inner}`) : [name])

const schemaOf = (name: string): { readonly type?: string } => {
  const [outer = '', inner] = name.split('.')
  const schema = (Settings.properties as Record<string, { type?: string; properties?: Record<string, { type?: string }> }>)[outer] ?? {}
  return inner === undefined ? schema : (schema.properties?.[inner] ?? {})
}

const typedAs = (name: string, text: string): unknown => {
  const { type } = schemaOf(name)
  if (type === 'integer' && /^-?[0-9]{1,15}$/.test(text)) return Number(text)
  return type === 'boolean' && /^(?:true|false)$/.test(text) ? text === 'true' : text
}

const isFolder = (name: string): boolean => (FOLDERS as readonly string[]).includes(name)

/** Settings by dotted name; what is no group stays whole, so that its mistake is found. */
const leaves = (value: unknown): Map<string, unknown> => {
  const found = new Map<string, unknown>()
  for (const [name, each] of Object.entries((value ?? {}) as Record<string, unknown>)) {
    if (typeof each === 'object' && each !== null && !Array.isArray(each)) {
      for (const [inner, leaf] of Object.entries(each)) found.set(`${name}.${inner}`, leaf)
    } else found.set(name, each)
  }
  return found
}

const nested = (values: ReadonlyMap<string, unknown>): Record<string, unknown> => {
  const tree: Record<string, Record<string, unknown> | unknown> = {}
  for (const [name, value] of values) {
    const [outer = '', inner] = name.split('.')
    if (inner === undefined) tree[outer] = value
    else tree[outer] = { ...(tree[outer] as Record<string, unknown>), [inner]: value }
  }
  return tree
}

const PREFIX = 'REFERO_'

/** Variables that are nearly one of ours. What all begin with makes none of them near: channels have variables of their own. */
const slips = (environment: Environment): string[] => {
  const known = [...NAMES.map(variableOf), 'REFERO_CONFIG', 'REFERO_TOKEN', 'REFERO_URL']
  return Object.keys(environment).filter(name => name.startsWith(PREFIX) && !name.startsWith('REFERO_SECRET_') && !known.includes(name)).flatMap(name => {
    const near = nearest(name.slice(PREFIX.length), known.map(one => one.slice(PREFIX.length)))
    return near === null ? [] : [`The environment has ${name}, which is no setting; did you mean ${PREFIX}${near}?`]
  })
}
