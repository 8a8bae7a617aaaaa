/** What every transaction of these guides must have (005010X216, X217): the elements that nothing can be understood without, dates that are dates, and the loops of a 278. */
import { MessageFault } from '../../errors.js'
import { type Body, elementOf, indexesOf, nameOf } from './body.js'
import { levelOf, type Loop, loopsOf } from './loops.js'
import { placesOf } from './read.js'
import { kindOf } from './transaction.js'

/** The elements that a segment needs. */
const NEEDED: Readonly<Record<string, readonly number[]>> = {
  BHT: [1, 2, 4], HL: [1, 3], NM1: [1, 2], UM: [1], TRN: [1, 2], DTP: [1, 2, 3], REF: [1, 2], HI: [1], HCR: [1], PRV: [1], PER: [1], INS: [1, 2], MSG: [1], PWK: [1], AAA: [1],
}
/** Where a segment says a date: the element, and the one that says its form. */
const DATES: Readonly<Record<string, readonly [value: number, form: number | null]>> = { BHT: [4, null], DTP: [3, 2], DMG: [2, 1] }
const FORMS: Readonly<Record<string, RegExp>> = { D8: /^\d{8}$/, DT: /^\d{12}(\d{2})?$/, RD8: /^\d{8}-\d{8}$/, RDT: /^\d{12}-\d{12}$/ }

/** Throws the first MessageFault; its location is a path (`2000E/DTP*472-3`), or a loop or segment that is missing (`2000E`, `2000E[2]/UM`). */
export const checkTransaction = (body: Body): void => {
  const at = indexesOf(body, 'ST')[0]
  if (at === undefined) return
  const { segments, separators } = body
  const fail = (kind: 'required' | 'value', where: number, element: number, reason: string): never => {
    throw new MessageFault({ kind, reason, location: `${placesOf(body)[where]}-${element}` })
  }
  segments.forEach((segment, where) => {
    const name = nameOf(segment, separators)
    for (const element of NEEDED[name] ?? []) if (elementOf(segment, element, separators).trim() === '') fail('required', where, element, 'the element is required and empty')
    const [value, form] = DATES[name] ?? []
    if (value === undefined) return
    const text = elementOf(segment, value, separators).trim()
    const shape = form === null ? 'D8' : elementOf(segment, form ?? 0, separators)
    const wanted = FORMS[shape]
    if (text !== '' && wanted && !(wanted.test(text) && text.split('-').every(isDate))) fail('value', where, value, `is not a date of the form ${shape}`)
  })
  checkLevels(body)
}

const isDate = (text: string): boolean => {
  const [year, month, day] = [text.slice(0, 4), text.slice(4, 6), text.slice(6, 8)]
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`)
  return date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day)
}

/** The loops that a request or a notification of version 5010 has, what stands in each, and that each level names the one it is below. */
const checkLevels = (body: Body): void => {
  const loops = loopsOf(body)
  if (!loops) return
  const { segments, separators } = body
  const levels = loops.all.filter((loop) => levelOf(loop) === loop)
  for (const { name, at, above } of levels) {
    const parent = elementOf(segments[at], 2, separators)
    if (name === '2000') throw new MessageFault({ kind: 'value', reason: 'is no level of a 278; allowed are 20, 21, 22, 23, EV and SS', location: `${placesOf(body)[at]}-3` })
    if (parent !== '' && !above) throw new MessageFault({ kind: 'value', reason: 'names no level that stands before it', location: `${placesOf(body)[at]}-2` })
    if (above && above.name >= name) throw new MessageFault({ kind: 'value', reason: `names a level ${above.name}, below which a ${name} cannot be`, location: `${placesOf(body)[at]}-2` })
  }
  const kind = kindOf(body)
  const isNew = elementOf(segments[indexesOf(body, 'GS')[0] ?? -1], 8, separators).startsWith('005010')
  if (!isNew || (kind !== 'request' && kind !== 'notification')) return
  const missing = (location: string, reason: string): never => {
    throw new MessageFault({ kind: 'required', reason, location })
  }
  for (const needed of ['2000A', '2000B', '2000C', '2000E']) if (!levels.some(({ name }) => name === needed)) missing(needed, 'the loop is required, and it is not there')
  const inside = new Map<Loop, Set<string>>()
  segments.forEach((segment, at) => {
    const loop = loops.of[at]
    if (!loop) return
    const level = levelOf(loop)
    const names = inside.get(level) ?? new Set()
    inside.set(level, names.add(nameOf(segment, separators)))
  })
  const numbered = new Set(levels.filter(({ number }) => number > 1).map(({ name }) => name))
  for (const level of levels) {
    const place = `${level.name}${numbered.has(level.name) ? `[${level.number}]` : ''}`
    if (/[A-D]$/.test(level.name) && !inside.get(level)?.has('NM1')) missing(`${place}/NM1`, 'the segment is required, and it is not there')
    if (level.name === '2000E' && !inside.get(level)?.has('UM')) missing(`${place}/UM`, 'the segment is required, and it is not there')
  }
}
