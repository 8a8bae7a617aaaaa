/** `refero coverage`: how much of HL7's v2-to-FHIR guide the mapping files carry, and what they leave out and why. */
import { readFileSync } from 'node:fs'
import { JSON_OPTION, type Command } from '../command.js'
import { ReferoError } from '../errors.js'
import { openMappings } from '../mappings.js'
import { type Coverage, coverage, stale } from '../v2-to-fhir/coverage.js'
import { readCoverage } from '../v2-to-fhir/coverage-files.js'
import { guideRows } from '../v2-to-fhir/guide-rows.js'
import { loadSettings, SETTINGS_OPTIONS } from './parts/settings.js'

const command: Command = {
  name: 'coverage',
  summary: 'Counts the rows of HL7’s v2-to-FHIR guide that the mappings carry.',
  usage: 'FILE [--segment PID] [--below PERCENT]',
  words: 1,
  options: {
    segment: { type: 'string', value: 'NAME', describe: 'this segment only, with every row that is left out' },
    below: { type: 'string', value: 'PERCENT', describe: 'exit with 1 where a segment carries fewer of its rows than this' },
    config: SETTINGS_OPTIONS.config,
    ...JSON_OPTION,
  },
  exits: '0 counted, 1 a segment is --below or a remark is stale, 2 not counted. FILE is the guide’s rows as CSV (segment,map,hl7_field,hl7_name,condition,fhir_attribute,fhir_type,datatype_map,vocab_map,assignment).',
  async run(given, terminal) {
    const [file, ...others] = given.words
    const below = Number(given.text('below') ?? 0)
    if (!file || others.length > 0 || !(below >= 0 && below <= 100)) {
      throw new ReferoError('USAGE', 'Name the table of the guide’s rows (CSV; the project does not have it); --below is 0 to 100.')
    }
    const folder = loadSettings(given, terminal).mappings
    const guide = guideRows(readFileSync(file, 'utf8'))
    const { maps, engine, leftOut } = readCoverage(folder, openMappings(folder))
    const segment = given.text('segment')
    const all = coverage(guide, maps, engine, leftOut)
    const counted = all.filter((each) => !segment || each.segment === segment)
    if (counted.length === 0) {
      throw new ReferoError('NOT_FOUND', `The guide’s rows have no segment ${segment}; they have ${all.map((each) => each.segment).join(', ')}.`)
    }
    const idle = segment ? [] : stale(guide, maps, [...engine, ...leftOut])
    if (given.flag('json')) terminal.out(JSON.stringify({ segments: counted.map(plain), stale: idle }))
    else {
      for (const each of counted) say(each, segment !== undefined, terminal.out)
      for (const { map, field, attribute } of idle) terminal.err(`mappings/guide: ${map} ${field} ${attribute} is about no row that is left out; remove it.`)
    }
    return idle.length > 0 || counted.some((each) => percent(each) < below) ? 1 : 0
  },
}

const percent = ({ carried, rows }: Coverage): number => (rows === 0 ? 100 : (100 * carried) / rows)

const plain = (each: Coverage): object => ({
  ...each, leftOut: each.leftOut.map(({ row: { map, field, attribute, condition }, reason }) => ({ map, field, attribute, condition, reason })),
})

/** A line a segment; below it what is left out, by reason. */
const say = (each: Coverage, detailed: boolean, out: (line: string) => void): void => {
  const { segment, carried, rows, byEngine, leftOut } = each
  const unexplained = leftOut.filter(({ reason }) => reason === null).length
  out(`${segment}  ${String(carried).padStart(4)} of ${String(rows).padStart(4)}  ${percent(each).toFixed(0).padStart(3)} %${byEngine > 0 ? `  ${byEngine} of them by the engine itself` : ''}${unexplained > 0 ? `  ${unexplained} left out without a reason` : ''}`)
  const reasons = [...new Set(leftOut.map(({ reason }) => reason))]
  for (const reason of detailed ? reasons : reasons.filter((one) => one !== null)) {
    const rowsOf = leftOut.filter((one) => one.reason === reason)
    out(`      ${rowsOf.length} left out: ${reason ?? 'no reason is given'}`)
    if (detailed) for (const { row } of rowsOf) out(`        ${row.map} ${row.field} → ${row.attribute}${row.condition ? ` (${row.condition})` : ''}`)
  }
}

export default command
