/** Code tables: what a file of mappings/codes/ holds, and how codes are looked up in it. */
import { type Static, Type } from 'typebox'
import { Errors } from 'typebox/value'
import type { CodeTable, MappingDocument } from './contracts.js'

/** The content of mappings/codes/<name>.yaml, as mappings/README.md describes it. */
export const CodeTableFile = Type.Object({
  from: Type.String({ description: 'The code system (URL or name) of the codes that are looked up: the first cell of a row.' }),
  to: Type.Optional(Type.String({ description: 'The code system of the codes that are found. A row has it as `system`, unless `columns` names one of its own.' })),
  columns: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, uniqueItems: true, description: 'What the cells after the first are called. Left out: [code, display].' })),
  rows: Type.Array(Type.Array(Type.String(), { minItems: 2 }), { description: 'One row a code: the code that is looked up, then a cell for each column; the last ones may be left out. Left out itself where a .csv file of the same name lies beside this one.' }),
}, { additionalProperties: false })

/** Makes a code table of a file. Throws a sentence that begins with the place of what is wrong. */
export const codeTable = (file: MappingDocument): CodeTable => {
  const { to, columns = ['code', 'display'], rows } = checked(file)
  const found = new Map<string, Readonly<Record<string, string>>>()
  const first = new Map<string, string>()
  rows.forEach(([code = '', ...cells], index) => {
    if (found.has(code)) throw new Error(`${file.place('rows', index, 0)}: the code "${code}" has a row already; give each code one row.`)
    if (cells.length > columns.length) {
      throw new Error(`${file.place('rows', index)}: this row has ${cells.length} cells after its code, but there are ${columns.length} columns: ${columns.join(', ')}.`)
    }
    const row = Object.fromEntries(cells.map((cell, at) => [columns[at], cell]))
    found.set(code, to && !columns.includes('system') ? { ...row, system: to } : row)
    if (cells[0] && !first.has(cells[0])) first.set(cells[0], code)
  })
  return { lookup: (code) => found.get(code), reverse: (value) => first.get(value) }
}

const checked = ({ value, place }: MappingDocument): Static<typeof CodeTableFile> => {
  const [error] = Errors(CodeTableFile, value)
  if (!error) return value as Static<typeof CodeTableFile>
  const keys = error.instancePath.split('/').slice(1).map((key) => (/^\d+$/.test(key) ? Number(key) : key))
  const named = keys.map((key) => (typeof key === 'number' ? `[${key + 1}]` : `.${key}`)).join('').replace(/^\./, '') || 'a code table'
  throw new Error(`${place(...keys)}: ${named} ${wrong(error.keyword, error.message)}.`)
}

const wrong = (keyword: string, message: string): string => {
  if (keyword === 'boolean') return 'is not known here; a code table has from, to, columns and rows'
  if (message === 'must be string') return 'must be text; put numbers, true, false and dates in quotes'
  return message
}
