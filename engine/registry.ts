/** Finds every connector, transform and format by looking in its folder: the folder is the registration. */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Type, type TSchema } from 'typebox'
import type { Definition, DestinationConnector, MessageFormat, SourceConnector, TransformStep } from './contracts.js'
import { ReferoError, sentence } from './errors.js'
import { mistakes } from './schema-errors.js'

/** What channels may name. The key is the folder's name. */
export interface Pieces {
  readonly sources: ReadonlyMap<string, Definition<TSchema, SourceConnector>>
  readonly destinations: ReadonlyMap<string, Definition<TSchema, DestinationConnector>>
  readonly transforms: ReadonlyMap<string, Definition<TSchema, TransformStep>>
  readonly formats: ReadonlyMap<string, Definition<TSchema, MessageFormat>>
}

/**
 * Reads connectors/, transforms/ and engine/formats/ under `root` (the compiled code's own folder where nothing is said).
 * Rejects with PIECE_BROKEN, naming the folder and the cause, if any folder cannot be used.
 */
export async function findPieces(root = join(import.meta.dirname, '..')): Promise<Pieces> {
  const [connectors, transforms, formats] = await Promise.all([folders(root, 'connectors'), folders(root, 'transforms'), folders(root, 'engine/formats')])
  for (const folder of connectors) {
    if (!existsSync(join(root, folder, 'source.js')) && !existsSync(join(root, folder, 'destination.js'))) throw broken(folder, 'it has neither source.js nor destination.js')
  }
  const [sources, destinations, steps, codecs] = await Promise.all([
    definitions<SourceConnector>(root, connectors.filter(folder => existsSync(join(root, folder, 'source.js'))), 'source.js'),
    definitions<DestinationConnector>(root, connectors.filter(folder => existsSync(join(root, folder, 'destination.js'))), 'destination.js'),
    definitions<TransformStep>(root, transforms, 'index.js'),
    definitions<MessageFormat>(root, formats, 'index.js'),
  ])
  return { sources, destinations, transforms: steps, formats: codecs }
}

const folders = async (root: string, folder: string): Promise<string[]> => {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw broken(folder, sentence(error), error)
  })
  return entries.filter(entry => entry.isDirectory()).map(entry => `${folder}/${entry.name}`).sort()
}

const definitions = async <Product>(root: string, within: readonly string[], file: string): Promise<ReadonlyMap<string, Definition<TSchema, Product>>> =>
  new Map(await Promise.all(within.map(async folder => {
    const definition = await load<Product>(root, folder, file)
    return [definition.name, definition] as const
  })))

const load = async <Product>(root: string, folder: string, file: string): Promise<Definition<TSchema, Product>> => {
  const path = `${folder}/${file}`
  if (!existsSync(join(root, path))) throw broken(folder, `it has no ${file}`)
  const module: { readonly default?: unknown } = await import(pathToFileURL(join(root, path)).href).catch((error: unknown) => {
    throw broken(folder, `${path} cannot be loaded: ${sentence(error)}`, error)
  })
  if (module.default === undefined) throw broken(folder, `${path} has no default export`)
  const [shape] = mistakes(DefinitionShape, module.default, { name: 'its default export' })
  if (shape) throw broken(folder, `${path}: ${shape.message}`)
  const definition = module.default as Definition<TSchema, Product>
  if (typeof definition.create !== 'function') throw broken(folder, `${path}: \`create\` is not a function`)
  const name = folder.slice(folder.lastIndexOf('/') + 1)
  if (definition.name !== name) throw broken(folder, `${path} calls itself \`${definition.name}\`, and must have the folder’s name, \`${name}\``)
  checkExamples(folder, path, definition)
  return definition
}

const checkExamples = (folder: string, path: string, { examples, settings }: Definition<TSchema, unknown>): void => {
  examples.forEach((example, index) => {
    let found: ReturnType<typeof mistakes>
    try {
      found = mistakes(settings, structuredClone(example), { name: 'the example' })
    } catch (error) {
      throw broken(folder, `${path}: its settings schema cannot be used: ${sentence(error)}`, error)
    }
    if (found[0]) throw broken(folder, `${path}: example ${index + 1} does not fit its own settings: ${found[0].message}`)
  })
}

const DefinitionShape = Type.Object({
  name: Type.String({ minLength: 1 }),
  summary: Type.String({ minLength: 1 }),
  settings: Type.Object({}),
  examples: Type.Array(Type.Unknown(), { minItems: 1 }),
})

const broken = (folder: string, cause: string, error?: unknown): ReferoError =>
  new ReferoError('PIECE_BROKEN', `${folder}: ${cause.replace(/\.$/, '')}.`, { cause: error })
