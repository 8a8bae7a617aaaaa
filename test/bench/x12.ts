/** How many megabytes a second one core reads of X12 and of CSV: a file taken apart, each message checked, read, split and written. Run it with `node dist/test/bench/x12.js`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import table from '../../engine/formats/table/index.js'
import x12 from '../../engine/formats/x12/index.js'
import type { MessageFormat } from '../../engine/contracts.js'
import { tools } from '../engine/v2-to-fhir/kit.js'

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../../../fixtures', name), 'utf8')

/** One interchange of many transactions, each with its own number. */
const interchange = (count: number): Buffer => {
  const segments = fixture('x12/278-request.x12').trimEnd().split('\n')
  const sets = Array.from({ length: count }, (_, n) => segments.slice(2, -2).map((line) => line.replace(/^ST\*278\*0001/, `ST*278*${n + 1}`).replace(/^(SE\*\d+)\*0001/, `$1*${n + 1}`)))
  return Buffer.from([...segments.slice(0, 2), ...sets.flat(), `GE*${count}*101~`, segments.at(-1)].join('\n'))
}
const list = (count: number): Buffer => {
  const [header = '', row = ''] = fixture('table/list-row.csv').trimEnd().split('\r\n')
  return Buffer.from([header, ...Array.from({ length: count }, (_, n) => row.replace('GL-1001', `GL-${n}`))].join('\r\n'))
}

const through = (format: MessageFormat, bytes: Buffer, path: string, part: string): number => {
  let length = 0
  for (const one of format.separate(bytes) ?? [bytes]) {
    format.readHeader(one)
    for (const body of format.split(format.parse(one), part)) length += format.serialize(body).length + format.read(body, path).length
  }
  return length
}

process.stdout.write(`${'format'.padEnd(8)}${'MB'.padStart(6)}${'MB/s'.padStart(8)}${'messages/s'.padStart(12)}\n`)
for (const [name, format, bytes, path, part, count] of [
  ['x12', x12.create({}, tools), interchange(5000), 'NM1*IL-9', '2000F', 5000],
  ['table', table.create({ with: 'payer/example' }, tools), list(10_000), 'Member ID', 'row', 10_000],
] as const) {
  let best = Number.POSITIVE_INFINITY
  for (let stretch = 0; stretch < 5; stretch++) {
    const start = performance.now()
    through(format, bytes, path, part)
    best = Math.min(best, (performance.now() - start) / 1000)
  }
  process.stdout.write(`${name.padEnd(8)}${(bytes.length / 1e6).toFixed(1).padStart(6)}${(bytes.length / 1e6 / best).toFixed(1).padStart(8)}${(count / best).toFixed(0).padStart(12)}\n`)
}
