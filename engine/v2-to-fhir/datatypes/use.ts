/** The `use` of a name, an address or a telephone: a code of a table, or the sender's own kept beside the empty element. */
import type { Use } from '../datatype.js'
import { type Draft, leaf, ORIGINAL_TEXT, unreadable } from '../draft.js'
import type { Part } from '../part.js'

/** The code that a table has in `column`. A code that the table lacks is kept as text and told; one with an empty cell is no use at all. */
export const usage = (code: Part, table: string, column: string, use: Use): Draft | undefined => {
  if (code.text === '') return undefined
  const row = use.lookup(table).lookup(code.text)
  if (row) return row[column] ? leaf(row[column], code.origin) : undefined
  use.issue(code, 'has a code that the table does not have')
  return unreadable(code.text, code.origin)
}

/** What is used in FHIR, and what stands beside it. */
export interface Used {
  readonly use?: string
  readonly _use?: { readonly extension?: readonly { readonly url: string; readonly valueString?: string }[] }
}

/** The way back: the table's code, or the sender's own. */
export const usageCode = ({ use: used, _use: beside }: Used, table: string, use: Use): string =>
  (used ? use.lookup(table).reverse(used) : beside?.extension?.find(({ url }) => url === ORIGINAL_TEXT)?.valueString) ?? ''
