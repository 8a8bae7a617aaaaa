/** Reads mappings/: code tables and mapping files, each once, when it is first asked for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { codeTable } from './code-table.js'
import { csvOf, withRows } from './code-rows.js'
import type { CodeTable, MappingDocument } from './contracts.js'
import { didYouMean } from './nearest.js'
import { problemLine, shown } from './problem.js'
import { readYaml } from './yaml-source.js'

export interface Mappings {
  /** The code table of mappings/codes/<name>.yaml. Throws a sentence if there is none, or it is broken. */
  table(name: string): CodeTable
  /** The document of mappings/<path>.yaml. Throws a sentence if there is none, or it is no YAML. */
  mapping(path: string): MappingDocument
  /** Where the document of that path lies, or would lie. */
  file(path: string): string
  /** The paths of all documents below a folder: `profiles/`, `codes/`. */
  names(under: string): readonly string[]
}

/**
 * The mappings as they are in `folder` now; a file that changes is read again by opening them again. What is not there is
 * looked for in `shipped`, the product's own, so that a folder of one's own need only hold what differs.
 */
export const openMappings = (folder: string, shipped = folder): Mappings => {
  const documents = new Map<string, MappingDocument>()
  const tables = new Map<string, CodeTable>()
  const file = (path: string): string => {
    const [own, product] = [join(folder, `${path}.yaml`), join(shipped, `${path}.yaml`)]
    return existsSync(own) || !existsSync(product) ? own : product
  }
  const mapping = (path: string): MappingDocument => {
    const known = documents.get(path)
    if (known) return known
    if (!PATH.test(path) || !existsSync(file(path))) throw new Error(missing(folder, shipped, path))
    const document = read(file(path))
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
  return { table, mapping, file, names: under => paths(folder, shipped).filter(path => path.startsWith(under)) }
}

const PATH = /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9][A-Za-z0-9_-]*)*$/
const LIMITS = { characters: 16 * 1024 ** 2, nodes: 1_000_000 }

const read = (path: string): MappingDocument => {
  const source = readYaml(path, readFileSync(path, 'utf8'), null, LIMITS)
  const [problem] = source.problems
  if (problem) throw new Error(problemLine(problem))
  for (const [keys, { plain, value, text }] of source.scalars()) {
    if (plain && typeof value === 'number' && String(value) !== text) throw new Error(`${source.place(...keys)}: ${text} without quotes is the number ${value}; quote it: "${text}".`)
  }
  return { value: source.value, place: source.place }
}

const missing = (folder: string, shipped: string, path: string): string => {
  const slash = path.lastIndexOf('/') + 1
  const within = PATH.test(path) ? path.slice(0, slash) : ''
  const names = paths(folder, shipped).filter(each => each.startsWith(within))
  const [kind, name] = within === 'codes/' ? ['code table', path.slice(slash)] : ['mapping', path]
  const candidates = within === 'codes/' ? names.map(each => each.slice(slash)) : names
  return `no ${kind} is called \`${name.slice(0, 100)}\` in ${shown(join(folder, within))}${didYouMean(name, candidates)}`
}

const paths = (folder: string, shipped: string): string[] => [...new Set([...existing(folder), ...existing(shipped)])].sort()

const existing = (folder: string): string[] => {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.yaml'))
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).slice(0, -'.yaml'.length).split(sep).join('/'))
}
