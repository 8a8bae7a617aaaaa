/** Reads values by path, and says by which path a segment is found. */
import { decode } from '../carried.js'
import { type Body, elementOf, indexesOf, nameOf, partOf, repetitionsOf } from './body.js'
import { LOOP, levelOf, loopsOf } from './loops.js'
import { type Path, pathOf } from './path.js'

/**
 * The values at a path. An element that has components is given as written. Without `[n]` it is the first segment (of those with the qualifier, in the loop) and the
 * first repetition. Empty values are left out, and so are the spaces that fill ISA.
 */
export const read = (body: Body, path: string): readonly string[] => {
  const wanted = pathOf(path)
  return positionsAt(body, wanted).flatMap((at) => {
    const carried = elementOf(body.segments[at], wanted.element, body.separators)
    if (wanted.segment === 'ISA') return carried.trim() === '' ? [] : [decode(carried.trimEnd())]
    const all = repetitionsOf(carried, body.separators)
    const repetitions = wanted.repetition === '*' ? all : all.slice(wanted.repetition - 1, wanted.repetition)
    return repetitions.map((one) => (wanted.component === null ? one : partOf(one, body.separators.component, wanted.component))).filter((value) => value !== '').map(decode)
  })
}

/** Where the segments stand that a path names. */
export const positionsAt = (body: Body, { loop, loopNumber, segment, qualifier, index }: Path): readonly number[] => {
  const named = indexesOf(body, segment)
  const loops = loop === null ? null : loopsOf(body)
  const found = named.filter((at) => (qualifier === null || isQualified(body, at, qualifier)) && (loop === null || isIn(loops?.of[at] ?? null, loop, loopNumber)))
  return index === '*' ? found : found.slice(index - 1, index)
}

const isIn = (loop: NonNullable<ReturnType<typeof loopsOf>>['of'][number], name: string, number: number | '*'): boolean => {
  const own = loop && (name.startsWith('2000') ? levelOf(loop) : loop)
  return own !== null && own.name === name && (number === '*' || own.number === number)
}

const isQualified = (body: Body, at: number, qualifier: string): boolean => {
  const carried = elementOf(body.segments[at], qualifierElement(nameOf(body.segments[at] ?? { text: '', end: '' }, body.separators)), body.separators)
  return carried === qualifier || partOf(carried, body.separators.component, 1) === qualifier
}
const qualifierElement = (name: string): number => (name === 'HL' ? 3 : 1)

/** The segments that are told apart by their first element. */
const QUALIFIED = new Set(['NM1', 'REF', 'DTP'])

/** The path of every segment, without an element: `2000E/UM`, `2010B/NM1*1P`, `2000E/DTP*472[2]`, `GS`. */
export const placesOf = (body: Body): readonly string[] => {
  const loops = loopsOf(body)
  const repeated = new Map<string, number>()
  for (const { name } of loops?.all ?? []) repeated.set(name, (repeated.get(name) ?? 0) + 1)
  const plain = body.segments.map((segment, at) => {
    const loop = loops?.of[at]
    const name = nameOf(segment, body.separators)
    const first = QUALIFIED.has(name) ? elementOf(segment, 1, body.separators) : ''
    const own = `${name}${/^[A-Z0-9]{1,10}$/.test(first) ? `*${first}` : ''}`
    // A level whose HL-3 is none of the guide's has no name to be found by.
    return { own, place: loop && LOOP.test(loop.name) ? `${loop.name}${(repeated.get(loop.name) ?? 0) > 1 ? `[${loop.number}]` : ''}/${own}` : own }
  })
  // Outside of loops a path counts all of its name, those in loops too.
  const counts = new Map<string, number>()
  for (const { own, place } of plain) for (const one of new Set([own, place])) counts.set(one, (counts.get(one) ?? 0) + 1)
  const seen = new Map<string, number>()
  return plain.map(({ own, place }) => {
    for (const one of new Set([own, place])) seen.set(one, (seen.get(one) ?? 0) + 1)
    return (counts.get(place) ?? 0) > 1 ? `${place}[${seen.get(place)}]` : place
  })
}
