/** Values on their way into FHIR: plain JSON whose leaves know which part of the message they came from. */

/** A value of the message and its origin ("PID-5.1"); `extension` is what FHIR keeps beside a primitive value. */
export interface Leaf {
  readonly kind: 'leaf'
  readonly value: string | number | boolean
  readonly origin: string
  readonly confidence?: number // 0–1; absent: certain
  readonly extension?: readonly Draft[]
}

/** A value that cannot be what the element asks for: its text is kept beside the empty element. */
export interface Unreadable {
  readonly kind: 'unreadable'
  readonly text: string
  readonly origin: string
}

/** A resource of its own: where it stands, a reference to it is written. `display` is what the reference says of it. */
export interface Own {
  readonly kind: 'resource'
  readonly type: string
  readonly draft: Draft | undefined
  readonly display?: Draft | undefined
}

export type Draft = Leaf | Unreadable | Own | string | number | boolean | readonly Draft[] | { readonly [name: string]: Draft | undefined }

/** Where a value in the target came from. `path` is its FHIRPath below the element settled: "[0].family", ".code". */
export interface Origin {
  readonly path: string
  readonly origin: string
  readonly confidence?: number
}

export interface Settled {
  readonly value: unknown // undefined where only `beside` has something
  readonly beside: Readonly<Record<string, unknown>> | undefined // the `_name` of a primitive value
  readonly origins: readonly Origin[]
}

export const ORIGINAL_TEXT = 'http://hl7.org/fhir/StructureDefinition/originalText'

export const leaf = (value: string | number | boolean, origin: string): Leaf => ({ kind: 'leaf', value, origin })
export const own = (type: string, draft: Draft | undefined, display?: Draft): Own => ({ kind: 'resource', type, draft, display })
export const unreadable = (text: string, origin: string): Unreadable => ({ kind: 'unreadable', text, origin })

/** The draft with a reference in place of every resource of its own; `refer` makes them. */
export const detached = (draft: Draft | undefined, refer: (own: Own) => Draft | undefined): Draft | undefined => {
  if (draft === undefined || typeof draft !== 'object' || isLeafOrText(draft)) return draft
  if (isList(draft)) return draft.flatMap((item) => detached(item, refer) ?? [])
  if (isOwn(draft)) return refer({ ...draft, draft: detached(draft.draft, refer) })
  return Object.fromEntries(Object.entries(draft).map(([name, part]) => [name, detached(part, refer)]))
}

/** The JSON of a draft with its origins, or undefined where it holds nothing. Fixed values get the origin of their row. */
export const settle = (draft: Draft | undefined, origin: string): Settled | undefined => {
  if (draft === undefined) return undefined
  if (typeof draft !== 'object') return { value: draft, beside: undefined, origins: [{ path: '', origin }] }
  if (isList(draft)) return settleList(draft, origin)
  if (isLeaf(draft)) return settleLeaf(draft)
  if (isUnreadable(draft)) {
    const extension = [{ url: ORIGINAL_TEXT, valueString: draft.text }]
    return { value: undefined, beside: { extension }, origins: [{ path: '.extension[0].valueString', origin: draft.origin }] }
  }
  return isOwn(draft) ? settle({ display: draft.display }, origin) : settleObject(draft, origin)
}

const isOwn = (draft: object): draft is Own => 'kind' in draft && draft.kind === 'resource'
const isLeafOrText = (draft: object): draft is Leaf | Unreadable => isLeaf(draft) || isUnreadable(draft)
const isList = (draft: Draft): draft is readonly Draft[] => Array.isArray(draft)
const isLeaf = (draft: object): draft is Leaf => 'kind' in draft && draft.kind === 'leaf'
const isUnreadable = (draft: object): draft is Unreadable => 'kind' in draft && draft.kind === 'unreadable'

const settleLeaf = ({ value, origin, confidence, extension }: Leaf): Settled => {
  const own: Origin = { path: '', origin, ...(confidence === undefined ? {} : { confidence }) }
  const beside = extension && settleList(extension, origin)
  if (!beside) return { value, beside: undefined, origins: [own] }
  return { value, beside: { extension: beside.value }, origins: [own, ...below('.extension', beside.origins)] }
}

const settleList = (items: readonly Draft[], origin: string): Settled | undefined => {
  const settled = items.flatMap((item) => settle(item, origin) ?? [])
  if (settled.length === 0) return undefined
  const origins = settled.flatMap((item, at) => below(`[${at}]`, item.origins))
  const value = settled.every((item) => item.value === undefined) ? undefined : settled.map((item) => item.value ?? null)
  // FHIR pairs a list of primitives with a list of what is beside each, null for nothing.
  const beside = settled.some((item) => item.beside) ? settled.map((item) => item.beside ?? null) : undefined
  return { value, beside: beside as unknown as Readonly<Record<string, unknown>> | undefined, origins }
}

const settleObject = (draft: { readonly [name: string]: Draft | undefined }, origin: string): Settled | undefined => {
  const value: Record<string, unknown> = {}
  const origins: Origin[] = []
  for (const [name, part] of Object.entries(draft)) {
    const settled = settle(part, origin)
    if (!settled) continue
    assign(value, name, settled)
    origins.push(...below(`.${name}`, settled.origins))
  }
  return origins.length === 0 ? undefined : { value, beside: undefined, origins }
}

/** Writes a settled value and what is beside it as the element `name`. */
export const assign = (into: Record<string, unknown>, name: string, { value, beside }: Settled): void => {
  if (value !== undefined) into[name] = value
  if (beside !== undefined) into[`_${name}`] = beside
}

export const below = (path: string, origins: readonly Origin[]): readonly Origin[] => origins.map((origin) => ({ ...origin, path: path + origin.path }))
