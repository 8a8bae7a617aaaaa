/** Lists of rows, CSV or of fixed width: each row is a message, checked as a profile says, and the rows that are refused are told in an error file. */
import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import { defineFormat } from '../../define.js'
import { MessageFault } from '../../errors.js'
import { decode, encode } from '../carried.js'
import { mask } from '../mask.js'
import { asBody, type Body, bodyOf, cellOf, checkRow, listOf, type Reading } from './body.js'
import { errorFile, refusalOf } from './errors.js'
import { readProfile } from './profile.js'
import { csvCell } from './rows.js'

const DEFAULTS = { delimiter: ',', size: 50_000_000, rows: 200_000 } as const
const PATH = /^[\p{L}\p{N}](?:[\p{L}\p{N} _/#()%&'-]|\.(?!\.)){0,99}$/u

export default defineFormat({
  name: 'table',
  summary: 'Lists, CSV or of fixed width: each row is a message. Columns are as a profile (mappings/payer/) has them; rows that it refuses come back as an error file with line, column and reason.',
  settings: Type.Object({
    with: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9/-]*$', description: 'The profile, a file of mappings/ without `.yaml`, such as `payer/example`. Without it any CSV is read, and its header names the columns.' })),
    delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 1, description: 'Without a profile: what stands between cells.', default: DEFAULTS.delimiter })),
    size: Type.Optional(Type.Integer({ default: DEFAULTS.size, minimum: 100, maximum: 500_000_000, description: 'The most bytes that a list may have.' })),
    rows: Type.Optional(Type.Integer({ default: DEFAULTS.rows, minimum: 1, maximum: 5_000_000, description: 'The most rows that a list may have.' })),
  }, { additionalProperties: false }),
  examples: [{}, { delimiter: ';', size: 1_000_000, rows: 5_000 }, { with: 'payer/example' }],
  create(settings, tools) {
    const profile = settings.with === undefined ? null : readProfile(settings.with, tools)
    const reading: Reading = { profile, delimiter: profile?.delimiter ?? settings.delimiter ?? DEFAULTS.delimiter, size: settings.size ?? DEFAULTS.size, rows: settings.rows ?? DEFAULTS.rows, headers: new Map() }
    const parse = (bytes: Buffer): Body => {
      const list = listOf(bytes, reading)
      const [row, ...more] = list.rows
      if (!row) throw new MessageFault({ kind: 'unreadable', reason: 'the list has no rows' })
      if (more.length > 0) throw new MessageFault({ kind: 'unreadable', reason: 'the list has several rows, to be separated first' })
      const body = bodyOf(list, row, reading)
      checkRow(body)
      return body
    }
    const checkPath = (path: string): string | null => (PATH.test(path) ? null : `"${path.slice(0, 100)}" is not the name of a column; write it as the profile or the header does, as in Member ID`)
    const at = (body: Body, path: string) => {
      const problem = checkPath(path)
      if (problem !== null) throw new MessageFault({ kind: 'internal', reason: problem })
      return cellOf(body, path)
    }
    const read = (body: unknown, path: string): readonly string[] => [decode(at(asBody(body), path)?.cell.text ?? '')].filter((value) => value !== '')
    return {
      name: 'table',
      readHeader(bytes) {
        const body = parse(bytes)
        const own = profile?.id?.map((name) => decode(cellOf(body, name)?.cell.text ?? '')).join(' ') ?? createHash('sha256').update(body.text.slice(body.row.from, body.row.to), 'latin1').digest('hex').slice(0, 32)
        return { controlId: own.trim().slice(0, 200) || null, type: profile?.type ?? 'row' }
      },
      parse,
      serialize: (body) => Buffer.from(asBody(body).text, 'latin1'),
      acknowledge: (bytes, moment, verdict, fault) => refusalOf(bytes, moment, verdict, fault, reading),
      separate(bytes) {
        const { text, headerRow, rows } = listOf(bytes, reading)
        const only = rows.length === 1 && rows[0]
        if (rows.length === 0 || only) return null
        const before = headerRow ? `${text.slice(0, headerRow.to)}\r\n` : ''
        return rows.map(({ from, to }) => Buffer.from(`${before}${text.slice(from, to)}\r\n`, 'latin1'))
      },
      assemble: (bytes, refusals) => errorFile(bytes, refusals, reading),
      checkPath,
      read,
      write: (body, path, value) => written(asBody(body), at(asBody(body), path), value, path),
      split: (body, by) => {
        if (by !== 'row') throw new MessageFault({ kind: 'internal', reason: `"${by.slice(0, 20)}" is no part of a row; a list is taken apart into rows as it arrives` })
        return [asBody(body)]
      },
      orderKeys: read,
      redact: (body) => asBody(body).columns.reduce((masked, { name }, index) => {
        const cell = masked.cells[index]
        return cell && cell.text !== '' ? written(masked, { cell, column: { name, known: null }, at: index }, mask(decode(cell.text)), name) : masked
      }, asBody(body)),
    }
  },
})

/** The body with a value in a cell; of fixed width it has to fit. */
const written = (body: Body, place: ReturnType<typeof cellOf>, value: string | null, path: string): Body => {
  if (!place) {
    if (value === null) return body
    throw new MessageFault({ kind: 'required', reason: 'the list has no such column', location: path })
  }
  const { cell, at } = place
  const plain = encode(value ?? '')
  const span = body.reading.profile?.layout === 'fixed' ? cell.to - cell.from : null
  if (span !== null && (plain.length > span || /[\r\n]/.test(plain))) throw new MessageFault({ kind: 'value', reason: `the value does not fit into ${span} characters`, location: path })
  const raw = span === null ? csvCell(plain, body.reading.delimiter) : plain.padEnd(span)
  const moved = raw.length - (cell.to - cell.from)
  const cells = body.cells.map((one, index) => (index === at ? { from: one.from, to: one.to + moved, text: plain } : one.from > cell.from ? { ...one, from: one.from + moved, to: one.to + moved } : one))
  return { ...body, text: body.text.slice(0, cell.from) + raw + body.text.slice(cell.to), row: { ...body.row, to: body.row.to + moved }, cells }
}
