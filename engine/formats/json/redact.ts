/** JSON with every value masked but those whose names say that they are codes; names and structure stay. */
import { isCode, mask } from '../mask.js'
import { isObject, type Json } from './json-text.js'

/** `keeps` says of the names that lead to a text whether it is a code there; it is kept if it looks like one as well. */
export const redactJson = (value: Json, keeps: (name: string, above: string) => boolean, name = '', above = ''): Json => {
  if (typeof value === 'string') return keeps(name, above) && isCode(value) ? value : mask(value)
  if (typeof value === 'number') return Number(String(value).replace(/\d/g, '9')) || 0
  if (Array.isArray(value)) return value.map((item: Json) => redactJson(item, keeps, name, above))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([member, child]) => [member, redactJson(child, keeps, member, name)]))
}
