/** Finds what a path names in a document. */
import { MessageFault } from '../../errors.js'
import { type Path, type Predicate, type Step, type Test, xmlPath } from './path.js'
import { type Place, type XmlDocument, attributeOf, inside, rootPlace, textOf } from './tree.js'

/** A value and the XPath that it stands at. */
export interface Found { readonly value: string; readonly xpath: string }

/** The path of a text. Throws a MessageFault that says what a path is. */
export const usablePath = (text: string): Path => {
  const path = xmlPath(text)
  if (typeof path === 'string') throw new MessageFault({ kind: 'internal', reason: path })
  return path
}

/** The places of a document's elements that a path's steps name. Its first step names the root, unless it is `//`. */
export const placesIn = (document: XmlDocument, { steps }: Path): readonly Place[] => {
  const [first, ...others] = steps
  if (!first) return []
  const root = rootPlace(document)
  const all = first.axis === 'anywhere' ? [root, ...below(root)] : [root]
  return follow(narrowed(all.filter((place) => isNamed(place, first)), first.predicates), others)
}

/** The places below an element that a path's steps name; the element's own where it has none. */
export const placesFrom = (place: Place, path: Path): readonly Place[] => follow([place], path.steps)

const follow = (from: readonly Place[], steps: readonly Step[]): readonly Place[] =>
  steps.reduce<readonly Place[]>((places, step) => places.flatMap((place) => narrowed(step.axis === 'self' ? [place] : (step.axis === 'anywhere' ? below(place) : inside(place)).filter((one) => isNamed(one, step)), step.predicates)), from)

const below = (place: Place): readonly Place[] => inside(place).flatMap((one) => [one, ...below(one)])

const isNamed = ({ element }: Place, { prefix, local }: Step): boolean =>
  (local === '*' || element.local === local) && (prefix ? element.prefix === prefix : local === '*' || element.prefix !== 'sdtc')

const narrowed = (places: readonly Place[], predicates: readonly Predicate[]): readonly Place[] =>
  predicates.reduce((kept, predicate) => (predicate.kind === 'position' ? kept.slice(predicate.at - 1, predicate.at) : kept.filter((place) => predicate.of.some((test) => holds(place, test)))), places)

const holds = (place: Place, { path, is, value }: Test): boolean => {
  if (is === 'there' || is === 'missing') return (path.attribute === null ? placesFrom(place, path).length > 0 : valuesFrom(place, path).length > 0) === (is === 'there')
  return valuesFrom(place, path).some((found) => found.value.trim() === value) === (is === 'equal')
}

/** The values that a path names from an element: of an attribute, else all text inside. None where that is empty. */
export const valuesFrom = (place: Place, path: Path): readonly Found[] => placesFrom(place, path).flatMap((one) => valueAt(one, path.attribute))

/** The values that a path names in a document. */
export const valuesIn = (document: XmlDocument, path: Path): readonly Found[] => placesIn(document, path).flatMap((one) => valueAt(one, path.attribute))

const valueAt = ({ element, xpath }: Place, attribute: string | null): readonly Found[] => {
  const value = attribute === null ? textOf(element) : attributeOf(element, attribute)
  return value === undefined || (attribute === null && value === '') ? [] : [{ value, xpath: attribute === null ? xpath : `${xpath}/@${attribute}` }]
}
