/** Whose order a message is part of. */
import type { Body } from './body.js'
import { pathOf } from './path.js'
import { read } from './read.js'

/** Where MRG keeps the former value of an identifier (HL7 v2.9 §3.4.9). */
const FORMER: Readonly<Record<string, string>> = { 'PID-2': 'MRG-4', 'PID-3': 'MRG-1', 'PID-4': 'MRG-2', 'PID-18': 'MRG-3', 'PV1-19': 'MRG-5', 'PV1-50': 'MRG-6' }

/**
 * The values at a path (`PID-3.1`: of the first repetition), and of everyone else whom the message concerns: further segments of that name (link, unlink, swap) and,
 * in a merge, move or change of identifier, every former identifier in MRG. Each once.
 */
export const orderKeys = (body: Body, path: string): readonly string[] => {
  const { segment, field, repetition, component, subcomponent } = pathOf(path)
  const part = `${component === null ? '' : `.${component}`}${subcomponent === null ? '' : `.${subcomponent}`}`
  const former = FORMER[`${segment}-${field}`]
  if (former === undefined) return [...new Set(read(body, path))]
  const [formerSegment, formerField] = former.split('-')
  return [...new Set([...read(body, path), ...read(body, `${segment}[*]-${field}[${repetition}]${part}`), ...read(body, `${formerSegment}[*]-${formerField}[*]${part}`)])]
}
