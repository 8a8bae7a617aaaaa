/** FHIR paths of mapping rows: `name`, `communication.language`, `participant[attender].individual`, `extension[url].valueString`, `$this`. */
import { type Element, elementOf, elementsOf, isPrimitive } from './r4.js'
import { didYouMean } from './mapping-errors.js'

/** One step of a path. Rows with the same label write into the same item of a list; an extension's label is its URL (`extension[url second]`: another one of that URL). */
export interface Step extends Element {
  readonly name: string
  readonly label: string | null
}

export interface ElementPath {
  readonly text: string
  readonly steps: readonly Step[] // none: `$this`, the resource itself
  readonly type: string // of what is written at its end
}

const HL7 = 'http://hl7.org/fhir/StructureDefinition/'

/** Reads a path in a resource or a type. Throws a sentence that names what is allowed. */
export const elementPath = (text: string, of: string): ElementPath => {
  if (text === '$this') return { text, steps: [], type: of }
  let type = of
  const steps = pieces(text).map((piece, at, all): Step => {
    const [, name = '', label] = /^([A-Za-z]+)(?:\[(.+)\])?$/.exec(piece) ?? []
    const element = elementOf(isPrimitive(type) ? 'Element' : type, name)
    if (!element) throw new Error(`${type.replace('_', '.')} has no element "${name || piece}"${didYouMean(name, elementsOf(type))}`)
    if (label && !element.list) throw new Error(`${name} of ${type.replace('_', '.')} does not repeat, so it cannot be ${name}[${label}]`)
    const inner = at > 0 && all[at - 1]?.startsWith('extension[')
    type = element.type
    return { ...element, name, label: label === undefined ? null : name === 'extension' && !inner ? url(label) : label }
  })
  return { text, steps, type }
}

/** An extension without a scheme is one of HL7's own; inside another extension it is a plain name. */
const url = (label: string): string => (label.includes(':') ? label : HL7 + label)

/** The URL of an extension's label: what stands before a word that tells two extensions of one URL apart. */
export const urlOf = (label: string): string => label.split(' ')[0] ?? label

/** Splits at the dots that are not inside brackets. */
const pieces = (text: string): readonly string[] => text.match(/(?:\[[^\]]*\]|[^.[\]])+/g) ?? [text]
