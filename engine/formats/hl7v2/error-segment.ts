/** The ERR segment: what is wrong and where, in HL7 table 0357's codes. */
import type { Fault } from '../../contracts.js'
import { ABSENT, type Delimiters } from './delimiters.js'
import { type Path, pathOf, pathProblem } from './path.js'

const CODES = {
  100: 'Segment sequence error',
  101: 'Required field missing',
  103: 'Table value not found',
  200: 'Unsupported message type',
  201: 'Unsupported event code',
  202: 'Unsupported processing id',
  203: 'Unsupported version id',
  207: 'Application internal error',
} as const

const codeOf = (fault: Fault | undefined): keyof typeof CODES => {
  switch (fault?.kind) {
    case 'unreadable': return 100
    case 'required': return 101
    case 'value': return 103
    case 'unsupported':
      if (fault.location === 'MSH-9.2') return 201
      if (fault.location === 'MSH-11' || fault.location === 'MSH-11.1') return 202
      return fault.location === 'MSH-12' || fault.location === 'MSH-12.1' ? 203 : 200
    default: return 207
  }
}

/** The fields of an ERR: as 2.5 and later have it (ERR-2 location, ERR-3 code, ERR-4 severity, ERR-8 text), or with all of it in ERR-1. */
export const errorSegment = (fault: Fault | undefined, text: string, isModern: boolean, delimiters: Delimiters): readonly string[] => {
  const code = codeOf(fault)
  const join = (parts: readonly string[], delimiter: string): string =>
    delimiter === ABSENT ? (parts[0] ?? '') : parts.slice(0, parts.findLastIndex(part => part !== '') + 1).join(delimiter)
  const place = locationOf(fault?.location)
  const coded = [String(code), CODES[code], 'HL70357']
  if (isModern) return ['ERR', '', join(place, delimiters.component), join(coded, delimiters.component), 'E', '', '', '', text]
  const [segment = '', sequence = '', field = ''] = place
  return ['ERR', join([segment, sequence, field, join(coded, delimiters.subcomponent)], delimiters.component)]
}

/** Segment, sequence, field, repetition, component, subcomponent (ERL), as far as the location says. */
const locationOf = (location = ''): readonly string[] => {
  const [, segment, index = '1'] = /^([A-Z][A-Z0-9]{2})(?:\[(\d{1,6})\])?$/.exec(location) ?? []
  if (segment !== undefined) return [segment, index]
  if (pathProblem(location) !== null) return []
  const path: Path = pathOf(location)
  const number = (n: number | '*' | null) => (typeof n === 'number' ? String(n) : '')
  const repetition = path.repetitionNamed || path.component !== null ? number(path.repetition) : ''
  return [path.segment, number(path.index), String(path.field), repetition, number(path.component), number(path.subcomponent)]
}
