/** Maps are made once of a mapping document and of what it names, however many channels use them. */
import type { MappingDocument, Tools } from '../contracts.js'

export type MapTools = Pick<Tools, 'mapping' | 'table'>

interface Made<Product> {
  readonly product: Product
  readonly read: readonly { readonly ask: (tools: MapTools) => unknown; readonly given: unknown }[]
}

/**
 * `make`, called once for a document as long as what it names is the same too. Who asks again is given the same product; what it was
 * made of is asked for through their tools, which note what is read. A folder that is read again has documents of its own.
 */
export const madeOnce = <Product>(make: (file: MappingDocument, tools: MapTools) => Product): ((file: MappingDocument, tools: MapTools) => Product) => {
  const made = new WeakMap<MappingDocument, Made<Product>>()
  return (file, tools) => {
    const known = made.get(file)
    if (known?.read.every(({ ask, given }) => ask(tools) === given)) return known.product
    const read: { ask: (tools: MapTools) => unknown; given: unknown }[] = []
    const noted = <Given>(ask: (tools: MapTools) => Given): Given => {
      const given = ask(tools)
      read.push({ ask, given })
      return given
    }
    const product = make(file, { mapping: (path) => noted((one) => one.mapping(path)), table: (name) => noted((one) => one.table(name)) })
    made.set(file, { product, read })
    return product
  }
}
