/** What coverage is counted of: every message map of mappings/fields/, and the remarks of mappings/guide/ on what no row carries. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import type { Tools } from '../contracts.js'
import type { Remark } from './coverage.js'
import { check } from './mapping-errors.js'
import { type MessageMap, messageMap } from './message-map.js'

const Remarks = Type.Record(Type.String({ description: 'Why.' }), Type.Array(Type.Array(Type.String(), { minItems: 3, maxItems: 3 }), { description: 'Map, field and attribute as the guide writes them; * for all.' }))

/** The content of mappings/guide/<name>.yaml. */
export const CoverageFile = Type.Object({
  engine: Type.Optional(Remarks), // what the engine carries itself, without a row
  leftOut: Type.Optional(Remarks),
}, { additionalProperties: false })

/** Reads them. Throws a sentence with file:line:column where one is broken. */
export const readCoverage = (folder: string, tools: Pick<Tools, 'mapping' | 'table'>): { readonly names: readonly string[]; readonly maps: readonly MessageMap[]; readonly engine: readonly Remark[]; readonly leftOut: readonly Remark[] } => {
  const files = names(join(folder, 'guide')).map((name) => check(CoverageFile, tools.mapping(`guide/${name}`)))
  const isMessageMap = (name: string): boolean => Object.hasOwn((tools.mapping(`fields/${name}`).value ?? {}) as object, 'resources')
  const found = names(join(folder, 'fields')).filter(isMessageMap)
  return {
    names: found, maps: found.map((name) => messageMap(name, tools)),
    engine: files.flatMap(({ engine = {} }) => remarks(engine)),
    leftOut: files.flatMap(({ leftOut = {} }) => remarks(leftOut)),
  }
}

const names = (folder: string): readonly string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.yaml')).map((name) => name.slice(0, -'.yaml'.length)).sort() : []

const remarks = (byReason: Readonly<Record<string, readonly (readonly string[])[]>>): readonly Remark[] =>
  Object.entries(byReason).flatMap(([reason, rows]) => rows.map(([map = '', field = '', attribute = '']) => ({ map, field, attribute, reason })))
