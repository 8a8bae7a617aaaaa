/** Files of providers as they are sent to the desk: CSV in portions, FHIR as one Bundle; what is wrong with them is said with file:line:column. */
import { closeSync, createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type CsvError, parse } from 'csv-parse'
import { ReferoError, sentence } from '../../errors.js'
import { JsonReader } from '../../formats/json/json-reader.js'

const PORTION = 2_000 // records
const LONGEST_RECORD = 1024 ** 2
const LARGEST_FHIR = 60 * 1024 ** 2 // bytes, of all files together
const DEEPEST = 100

/** Records under the file's own header, the line that the first of them stands in, and how much of the file is read with them, from 0 to 1. */
export interface Portion { readonly text: string; readonly line: number; readonly share: number }

/** Rejects with WRONG_FILE where a line is no CSV. */
export async function* csvPortions(file: string): AsyncGenerator<Portion> {
  const { size } = statSync(file)
  const stream = createReadStream(file)
  const records = stream.pipe(parse({ bom: true, relax_column_count: true, record_delimiter: ['\r\n', '\n'], max_record_size: LONGEST_RECORD, raw: true, info: true }))
  stream.once('error', (error) => records.destroy(error))
  let header: string | null = null
  let [rows, count, line]: [string, number, number] = ['', 0, 1]
  try {
    for await (const { raw, info } of records as AsyncIterable<{ readonly raw: string; readonly info: { readonly lines: number; readonly bytes: number } }>) {
      const row = `${raw.replace(/[\r\n]+$/, '')}\n`
      if (header === null) {
        header = row
        line = info.lines
        continue
      }
      rows += row
      if (++count < PORTION) continue
      yield { text: header + rows, line, share: info.bytes / size }
      ;[rows, count, line] = ['', 0, info.lines]
    }
  } catch (error) {
    if ((error as CsvError).code?.startsWith('CSV_')) throw new ReferoError('WRONG_FILE', `${await placeIn(file, error as CsvError)}: this is no CSV: ${CSV_WORDS[(error as CsvError).code] ?? 'a field is not written as CSV wants it'}.`)
    throw error
  }
  if (header === null) throw new ReferoError('WRONG_FILE', `${file}:1:1: the file is empty.`)
  if (count > 0 || line === 1) yield { text: header + rows, line, share: 1 }
}

const CSV_WORDS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted field does not end', CSV_INVALID_CLOSING_QUOTE: 'after a closing quote there is neither a comma nor the end of the line',
  INVALID_OPENING_QUOTE: 'a quote stands within a field that is not quoted', CSV_MAX_RECORD_SIZE: `a record has more than ${LONGEST_RECORD} bytes`,
}

/** The line that the reader names, and the quote in it that is wrong. */
async function placeIn(file: string, { message, lines = 1 }: CsvError & { readonly lines?: number }): Promise<string> {
  const wanted = Number(/at line (\d+)/.exec(message)?.[1] ?? lines)
  let number = 0
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) if (++number === wanted) return `${file}:${wanted}:${wrongQuote(line)}`
  return `${file}:${wanted}:1`
}

/** The column of the quote that does not stand where CSV has one. */
function wrongQuote(line: string): number {
  let opened = -1
  for (let at = 0; at < line.length; at++) {
    if (line[at] !== '"') continue
    if (opened < 0) {
      if (at > 0 && line[at - 1] !== ',') return at + 1
      opened = at
    } else if (line[at + 1] === '"') at++
    else if (at + 1 < line.length && line[at + 1] !== ',') return at + 1
    else opened = -1
  }
  return opened + 1 || 1
}

/** By what it begins with. */
export function isFhir(file: string): boolean {
  const start = Buffer.alloc(64)
  const opened = openSync(file, 'r')
  readSync(opened, start, 0, start.length, 0)
  closeSync(opened)
  return /^\uFEFF?\s*[{[]/.test(start.toString('utf8'))
}

const TYPES = ['Practitioner', 'PractitionerRole', 'Organization', 'Endpoint', 'Location', 'HealthcareService', 'OrganizationAffiliation']
interface Resource { readonly resourceType?: unknown; readonly id?: unknown; readonly entry?: unknown }

/** All of them in one Bundle, for a role in one file may be that of a person in another. Throws WRONG_FILE and TOO_LARGE. */
export function fhirBundle(files: readonly string[]): object {
  const size = files.reduce((all, file) => all + statSync(file).size, 0)
  if (size > LARGEST_FHIR) throw new ReferoError('TOO_LARGE', `These files have ${size} bytes; ${LARGEST_FHIR} at most are read at once: give those together whose roles, people and practices belong together.`)
  return { resourceType: 'Bundle', type: 'collection', entry: files.flatMap(entriesIn) }
}

function entriesIn(file: string): readonly object[] {
  const text = readFileSync(file, 'utf8')
  const lines = text.split('\n')
  const each = /^\uFEFF?\s*\{.*\}\s*$/.test(lines[0] ?? '') && lines.slice(1).some((line) => line.trim() !== '') ? lines.flatMap((line, index) => (line.trim() === '' ? [] : [{ line: index + 1, resource: read(file, line, index) }])) : [{ line: 1, resource: read(file, text, 0) }]
  return each.flatMap(({ line, resource }) => {
    if (resource?.resourceType === 'Bundle') return Array.isArray(resource.entry) ? resource.entry : []
    if (!TYPES.includes(String(resource?.resourceType))) throw new ReferoError('WRONG_FILE', `${file}:${line}:1: ${typeof resource?.resourceType === 'string' ? `${article(resource.resourceType)} is` : 'this is'} no provider: ${TYPES.slice(0, 4).join(', ')} or a Bundle of them is read.`)
    return [{ ...(typeof resource?.id === 'string' && { fullUrl: `${resource.resourceType}/${resource.id}` }), resource }]
  })
}

const article = (type: string): string => `a${/^[AEIOU]/.test(type) ? 'n' : ''} ${type.slice(0, 40)}`

function read(file: string, text: string, before: number): Resource | null {
  try {
    return new JsonReader(text, DEEPEST, () => undefined).document() as Resource | null
  } catch (error) {
    const said = sentence(error)
    const [, line = '1', column = '1'] = /, at line (\d+), column (\d+)/.exec(said) ?? []
    throw new ReferoError('WRONG_FILE', `${file}:${Number(line) + before}:${column}: ${said.replace(/, at line .*$/s, '.')}`)
  }
}
