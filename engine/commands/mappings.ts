/** `refero mappings icd10`: makes the code table of ICD-10-CM from the official order file of a year. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ownSettings } from '../../config/loader.js'
import { csvOf } from '../code-rows.js'
import { JSON_OPTION, type Command } from '../command.js'
import { ReferoError } from '../errors.js'
import { type Icd10Row, readOrderFile } from '../tools/icd10.js'
import { shown } from '../problem.js'
import { loadSettings, SETTINGS_OPTIONS } from './parts/settings.js'

const command: Command = {
  name: 'mappings',
  summary: 'Makes a code table from an official file: icd10, the ICD-10-CM order file of a year.',
  usage: 'icd10 ORDER-FILE [--name icd10cm]',
  words: 2,
  options: {
    config: SETTINGS_OPTIONS.config,
    name: { type: 'string', value: 'NAME', describe: 'what the table is called: mappings/codes/NAME.yaml; icd10cm unless said' },
    ...JSON_OPTION,
  },
  exits: '0 made, 2 not made.',
  async run(given, terminal) {
    const [kind, file, ...more] = given.words
    if (kind !== 'icd10' || !file || more.length > 0) throw new ReferoError('USAGE', 'Write: refero mappings icd10 icd10cm_order_2026.txt (from the CMS “ICD-10-CM code descriptions in tabular order”).')
    const name = given.text('name') ?? 'icd10cm'
    if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) throw new ReferoError('USAGE', `\`${name}\` is no name for a table: lower-case letters, digits and hyphens.`)
    const rows = readOrderFile(readFileSync(file, 'latin1'), file)
    const path = join(ownSettings(loadSettings(given, terminal)).mappings, 'codes', `${name}.yaml`)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(csvOf(path), csv(rows))
    writeFileSync(path, `# ICD-10-CM, from ${basename(file)} (CMS; public domain). Its rows lie in ${basename(csvOf(path))}.\nfrom: http://hl7.org/fhir/sid/icd-10-cm\ncolumns: [display, billable, short]\n`)
    const billable = rows.filter((row) => row.billable).length
    if (given.flag('json')) terminal.out(JSON.stringify({ table: name, file: path, codes: rows.length, billable }))
    else terminal.out(`${rows.length} codes, ${billable} of them billable, are the table \`${name}\` now: ${shown(path)}, ${shown(csvOf(path))}.\nUse it: translate: { path: DG1-3.1, with: ${name} }`)
    return 0
  },
}

export default command

const csv = (rows: readonly Icd10Row[]): string =>
  ['code,display,billable,short', ...rows.map(({ code, display, billable, short }) => [code, quoted(display), billable ? 'yes' : 'no', quoted(short)].join(','))].join('\n').concat('\n')

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
