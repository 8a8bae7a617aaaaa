/** Codes in the cells of a routing table: ICD-10-CM, CPT and HCPCS, LOINC, SNOMED CT and ZIP, alone, as beginnings and as ranges. */
import { type Alternative, type Kind, names } from './alternatives.js'

interface Span { readonly key: (value: string) => string | null }

/** From one code to another; with `below`, what begins with the last one too. */
const span = (from: string, to: string, narrowness: number, key: Span['key'], { below = false, place = (code: string) => code, samples = [from, to] }: { below?: boolean; place?: (code: string) => string; samples?: readonly string[] } = {}): Alternative => {
  const [low, high] = [place(from), place(to)]
  const holds = (value: string): boolean => {
    const code = key(value)
    if (code === null) return false
    const at = place(code)
    return (at >= low && at <= high) || (below && code.startsWith(to))
  }
  return { holds, narrowness, samples, shape: { key } satisfies Span, covers: (other) => (other.shape as Partial<Span>).key === key && other.samples.every(holds) }
}

/** How many characters two codes begin with alike: what a range has fixed. */
const shared = (a: string, b: string): number => {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}

/** The two ends of `A-B`, where both have the form; null where the text is no range of it. */
const ends = (text: string, form: RegExp): readonly [string, string] | null => {
  const [, from = '', to = ''] = /^([^-]+?)\s*-\s*([^-]+)$/.exec(text) ?? []
  return form.test(from) && form.test(to) ? [from, to] : null
}

const inOrder = ([from, to]: readonly [string, string], place: (code: string) => string = (code) => code): readonly [string, string] => {
  if (place(from) > place(to)) throw new Error(`ends before it begins; write ${to}-${from}`)
  return [from, to]
}

const compact = (text: string): string => text.toUpperCase().replace(/[.\s]/g, '')

/** Categories whose third character is a letter stand in ICD-10-CM behind a neighbour, not behind the nines (tabular list: M05-M14 has M1A). */
const BEHIND: Readonly<Record<string, string>> = { C4A: 'C43', M1A: 'M10', Z3A: 'Z36', D3A: 'D36', C7A: 'C75', C7B: 'C75~' }
const icdPlace = (code: string): string => {
  const neighbour = BEHIND[code.slice(0, 3)]
  return neighbour === undefined ? code : `${neighbour}~${code.slice(3)}`
}
const ICD = /^[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?$/i
const ICD_BEGINNING = /^[A-Z]\d?[0-9A-Z]?(\.?[0-9A-Z]{0,4})?\*$/i
const icdKey = (value: string): string | null => (ICD.test(value) ? compact(value) : null)

/** `I48`, `I48.*`, `I48.91` (each with all codes below it), `I60-I69` (I69.354 too), SNOMED CT numbers, or words of the diagnosis. */
export const diagnoses: Kind = {
  elsewhere: 'Q99.9',
  parse: (text) => {
    const range = ends(text.replaceAll('.*', ''), ICD)
    if (range) {
      const [from, to] = inOrder([compact(range[0]), compact(range[1])], icdPlace)
      return span(from, to, 1 + shared(from, to), icdKey, { below: true, place: icdPlace })
    }
    if (ICD.test(text) || ICD_BEGINNING.test(text)) {
      const code = compact(text).replace('*', '')
      return span(code, code, 1 + code.length, icdKey, { below: true, samples: ['0', '9', 'Z'].map((digit) => code.padEnd(3, digit)) })
    }
    return number(text) ?? prose(text, 'an ICD-10-CM code or range, such as I48.91, I48.* or I60-I69')
  },
}

const CPT = /^(\d{4}[0-9A-Z]|[A-Z]\d{4})$/i
const cptKey = (value: string): string | null => (CPT.test(value) ? value.toUpperCase() : null)
const LOINC = /^\d{1,7}-\d$/
const SNOMED = /^\d{6,18}$/
const exactKey = (value: string): string | null => (LOINC.test(value) || SNOMED.test(value) ? value : null)

/** CPT and HCPCS codes, their ranges (`93306-93308`) and beginnings (`9330*`); LOINC and SNOMED CT numbers; or words of the service. */
export const services: Kind = {
  elsewhere: '00000',
  parse: (text) => {
    const exact = number(text)
    if (exact) return exact
    const range = ends(text, CPT)
    if (range) {
      const [from, to] = inOrder([range[0].toUpperCase(), range[1].toUpperCase()])
      return span(from, to, 1 + shared(from, to), cptKey)
    }
    if (CPT.test(text)) return span(text.toUpperCase(), text.toUpperCase(), 6, cptKey)
    if (/^([A-Z]\d{0,3}|\d{1,4})\*$/i.test(text)) return beginning(text.slice(0, -1).toUpperCase(), 'Z', cptKey)
    return prose(text, 'a CPT, HCPCS, LOINC or SNOMED CT code, such as 93306, 93300-93350 or 57133-1')
  },
}

const ZIP = /^\d{5}$/
/** The first five digits of a ZIP or ZIP+4 code. */
export const zipKey = (value: string): string | null => /^\d{5}(?=$|-?\d{4}$)/.exec(value.trim())?.[0] ?? null

/** `53703`, `537*`, `53700-53799`. */
export const zips: Kind = {
  elsewhere: '00000',
  parse: (text) => {
    const range = ends(text, ZIP)
    if (range) {
      const [from, to] = inOrder(range)
      return span(from, to, 1 + shared(from, to), zipKey)
    }
    if (ZIP.test(text)) return span(text, text, 6, zipKey)
    if (/^\d{1,4}\*$/.test(text)) return beginning(text.slice(0, -1), '9', zipKey)
    const lost = /^\d{3,4}$/.test(text) ? `; spreadsheets drop a 0 in front: write ${text.padStart(5, '0')}` : ''
    throw new Error(`is no ZIP code of five digits, beginning or range, such as 53703, 537* or 53700-53799${lost}`)
  },
}

/** All codes of five characters that begin so. */
const beginning = (code: string, last: string, key: Span['key']): Alternative => span(code.padEnd(5, '0'), code.padEnd(5, last), 1 + code.length, key)

const number = (text: string): Alternative | null => (exactKey(text) === null ? null : span(text, text, 1000, exactKey))

/** Words for what has no code; a text that looks like a mistyped code is refused. */
const prose = (text: string, expected: string): Alternative => {
  if (!/\p{L}{3}/u.test(text)) throw new Error(`is neither ${expected}, nor words`)
  return names.parse(text)
}
