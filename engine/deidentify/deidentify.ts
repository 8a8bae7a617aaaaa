/** Makes a fixture of a message: the same shape, and nothing of its people. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MappingDocument, MessageFormat } from '../contracts.js'
import { deidentifyFhir } from './fhir.js'
import { deidentifyHl7v2 } from './hl7v2.js'
import { pseudonyms, scrubbed, withNines } from './pseudonyms.js'
import { fhirRules, hl7v2Rules, wordsOf } from './rules.js'

/** De-identifies the bytes of one message. Under one key the same value becomes the same everywhere. */
export type Deidentify = (bytes: Buffer, format: MessageFormat) => Buffer

/** `mapping` reads mappings/deidentify/. Throws a sentence with the place of what is wrong there. */
export const deidentifier = (key: Buffer, mapping: (path: string) => MappingDocument): Deidentify => {
  const words = wordsOf(mapping('deidentify/words'))
  const hl7v2 = hl7v2Rules(mapping('deidentify/hl7v2'))
  const fhir = fhirRules(mapping('deidentify/fhir'))
  return (bytes, format) => {
    const names = pseudonyms(key, words)
    if (format.name === 'hl7v2') return format.serialize(deidentifyHl7v2(format.parse(bytes), hl7v2, names))
    if (format.name === 'fhir') return Buffer.from(`${JSON.stringify(deidentifyFhir(JSON.parse(bytes.toString('utf8')), fhir, names), null, 2)}\n`)
    if (format.name === 'json') return Buffer.from(`${JSON.stringify(masked(JSON.parse(bytes.toString('utf8'))), null, 2)}\n`)
    return Buffer.from(scrubbed(bytes.toString('utf8')))
  }
}

/** Of JSON nobody knows what its fields hold: every text and number is scrubbed, and every key that is no plain name, such as the id of somebody. */
const masked = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [NAME.test(key) ? key : scrubbed(key), masked(inner)]))
  return typeof value === 'string' ? scrubbed(value) : typeof value === 'number' ? withNines(value) : value
}

/** `lastName`, `line_2`, `order-code`. */
const NAME = /^[A-Za-z_$][A-Za-z_$-]*\d{0,2}$/

/** The key of this installation, made at first use: it ties what stands in to what it stands for, and stays here. */
export const deidentificationKey = (dataFolder: string): Buffer => {
  const file = join(dataFolder, 'deidentify.key')
  if (!existsSync(file)) {
    mkdirSync(dataFolder, { recursive: true })
    writeFileSync(file, randomBytes(32), { mode: 0o600, flag: 'wx' })
  }
  return readFileSync(file)
}
