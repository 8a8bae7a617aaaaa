/** Synthetic values and messages: for every datatype a value that means nothing, for a map's segments the fields that it claims both ways. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { CodeTable } from '../../engine/contracts.js'
import { DATATYPES } from '../../engine/v2-to-fhir/datatypes/index.js'
import type { OutgoingMap, OutgoingSegment } from '../../engine/v2-to-fhir/outgoing-map.js'
import type { Row } from '../../engine/v2-to-fhir/segment-map.js'
import { ROOT, tools } from '../engine/v2-to-fhir/kit.js'

/** Numbers from a seed, the same each time (mulberry32). */
export const seeded = (seed: number) => {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(next() * items.length)] as Item
  const digits = (count: number): string => Array.from({ length: count }, (_, at) => (at === 0 ? 1 + Math.floor(next() * 9) : Math.floor(next() * 10))).join('')
  const word = (): string => Array.from({ length: 4 + Math.floor(next() * 4) }, () => pick([...'bcdfghklmnprst']) + pick([...'aeiou'])).join('').replace(/^./, (first) => first.toUpperCase())
  return { next, pick, digits, word, chance: (share: number): boolean => next() < share }
}
export type Random = ReturnType<typeof seeded>

const CODES = readdirSync(join(ROOT, 'mappings/codes')).filter((name) => name.endsWith('.yaml')).sort()
  .flatMap((name) => (tools.mapping(`codes/${name.slice(0, -5)}`).value as { rows?: readonly (readonly string[])[] }).rows ?? []).map(([code = '']) => code)

/** A code of a table that comes back as itself. */
const codeOf = (table: CodeTable, random: Random): string => random.pick([...new Set(CODES)].filter((code) => {
  const found = table.lookup(code)?.code
  return found !== undefined && found !== '' && table.reverse(found) === code
}))

const day = (random: Random): string => `20${random.pick(['24', '25', '26'])}${random.pick(['01', '06', '11'])}${random.pick(['03', '14', '28'])}`
const time = (random: Random): string => `${day(random)}${random.pick(['08', '13', '22'])}${random.pick(['05', '30'])}${random.pick(['00', '41'])}${random.pick(['-0600', '+0000', '+0530'])}`
const oid = (random: Random): string => `1.3.6.1.4.1.99999.${random.digits(2)}`
const coded = (random: Random): string => `${random.digits(4)}-${random.digits(1)}^${random.word()}^${random.pick(['LN', 'SCT', 'L'])}`

const VALUES: Readonly<Record<string, (random: Random) => string>> = {
  CE: coded, CF: coded, CNE: coded, CWE: coded, code: (random) => random.word(), ID: (random) => random.pick(['A1', 'B2']), IS: coded,
  CQ: (random) => `${random.digits(2)}^mL&&UCUM`, MO: (random) => `${random.digits(3)}^USD`, NM: (random) => `${random.digits(2)}.${random.digits(1)}`, SI: (random) => random.digits(1),
  date: day, DT: day, DTM: time, TS: time, TM: () => '101500', DR: (random) => `20240101080000-0600^${time(random)}`,
  EI: (random) => `${random.digits(6)}^${random.word()}^${oid(random)}^ISO`, EIP: (random) => `${random.digits(6)}&${random.word()}&${oid(random)}&ISO`,
  CX: (random) => `${random.digits(7)}^^^${random.word()}&${oid(random)}&ISO^MR`, PLN: (random) => `${random.digits(6)}^MD`, HD: (random) => random.word(),
  XPN: (random) => `${random.word()}^${random.word()}^${random.word()}`, XCN: (random) => `${random.digits(5)}^${random.word()}^${random.word()}^^^^^^${random.word()}&${oid(random)}&ISO`, NDL: (random) => `${random.digits(5)}&${random.word()}&${random.word()}`,
  XON: (random) => `${random.word()} Clinic^^^^^${random.word()}&${oid(random)}&ISO^XX^^^${random.digits(5)}`, XAD: (random) => `${random.digits(2)} ${random.word()} St^^${random.word()}^WI^${random.digits(5)}^USA^H`,
  XTN: (random) => `(608) 555${random.digits(4)}^WPN^PH`, PL: (random) => `^^^^^^^^${random.word()} Ward`,
  ST: (random) => random.word(), string: (random) => random.word(), TX: (random) => `${random.word()} ${random.word()}`, text: (random) => random.word(), FT: (random) => `${random.word()} ${random.word()}`,
  boolean: (random) => random.pick(['Y', 'N']), RPT: (random) => random.pick(['BID', 'TID', 'Q4H', 'QOD']), durationValue: (random) => `${random.digits(1)}^h`, minutes: () => '30^min',
  range: (random) => random.pick(['5-10', '>=3', '<7', 'negative']), race: () => '2106-3^White^CDCREC', ethnicity: () => '2186-5^Not Hispanic or Latino^CDCREC',
}
/** Datatypes whose value another row's generator writes already, or that only conditions call for. */
const NAMES = new Map(Object.entries(DATATYPES).reverse().map(([name, datatype]) => [datatype, name]))

/** The rows of an outgoing segment that are read both ways. */
export const claims = ({ rows }: OutgoingSegment): readonly Row[] =>
  rows.flatMap(({ map }) => map.rows.filter((row) => !row.oneWay && !row.each && row.datatype?.write && row.field.segment === map.segment && row.field.field !== null))

/** All of a map. */
export const allClaims = (map: OutgoingMap): ReadonlySet<string> => {
  const of = (segment: OutgoingSegment): readonly string[] => [...claims(segment).map(({ field }) => `${field.segment}-${field.field}`), ...segment.followed.flatMap(of), ...segment.otherwise.flatMap(of)]
  return new Set(map.segments.flatMap(of))
}

export interface Shape {
  readonly segment: string
  readonly always?: Readonly<Record<number, (random: Random) => string>> // what the message cannot do without, or a condition decides
  readonly never?: readonly number[] // what another field says, and both cannot be said
  readonly most?: number // how often it is there; 1 without
  readonly followed?: readonly Shape[]
}

/** A message of the shapes with about half of the fields that the map claims. */
export const synthetic = (map: OutgoingMap, shapes: readonly Shape[], random: Random, header: string): string => {
  const known = new Map<string, Row[]>()
  const learn = (segment: OutgoingSegment): void => {
    known.set(segment.segment, [...(known.get(segment.segment) ?? []), ...claims(segment)])
    for (const each of [...segment.followed, ...segment.otherwise]) learn(each)
  }
  map.segments.forEach(learn)
  const write = ({ segment, always = {}, never = [], most = 1, followed = [] }: Shape): readonly string[] =>
    Array.from({ length: 1 + Math.floor(random.next() * most) }, (_, at) => {
      const fields = new Map<number, string>()
      for (const { field, datatype, table } of known.get(segment) ?? []) {
        if (field.field === null || field.component !== null || fields.has(field.field) || field.field in always || never.includes(field.field) || !random.chance(0.5)) continue
        const name = datatype ? NAMES.get(datatype) ?? '' : ''
        const value = table ? codeOf(table, random) : VALUES[name]?.(random)
        if (value) fields.set(field.field, value)
      }
      for (const [field, value] of Object.entries(always)) fields.set(Number(field), value(random))
      fields.set(1, fields.get(1) ?? String(at + 1))
      const line = [segment, ...Array.from({ length: Math.max(...fields.keys()) }, (_each, index) => fields.get(index + 1) ?? '')].join('|')
      return [line, ...followed.flatMap(write)]
    }).flat()
  return [header, ...shapes.flatMap(write)].map((line) => `${line}\r`).join('')
}
