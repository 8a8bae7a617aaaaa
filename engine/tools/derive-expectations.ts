/** Says what a channel does with messages, as the `expect:` of a test: what the sender is told, what happens, and what each destination gets. */
import type { ExpectedDelivery, ExpectedValue } from '../channel-definition.js'
import type { MessageFormat } from '../contracts.js'
import { acknowledged, deliveriesTo, formatOf, history, type Result, type Sent } from '../expectations.js'

export interface Derived {
  readonly expect: Readonly<Record<string, unknown>>
  /** What a destination gets where no path of it can be named: kept as a file beside the sample, by destination and number. */
  readonly files: readonly { readonly destination: string; readonly payload: Buffer }[]
}

const MOST_VALUES = 6 // paths that a destination's expectation names
const MOST_AT_A_PATH = 3

/** What is worth a line in a test, in this order: who, what, how urgent, and how it stands. */
const TELLING: Readonly<Record<string, readonly string[]>> = {
  hl7v2: ['MSH-9.1', 'MSH-9.2', 'PID-3.1', 'PID-5.1', 'RF1-1.1', 'RF1-6.1', 'ORC-1', 'OBR-4.1', 'OBX-3.1', 'SCH-1.1', 'SCH-25.1', 'TXA-2.1', 'TXA-17', 'DG1-3.1', 'EVN-1'],
  fhir: [
    'ServiceRequest.status', 'ServiceRequest.priority', 'Appointment.status', 'DocumentReference.status', 'DiagnosticReport.status', 'Task.status', 'Encounter.status', 'Patient.name.family', 'Patient.birthDate',
    'Appointment.start', 'DocumentReference.type.coding.code', 'DiagnosticReport.code.coding.code', 'Observation.code.coding.code', 'Condition.code.coding.code', 'ServiceRequest.code.coding.code', 'Coverage.status',
  ],
}

export async function deriveExpectations(result: Result): Promise<Derived> {
  const files: { destination: string; payload: Buffer }[] = []
  const expect: Record<string, unknown> = { acknowledgement: verdictOf(result), history: await history(result) }
  for (const { name } of result.loaded.definition.destinations) {
    const sent = await deliveriesTo(name, result)
    const format = formatOf(name, result)
    const each = sent.map((one): Exclude<ExpectedDelivery, readonly unknown[]> => {
      if (one.status !== 'sent') return one.status
      const values = telling(one, format)
      if (Object.keys(values).length > 0) return values
      files.push({ destination: name, payload: one.payload })
      return fileName(name, files.length)
    })
    expect[name] = each.length === 0 ? 'nothing' : each.length === 1 ? each[0] : each
  }
  return { expect, files }
}

/** The name that an expectation gives the n-th file; whoever writes the file puts the folder of the sample before it. */
const fileName = (destination: string, n: number): string => `${destination}-${n}.expected`

const telling = ({ payload }: Sent, format: MessageFormat): Record<string, ExpectedValue> => {
  const body = format.parse(payload)
  const values: Record<string, ExpectedValue> = {}
  for (const path of TELLING[format.name] ?? topLevel(payload)) {
    if (format.checkPath(path) !== null) continue
    const found = format.read(body, path)
    if (found.length === 0 || found.length > MOST_AT_A_PATH || found.some((value) => value === '')) continue
    values[path] = found.length === 1 ? (found[0] as string) : [...found]
    if (Object.keys(values).length === MOST_VALUES) break
  }
  return values
}

/** The names of a JSON object's own values. */
const topLevel = (payload: Buffer): readonly string[] => {
  try {
    const value: unknown = JSON.parse(payload.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value).filter(([, inner]) => typeof inner === 'string').map(([key]) => key) : []
  } catch {
    return []
  }
}

/** The last acknowledgement code that the sender got, or the verdict where the format has no codes; a list for several messages. */
const verdictOf = ({ replies }: Result): string | readonly string[] => {
  const said = replies.map((reply) => acknowledged(reply).split(' ')).map((words) => words.at(-2) ?? words.at(-1) ?? '')
  return said.length === 1 ? (said[0] ?? '') : said
}
