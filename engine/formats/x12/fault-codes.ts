/** A fault in the codes of TA1 (TA1-05), AK9 (AK9-05) and 999 (IK3-04, IK4-03, IK5-02). */
import type { Fault } from '../../contracts.js'
import { type Body, indexesOf, nameOf } from './body.js'
import { loopsOf } from './loops.js'
import { pathOf, pathProblem } from './path.js'
import { positionsAt } from './read.js'

const named = (fault: Fault | undefined): string => fault?.location ?? ''

/** Whether the interchange itself is at fault, so that nothing in it was looked at. */
export const isOfInterchange = (fault: Fault | undefined): boolean => /^(?:ISA|IEA|TA1)\b/.test(named(fault)) || (fault?.kind === 'unreadable' && named(fault) === '')

/** TA1-05. */
export const interchangeCode = (fault: Fault | undefined): string => {
  const location = named(fault)
  const known: Readonly<Record<string, string>> = { 'IEA-1': '021', 'IEA-2': '001', IEA: '023', 'ISA-16': '027', ISA: '026', 'ISA-12': '017', 'ISA-13': '018' }
  return known[location] ?? (location === '' && fault?.kind === 'unreadable' ? '024' : '022')
}

/** AK9-05, or null where not the group as such is at fault. */
export const groupCode = (fault: Fault | undefined): string | null => ({ GE: '3', 'GE-1': '5', 'GE-2': '4', 'GS-8': '2' } as Readonly<Record<string, string>>)[named(fault)] ?? null

/** What a 999 says of a transaction that is refused. */
export interface Refusal {
  readonly segment: { readonly name: string; readonly position: number; readonly loop: string; readonly code: string } | null
  readonly element: { readonly number: number; readonly component: number | null; readonly code: string } | null
  readonly transaction: string // IK5-02
}

const OF_TRANSACTION: Readonly<Record<string, string>> = { SE: '2', 'SE-1': '4', 'SE-2': '3', ST: '6', 'ST-1': '1', 'ST-2': '7' }

/** IK3, IK4 and IK5 for a fault. What lies outside of the transaction, or names no place, is IK5 alone. */
export const at999 = (body: Body, fault: Fault | undefined): Refusal => {
  const location = named(fault)
  const own = OF_TRANSACTION[location]
  const start = indexesOf(body, 'ST')[0] ?? 0
  if (own || location === '') return { segment: null, element: null, transaction: own ?? (fault?.kind === 'unsupported' ? '1' : '5') }
  const [place = '', last = ''] = location.split('/').length > 1 ? location.split('/') : ['', location]
  const loop = place.replace(/\[.*$/, '')
  const missingLoop = /^2\d{3}[A-Z]{1,2}(?:\[\d+\])?$/.exec(location)
  if (missingLoop) return { segment: { name: 'HL', position: lastIn(body, null) - start + 1, loop: last.slice(0, 6), code: 'I7' }, element: null, transaction: '5' }
  const name = /^[A-Z][A-Z0-9]{1,2}/.exec(last)?.[0]
  if (!name) return { segment: null, element: null, transaction: '5' }
  const path = pathProblem(location) === null ? pathOf(location) : null
  const at = path && positionsAt(body, path)[0]
  if (!path || at === undefined || at === null) {
    return { segment: { name, position: Math.max(1, lastIn(body, place) - start + 1), loop, code: '3' }, element: null, transaction: '5' }
  }
  const within = loopsOf(body)?.of[at]?.name ?? ''
  return {
    segment: { name: nameOf(body.segments[at] ?? { text: '', end: '' }, body.separators), position: at - start + 1, loop: /^2\d{3}[A-F]/.test(within) ? within : loop, code: '8' },
    element: { number: path.element, component: path.component, code: fault?.kind === 'required' ? '1' : isDateElement(name, path.element) ? '8' : '7' },
    transaction: '5',
  }
}

const isDateElement = (name: string, element: number): boolean => ({ DTP: 3, DMG: 2, BHT: 4 } as Readonly<Record<string, number>>)[name] === element

/** The place of the last segment of a loop (`2000E[2]`), else of the last before SE: what is missing is missing after it. */
const lastIn = (body: Body, place: string | null): number => {
  const [, loop, number = '1'] = /^(\d{4}[A-Z]{1,2})(?:\[(\d+)\])?$/.exec(place ?? '') ?? []
  const of = loopsOf(body)?.of ?? []
  const found = loop === undefined ? -1 : of.findLastIndex((one) => one?.name === loop && one.number === Number(number))
  if (found !== -1) return found
  const end = indexesOf(body, 'SE')[0]
  return (end ?? body.segments.length) - 1
}
