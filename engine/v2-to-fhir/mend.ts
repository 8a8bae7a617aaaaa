/** Takes out of resources what R4 does not allow, so that one value holds up no message; what is taken out is told. */
import { invalid } from '../formats/fhir/validate.js'
import type { Json } from '../formats/json/json-text.js'
import { ORIGINAL_TEXT } from './draft.js'
import type { ResourceBuilder } from './resource-builder.js'
import type { Made } from './own-resources.js'

/** Says where in the message the value came from ("PID-7") and why it is not there, without the value. */
export type Tell = (origin: string, reason: string) => void

type Held = Record<string, unknown>
type Key = string | number

/** So many values of one resource are taken out; a resource with more that is wrong is left out whole. */
const MOST = 50

/** The resources that R4 allows, without the references to those that it does not. */
export const mend = (made: readonly Made[], tell: Tell): readonly Made[] => {
  const kept = made.filter(({ builder }) => mended(builder, tell))
  if (kept.length === made.length) return kept
  const known = new Set(kept.map(({ fullUrl }) => fullUrl))
  const gone = new Set(made.map(({ fullUrl }) => fullUrl).filter((url) => !known.has(url)))
  for (const { builder } of kept) forget(builder.json, gone)
  return mend(kept, tell)
}

/** Whether the resource is valid now. What it lacks itself makes it none; an element that lacks something goes whole. */
const mended = (builder: ResourceBuilder, tell: Tell): boolean => {
  const { json, origins } = builder
  const type = String(json.resourceType)
  for (let round = 0; round < MOST; round += 1) {
    const fault = invalid(json as Json)
    if (!fault) return true
    const path = (fault.location ?? '').split('.').slice(1).join('.')
    const keys = keysOf(path)
    const wrong = fault.kind === 'required' ? keys.slice(0, -1) : choice(json, keys)
    if (wrong.length === 0) {
      tell(origins[0]?.origin ?? 'MSH', `makes no ${type}: ${path} ${fault.reason}`)
      return false
    }
    const from = textOf(wrong)
    // What a reference leaves behind that leads nowhere now has been told of.
    if (at(json, wrong) !== undefined && !isEmpty(at(json, wrong))) tell(origins.find((origin) => origin.path === from || below(origin.path, from))?.origin ?? origins[0]?.origin ?? 'MSH', `cannot be ${type}.${from}, which ${fault.kind === 'required' ? `lacks ${keys.at(-1)}` : fault.reason}`)
    take(builder, wrong, fault.kind !== 'required')
  }
  return false
}

const isEmpty = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length === 0

/** `contact[0].name` as keys; the `[x]` of a choice stays with its name. */
const keysOf = (path: string): readonly Key[] => (path.match(/\w+\[x\]|\w+/g) ?? []).map((key) => (/^\d+$/.test(key) ? Number(key) : key))

const textOf = (keys: readonly Key[]): string => keys.map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at > 0 ? '.' : ''}${key}`)).join('')

const below = (path: string, above: string): boolean => path.startsWith(`${above}.`) || path.startsWith(`${above}[`)

/** Of an element with several types, the one too many. */
const choice = (json: Held, keys: readonly Key[]): readonly Key[] => {
  const last = String(keys.at(-1) ?? '')
  if (!last.endsWith('[x]')) return keys
  const names = Object.keys(at(json, keys.slice(0, -1)) as Held).filter((name) => name.replace(/^_/, '').startsWith(last.slice(0, -3)))
  return [...keys.slice(0, -1), names.at(-1) ?? last]
}

const at = (json: unknown, keys: readonly Key[]): unknown => keys.reduce<unknown>((held, key) => (held as Record<Key, unknown> | undefined)?.[key], json)

/** Takes a value out, and whatever is empty then. Text that is no value of the element stays beside it. */
const take = (builder: ResourceBuilder, keys: readonly Key[], keep: boolean): void => {
  const [last, above] = [keys.at(-1), keys.slice(0, -1)]
  const held = at(builder.json, above)
  if (last === undefined || typeof held !== 'object' || held === null) return
  if (Array.isArray(held)) {
    held.splice(Number(last), 1)
    moved(builder, textOf(above), Number(last))
    const beside = at(builder.json, [...above.slice(0, -1), `_${String(above.at(-1))}`])
    if (Array.isArray(beside)) beside.splice(Number(last), 1)
  } else {
    const value = (held as Held)[last]
    // R4 has four kinds of blanks; text with others (a vertical tab, a blank that does not break) stays, with a plain one in their place.
    const plain = typeof value === 'string' ? value.replaceAll(/[^ \r\n\t\S]/g, ' ').trim() : ''
    if (keep && plain !== '' && plain !== value) {
      (held as Held)[last] = plain
      return
    }
    delete (held as Held)[last]
    dropped(builder, textOf(keys))
    if (keep && typeof value === 'string' && value.trim() !== '' && !String(last).startsWith('_') && (held as Held)[`_${last}`] === undefined) {
      (held as Held)[`_${last}`] = { extension: [{ url: ORIGINAL_TEXT, valueString: value.trim() }] }
    }
  }
  if (above.length > 0 && Object.keys(held).length === 0) take(builder, above, false)
}

const dropped = (builder: ResourceBuilder, path: string): void => {
  const left = builder.origins.filter((origin) => origin.path !== path && !below(origin.path, path))
  builder.origins.splice(0, builder.origins.length, ...left)
}

/** The items behind one that is gone have moved up. */
const moved = (builder: ResourceBuilder, list: string, index: number): void => {
  dropped(builder, `${list}[${index}]`)
  const left = builder.origins.map((origin) => {
    const [, place] = origin.path.startsWith(`${list}[`) ? /^\[(\d+)\]/.exec(origin.path.slice(list.length)) ?? [] : []
    return place && Number(place) > index ? { ...origin, path: `${list}[${Number(place) - 1}]${origin.path.slice(list.length + place.length + 2)}` } : origin
  })
  builder.origins.splice(0, builder.origins.length, ...left)
}

/** Takes out references to resources that are gone; what they display stays. */
const forget = (value: unknown, gone: ReadonlySet<string>): void => {
  if (typeof value !== 'object' || value === null) return
  for (const [name, part] of Object.entries(value as Held)) {
    if (name === 'reference' && typeof part === 'string' && gone.has(part)) delete (value as Held).reference
    else forget(part, gone)
  }
}
