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

/** The draft with a reference in place of every resource of its own; `refer` makes them. Most drafts have none, and are as they were. */
export const detached = (draft: Draft | undefined, refer: (own: Own) => Draft | undefined): Draft | undefined => {
  if (draft === undefined || typeof draft !== 'object' || isLeafOrText(draft)) return draft
  if (isOwn(draft)) return refer({ ...draft, draft: detached(draft.draft, refer) })
  if (isList(draft)) return draft.some(mayDetach) ? draft.flatMap((item) => detached(item, refer) ?? []) : draft
  if (!Object.values(draft).some(mayDetach)) return draft
  return Object.fromEntries(Object.entries(draft).map(([name, part]) => [name, detached(part, refer)]))
}

/** Whether there is more below a part of a draft than plain values. */
const mayDetach = (part: Draft | undefined): boolean => typeof part === 'object' && !isLeafOrText(part)

/** The JSON of a draft with its origins, or undefined where it holds nothing. Fixed values get the origin of their row. */
export const settle = (draft: Draft | undefined, origin: string): Settled | undefined => {
  const origins: Origin[] = []
  const written = settleAt(draft, origin, '', origins)
  return written && { ...written, origins }
}

/** The same of a part at a path; its origins are added. */
const settleAt = (draft: Draft | undefined, origin: string, path: string, origins: Origin[]): Written | undefined => {
  if (draft === undefined) return undefined
  if (typeof draft !== 'object') {
    origins.push({ path, origin })
    return { value: draft, beside: undefined }
  }
  if (isList(draft)) return settleList(draft, origin, path, origins)
  if (isLeaf(draft)) return settleLeaf(draft, path, origins)
  if (isUnreadable(draft)) {
    origins.push({ path: `${path}.extension[0].valueString`, origin: draft.origin })
    return { value: undefined, beside: { extension: [{ url: ORIGINAL_TEXT, valueString: draft.text }] } }
  }
  return settleObject(isOwn(draft) ? { display: draft.display } : draft, origin, path, origins)
}

type Written = Pick<Settled, 'value' | 'beside'>

const isOwn = (draft: object): draft is Own => 'kind' in draft && draft.kind === 'resource'
const isLeafOrText = (draft: object): draft is Leaf | Unreadable => isLeaf(draft) || isUnreadable(draft)
const isList = (draft: Draft): draft is readonly Draft[] => Array.isArray(draft)
const isLeaf = (draft: object): draft is Leaf => 'kind' in draft && draft.kind === 'leaf'
const isUnreadable = (draft: object): draft is Unreadable => 'kind' in draft && draft.kind === 'unreadable'

const settleLeaf = ({ value, origin, confidence, extension }: Leaf, path: string, origins: Origin[]): Written => {
  origins.push(confidence === undefined ? { path, origin } : { path, origin, confidence })
  const beside = extension && settleList(extension, origin, `${path}.extension`, origins)
  return { value, beside: beside && { extension: beside.value } }
}

const settleList = (items: readonly Draft[], origin: string, path: string, origins: Origin[]): Written | undefined => {
  const written: Written[] = []
  for (const item of items) {
    const one = settleAt(item, origin, `${path}[${written.length}]`, origins)
    if (one) written.push(one)
  }
  if (written.length === 0) return undefined
  const value = written.every((item) => item.value === undefined) ? undefined : written.map((item) => item.value ?? null)
  // FHIR pairs a list of primitives with a list of what is beside each, null for nothing.
  const beside = written.some((item) => item.beside) ? written.map((item) => item.beside ?? null) : undefined
  return { value, beside: beside as unknown as Readonly<Record<string, unknown>> | undefined }
}

const settleObject = (draft: { readonly [name: string]: Draft | undefined }, origin: string, path: string, origins: Origin[]): Written | undefined => {
  const value: Record<string, unknown> = {}
  const before = origins.length
  for (const name of Object.keys(draft)) {
    const part = draft[name]
    const written = part === undefined ? undefined : settleAt(part, origin, `${path}.${name}`, origins)
    if (written) assign(value, name, written)
  }
  return origins.length === before ? undefined : { value, beside: undefined }
}

/** Writes a settled value and what is beside it as the element `name`. */
export const assign = (into: Record<string, unknown>, name: string, { value, beside }: Written): void => {
  if (value !== undefined) into[name] = value
  if (beside !== undefined) into[`_${name}`] = beside
}

export const below = (path: string, origins: readonly Origin[]): readonly Origin[] => origins.map(({ path: part, origin, confidence }) => (confidence === undefined ? { path: path + part, origin } : { path: path + part, origin, confidence }))
