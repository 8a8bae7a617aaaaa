/** Fills the directory from a file: the NPPES data dissemination (CSV, CMS), its endpoint file, or a Bundle of FHIR providers. */
import type { Readable } from 'node:stream'
import { parse } from 'csv-parse'
import type { Bundle } from 'fhir/r4.js'
import type { ProviderFacts } from '../contracts.js'
import type { Person, ProviderDirectory } from './directory.js'
import { providersIn } from './from-fhir.js'
import { type Record, nppesReader } from './nppes.js'

export interface ImportOptions {
  readonly file: string // as the directory shall call where it was learned
  readonly at: Date
  readonly by?: Person // who imports it, and why
  /** Of the whole file of 8 million only what is near and relevant is wanted; any of each list, all of the lists. Beginnings for ZIP and taxonomy. */
  readonly states?: readonly string[]
  readonly zips?: readonly string[]
  readonly taxonomies?: readonly string[]
  readonly progress?: (soFar: ImportProgress) => void
  readonly signal?: AbortSignal
}
export interface ImportProgress { readonly read: number; readonly added: number; readonly known: number; readonly skipped: number }

/** So many are one transaction. */
const BATCH = 500
const LONGEST_RECORD = 1024 ** 2

/** Reads a stream of NPPES records, or endpoints, by the names in its header. Throws a sentence where a column is missing or a line is no CSV. */
export const importNppes = async (stream: Readable, directory: ProviderDirectory, options: ImportOptions): Promise<ImportProgress> => {
  const records = stream.pipe(parse({ bom: true, relax_column_count: true, record_delimiter: ['\r\n', '\n'], max_record_size: LONGEST_RECORD }))
  stream.once('error', (error) => records.destroy(error))
  return inBatches(factsOf(records as AsyncIterable<Record>, options), directory, options)
}

/** A Bundle's roles, people and practices. */
export const importFhir = (bundle: Bundle, directory: ProviderDirectory, options: ImportOptions): Promise<ImportProgress> => inBatches(providersIn(bundle), directory, options)

/** null: read, and not wanted. */
async function* factsOf(records: AsyncIterable<Record>, options: ImportOptions): AsyncGenerator<ProviderFacts | null> {
  let read: ReturnType<typeof nppesReader> | null = null
  for await (const record of records) {
    if (read) yield read(record)
    else read = nppesReader(record, options)
  }
}

const inBatches = async (facts: Iterable<ProviderFacts | null> | AsyncIterable<ProviderFacts | null>, directory: ProviderDirectory, { file, at, by, progress, signal }: ImportOptions): Promise<ImportProgress> => {
  let soFar: ImportProgress = { read: 0, added: 0, known: 0, skipped: 0 }
  let [batch, read]: [ProviderFacts[], number] = [[], 0]
  const flush = async (): Promise<void> => {
    signal?.throwIfAborted()
    const { added, known, skipped } = batch.length > 0 ? await directory.add(batch, { at, via: file, ...(by && { by }) }) : { added: 0, known: 0, skipped: 0 }
    soFar = { read: soFar.read + read, added: soFar.added + added, known: soFar.known + known, skipped: soFar.skipped + skipped + read - batch.length }
    batch = []
    read = 0
    progress?.(soFar)
  }
  for await (const one of facts) {
    read++
    if (one) batch.push(one)
    if (batch.length >= BATCH || read >= BATCH * 100) await flush()
  }
  await flush()
  return soFar
}
