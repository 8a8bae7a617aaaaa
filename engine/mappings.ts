/** Reads mappings/: code tables, mapping files and CSV files, each once, when it is first asked for. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { codeTable } from './code-table.js'
import { csvOf, withRows } from './code-rows.js'
import type { CodeTable, MappingDocument } from './contracts.js'
import { didYouMean } from './nearest.js'
import { problemLine, shown } from './problem.js'
import { readYaml, type YamlSource } from './yaml-source.js'

export interface Mappings {
  /** The code table of mappings/codes/<name>.yaml. Throws a sentence if there is none, or it is broken. */
  table(name: string): CodeTable
  /** The document of mappings/<path>.yaml. Throws a sentence if there is none, or it is no YAML. */
  mapping(path: string): MappingDocument
  /** The text of mappings/<path>.csv, without a byte order mark, and where it lies. Throws a sentence if there is none, or it is too large or no UTF-8. */
  csv(path: string): { readonly text: string; readonly file: string }
  /** Where the document of that path lies, or would lie. */
  file(path: string): string
  /** The paths of all documents below a folder: `profiles/`, `codes/`; or of all CSV files. */
  names(under: string, ending?: Ending): readonly string[]
}

type Ending = '.yaml' | '.csv'

/**
 * The mappings as they are in `folder` now; a file that changes is read again by opening them again. What is not there is
 * looked for in `shipped`, the product's own, so that a folder of one's own need only hold what differs.
 */
export const openMappings = (folder: string, shipped = folder): Mappings => {
  const documents = new Map<string, MappingDocument>()
  const tables = new Map<string, CodeTable>()
  const texts = new Map<string, { readonly text: string; readonly file: string }>()
  const fileOf = (path: string, ending: Ending): string => {
    const [own, product] = [join(folder, path + ending), join(shipped, path + ending)]
    return existsSync(own) || !existsSync(product) ? own : product
  }
  const file = (path: string): string => fileOf(path, '.yaml')
  const existing = (path: string, ending: Ending): string => {
    if (!PATH.test(path) || !existsSync(fileOf(path, ending))) throw new Error(missing(folder, shipped, path, ending))
    return fileOf(path, ending)
  }
  const mapping = (path: string): MappingDocument => {
    const known = documents.get(path)
    if (known) return known
    const document = read(existing(path, '.yaml'))
    documents.set(path, document)
    return document
  }
  const table = (name: string): CodeTable => {
    const known = tables.get(name)
    if (known) return known
    const path = `codes/${name}`
    const made = codeTable(withRows(mapping(path), csvOf(file(path))))
    tables.set(name, made)
    return made
  }
  const csv = (path: string): { readonly text: string; readonly file: string } => {
    const known = texts.get(path)
    if (known) return known
    const found = readText(existing(path, '.csv'))
    texts.set(path, found)
    return found
  }
  return { table, mapping, csv, file, names: (under, ending = '.yaml') => paths(folder, shipped, ending).filter(path => path.startsWith(under)) }
}

const PATH = /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9][A-Za-z0-9_-]*)*$/
const LIMITS = { characters: 16 * 1024 ** 2, nodes: 1_000_000 }

const read = (path: string): MappingDocument => {
  const content = readFileSync(path, 'utf8')
  const source = readYaml(path, content, null, LIMITS)
  const [problem] = source.problems
  if (problem) throw new Error(problemLine(problem))
  for (const [keys, { plain, value, text }] of source.scalars()) {
    if (plain && typeof value === 'number' && String(value) !== text) throw new Error(`${source.place(...keys)}: ${text} without quotes is the number ${value}; quote it: "${text}".`)
  }
  return { value: source.value, place: placesOf(path, content, source) }
}

/** Places are asked for where something is wrong. The tree that knows them is many times larger than the values, so it goes and is read again from the text. */
const placesOf = (path: string, content: string, source: YamlSource): MappingDocument['place'] => {
  let tree = new WeakRef(source)
  return (...keys) => {
    const known = tree.deref() ?? readYaml(path, content, null, LIMITS)
    tree = new WeakRef(known)
    return known.place(...keys)
  }
}

const readText = (file: string): { readonly text: string; readonly file: string } => {
  const { size } = statSync(file)
  if (size > LIMITS.characters) throw new Error(`${shown(file)} has ${size} bytes; ${LIMITS.characters} are the most.`)
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)), file }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error
    throw new Error(`${shown(file)} is not UTF-8: save it as “CSV UTF-8”.`, { cause: error })
  }
}

const missing = (folder: string, shipped: string, path: string, ending: Ending): string => {
  const slash = path.lastIndexOf('/') + 1
  const within = PATH.test(path) ? path.slice(0, slash) : ''
  const table = within === 'codes/' && ending === '.yaml'
  const called = (each: string): string => (table ? each.slice(slash) : ending === '.csv' ? each + ending : each)
  const candidates = paths(folder, shipped, ending).filter(each => each.startsWith(within)).map(called)
  const name = called(path)
  return `no ${table ? 'code table' : 'mapping'} is called \`${name.slice(0, 100)}\` in ${shown(join(folder, within))}${didYouMean(name, candidates)}`
}

const paths = (folder: string, shipped: string, ending: Ending): string[] => [...new Set([...listed(folder, ending), ...listed(shipped, ending)])].sort()

const listed = (folder: string, ending: Ending): string[] => {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith(ending))
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).slice(0, -ending.length).split(sep).join('/'))
}
