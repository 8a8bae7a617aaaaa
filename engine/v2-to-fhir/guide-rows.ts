/**
 * The rows of HL7's v2-to-FHIR guide, from one table of all its segment maps (CSV: segment, map, hl7_field, hl7_name, condition,
 * fhir_attribute, fhir_type, datatype_map, vocab_map, assignment), with its notations made alike.
 */
import { isResource } from './r4.js'

/** One row of the guide. */
export interface GuideRow {
  readonly segment: string // "PV1"
  readonly map: string // "PV1[Encounter]"
  readonly field: string // "PV1-7", or "PV1" for a fixed value of the whole segment
  readonly condition: string
  readonly attribute: string // as the guide writes it: "participant[1].individual(Practitioner)"
  readonly hops: readonly Hop[]
  readonly fixed: string | null // a literal that the row assigns
}

/** A resource and a path in it; the next hop is what an element at its end refers to. */
export interface Hop {
  readonly types: readonly string[] // one of them: Organization|Device
  readonly path: readonly GuideStep[]
}

export interface GuideStep {
  readonly name: string
  readonly url: string | null // of an extension
}

const COLUMNS = ['segment', 'map', 'hl7_field', 'hl7_name', 'condition', 'fhir_attribute', 'fhir_type', 'datatype_map', 'vocab_map', 'assignment']

/** Reads the table. Throws a sentence where it is not one. */
export const guideRows = (text: string): readonly GuideRow[] => {
  const [header = [], ...rows] = cells(text).filter((row) => row.some(Boolean))
  if (header.join() !== COLUMNS.join()) throw new Error(`the first line must be ${COLUMNS.join(',')}`)
  const known = rows.map((row) => Object.fromEntries(COLUMNS.map((name, at) => [name, (row[at] ?? '').trim()])) as Record<string, string>)
  return known.map((row) => guideRow(row, known))
}

/** RFC 4180: quoted cells may hold commas, line ends and doubled quotes. */
const cells = (text: string): readonly (readonly string[])[] => {
  const rows: string[][] = [[]]
  for (const [, separator = '', quoted, plain = ''] of text.matchAll(/(^|,|\r?\n)(?:"((?:[^"]|"")*)"|([^,\r\n]*))/g)) {
    if (separator.endsWith('\n')) rows.push([])
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
  }
  return rows
}

const guideRow = (row: Readonly<Record<string, string>>, all: readonly Readonly<Record<string, string>>[]): GuideRow => {
  const { segment = '', map = '', hl7_field: said = '', condition = '', fhir_attribute: attribute = '', datatype_map: datatype = '', assignment = '' } = row
  const field = map === 'RXO[MedicationRequest]' ? said.replace('RXE-19', 'RXO-23') : said // the total daily dose
  const related = all.filter((each) => each.map === map).sort((one, other) => Number(other.hl7_field === field) - Number(one.hl7_field === field))
  const type = resourceIn(map)
  const whole = attribute.startsWith('$this') ? [{ types: [resourceIn(datatype) || type], path: [] }] : hops(type, attribute)
  const read = whole.map((hop, at) => withUrls(hop, attribute.split('(')[at] ?? '', related))
  return { segment, map, field, condition, attribute, hops: read, fixed: (/^"/.test(assignment) && !assignment.includes('+')) || assignment.startsWith('http') ? bare(assignment) : null }
}

/** The resource of `PRT[Patient-GeneralPractitioner-Practitioner]`: the first of its words. */
const resourceIn = (map: string): string => {
  const [first = ''] = /\[([^\]]*)/.exec(map)?.[1]?.split('-') ?? []
  return isResource(first) ? first : ''
}

const bare = (text: string): string => text.replaceAll('"', '').trim()

/** The guide's slips of the pen. */
const SLIPS: readonly (readonly [RegExp, string])[] = [
  [/^occur\w*Timing\b/i, 'occurrenceTiming'], [/^occurrenceTiming\.(?=bounds|duration)/, 'occurrenceTiming.repeat.'], [/valuedateTime/, 'valueDateTime'], [/\(Annotation\./, '.'],
  [/\bcontent\[(\d)\]\.(?=data|url)/, 'content[$1].attachment.'], [/^medication\(/, 'medicationReference('], [/\bMedication\.doseForm/, 'Medication.form'], [/^extension\.(?=url|extension)/, 'extension[1].'],
  [/organziation/g, 'organization'], [/practioner\b/g, 'practitioner'], [/^payer\b/, 'payor'], [/\.(?:=|\()/g, '('],
  [/="[^"]*"?/g, ''], [/\.reference\b/g, ''], [/\b(coding|function\.coding)\.uri\b/g, '$1.system'], [/\bcoding\.value\b/g, 'coding.code'],
  [/\bPractitioner\(/g, 'practitioner('], [/extension\[(\d)\]\.uri\b/g, 'extension[$1].url'], [/\.contentType\b/g, '.attachment.contentType'],
  [/attachment\.attachment/g, 'attachment'], [/\(\[\d+\]/g, '('], [/coveragePeriod/g, 'period'], [/valueExtension/g, 'extension'], [/^occurred$/, 'occurredDateTime'],
]

/** `participant[1].individual(PractitionerRole.practitioner(Practitioner.address))` as its three hops. */
const hops = (type: string, written: string): readonly Hop[] => {
  const attribute = type === 'MedicationRequest' ? written.replace(/^occur\w*Timing\.(?=bounds)/, 'dosageInstruction.timing.repeat.').replace(/^text$/, 'dosageInstruction.text') : written
  const [own = '', ...others] = SLIPS.reduce((text, [slip, meant]) => text.replace(slip, meant), attribute).replaceAll(' ', '').replaceAll(')', '').split('(')
  return [{ types: [type], path: steps(own) }, ...others.map((each) => {
    const [named = '', ...rest] = each.split('.')
    return { types: named.replace(/\[\d*\]/g, '').split('|'), path: steps(rest.join('.')) }
  })]
}

/** The steps of a path; which item of a list it is says nothing. */
const steps = (path: string): readonly GuideStep[] => path.split('.').filter(Boolean).map((step) => ({ name: step.replace(/\[[^\]]*\]?/g, ''), url: null }))

/** An extension's URL stands in another row of the same map: `extension[2].url`. */
const withUrls = ({ types, path }: Hop, written: string, rows: readonly Readonly<Record<string, string>>[]): Hop => {
  const numbered = written.replaceAll(')', '').replace(/\.uri\b/g, '.url').split('.')
  const own = numbered.slice(numbered.length - path.length)
  const found = path.map((step, at): GuideStep => {
    if (step.name !== 'extension') return step
    const wanted = `${own.slice(0, at + 1).join('.')}.url`
    const said = rows.find((row) => (row.fhir_attribute ?? '').replace(/\.uri\b/g, '.url').replace(/^extension\.url/, 'extension[1].url').replaceAll(')', '').endsWith(wanted) && row.assignment)?.assignment
    return { name: step.name, url: said ? bare(said) : null }
  })
  return { types, path: found.filter((step, at) => !(at > 0 && found[at - 1]?.name === 'extension' && (step.name === 'url'))) }
}
